import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../../loadgen/profile/random.ts';
import { countSpans, createArrivals } from '../../../../loadgen/sink/arrivals.ts';
import { readFields } from '../../../../loadgen/sink/message-reader.ts';
import { decodeRequest, encodeRequest } from '../../../../src/wire/reference/codec.ts';
import { checking, counting, firstOf, later, origin, ownCorpus, request, sent } from './fixture.ts';
import { encoded, placesIn } from './mutations.ts';

const none = { distinct: 0, duplicated: 0, foreign: 0, malformed: 0, altered: 0 };

test('spans are counted once, and again as duplicates with their numbers', () => {
  const arrivals = counting();
  assert.equal(arrivals.take(request(0), later, 0), 6);
  arrivals.take(Buffer.concat([request(1), request(0)]), later, 0);
  assert.deepEqual(arrivals.counts(), { ...none, distinct: 12, duplicated: 6 });
  assert.deepEqual(arrivals.oddities().duplicated, [0, 1, 2, 3, 4, 5]);
  assert.ok(arrivals.bitmap.has(11) && !arrivals.bitmap.has(12));
});

test('spans of later rounds have numbers of their own', () => {
  const arrivals = counting();
  const rounds = [0, 1, 7, 60_000];
  for (const round of rounds) arrivals.take(request(round * sent.requests.length), later, 0);
  assert.deepEqual(arrivals.counts(), { ...none, distinct: 6 * rounds.length });
  for (const round of rounds) assert.ok(arrivals.bitmap.has(firstOf(round * sent.requests.length) + 5));
});

test('spans of another run, beyond the last number or without an id are foreign, with their ids', () => {
  const arrivals = counting(12);
  const message = decodeRequest(request(0));
  const spans = message.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  spans[0].spanId = Uint8Array.from([0x12, 0x34, 0, 0, 0, 0, 0, 1]);
  spans[1].spanId = new Uint8Array(0);
  arrivals.take(Buffer.from(encodeRequest(message)), later, 0);
  arrivals.take(request(2), later, 0);
  assert.deepEqual(arrivals.counts(), { ...none, distinct: 4, foreign: 8 });
  assert.deepEqual(arrivals.oddities().foreign.slice(0, 3), ['1234000000000001', '', 'abcd00000000000c']);
});

test('an id of the last round that is not whole is foreign, and the rest of its request counts', () => {
  for (const { arrivals } of [{ arrivals: counting() }, checking()]) {
    const message = decodeRequest(request(0));
    placesIn(message)[2].span.spanId = Buffer.from('abcdffffffffffff', 'hex');
    assert.equal(arrivals.take(encoded(message), later, 0), 6);
    assert.deepEqual(arrivals.counts(), { ...none, distinct: 5, foreign: 1 });
    assert.deepEqual(arrivals.oddities().foreign, ['abcdffffffffffff']);
  }
});

const sharing = (checkShare: number, random = createRandom(3).unit) => {
  const { check } = checking();
  const arrivals = createArrivals({
    corpus: ownCorpus,
    originNs: origin,
    mostSpans: 2 ** 48,
    check,
    checkShare,
    random,
  });
  return { check, arrivals };
};

test('of the messages a share is checked, others in every round', () => {
  for (const [share, least, most] of [
    [1, 400, 400],
    [0.25, 70, 130],
    [0, 0, 0],
  ]) {
    const { check, arrivals } = sharing(share);
    const seen = new Set<number>();
    let checked = 0;
    for (let turn = 0; turn < 400; turn++) {
      const before = check.ways().whole;
      arrivals.take(request(turn % 20), later, 0);
      if (check.ways().whole === before) continue;
      seen.add(turn % 20);
      checked++;
    }
    assert.ok(checked >= least && checked <= most, `${checked} of 400 at ${share}`);
    // Every fourth message alone would be the same five of twenty requests over and over.
    assert.equal(seen.size, share === 0 ? 0 : 20);
  }
});

test('a share that is none is a fault of the caller', () => {
  for (const share of [Number.NaN, -0.1, 1.1]) assert.throws(() => sharing(share), RangeError);
});

test('numbers of all oddities are kept up to a thousand of each', () => {
  const { arrivals } = checking();
  for (let i = 0; i < 200; i++) {
    const message = decodeRequest(request(i));
    for (const { scopeSpans } of message.resourceSpans) {
      for (const { spans } of scopeSpans) for (const span of spans) span.kind = 0;
    }
    arrivals.take(Buffer.from(encodeRequest(message)), later, 0);
    arrivals.take(request(i), later, 0);
  }
  const { duplicated, altered } = arrivals.oddities();
  assert.deepEqual([duplicated.length, altered.length], [1000, 1000]);
  assert.deepEqual(arrivals.counts(), { ...none, distinct: 1200, duplicated: 1200, altered: 1200 });
});

test('a message cut anywhere but between two resources is malformed, and never throws', () => {
  const body = request(3);
  const whole = new Set(readFields(body, 0, body.length).map(({ to }) => to));
  for (const { check, arrivals } of [{ check: null, arrivals: counting() }, checking()]) {
    const way = check === null ? 'counted' : 'checked';
    let malformed = 0;
    for (let length = 1; length < body.length; length += body.length > 5000 ? 7 : 1) {
      arrivals.take(body.subarray(0, length), later, 0);
      if (!whole.has(length)) malformed++;
      assert.equal(arrivals.counts().malformed, malformed, `${way}: ${length} bytes`);
    }
  }
});

test('random bytes end in a count and never in an error', () => {
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return seed >>> 16;
  };
  const { arrivals } = checking();
  const rounds = 3000;
  for (let i = 0; i < rounds; i++) {
    const body = request(i % 5);
    for (let n = 1 + (random() % 4); n > 0; n--) body[(random() * 65_536 + random()) % body.length] = random() & 255;
    arrivals.take(body, later, 0);
  }
  const { distinct, duplicated, foreign, malformed, altered } = arrivals.counts();
  assert.ok(distinct >= 30 && malformed > 100 && altered > 1000, JSON.stringify(arrivals.counts()));
  assert.ok(duplicated + foreign > 10_000);
});

test('the last spans of a request that rejects some are left out', () => {
  for (const { arrivals } of [{ arrivals: counting() }, checking()]) {
    assert.equal(arrivals.take(request(0), later, 2), 6);
    assert.equal(arrivals.counts().distinct, 4);
    assert.equal(arrivals.take(request(1), later, 100), 6);
    assert.equal(arrivals.counts().distinct, 4);
    assert.ok(arrivals.bitmap.has(3) && !arrivals.bitmap.has(4));
    const left = [...Array(20).keys()].filter(arrivals.rejected.has);
    assert.deepEqual(left, [4, 5, 6, 7, 8, 9, 10, 11]);
  }
});

test('latency counts from the intended time of the request, however long its spans took', () => {
  for (const { arrivals } of [{ arrivals: counting() }, checking()]) {
    // Intended 0, 1 and 2 ms after the origin.
    arrivals.take(request(0), 5e6, 0);
    arrivals.take(request(1), 1.001e9, 0);
    assert.equal(arrivals.latency.lately().count, 12);
    arrivals.take(request(2), 2.5e9, 0);
    const { count, max } = arrivals.latency.lately();
    assert.equal(count, 6);
    assert.ok(Math.abs(max - 2498) < 3, `${max}`);
    const all = arrivals.latency.summary();
    assert.equal(all.count, 18);
    assert.ok(Math.abs(all.p50 - 1000) < 2, `${all.p50}`);
  }
});

test('a start time that cannot be says nothing about latency', () => {
  const { arrivals } = checking();
  arrivals.take(request(0, origin - 60_000_000_000n), later, 0);
  assert.equal(arrivals.counts().altered, 6);
  assert.equal(arrivals.latency.summary().count, 0);
});

test('spans of a message are counted without taking them', () => {
  assert.equal(countSpans(Buffer.concat([request(0), request(1)])), 12);
  assert.throws(() => countSpans(request(0).subarray(0, 100)), RangeError);
});

test('ten million spans take less than a byte each', () => {
  const arrivals = counting();
  const before = process.memoryUsage().arrayBuffers;
  for (let number = 0; number < 10_000_000; number++) arrivals.bitmap.mark(number);
  const bytes = process.memoryUsage().arrayBuffers - before;
  assert.equal(arrivals.bitmap.count(), 10_000_000);
  assert.ok(bytes < 10_000_000, `${bytes} bytes`);
});
