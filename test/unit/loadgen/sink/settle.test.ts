import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UnsureRange } from '../../../../loadgen/generator/messages.ts';
import { type Arrivals, createArrivals } from '../../../../loadgen/sink/arrivals.ts';
import { createExpectation, type Expectation, outcome } from '../../../../loadgen/sink/expect.ts';
import { readExpectations } from '../../../../loadgen/sink/expect-schema.ts';
import { type Settled, settle } from '../../../../loadgen/sink/settle.ts';
import { copyOf, later, origin, ownCorpus, request } from './fixture.ts';

function expecting(yaml: string): Expectation {
  const { config, issues } = readExpectations('expect.yaml', yaml);
  assert.deepEqual(issues, []);
  assert.ok(config !== null);
  return createExpectation(config, copyOf(ownCorpus));
}

const everything = expecting('{}');

function arrivalsOf(numbers: Iterable<number>): Arrivals {
  const arrivals = createArrivals({
    corpus: ownCorpus,
    originNs: origin,
    mostSpans: 2 ** 48,
    check: null,
    checkShare: 1,
    random: () => 0,
  });
  for (const number of numbers) arrivals.bitmap.mark(number);
  return arrivals;
}

function accountOf(
  arrivals: Arrivals,
  generated: number,
  unsettled: readonly UnsureRange[] = [],
  expectation = everything,
): Settled['account'] & { readonly named: Settled['examples'] } {
  const { bitmap } = arrivals;
  const { account, examples } = settle({
    corpus: ownCorpus,
    generated,
    unsure: unsettled,
    expectation,
    bitmap,
    rejected: arrivals.rejected,
    counts: arrivals.counts(),
    oddities: arrivals.oddities(),
  });
  return { ...account, named: examples };
}

function assertBalanced(account: Settled['account'], distinct: number): void {
  const { acknowledged, expected, dropped, sampledOut, arrived, lost, rejectedBySink } = account;
  const { arrivedUnacknowledged, unexpected, foreign } = account;
  assert.equal(acknowledged, expected + dropped + sampledOut);
  assert.equal(expected, arrived + lost + rejectedBySink);
  assert.equal(distinct, arrived + arrivedUnacknowledged + unexpected + foreign);
}

const from = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

test('what arrived of what was acknowledged is not lost, and what did not is, by name', () => {
  const account = accountOf(arrivalsOf([...from(0, 5), ...from(8, 92)]), 100);
  assert.deepEqual(
    { ...account, named: null },
    {
      acknowledged: 100,
      expected: 100,
      dropped: 0,
      sampledOut: 0,
      arrived: 97,
      arrivedUnacknowledged: 0,
      lost: 3,
      rejectedBySink: 0,
      unexpected: 0,
      duplicated: 0,
      foreign: 0,
      malformed: 0,
      altered: 0,
      named: null,
    },
  );
  assert.deepEqual(
    account.named.lost.map(({ number }) => number),
    [5, 6, 7],
  );
});

test('lost spans are named by the ids with which they were sent', () => {
  const body = request(4);
  const account = accountOf(arrivalsOf(from(0, 24)), 30);
  assert.equal(account.lost, 6);
  for (const { traceId, spanId } of account.named.lost) {
    assert.ok(body.includes(Buffer.from(traceId, 'hex')) && body.includes(Buffer.from(spanId, 'hex')), spanId);
  }
});

test('what was not acknowledged may arrive or not', () => {
  const unsettled: UnsureRange[] = [
    [90, 10, -1],
    [20, 10, -1],
  ];
  const account = accountOf(arrivalsOf([...from(0, 25), ...from(30, 59)]), 100, unsettled);
  const { acknowledged, arrived, arrivedUnacknowledged, lost } = account;
  assert.deepEqual(
    { acknowledged, arrived, arrivedUnacknowledged, lost },
    {
      acknowledged: 80,
      arrived: 79,
      arrivedUnacknowledged: 5,
      lost: 1,
    },
  );
  assertBalanced(account, 84);
});

test('of a request that was taken in part as many may be missing as were rejected', () => {
  const lostWith = (rejected: number) => {
    const account = accountOf(arrivalsOf(from(0, 7)), 10, [[0, 10, rejected]]);
    assert.equal(account.acknowledged, 10 - rejected);
    assertBalanced(account, 7);
    return account.lost;
  };
  assert.deepEqual([0, 1, 3, 5].map(lostWith), [3, 2, 0, 0]);
});

test('what the sink itself rejected is not lost, unless it came again', () => {
  const arrivals = arrivalsOf([]);
  arrivals.take(request(0), later, 2);
  arrivals.take(request(1), later, 4);
  arrivals.take(request(1), later, 1);
  // Refused whole, before and after they came.
  arrivals.take(request(0), later, Number.POSITIVE_INFINITY);
  // Of 18 spans: 4 and 5 were rejected, 6 to 10 came in the end and 11 was rejected twice, 12 to 17 never came.
  const account = accountOf(arrivals, 18);
  assert.deepEqual([account.arrived, account.rejectedBySink, account.lost, account.duplicated], [9, 3, 6, 2]);
  assert.deepEqual(
    account.named.lost.map(({ number }) => number),
    from(12, 6),
  );
  assertBalanced(account, 9);
});

test('what the service was told that the sink rejected counts once', () => {
  const rejectedOf = (rejected: number) => {
    const arrivals = arrivalsOf([]);
    arrivals.take(request(0), later, 2);
    const account = accountOf(arrivals, 6, [[0, 6, rejected]]);
    assertBalanced(account, 4);
    return [account.acknowledged, account.arrived, account.rejectedBySink, account.lost];
  };
  assert.deepEqual([0, 1, 2].map(rejectedOf), [
    [6, 4, 2, 0],
    [5, 4, 1, 0],
    [4, 4, 0, 0],
  ]);
});

test('a span that was to be dropped and that the sink rejected is dropped', () => {
  const yaml = 'dropped: [{ attributes: { id: { exists: true } } }]';
  const arrivals = arrivalsOf([]);
  arrivals.take(request(0), later, 6);
  const { dropped, rejectedBySink } = accountOf(arrivals, 6, [], expecting(yaml));
  assert.deepEqual([dropped, rejectedBySink], [6, 0]);
});

test('spans that were never sent are foreign', () => {
  assert.equal(accountOf(arrivalsOf(from(0, 103)), 100).foreign, 3);
});

test('duplicates and alterations keep their names', () => {
  const arrivals = arrivalsOf([]);
  arrivals.take(request(0), later, 0);
  arrivals.take(request(0), later, 0);
  const { duplicated, named } = accountOf(arrivals, 6);
  assert.equal(duplicated, 6);
  assert.equal(named.duplicated[5].spanId, 'abcd000000000005');
});

test('ranges that overlap or were never sent are a fault of the caller', () => {
  const arrivals = arrivalsOf([]);
  assert.throws(() => accountOf(arrivals, 10, [[5, 6, -1]]), RangeError);
  const twice: UnsureRange[] = [
    [0, 6, -1],
    [5, 2, 1],
  ];
  assert.throws(() => accountOf(arrivals, 10, twice), RangeError);
});

const chain = expecting(`
dropped: [{ name: span 2, service: a }, { name: span 3, service: a }, { name: span 4, service: a }]
sampling: { percentage: 30, mode: proportional }
`);

test('what filter and sampler take out is not lost, and what of it arrives all the same is unexpected', () => {
  const generated = 3 * ownCorpus.spans + 1000;
  const outcomes: number[] = [];
  for (let round = 0; round < 4; round++) outcomes.push(...chain.outcomes(round).slice(0));
  const numbers = from(0, generated);
  const arriving = numbers.filter((number) => outcomes[number] === outcome.arrives);
  const gone = numbers.filter((number) => outcomes[number] !== outcome.arrives);
  const wrong = gone.filter((_, i) => i % 500 === 0);
  const arrivals = arrivalsOf([...arriving.filter((_, i) => i % 1000 !== 7), ...wrong]);
  const account = accountOf(arrivals, generated, [], chain);
  const expectedLoss = arriving.filter((_, i) => i % 1000 === 7);
  assert.equal(account.lost, expectedLoss.length);
  assert.deepEqual(
    account.named.lost.map(({ number }) => number),
    expectedLoss.slice(0, 1000),
  );
  assert.equal(account.unexpected, wrong.length);
  assert.deepEqual(
    account.named.unexpected.map(({ number }) => number),
    wrong.slice(0, 1000),
  );
  assert.equal(account.dropped, gone.filter((number) => outcomes[number] === outcome.dropped).length);
  assert.ok(account.dropped > 0.02 * generated && account.sampledOut > 0.6 * generated);
  // Those that arrived though they were to be dropped are counted apart from those that were expected.
  assertBalanced(account, arrivals.counts().distinct);
});

test('random ranges and arrivals balance, and agree with a plain count', () => {
  let seed = 5;
  const random = (n: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % n;
  };
  const first = chain.outcomes(0).slice(0, 2000);
  for (let turn = 0; turn < 200; turn++) {
    const generated = 100 + random(1900);
    const unsettled: UnsureRange[] = [];
    const acknowledged = new Array<boolean>(generated).fill(true);
    for (let at = random(50); at < generated - 20; at += 20 + random(60)) {
      const count = 1 + random(15);
      unsettled.push([at, count, -1]);
      acknowledged.fill(false, at, at + count);
    }
    const arriving = from(0, generated).filter(() => random(3) > 0);
    const has = new Set(arriving);
    const account = accountOf(arrivalsOf(arriving), generated, unsettled, chain);
    assertBalanced(account, arriving.length);
    const isLost = (n: number) => acknowledged[n] && first[n] === outcome.arrives && !has.has(n);
    assert.equal(account.lost, from(0, generated).filter(isLost).length);
    assert.equal(account.unexpected, arriving.filter((n) => first[n] !== outcome.arrives).length);
  }
});
