import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PipelineAccount } from '../../../src/delivery/ledger.ts';
import type { CounterSpec } from '../../../src/pipeline/plan.ts';

const specs: readonly CounterSpec[] = [
  { kind: 'dropped', component: 'filter', reason: 'condition' },
  { kind: 'metric', component: 'filter', metric: 'some_metric', labels: {} },
  { kind: 'dropped', component: 'sampler', reason: 'not_sampled' },
];

test('every way that a span can go is in the summary, for each exporter on its own', () => {
  const account = new PipelineAccount('traces', ['a', 'b']);
  const counts = account.stageCounters(specs);
  const later = account.stageCounters([specs[2]]);
  account.received += 100;
  account.reject('failed', 7);
  account.reject('failed', 1);
  counts.set([10, 999, 5]);
  later.set([3]);
  account.failInside('killed', 2);
  account.heldInside = () => 20;
  const [a, b] = account.exporters;
  a.exported = 40;
  a.held = 20;
  b.exported = 10;
  b.held = 5;
  b.fail('refused', 30);
  b.fail('refused', 5);
  b.fail('shutdown', 10);
  const common = { received: 108, dropped: 18, rejected: 8 };
  assert.deepEqual(account.summary(a), { ...common, exported: 40, failed: 2, held: 40, remainder: 0 });
  assert.deepEqual(account.summary(b), { ...common, exported: 10, failed: 47, held: 25, remainder: 0 });
});

test('a span that went nowhere is the remainder, and so is one that was counted twice', () => {
  const account = new PipelineAccount('traces', ['a']);
  account.received = 10;
  account.exporters[0].exported = 9;
  assert.equal(account.summary(account.exporters[0]).remainder, 1);
  account.exporters[0].exported = 12;
  assert.equal(account.summary(account.exporters[0]).remainder, -2);
});

test('the rows that the metrics show add up to what the summary says', () => {
  const number = fc.nat(1_000_000);
  const property = fc.property(fc.array(number, { minLength: 9, maxLength: 9 }), (n) => {
    const account = new PipelineAccount('traces', ['a', 'b']);
    account.received = n[0];
    account.stageCounters(specs).set([n[1], n[2], n[3]]);
    account.reject('failed', n[4]);
    account.failInside('killed', n[5]);
    account.heldInside = () => n[6];
    for (const exporter of account.exporters) {
      exporter.exported = n[7];
      exporter.held = n[8];
      exporter.fail('refused', n[1]);
    }
    const rows = [...account.rows()];
    for (const exporter of account.exporters) {
      const summary = account.summary(exporter);
      const sum = (stage: string): number =>
        rows
          .filter(
            (row) => row.stage === stage && (row.component === exporter.id || !['a', 'b'].includes(row.component)),
          )
          .reduce((total, row) => total + row.spans, 0);
      for (const stage of ['received', 'exported', 'dropped', 'rejected', 'failed', 'held'] as const) {
        assert.equal(sum(stage), summary[stage], stage);
      }
    }
  });
  fc.assert(property);
});
