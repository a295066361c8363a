// Workers that die or run away: their requests run again, one that does it twice is set aside, and nobody else notices.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { attributes } from '../../../src/processors/attributes/index.ts';
import { batch } from '../../../src/processors/batch/index.ts';
import { filter } from '../../../src/processors/filter/index.ts';
import { createSpanSource } from '../../e2e/support/spans.ts';
import { type Misbehaviour, misbehaving, misbehaviourKey } from './misbehaving.ts';
import { startRuntime } from './runtime-bench.ts';

const source = createSpanSource();
const bad = (how: Misbehaviour, spans = 1) => source.request(spans, { attributes: { [misbehaviourKey]: how } });

/** A file that is not there; gone after the test. */
function markerFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanmill-worker-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'marker');
}

for (const workers of [1, 2]) {
  test(`a job of many requests whose worker dies runs again and loses nothing (${workers} workers)`, async (t) => {
    const steps = [{ definition: misbehaving }, { definition: batch, config: { timeout: '5ms' } }];
    const bench = await startRuntime(t, { steps, workers });
    const requests = Array.from({ length: 40 }, (_, i) =>
      i === 20 ? bad(`exit once ${markerFile(t)}`) : source.request(5),
    );
    const outcomes = await Promise.all(requests.map(({ message }) => bench.send(message)));
    assert.ok(outcomes.every(({ kind }) => kind === 'accepted'));
    assert.match(bench.log.join(''), /a worker died; its requests run again/);
    assert.deepEqual(bench.aside, []);
    const spans = 39 * 5 + 1;
    assert.deepEqual(await bench.settle(), { received: spans, exported: spans, dropped: 0, failed: 0, rejected: 0 });
    assert.deepEqual(bench.exportedIds().sort(), requests.flatMap(({ ids }) => ids).sort());
  });
}

test('a request that was alone in its job when the worker died runs again: it may not have been its fault', async (t) => {
  const bench = await startRuntime(t, { steps: [{ definition: misbehaving }], workers: 1 });
  const request = bad(`exit once ${markerFile(t)}`, 3);
  assert.equal((await bench.send(request.message)).kind, 'accepted');
  assert.match(bench.log.join(''), /a worker died; its requests run again/);
  assert.deepEqual(bench.aside, []);
  assert.deepEqual(await bench.settle(), { received: 3, exported: 3, dropped: 0, failed: 0, rejected: 0 });
  assert.deepEqual(bench.exportedIds(), request.ids);
});

test('one worker runs jobs with the metadata of clients and, in the next stage, jobs without', async (t) => {
  const bench = await startRuntime(t, {
    steps: [
      {
        definition: attributes,
        config: { actions: [{ key: 'org', from_context: 'metadata.x-org', action: 'insert' }] },
      },
      { definition: batch, config: { timeout: '1ms', send_batch_size: 10 } },
      { definition: filter, config: { traces: { span: ['attributes["org"] == nil'] } } },
    ],
    workers: 1,
  });
  const sent: string[] = [];
  for (let round = 0; round < 20; round++) {
    const requests = Array.from({ length: 20 }, () => source.request(3));
    const outcomes = requests.map(({ message }, i) => bench.send(message, { 'x-org': `org ${i}` }));
    for (const { kind } of await Promise.all(outcomes)) assert.equal(kind, 'accepted');
    sent.push(...requests.flatMap(({ ids }) => ids));
  }
  const { received, exported, dropped } = await bench.settle();
  assert.deepEqual({ received, exported, dropped }, { received: sent.length, exported: sent.length, dropped: 0 });
  assert.deepEqual(bench.exportedIds().sort(), sent.sort());
});

for (const how of ['exit', 'memory', 'overflow'] as const) {
  test(`a request that kills every worker (${how}) is set aside or refused, its client told, its neighbours go on`, async (t) => {
    const bench = await startRuntime(t, { steps: [{ definition: misbehaving }], workers: 2 });
    const killer = bad(how);
    const before = Array.from({ length: 10 }, () => source.request(3));
    const after = Array.from({ length: 10 }, () => source.request(3));
    const neighbours = before.map(({ message }) => bench.send(message));
    const killed = bench.send(killer.message);
    neighbours.push(...after.map(({ message }) => bench.send(message)));
    const outcome = await killed;
    assert.ok(outcome.kind === 'failed', outcome.kind);
    assert.ok((await Promise.all(neighbours)).every(({ kind }) => kind === 'accepted'));
    if (how === 'overflow') assert.deepEqual(bench.aside, [], 'too deep a recursion is an error like any other');
    else {
      assert.match(outcome.message, /made a worker fail twice and was set aside/);
      assert.deepEqual(
        bench.aside.map(({ component }) => component),
        ['misbehaving/0'],
      );
      assert.ok(bench.aside[0].bytes.equals(killer.message));
    }
    const { received, exported } = await bench.settle();
    assert.equal(exported, 60);
    assert.equal(received, how === 'overflow' ? 61 : 60);
    assert.deepEqual(bench.exportedIds().sort(), [...before, ...after].flatMap(({ ids }) => ids).sort());
  });
}

test('several killers among good requests are each set aside, whatever jobs they were in', async (t) => {
  const bench = await startRuntime(t, {
    steps: [{ definition: misbehaving }, { definition: batch, config: { timeout: '1ms' } }],
    workers: 2,
  });
  const killers = Array.from({ length: 4 }, () => bad('exit'));
  const good = Array.from({ length: 40 }, () => source.request(2));
  const sends = good.map(({ message }, i) => {
    if (i % 10 === 5) void bench.send(killers[(i - 5) / 10].message);
    return bench.send(message);
  });
  assert.ok((await Promise.all(sends)).every(({ kind }) => kind === 'accepted'));
  const { exported } = await bench.settle();
  assert.equal(exported, 80);
  assert.deepEqual(
    bench.aside.map(({ bytes }) => bytes.toString('hex')).sort(),
    killers.map(({ message }) => message.toString('hex')).sort(),
  );
});

test('a hook that throws refuses its own request alone, and counts it as rejected', async (t) => {
  const bench = await startRuntime(t, { steps: [{ definition: misbehaving }] });
  const good = [source.request(4), source.request(4)];
  const [first, thrown, second] = await Promise.all([
    bench.send(good[0].message),
    bench.send(bad('throw', 3).message),
    bench.send(good[1].message),
  ]);
  assert.deepEqual([first.kind, thrown.kind, second.kind], ['accepted', 'failed', 'accepted']);
  assert.ok(thrown.kind === 'failed' && /told to throw/.test(thrown.message));
  assert.deepEqual(await bench.settle(), { received: 11, exported: 8, dropped: 0, failed: 0, rejected: 3 });
});

test('a worker that runs away is replaced, its request set aside, and the others go on', async (t) => {
  const bench = await startRuntime(t, { steps: [{ definition: misbehaving }], workers: 1, jobLimitMs: 1000 });
  const good = Array.from({ length: 10 }, () => source.request(2));
  const sends = good.slice(0, 5).map(({ message }) => bench.send(message));
  const loop = bad('loop');
  const runaway = bench.send(loop.message);
  sends.push(...good.slice(5).map(({ message }) => bench.send(message)));
  assert.ok((await Promise.all(sends)).every(({ kind }) => kind === 'accepted'));
  const outcome = await runaway;
  assert.equal(outcome.kind, 'failed');
  assert.match(bench.log.join(''), /a job ran too long: its worker is replaced/);
  assert.deepEqual(
    bench.aside.map(({ bytes }) => bytes.equals(loop.message)),
    [true],
  );
  assert.deepEqual(await bench.settle(), { received: 20, exported: 20, dropped: 0, failed: 0, rejected: 0 });
});

test('a worker that dies between two jobs is replaced for the next', async (t) => {
  const bench = await startRuntime(t, { steps: [{ definition: misbehaving }], workers: 1 });
  for (let i = 0; i < 4; i++) {
    assert.equal((await bench.send(bad('die later').message)).kind, 'accepted');
    const { kind } = await bench.send(source.request(5).message);
    assert.equal(kind, 'accepted');
  }
  assert.deepEqual(await bench.settle(), { received: 24, exported: 24, dropped: 0, failed: 0, rejected: 0 });
});

test('jobs with client metadata and jobs without take turns on one worker', async (t) => {
  const bench = await startRuntime(t, {
    steps: [
      { definition: misbehaving },
      { definition: batch, config: { timeout: '0s', metadata_keys: ['tenant'] } },
      { definition: misbehaving },
    ],
    workers: 1,
  });
  const requests = Array.from({ length: 20 }, () => source.request(2));
  for (const [i, { message }] of requests.entries()) {
    assert.equal((await bench.send(message, { tenant: `t${i % 3}` })).kind, 'accepted');
  }
  assert.equal((await bench.send(bad('throw').message, { tenant: 't1' })).kind, 'failed');
  assert.equal((await bench.settle()).exported, 40);
  assert.deepEqual(bench.exportedIds().sort(), requests.flatMap(({ ids }) => ids).sort());
});

test('what a stage behind a batch cannot do is failed, not lost: its spans are in the account', async (t) => {
  const bench = await startRuntime(t, {
    steps: [{ definition: batch, config: { timeout: '0s' } }, { definition: misbehaving }],
    workers: 2,
  });
  const good = source.request(6);
  for (const request of [bad('exit', 3), bad('throw', 4), good]) {
    assert.equal((await bench.send(request.message)).kind, 'accepted');
  }
  assert.deepEqual(await bench.settle(), { received: 13, exported: 6, dropped: 0, failed: 7, rejected: 0 });
  assert.deepEqual(bench.exportedIds(), good.ids);
  assert.deepEqual([...bench.runtime.accounts[0].failedInside.keys()].sort(), ['failed', 'killed']);
});
