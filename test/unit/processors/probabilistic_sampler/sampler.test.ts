// What the recorded results of the Collector do not show: the counts, the configuration, and what is kept between spans.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { probabilisticSampler } from '../../../../src/processors/probabilistic_sampler/index.ts';
import { hashHigh, hashTraceId, seedState } from '../../../../src/processors/probabilistic_sampler/policy.ts';
import type { Span } from '../../../../src/wire/reference/messages.ts';
import { parseConfig, requestOf, spanOf, spansOf, stageOf } from '../attributes/run-chain.ts';
import { spansFor } from './inputs.ts';

const hexSpan = (number: number, traceId: string, fields: Partial<Span> = {}): Span =>
  spanOf(number, { traceId: Buffer.from(traceId, 'hex'), ...fields });
const low = '000000000000000000'; // the bytes of a trace id before the random ones
const priority = (intValue: bigint) => [{ key: 'sampling.priority', value: { intValue }, keyStrindex: 0 }];

test('each decision is counted once, with what it went by, and each drop with its reason', () => {
  const stage = stageOf([probabilisticSampler, { mode: 'proportional', sampling_percentage: 50 }]);
  const traceStates = spansOf(
    stage.run(
      requestOf([
        hexSpan(0, `${low}80000000000000`),
        hexSpan(1, `${low}7fffffffffffff`),
        hexSpan(2, `${low}f0000000000000`, { traceState: 'ot=th:8' }),
        hexSpan(3, `${low}f0000000000000`, { traceState: 'ot=rv:10000000000000' }),
        hexSpan(4, `${low}10000000000000`, { traceState: 'ot=th:8' }),
        hexSpan(5, ''),
        hexSpan(6, `${low}f0000000000000`, { traceState: 'ot=th:x' }),
        hexSpan(7, `${low}f0000000000000`, { attributes: priority(0n) }),
        hexSpan(8, `${low}10000000000000`, { attributes: priority(2n) }),
      ]),
    ),
  ).map((span) => span.traceState);
  assert.deepEqual(traceStates, ['ot=th:8', 'ot=th:c', 'ot=th:0']);
  assert.deepEqual(stage.counts(), {
    'metric trace_id_w3c true': 2,
    'metric trace_id_w3c false': 2,
    'metric sampling_randomness false': 1,
    'metric missing_randomness false': 2,
    'metric sampling_priority true': 1,
    'metric sampling_priority false': 1,
    'dropped not_sampled': 2,
    'dropped inconsistent_threshold': 1,
    'dropped missing_randomness': 1,
    'dropped malformed_tracestate': 1,
    'dropped sampling_priority': 1,
  });
  assert.deepEqual(
    stage.chain.takeWarnings().map(({ code, count }) => ({ code, count })),
    [{ code: 'TRACE_STATE', count: 1 }],
  );
});

test('what arrives is what is kept and what is dropped, in every mode', () => {
  const spans = spansFor(5, 500);
  for (const mode of ['hash_seed', 'proportional', 'equalizing']) {
    for (const fail_closed of [true, false]) {
      const stage = stageOf([probabilisticSampler, { mode, fail_closed, sampling_percentage: 40 }]);
      const kept = spansOf(stage.run(requestOf(spans))).length;
      const counts = Object.entries(stage.counts());
      const sum = (pattern: RegExp) =>
        counts.filter(([name]) => pattern.test(name)).reduce((n, [, count]) => n + count, 0);
      assert.equal(sum(/^dropped/), spans.length - kept);
      assert.equal(sum(/^metric .* true$/), kept);
      assert.equal(sum(/^metric .* false$/), spans.length - kept);
    }
  }
});

test('spans that share a tracestate are decided by their own trace ids', () => {
  const stage = stageOf([probabilisticSampler, { mode: 'equalizing', sampling_percentage: 25 }]);
  const states = ['ot=th:8,v=1', 'ot=th:8,v=1', 'ot=th:e;k:1', 'ot=th:e;k:1', 'ot=th:8,v=1', 'ot=th:8,v=2', ''];
  const spans = states.flatMap((traceState, i) => [
    hexSpan(2 * i, `${low}b0000000000000`, { traceState }),
    hexSpan(2 * i + 1, `${low}e0000000000000`, { traceState }),
  ]);
  assert.deepEqual(
    spansOf(stage.run(requestOf(spans))).map((span) => [span.spanId[7] - 1, span.traceState]),
    [
      [1, 'ot=th:c,v=1'],
      [3, 'ot=th:c,v=1'],
      [5, 'ot=th:e;k:1'],
      [7, 'ot=th:e;k:1'],
      [9, 'ot=th:c,v=1'],
      [11, 'ot=th:c,v=2'],
      [13, 'ot=th:c'],
    ],
  );
});

test('an arriving threshold is compared with the randomness to its last digit', () => {
  const stage = stageOf([probabilisticSampler, { mode: 'equalizing', sampling_percentage: 100 }]);
  const traceState = 'ot=th:80000000000002';
  const ids = ['80000000000001', '80000000000002', '80000000000003', '7fffffffffffff', '80000010000000'];
  const spans = ids.map((id, i) => hexSpan(i, low + id, { traceState }));
  const output = spansOf(stage.run(requestOf(spans)));
  assert.deepEqual(
    output.map((span) => [span.spanId[7] - 1, span.traceState]),
    [1, 2, 4].map((i) => [i, traceState]),
  );
  assert.equal(stage.counts()['dropped inconsistent_threshold'], 2);
});

test('a second sampler goes on from the threshold that the first has written', () => {
  const half = { mode: 'proportional', sampling_percentage: 50 };
  const stage = stageOf([probabilisticSampler, half], [probabilisticSampler, half]);
  const output = spansOf(
    stage.run(requestOf([hexSpan(0, `${low}b0000000000000`), hexSpan(1, `${low}c0000000000000`)])),
  );
  assert.deepEqual(
    output.map((span) => span.traceState),
    ['ot=th:c'],
  );
});

test('the hash is FNV-1a over the seed and the trace id', () => {
  // Published values: FNV-1a 32 of "foob", and of "foobar" by the steps that a trace id goes on with.
  assert.equal(seedState(Buffer.from('foob').readUInt32LE()) >>> 0, 0x3f5076ef);
  let hash = 0x811c9dc5n;
  const traceId = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
  for (const byte of [22, 0, 0, 0, ...traceId]) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn;
  assert.equal(BigInt(hashTraceId(seedState(22), traceId, 0) >>> 0), hash);
  assert.equal(hashHigh(Number(hash) | 0) >>> 14, 0x3fff - (Number(hash) & 0x3fff));
});

const refused: readonly (readonly [string, string])[] = [
  ['sampling_percentage: -1', 'sampling_percentage'],
  ['sampling_percentage: 1.0e-15', 'sampling_percentage'],
  ['sampling_percentage: 1.0e+39', 'sampling_percentage'],
  ['sampling_precision: 0', 'sampling_precision'],
  ['sampling_precision: 15', 'sampling_precision'],
  ['sampling_precision: -1', 'sampling_precision'],
  ['mode: random', 'mode'],
  ['hash_seed: -1', 'hash_seed'],
  ['hash_seed: 4294967296', 'hash_seed'],
  ['attribute_source: span', 'attribute_source'],
  ['percentage: 1', ''],
];
for (const [yaml, path] of refused) {
  test(`refused: ${yaml}`, () => {
    const result = probabilisticSampler.config.safeParse(parse(yaml));
    assert.deepEqual(
      result.error?.issues.map((issue) => issue.path.join('.')),
      [path],
    );
  });
}

test('the defaults are those of the Collector, the percentage a 32-bit float', () => {
  assert.deepEqual(probabilisticSampler.config.parse({ sampling_percentage: 99.999 }), {
    sampling_percentage: 99.9990005493164,
    mode: '',
    hash_seed: 0,
    fail_closed: true,
    sampling_precision: 4,
    attribute_source: 'traceID',
    from_attribute: '',
    sampling_priority: '',
  });
});

test('the examples are accepted', () => {
  for (const { title, yaml } of probabilisticSampler.examples) {
    assert.deepEqual(parseConfig(probabilisticSampler, parse(yaml)).issues, [], title);
  }
});
