import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PipelineAccount } from '../../../src/delivery/ledger.ts';
import type { CounterSpec } from '../../../src/pipeline/plan.ts';

const specs: readonly CounterSpec[] = [
  { kind: 'dropped', component: 'filter', reason: 'condition' },
  { kind: 'metric', component: 'filter', metric: 'some_metric', help: 'Some', labels: {} },
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
  // Of an earlier process; of them 4 are held and 3 exported.
  b.recovered = 7;
  b.exported += 3;
  b.held = 9;
  b.fail('refused', 30);
  b.fail('refused', 5);
  b.fail('shutdown', 10);
  const common = { received: 108, absent: 0, dropped: 18, rejected: 8, remainder: 0 };
  assert.deepEqual(account.summary(a), { ...common, recovered: 0, exported: 40, failed: 2, held: 40 });
  assert.deepEqual(account.summary(b), { ...common, recovered: 7, exported: 13, failed: 47, held: 29 });
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

test('a branch that is there for a part of the time balances: what passed without it is absent', () => {
  const account = new PipelineAccount('traces', []);
  const [a, b] = [account.exporter('a'), () => account.exporter('b')];
  const pass = (spans: number, ...exporters: readonly string[]): void => {
    account.received += spans;
    account.passOn(spans, exporters);
    for (const id of exporters) account.exporter(id).exported += spans;
  };
  pass(10, 'a');
  b();
  pass(20, 'a', 'b');
  pass(40, 'b');
  assert.equal(account.exporter('a'), a);
  const shown = account.exporters.map((exporter) => {
    const { exported, absent, remainder } = account.summary(exporter);
    return [exporter.id, exported, absent, remainder];
  });
  assert.deepEqual(shown, [
    ['a', 30, 40, 0],
    ['b', 60, 10, 0],
  ]);
  const absent = [...account.rows()].filter(({ stage }) => stage === 'absent');
  assert.deepEqual(
    absent.map(({ component, spans }) => [component, spans]),
    [
      ['a', 40],
      ['b', 10],
    ],
  );
  account.exporter('never');
  assert.ok(![...account.rows()].some(({ component }) => component === 'never'), 'it got nothing and had nothing');
});

test('a stage that counts what an earlier one counted goes on with its numbers', () => {
  const account = new PipelineAccount('traces', ['a']);
  const first = account.stageCounters(specs);
  first[0] = 5;
  const again = account.stageCounters(structuredClone(specs));
  again[0] += 2;
  assert.deepEqual(
    [...account.counters()].map(({ value }) => value),
    [7, 0, 0],
  );
});

test('what a connector had nowhere to send is dropped at once, and balances before and after its batches are settled', () => {
  const account = new PipelineAccount('traces', ['routing']);
  const routing = account.exporter('routing');
  account.received = 10;
  routing.held = 10;
  const figures = (): readonly number[] => {
    const { held, exported, dropped, remainder } = account.summary(routing);
    return [held, exported, dropped, remainder];
  };
  routing.drop('no_route', 4);
  assert.deepEqual(figures(), [6, 0, 4, 0]);
  // Two batches of five: the first takes what was dropped of both.
  routing.exported += routing.settleHeld(5);
  assert.deepEqual(figures(), [5, 1, 4, 0]);
  routing.exported += routing.settleHeld(5);
  assert.deepEqual(figures(), [0, 6, 4, 0]);
  const rows = [...account.rows()].filter(({ stage }) => stage === 'dropped');
  assert.deepEqual(rows, [
    { pipeline: 'traces', stage: 'dropped', component: 'routing', reason: 'no_route', spans: 4 },
  ]);
});
