// A pipeline behind another one, in this process: workers that die, requests that are refused, memory that is short.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PipelineAccount } from '../../../src/delivery/ledger.ts';
import { batch } from '../../../src/processors/batch/index.ts';
import { filter } from '../../../src/processors/filter/index.ts';
import { createSpanSource, idsOf } from '../../e2e/support/spans.ts';
import { misbehaving, misbehaviourKey } from './misbehaving.ts';
import { type RuntimeBench, startRuntime } from './runtime-bench.ts';

const source = createSpanSource();

function figures(bench: RuntimeBench, pipeline: string) {
  const account = bench.runtime.accounts.find(({ id }) => id === pipeline) as PipelineAccount;
  const [exporter] = account.exporters;
  const { received, exported, dropped, failed, rejected, held, remainder } = account.summary(exporter);
  assert.deepEqual([held, remainder], [0, 0]);
  return { received, exported, dropped, rejected, failed, reasons: [...exporter.failed.keys()] };
}

const clean = { dropped: 0, rejected: 0, failed: 0, reasons: [] };

test('a worker that dies of a pipeline behind loses nothing, and what kills every worker is set aside alone', async (t) => {
  const bench = await startRuntime(t, { steps: [], behind: [{ definition: misbehaving }], workers: 2 });
  const killer = source.request(1, { attributes: { [misbehaviourKey]: 'exit' } });
  const good = Array.from({ length: 30 }, () => source.request(3));
  const outcomes = good.slice(0, 15).map(({ message }) => bench.send(message));
  const killed = bench.send(killer.message);
  outcomes.push(...good.slice(15).map(({ message }) => bench.send(message)));
  const outcome = await killed;
  assert.ok(outcome.kind === 'failed', outcome.kind);
  assert.match(outcome.message, /made a worker fail twice and was set aside/);
  for (const { kind } of await Promise.all(outcomes)) assert.equal(kind, 'accepted');
  await bench.settle();
  assert.equal(bench.aside.length, 1);
  assert.deepEqual(idsOf(bench.aside[0].bytes), killer.ids);
  assert.deepEqual(bench.exportedIds().sort(), good.flatMap(({ ids }) => ids).sort());
  assert.deepEqual(figures(bench, 'traces'), { ...clean, received: 91, exported: 90, failed: 1, reasons: ['killed'] });
  assert.deepEqual(figures(bench, 'traces/behind'), { ...clean, received: 90, exported: 90 });
});

test('what a pipeline behind drops is its own account, and a request of which nothing is left is taken all the same', async (t) => {
  const drop = { definition: filter, config: { traces: { span: ['attributes["drop"] == "yes"'] } } };
  const bench = await startRuntime(t, { steps: [], behind: [drop, { definition: batch, config: { timeout: '1ms' } }] });
  const kept = Array.from({ length: 10 }, () => source.request(2));
  const gone = Array.from({ length: 10 }, () => source.request(2, { attributes: { drop: 'yes' } }));
  const outcomes = await Promise.all([...kept, ...gone].map(({ message }) => bench.send(message)));
  for (const { kind } of outcomes) assert.equal(kind, 'accepted');
  await bench.settle();
  assert.deepEqual(bench.exportedIds().sort(), kept.flatMap(({ ids }) => ids).sort());
  assert.deepEqual(figures(bench, 'traces'), { ...clean, received: 40, exported: 40 });
  assert.deepEqual(figures(bench, 'traces/behind'), { ...clean, received: 40, exported: 20, dropped: 20 });
});

test('with as little memory as there can be, what is taken passes through both', async (t) => {
  const steps = [{ definition: batch, config: { timeout: '5ms', send_batch_size: 100 } }];
  const bench = await startRuntime(t, { steps, behind: steps, budgetBytes: 2 << 20, workers: 2 });
  const taken: string[] = [];
  let refused = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let i = 0; i < 40; i++) {
        const { message, ids } = source.request(20, { padding: 2000 });
        const { kind } = await bench.send(message);
        if (kind === 'accepted') taken.push(...ids);
        else {
          assert.equal(kind, 'overloaded');
          refused++;
        }
      }
    }),
  );
  await bench.settle();
  assert.ok(taken.length > 0, `${refused} requests were refused`);
  assert.deepEqual(bench.exportedIds().sort(), taken.sort());
  assert.deepEqual(figures(bench, 'traces'), { ...clean, received: taken.length, exported: taken.length });
  assert.ok(bench.runtime.arena.used <= 2 << 20);
});

test('a reload takes the second pipeline away and puts it back while batches wait in both', async (t) => {
  const steps = [{ definition: batch, config: { timeout: '1h', send_batch_size: 1_000_000 } }];
  const behind = [{ definition: batch, config: { timeout: '1h', send_batch_size: 1_000_000 } }];
  const bench = await startRuntime(t, { steps, behind });
  const sent: string[] = [];
  const send = async (): Promise<void> => {
    const { message, ids } = source.request(5);
    assert.equal((await bench.send(message)).kind, 'accepted');
    sent.push(...ids);
  };
  await send();
  await bench.reload({ steps });
  await send();
  await bench.reload({ steps, behind });
  await send();
  await bench.reload({ steps: [], behind: [] });
  await send();
  await bench.settle();
  assert.deepEqual(bench.exportedIds().sort(), sent.sort());
});
