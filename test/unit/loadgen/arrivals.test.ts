import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ArrivalsOptions, createArrivals } from '../../../loadgen/arrivals.ts';
import { chatRequests } from '../../../loadgen/shape/chat.ts';
import { createSpanStream } from '../../../loadgen/shape/identity.ts';
import { grpcPrefixBytes } from '../../../loadgen/shape/span-template.ts';

const options: ArrivalsOptions = { run: 500, latency: false, present: [], absent: [] };
const none = { distinct: 0, duplicated: 0, foreign: 0, malformed: 0, altered: 0 };

/** Gives bodies of `spans` spans each, one after another of the same stream. */
function source(spans: number, run = 500, stream = 0, startNs = 0n): () => Buffer {
  const [template] = chatRequests(spans);
  const ids = createSpanStream({ run, stream, seed: 1, spansPerTrace: 8, samplingPercentage: null });
  return () => {
    ids.stamp(template.message, template, Number(startNs & 0xffff_ffffn), Number(startNs >> 32n));
    return Buffer.from(template.message.subarray(grpcPrefixBytes));
  };
}

test('spans are counted once, and again as duplicates', () => {
  const arrivals = createArrivals(options);
  const next = source(10);
  const [first, second] = [next(), next()];
  arrivals.take(first, 0);
  arrivals.take(Buffer.concat([second, first]), 0);
  assert.deepEqual(arrivals.counts(), { ...none, distinct: 20, duplicated: 10 });
});

test('streams are kept apart, and spans of another run are foreign', () => {
  const arrivals = createArrivals(options);
  arrivals.take(source(10, 500, 1)(), 0);
  arrivals.take(source(10, 500, 65_535)(), 0);
  arrivals.take(source(7, 501)(), 0);
  assert.deepEqual(arrivals.counts(), { ...none, distinct: 20, foreign: 7 });
});

test('ranges give the distinct spans that arrived in them', () => {
  const arrivals = createArrivals(options);
  const next = source(10);
  const [first, , third] = [next(), next(), next()];
  arrivals.take(first, 0);
  arrivals.take(third, 0);
  arrivals.take(third, 0);
  assert.equal(arrivals.within([[0, 0, 30]]), 20);
  assert.equal(arrivals.within([[0, 10, 10]]), 0);
  assert.equal(
    arrivals.within([
      [0, 5, 3],
      [0, 18, 4],
      [0, 29, 1_000_000],
      [9, 0, 10],
    ]),
    3 + 2 + 1,
  );
});

test('many spans of one stream stay exact as the bitmap grows', () => {
  const arrivals = createArrivals(options);
  const next = source(512);
  const requests = 1200;
  let last: Buffer = Buffer.alloc(0);
  for (let i = 0; i < requests; i++) {
    last = next();
    arrivals.take(last, 0);
  }
  arrivals.take(last, 0);
  assert.deepEqual(arrivals.counts(), { ...none, distinct: requests * 512, duplicated: 512 });
  assert.equal(arrivals.within([[0, 100, 600_000]]), 600_000);
});

test('a message cut anywhere is malformed or short, and never throws', () => {
  const body = source(3)();
  for (let length = 1; length < body.length; length++) {
    const arrivals = createArrivals(options);
    arrivals.take(body.subarray(0, length), 0);
    assert.equal(arrivals.counts().malformed, 1, `${length} bytes`);
  }
});

test('an altered span is seen by the texts it must and must not have', () => {
  const body = source(4)();
  const counts = (present: string[], absent: string[]) => {
    const arrivals = createArrivals({ ...options, present, absent });
    arrivals.take(body, 0);
    return arrivals.counts();
  };
  assert.deepEqual(counts(['user.email'], ['no.such.key']), { ...none, distinct: 4 });
  assert.deepEqual(counts(['no.such.key'], []), { ...none, distinct: 4, altered: 1 });
  assert.deepEqual(counts([], ['user.email']), { ...none, distinct: 4, altered: 1 });
});

test('latency is counted from the start time of each span', () => {
  const startNs = 1_700_000_000_000_000_000n;
  const arrivals = createArrivals({ ...options, latency: true });
  const next = source(10, 500, 0, startNs);
  arrivals.take(next(), Number(startNs) + 5e6);
  arrivals.take(next(), Number(startNs) + 20e6);
  const { count, p50, max } = arrivals.latency();
  assert.equal(count, 20);
  assert.ok(Math.abs(p50 - 5) < 0.05, `${p50}`);
  assert.ok(Math.abs(max - 20) < 0.1, `${max}`);
  arrivals.resetLatency();
  assert.equal(arrivals.latency().count, 0);
});
