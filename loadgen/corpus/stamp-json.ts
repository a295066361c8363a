// As stamp-protobuf.ts, for JSON: ids are hexadecimal digits, times 19 decimal ones. Times are added as seconds and
// nanoseconds, so that there is no division by 10^9 for each of them.
import { extraStride, type StampableCorpus, spanField, spanStride } from './build.ts';
import { mark } from './byte-writer.ts';
import { jsonPlaces } from './encode-json.ts';
import { highPart, lowPart, numberKey, numberRange, randomHigh, randomLow, traceIdDomain } from './identity.ts';
import type { Stamper } from './stamp.ts';
import { createFreshStamp, endExtra, extraKind, firstExtra } from './stamp-fresh.ts';
import { nanosecondsOf, perSecond, secondsOf } from './time.ts';

const traceDigits = 32;
const secondDigits = 10;
const digit0 = 0x30;

/** Two hexadecimal digits of each byte. */
const hexDigits = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0')).join(''));
/** Two decimal digits of each number below 100. */
const decimals = Buffer.from(Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0')).join(''));

/** A loop: written out it was slower, as the compiler then inlined less of what calls it. */
function writeHex32(to: Uint8Array, at: number, value: number): void {
  for (let shift = 24, next = at; shift >= 0; shift -= 8, next += 2) {
    const pair = ((value >>> shift) & 255) * 2;
    to[next] = hexDigits[pair];
    to[next + 1] = hexDigits[pair + 1];
  }
}

/** The last `digits` decimal digits of an int32 that is not negative; `digits` is odd. */
function writeOdd(to: Uint8Array, at: number, value: number, digits: number): void {
  let rest = value | 0;
  for (let next = at + digits - 2; next > at; next -= 2) {
    const upper = (rest / 100) | 0;
    const pair = (rest - upper * 100) * 2;
    to[next] = decimals[pair];
    to[next + 1] = decimals[pair + 1];
    rest = upper;
  }
  to[at] = digit0 + rest;
}

function writeTime(
  to: Uint8Array,
  at: number,
  seconds: number,
  nanos: number,
  addSeconds: number,
  addNanos: number,
): void {
  const sum = nanos + addNanos;
  const carry = sum >= perSecond ? 1 : 0;
  const allSeconds = seconds + addSeconds + carry;
  const upper = Math.floor(allSeconds / 1e5);
  writeOdd(to, at, upper, 5);
  writeOdd(to, at + 5, allSeconds - upper * 1e5, 5);
  writeOdd(to, at + secondDigits, sum - carry * perSecond, 9);
}

export function createJsonStamper(corpus: StampableCorpus): Stamper {
  const { bytes, places, extras, requests, spans: spanCount, traces: traceCount } = corpus;
  const { seed, run } = corpus.options;
  const stampFresh = createFreshStamp(corpus);
  const runBits = run << 16;

  function writeSpanId(at: number, number: number): void {
    writeHex32(bytes, at, runBits | highPart(number));
    writeHex32(bytes, at + 8, lowPart(number));
  }

  function stampExtras(ordinal: number, round: number, dueSeconds: number, dueNanos: number): void {
    const place = ordinal * spanStride;
    const end = endExtra(places, ordinal);
    for (let i = firstExtra(places, ordinal); i < end; i += extraStride) {
      const kind = extraKind(extras[i]);
      const at = extras[i + 1];
      if (kind === mark.eventTime) {
        writeTime(bytes, at, dueSeconds, dueNanos, extras[i + 2], extras[i + 3]);
      } else if (kind === mark.linkIds) {
        const traceIdAt = places[place] + jsonPlaces.traceId;
        bytes.copyWithin(at, traceIdAt, traceIdAt + traceDigits);
        writeSpanId(at + jsonPlaces.linkSpanId, round * spanCount + extras[i + 2]);
      } else {
        stampFresh(i, ordinal, round);
      }
    }
  }

  function stampSpans(first: number, end: number, round: number, dueSeconds: number, dueNanos: number): void {
    const spanBase = round * spanCount;
    const traceBase = round * traceCount;
    if (spanBase + spanCount > numberRange) throw new RangeError('a run has no more than 2^48 spans');
    for (let ordinal = first; ordinal < end; ordinal++) {
      const place = ordinal * spanStride;
      const at = places[place + spanField.at];
      const trace = traceBase + places[place + spanField.trace];
      const key = numberKey(seed, traceIdDomain, lowPart(trace), highPart(trace));
      writeSpanId(at + jsonPlaces.traceId, trace);
      writeHex32(bytes, at + jsonPlaces.traceId + 16, randomHigh(key));
      writeHex32(bytes, at + jsonPlaces.traceId + 24, randomLow(key));
      writeSpanId(at + jsonPlaces.spanId, spanBase + ordinal);
      const parentAt = places[place + spanField.parentAt];
      if (parentAt >= 0) writeSpanId(parentAt, spanBase + places[place + spanField.parent]);
      const startAt = places[place + spanField.timesAt];
      const endAt = startAt + jsonPlaces.endAfterStart;
      writeTime(
        bytes,
        startAt,
        dueSeconds,
        dueNanos,
        places[place + spanField.startHigh],
        places[place + spanField.startLow],
      );
      writeTime(
        bytes,
        endAt,
        dueSeconds,
        dueNanos,
        places[place + spanField.endHigh],
        places[place + spanField.endLow],
      );
      if (firstExtra(places, ordinal) !== endExtra(places, ordinal)) {
        stampExtras(ordinal, round, dueSeconds, dueNanos);
      }
    }
  }

  return {
    stampRequest(index, round, dueLow, dueHigh) {
      const { first, spans } = requests[index];
      stampSpans(first, first + spans, round, secondsOf(dueLow, dueHigh), nanosecondsOf(dueLow, dueHigh));
    },
    stampSpan(ordinal, round, startLow, startHigh) {
      const place = ordinal * spanStride;
      const nanos = nanosecondsOf(startLow, startHigh) - places[place + spanField.startLow];
      const borrow = nanos < 0 ? 1 : 0;
      const seconds = secondsOf(startLow, startHigh) - places[place + spanField.startHigh] - borrow;
      stampSpans(ordinal, ordinal + 1, round, seconds, nanos + borrow * perSecond);
    },
  };
}
