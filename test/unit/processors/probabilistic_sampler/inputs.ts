// Spans for comparing the sampler with the Collector: trace ids, tracestates and priorities, good and bad, crossed at random.
import type { AnyValue, Span } from '../../../../src/wire/reference/messages.ts';
import { type Random, seededRandom } from '../../../wire/arbitraries.ts';
import { spanOf } from '../attributes/run-chain.ts';

const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)];
const hex = (random: Random, n: number): string =>
  Array.from({ length: n }, () => Math.floor(random() * 16).toString(16)).join('');

function traceId(random: Random): Uint8Array {
  const special = [
    '',
    '00000000000000000000000000000000',
    '0123456789abcdef0000000000000000',
    '00000000000000000000000000000001',
    'ffffffffffffffffffffffffffffffff',
    '000000000000000000ffffffffffffff',
  ];
  return Buffer.from(random() < 0.15 ? pick(random, special) : hex(random, 32), 'hex');
}

/** A threshold that some randomness is above of; often with few digits. */
const th = (random: Random): string => {
  const digits = pick(random, [1, 2, 3, 4, 4, 14]);
  const first = pick(random, ['', '', '0', 'f', 'ff', '00', 'fffffffff']);
  return (first + hex(random, digits)).slice(0, 14);
};

const otPairs: readonly ((random: Random) => string)[] = [
  (random) => `th:${th(random)}`,
  (random) => `th:${th(random)}`,
  (random) => `rv:${hex(random, 14)}`,
  (random) => `rv:${hex(random, 14)}`,
  (random) => `rv:${hex(random, 14)};th:${th(random)}`,
  () => 'th:0',
  () => 'th:C;rv:FFFFFFFFFFFFFF',
  () => 'a:b.c_D-1',
  () => 'x:',
  () => 'th:',
  () => 'rv:12',
  () => 'rv:0123456789abcg',
  () => 'th:0123456789abcde',
  () => 'th:4;th:8',
  () => 'Th:4',
  () => 'th:4;',
  () => ';th:4',
  () => 'th:0.5',
  () => 'th',
  () => `a:${'b'.repeat(240)};th:4`,
  () => `a:${'b'.repeat(260)}`,
];
const members: readonly string[] = [
  'vendor=value',
  'a=1',
  'tenant@sys=x y',
  '0tenant@sys=x',
  '0bad=x',
  'UPPER=x',
  ' b=2\t',
  '',
  '  ',
  'noequals',
  '=x',
  'e=',
  'f=a=b',
  'g=ü',
  `${'k'.repeat(256)}=v`,
  `${'k'.repeat(257)}=v`,
  `t@${'s'.repeat(15)}=v`,
  `${'t'.repeat(242)}@s=v`,
  `v=${'v'.repeat(256)}`,
  `v=${'v'.repeat(257)}`,
  'many=1,'.repeat(30),
  'many=1,'.repeat(31),
  'ot=th:8',
  'trailing=blank ',
];

function traceState(random: Random): string {
  if (random() < 0.2) return '';
  const parts: string[] = [];
  if (random() < 0.9) parts.push(`ot=${pick(random, random() < 0.6 ? otPairs.slice(0, 7) : otPairs)(random)}`);
  while (random() < 0.35) parts.push(random() < 0.6 ? members[Math.floor(random() * 3)] : pick(random, members));
  if (random() < 0.3) parts.reverse();
  return parts.join(',');
}

function priority(random: Random): AnyValue | null {
  if (random() < 0.75) return null;
  return pick<AnyValue>(random, [
    { intValue: 0n },
    { intValue: 1n },
    { intValue: -1n },
    { doubleValue: 0 },
    { doubleValue: 0.5 },
    { doubleValue: Number.NaN },
    { doubleValue: -2 },
    { stringValue: '0' },
    { stringValue: '1.5' },
    { stringValue: '-0' },
    { stringValue: '1e999' },
    { stringValue: '0x1p-2' },
    { stringValue: ' 1' },
    { stringValue: '' },
    { stringValue: 'inf' },
    { boolValue: true },
    { bytesValue: Uint8Array.of(49) },
    {},
  ]);
}

export function spansFor(seed: number, count: number): Span[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const value = priority(random);
    const span = spanOf(i, { traceId: traceId(random), traceState: traceState(random) });
    if (value !== null) span.attributes = [{ key: 'sampling.priority', value, keyStrindex: 0 }];
    return span;
  });
}

const percentages = [0, 1e-14, 0.0001, 0.006, 0.01, 1, 10, 33.333, 50, 90, 99.999, 99.99999, 100, 250];

/** Configurations as a user writes them. */
export const configs: readonly Record<string, unknown>[] = [
  ...(['hash_seed', 'proportional', 'equalizing'] as const).flatMap((mode) => [
    ...percentages.map((sampling_percentage) => ({ mode, sampling_percentage })),
    ...[0, 10, 50, 100].map((sampling_percentage) => ({ mode, sampling_percentage, fail_closed: false })),
    ...[1, 2, 7, 8, 13, 14].map((sampling_precision) => ({ mode, sampling_percentage: 12.3, sampling_precision })),
    { mode, sampling_percentage: 0.003, sampling_precision: 1, fail_closed: false },
  ]),
  { sampling_percentage: 20, hash_seed: 22 },
  { sampling_percentage: 20, hash_seed: 4_294_967_295, fail_closed: false },
];
