// The start time, which has nothing to be compared with but those of the other spans of its request.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRequest } from '../../../../src/wire/reference/codec.ts';
import type { ExportTraceServiceRequest, Span } from '../../../../src/wire/reference/messages.ts';
import { checking, later, request } from './fixture.ts';
import { encoded, numberOf, placesIn } from './mutations.ts';

function shift(spans: readonly Span[], by: bigint): void {
  for (const span of spans) {
    span.startTimeUnixNano += by;
    span.endTimeUnixNano += by;
    for (const event of span.events) event.timeUnixNano += by;
  }
}

/** Its spans, each in a request of its own. */
function oneByOne(message: ExportTraceServiceRequest): Buffer[] {
  return placesIn(message).map(({ span, scope, resource }) =>
    encoded({ ...message, resourceSpans: [{ ...resource, scopeSpans: [{ ...scope, spans: [span] }] }] }),
  );
}

test('of the spans of a request exactly the one that is shifted in time is altered, whichever it is', () => {
  for (let place = 0; place < 6; place++) {
    const message = decodeRequest(request(5));
    const { span } = placesIn(message)[place];
    shift([span], 1_000n);
    for (const messages of [[encoded(message)], oneByOne(message), oneByOne(message).toReversed()]) {
      const { arrivals } = checking();
      for (const body of messages) arrivals.take(body, later, 0);
      assert.deepEqual(arrivals.oddities().altered, [{ number: numberOf(span), what: 'start time' }], `place ${place}`);
      assert.equal(arrivals.counts().altered, 1);
    }
  }
});

test('two that are shifted otherwise, and those that come twice, do not confirm each other', () => {
  const message = decodeRequest(request(5));
  const [first, second] = placesIn(message).map(({ span }) => span);
  shift([first], 1_000n);
  shift([second], -2_000n);
  const bodies = oneByOne(message);
  const { arrivals } = checking();
  for (const body of [bodies[0], bodies[0], bodies[1], bodies[1], ...bodies.slice(2)]) arrivals.take(body, later, 0);
  const numbers = arrivals.oddities().altered.map(({ number }) => number);
  assert.deepEqual(numbers.toSorted(), [first, second].map(numberOf).toSorted());
});

test('of two spans that contradict each other, and no third to tell, the later one is called altered', () => {
  const message = decodeRequest(request(5));
  const [first, second] = placesIn(message).map(({ span }) => span);
  shift([first], 1_000n);
  const { arrivals } = checking();
  for (const body of oneByOne(message).slice(0, 2)) arrivals.take(body, later, 0);
  const expected = [{ number: numberOf(second), what: 'start time' }];
  assert.deepEqual(arrivals.oddities().altered, expected);
  // Also when the request was forgotten for others.
  for (let k = 6; k < 6 + 17_000; k++) arrivals.take(request(k), later, 0);
  assert.deepEqual(arrivals.oddities().altered, expected);
  assert.equal(arrivals.counts().altered, 1);
});

test('only the start of a span that has no events: the others of its request tell that it is not the end', () => {
  const { arrivals } = checking();
  const plain = decodeRequest(request(6));
  const last = placesIn(plain).findLast(({ span }) => span.events.length === 0)?.span as Span;
  last.startTimeUnixNano -= 5n;
  arrivals.take(encoded(plain), later, 0);
  assert.deepEqual(arrivals.oddities().altered, [{ number: numberOf(last), what: 'start time' }]);
});

test('a request that is shifted as a whole is seen where it cannot be, and not within the run', () => {
  const { arrivals } = checking();
  const all = (by: bigint, k: number, nowNs: number) => {
    const message = decodeRequest(request(k));
    const before = arrivals.counts().altered;
    shift(
      placesIn(message).map(({ span }) => span),
      by,
    );
    arrivals.take(encoded(message), nowNs, 0);
    return arrivals.counts().altered - before;
  };
  assert.equal(all(1_000_000n, 7, later), 0, 'within the run');
  assert.equal(all(-60_000_000_000n, 8, later), 6, 'before the run');
  assert.equal(all(60_000_000_000n, 9, 1e9), 6, 'after the arrival');
});
