// How long what is missing is waited for, over a sink that is a few numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GeneratorReport } from '../../../loadgen/generator/messages.ts';
import { settled } from '../../../loadgen/rest.ts';
import type { Rig, Sink } from '../../../loadgen/rig.ts';

const sent = { end: 10, unsure: [] } as unknown as GeneratorReport;

interface Look {
  readonly distinct: number;
  readonly requests: number;
  readonly lost: number;
  readonly rejectedBySink: number;
}

/** Each settlement sees the next look, the last one for ever. */
function rigOf(looks: readonly Look[]): { readonly rig: Rig; readonly settlements: () => number } {
  let settlements = 0;
  const look = () => looks[Math.min(settlements, looks.length - 1)];
  const sink = {
    tick: async () => look(),
    settle: async () => {
      const { lost, rejectedBySink } = look();
      settlements++;
      return { account: { lost, rejectedBySink } };
    },
  };
  return {
    rig: { generator: null, sink: sink as unknown as Sink, pid: null } as unknown as Rig,
    settlements: () => settlements,
  };
}

const longMs = 60_000;
const all: Look = { distinct: 10, requests: 1, lost: 0, rejectedBySink: 0 };

test('where all has arrived nothing is waited for', async () => {
  const { rig, settlements } = rigOf([all]);
  await settled(rig, sent, longMs);
  assert.equal(settlements(), 1);
});

test('what the sink refused for good may come again, in parts: for as long as requests come, and a little longer', async () => {
  const refused: Look = { distinct: 6, requests: 1, lost: 0, rejectedBySink: 4 };
  const { rig } = rigOf([
    refused,
    { ...refused, requests: 2 },
    { ...refused, requests: 3, distinct: 8, rejectedBySink: 2 },
    { ...refused, requests: 5, distinct: 9, rejectedBySink: 1 },
  ]);
  const began = performance.now();
  const report = await settled(rig, sent, longMs);
  assert.equal(report?.account.rejectedBySink, 1);
  const tookMs = performance.now() - began;
  assert.ok(tookMs >= 1000 && tookMs < 20_000, `${tookMs} ms`);
});

test('what is refused for good again and again is not waited for longer than anything else', async () => {
  let requests = 0;
  const { rig } = rigOf([{ distinct: 6, requests: 1, lost: 0, rejectedBySink: 4 }]);
  const tick = rig.sink?.tick;
  assert.ok(rig.sink !== null && tick !== undefined);
  const restless = { ...rig, sink: { ...rig.sink, tick: async () => ({ ...(await tick()), requests: requests++ }) } };
  const began = performance.now();
  await settled(restless, sent, 300);
  const tookMs = performance.now() - began;
  assert.ok(tookMs >= 300 && tookMs < 10_000, `${tookMs} ms`);
});

test('an interrupted run waits for none of it', async () => {
  const { rig, settlements } = rigOf([{ distinct: 6, requests: 1, lost: 0, rejectedBySink: 4 }]);
  await settled(rig, sent, longMs, AbortSignal.abort());
  assert.equal(settlements(), 1);
});
