// The sampler's oracle against the processor, which is compared with recorded decisions of the Collector elsewhere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { traceIdHex } from '../../../../loadgen/corpus/identity.ts';
import { decisionFor, isKept, type Priority, type SamplingOptions } from '../../../../loadgen/sink/sampling.ts';
import { probabilisticSampler } from '../../../../src/processors/probabilistic_sampler/index.ts';
import type { KeyValue, Span } from '../../../../src/wire/reference/messages.ts';
import { numberOf, requestOf, spanOf, spansOf, stageOf } from '../../processors/attributes/run-chain.ts';

const run = 0xabcd;
const seed = 77;
const traceNumbers = [
  ...Array.from({ length: 4500 }, (_, i) => i),
  ...Array.from({ length: 1000 }, (_, i) => 2 ** 32 - 500 + i),
  ...Array.from({ length: 500 }, (_, i) => 2 ** 48 - 1 - i * 2 ** 30),
];

interface Kind {
  readonly traceState: string;
  readonly priority: Priority;
}

/** As Go's strconv.ParseFloat takes them, and not. */
const priorityTexts = [
  ...['0', '1', '2.5', '-1', 'high', '', '+5', ' 1', '1.', '.5', '.', '-0', '0.0', '1e0', '1E-3', '1e', 'e1'],
  ...['1e400', '-1e400', '1e-400', '1e308', 'Inf', 'inf', '+inf', '-Inf', 'infinity', 'infinit', 'NaN', 'nan', '-nan'],
  ...['1_0', '1__0', '_1', '1_', '1_.5', '1._5', '0_0', '1e1_0', '1e_1'],
  ...['0x10', '0x1p0', '0X1P-2', '0x.8p1', '0x1.8p1', '0x1.p1', '0xp1', '0x.p1', '0x0p5', '-0x1p0', '+0x1p0', '0x_1p0'],
  ...['0x1_0p0', '0x1_p0', '0x1p1024', '0x1p1023', '0x1p-1074', '0x1p-1080', '0x0.0p-9', '0b1', '1p3'],
];

const kinds: readonly Kind[] = [
  ...Array<Kind>(12).fill({ traceState: '', priority: null }),
  ...[
    'vendor=1',
    'ot=th:8',
    'ot=th:c;x:1,vendor=1',
    'ot=th:0',
    'ot=th:fffff',
    'ot=th:ffffffffffffff',
    'ot=rv:80000000000000',
    'ot=rv:ffffffffffffff',
    'ot=rv:00000000000000',
    'vendor=1, ot=rv:7fffffffffffff;th:4',
    'ot=rv:10000000000000;th:8',
    'ot=a:b',
    'ot=th:',
    'ot=th:x',
    'ot=rv:12',
    'ot=TH:4',
    'UPPER=1',
    'novalue',
    '1a=b',
    '1a@sys=b',
    'a@1sys=b',
    'e=',
    'f=a=b',
    'g=\u00fc',
    'trailing=blank ',
    ',,',
    'ot=th:8,ot=th:c',
    'ot=rv:80000000000000,ot=th:4',
    'ot=th:x,ot=th:4',
    'ot=th:4;th:8',
    'ot=th:4;',
    `ot=x:${'y'.repeat(254)}`,
    `ot=x:${'y'.repeat(255)}`,
    `${'k'.repeat(256)}=v`,
    `${'k'.repeat(257)}=v`,
    `${'t'.repeat(241)}@s=v`,
    `${'t'.repeat(242)}@s=v`,
    `t@${'s'.repeat(14)}=v`,
    `t@${'s'.repeat(15)}=v`,
    `v=${'v'.repeat(256)}`,
    `v=${'v'.repeat(257)}`,
    'many=1,'.repeat(31),
    'many=1,'.repeat(32),
    `${'many=1,'.repeat(31)}last=1`,
    `${'k=v,'.repeat(30)}${'l'.repeat(200)}=${'v'.repeat(256)}`,
    [...Array(5).keys()].map((n) => `k${n}=${'v'.repeat(200)}`).join(','),
  ].map((traceState) => ({ traceState, priority: null })),
  ...[0, 1, 0n, 5n, -1n, 0.5, -0.5, Number.NaN, Number.POSITIVE_INFINITY].map((priority) => ({
    traceState: '',
    priority,
  })),
  ...priorityTexts.map((priority) => ({ traceState: '', priority })),
  { traceState: 'ot=th:x', priority: 1n },
];

function attributesOf(priority: Priority): KeyValue[] {
  if (priority === null) return [];
  const value =
    typeof priority === 'string'
      ? { stringValue: priority }
      : typeof priority === 'bigint'
        ? { intValue: priority }
        : { doubleValue: priority };
  return [{ key: 'sampling.priority', value, keyStrindex: 0 }];
}

const spans: readonly Span[] = traceNumbers.map((number, i) => {
  const { traceState, priority } = kinds[(i * 7) % kinds.length];
  const traceId = Buffer.from(traceIdHex(run, seed, number), 'hex');
  return spanOf(i, { traceId, traceState, attributes: attributesOf(priority) });
});

function keptByOracle(options: SamplingOptions): number[] {
  const decisions = kinds.map(({ traceState, priority }) => decisionFor(options, traceState, priority));
  const kept: number[] = [];
  for (const [i, number] of traceNumbers.entries()) {
    if (isKept(decisions[(i * 7) % kinds.length], run, seed, number)) kept.push(i);
  }
  return kept;
}

const percentages = [
  0, 1e-9, 0.005, 0.01, 0.1, 1, 3.7, 10, 25, 33.333, 50, 66.6, 75, 90, 99, 99.99, 99.999999, 100, 250,
];

for (const mode of ['hash_seed', 'proportional', 'equalizing'] as const) {
  test(`the same traces are kept as the sampler keeps: ${mode}`, () => {
    let kept = 0;
    for (const [i, percentage] of percentages.entries()) {
      const hashSeed = [0, 22, 2 ** 32 - 1][i % 3];
      for (const precision of mode === 'hash_seed' ? [4] : [1, 4, 9, 14]) {
        const stage = stageOf([
          probabilisticSampler,
          { mode, sampling_percentage: percentage, hash_seed: hashSeed, sampling_precision: precision },
        ]);
        const found = spansOf(stage.run(requestOf([...spans]))).map(numberOf);
        const expected = keptByOracle({ percentage, mode, hashSeed, precision });
        assert.deepEqual(found, expected, `${percentage} % with ${precision} digits`);
        kept += found.length;
      }
    }
    assert.ok(kept > 10_000);
  });
}

test('a share of all traces is kept, as large as it should be', () => {
  for (const mode of ['hash_seed', 'proportional', 'equalizing'] as const) {
    const decision = decisionFor({ percentage: 10, mode, hashSeed: 22, precision: 4 }, '', null);
    let kept = 0;
    for (let number = 0; number < 100_000; number++) if (isKept(decision, run, seed, number)) kept++;
    assert.ok(Math.abs(kept - 10_000) < 400, `${mode}: ${kept}`);
  }
});
