// Traces held in a runtime of its own, with real workers: deaths, reloads, drains and a full memory.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { attributes } from '../../../../src/processors/attributes/index.ts';
import { batch } from '../../../../src/processors/batch/index.ts';
import { groupbytrace } from '../../../../src/processors/groupbytrace/index.ts';
import { createSpanSource, idsOf, type SpanRequest } from '../../../e2e/support/spans.ts';
import { misbehaving, misbehaviourKey } from '../misbehaving.ts';
import { type BenchStep, startRuntime } from '../runtime-bench.ts';

const traces = 25;
const trace = (span: number): number => span % traces;
const forEver: BenchStep = { definition: groupbytrace, config: { wait_duration: '1h' } };

function markerFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanmill-held-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'marker');
}

const sorted = (requests: readonly SpanRequest[]): string[] => requests.flatMap(({ ids }) => ids).sort();
const traceOf = (id: string): number => trace(Number.parseInt(id, 16));

/** Every trace stands in one message, its spans one behind the other. */
function assertWhole(messages: readonly Buffer[]): void {
  const seen = new Set<number>();
  for (const message of messages) {
    let last = -1;
    for (const id of idsOf(message)) {
      const now = traceOf(id);
      assert.ok(now === last || !seen.has(now), `trace ${now} comes in two parts`);
      seen.add(now);
      last = now;
    }
  }
  assert.equal(seen.size, traces);
}

for (const behind of [[], [{ definition: batch, config: { timeout: '5ms' } }]] as BenchStep[][]) {
  test(`a drain sends all that is held, trace by trace (${behind.length} processors behind)`, async (t) => {
    const source = createSpanSource();
    const bench = await startRuntime(t, { steps: [forEver, ...behind], workers: 2 });
    const requests = Array.from({ length: 60 }, () => source.request(17, { trace }));
    const outcomes = await Promise.all(requests.map(({ message }) => bench.send(message)));
    assert.ok(outcomes.every(({ kind }) => kind === 'accepted'));
    assert.equal(bench.exported.length, 0);
    const [account] = bench.runtime.accounts;
    assert.equal(account.summary(account.exporters[0]).held, 60 * 17);
    const { received, exported } = await bench.settle();
    assert.deepEqual([received, exported], [60 * 17, 60 * 17]);
    assert.deepEqual(bench.exportedIds().sort(), sorted(requests));
    assertWhole(bench.exported);
  });
}

test('a worker that dies while it takes spans in, and one that dies while it writes what was held, lose nothing', async (t) => {
  const source = createSpanSource();
  for (const steps of [
    [{ definition: misbehaving }, forEver],
    [forEver, { definition: misbehaving }],
  ]) {
    const bench = await startRuntime(t, { steps, workers: 2 });
    const bad = source.request(3, { trace, attributes: { [misbehaviourKey]: `exit once ${markerFile(t)}` } });
    const requests = [...Array.from({ length: 30 }, () => source.request(10, { trace })), bad];
    const outcomes = await Promise.all(requests.map(({ message }) => bench.send(message)));
    assert.ok(outcomes.every(({ kind }) => kind === 'accepted'));
    assert.deepEqual(await bench.settle(), { received: 303, exported: 303, dropped: 0, failed: 0, rejected: 0 });
    assert.match(bench.log.join(''), /a worker died; its requests run again/);
    assert.deepEqual(bench.exportedIds().sort(), sorted(requests));
    assertWhole(bench.exported);
  }
});

test('a held trace that kills every worker is set aside as a request, and counted; those beside it go on', async (t) => {
  const source = createSpanSource();
  const bench = await startRuntime(t, { steps: [forEver, { definition: misbehaving }], workers: 1 });
  const others = source.request(10, { trace });
  assert.equal((await bench.send(others.message)).kind, 'accepted');
  const killer = source.request(4, { trace: () => traces, attributes: { [misbehaviourKey]: 'exit' } });
  assert.equal((await bench.send(killer.message)).kind, 'accepted');
  assert.deepEqual(await bench.settle(), { received: 14, exported: 10, dropped: 0, failed: 4, rejected: 0 });
  assert.deepEqual(bench.exportedIds().sort(), [...others.ids].sort());
  assert.equal(bench.aside.length, 1);
  assert.deepEqual(idsOf(bench.aside[0].bytes).sort(), [...killer.ids].sort());
});

test('a reload that changes processors sends what was held the way it came in; one that does not goes on holding', async (t) => {
  const source = createSpanSource();
  const bench = await startRuntime(t, { steps: [forEver] });
  const first = Array.from({ length: 10 }, () => source.request(10, { trace }));
  for (const { message } of first) await bench.send(message);
  await bench.reload({ steps: [forEver], exporters: ['list', 'other'] });
  assert.equal(bench.exported.length, 0, 'it goes on holding for other exporters');
  const marked: BenchStep = {
    definition: attributes,
    config: { actions: [{ key: 'late', value: true, action: 'insert' }] },
  };
  await bench.reload({ steps: [forEver, marked], exporters: ['list', 'other'] });
  const second = Array.from({ length: 10 }, () => source.request(10, { trace }));
  for (const { message } of second) await bench.send(message);
  const { received, exported } = await bench.settle();
  assert.deepEqual([received, exported], [200, 200]);
  assert.deepEqual(bench.exportedBy.get('list {}')?.toSorted(), sorted([...first, ...second]));
  assert.deepEqual(bench.exportedBy.get('other {}')?.toSorted(), sorted([...first, ...second]));
  const late = bench.exported.filter((message) => message.includes('late')).flatMap(idsOf);
  assert.deepEqual([...new Set(late)].sort(), sorted(second));
});

test('while the memory is full the oldest traces go on early, clients wait or come again, and the account balances', async (t) => {
  const source = createSpanSource();
  const bench = await startRuntime(t, {
    steps: [forEver, { definition: batch, config: { timeout: '5ms' } }],
    workers: 2,
    budgetBytes: 8 << 20,
  });
  const accepted: SpanRequest[] = [];
  let highest = 0;
  const client = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) {
      const request = source.request(100, { padding: 300, trace: (span) => span % 5000 });
      const { kind } = await bench.send(request.message);
      assert.ok(kind === 'accepted' || kind === 'overloaded', kind);
      if (kind === 'accepted') accepted.push(request);
      highest = Math.max(highest, bench.runtime.arena.used);
    }
  };
  await Promise.all(Array.from({ length: 8 }, client));
  const [{ stats, traces: held }] = bench.runtime.traceStats();
  assert.ok(held > 500 && stats.evicted > 1000, `${held} held, ${stats.evicted} early`);
  assert.ok(highest <= 8 << 20, `${highest} bytes`);
  assert.ok(accepted.length > 400, `${accepted.length} of 800 accepted`);
  const { received, exported } = await bench.settle();
  assert.deepEqual([received, exported], [accepted.length * 100, accepted.length * 100]);
  assert.deepEqual(bench.exportedIds().sort(), sorted(accepted));
  assert.match(bench.log.join(''), /traces go on before their wait is over: the memory is full/);
});
