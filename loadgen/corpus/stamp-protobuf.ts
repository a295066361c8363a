// The hot path of the generator. What is written is read from typed arrays, byte by byte: nothing is allocated.
import { extraStride, type StampableCorpus, spanField, spanStride } from './build.ts';
import { mark } from './byte-writer.ts';
import { protobufPlaces } from './encode-protobuf.ts';
import { highPart, lowPart, numberKey, numberRange, randomHigh, randomLow, traceIdDomain } from './identity.ts';
import type { Stamper } from './stamp.ts';
import { createFreshStamp, endExtra, extraKind, firstExtra } from './stamp-fresh.ts';

function write32(to: Uint8Array, at: number, value: number): void {
  to[at] = value >>> 24;
  to[at + 1] = value >>> 16;
  to[at + 2] = value >>> 8;
  to[at + 3] = value;
}

function write32le(to: Uint8Array, at: number, value: number): void {
  to[at] = value;
  to[at + 1] = value >>> 8;
  to[at + 2] = value >>> 16;
  to[at + 3] = value >>> 24;
}

/** The sum of two 64-bit numbers in halves, of which the parameters are any 32 bits. */
function writeTime(to: Uint8Array, at: number, low: number, high: number, addLow: number, addHigh: number): void {
  const sum = (low + addLow) | 0;
  const carry = sum >>> 0 < low >>> 0 ? 1 : 0;
  write32le(to, at, sum);
  write32le(to, at + 4, high + addHigh + carry);
}

export function createProtobufStamper(corpus: StampableCorpus): Stamper {
  const { bytes, places, extras, requests, spans: spanCount, traces: traceCount } = corpus;
  const { seed, run } = corpus.options;
  const stampFresh = createFreshStamp(corpus);
  const runBits = run << 16;

  function stampExtras(ordinal: number, round: number, dueLow: number, dueHigh: number): void {
    const place = ordinal * spanStride;
    const end = endExtra(places, ordinal);
    for (let i = firstExtra(places, ordinal); i < end; i += extraStride) {
      const kind = extraKind(extras[i]);
      const at = extras[i + 1];
      if (kind === mark.eventTime) {
        writeTime(bytes, at, dueLow, dueHigh, extras[i + 3], extras[i + 2]);
      } else if (kind === mark.linkIds) {
        const number = round * spanCount + extras[i + 2];
        bytes.copyWithin(at, places[place] + protobufPlaces.traceId, places[place] + protobufPlaces.traceId + 16);
        write32(bytes, at + protobufPlaces.linkSpanId, runBits | highPart(number));
        write32(bytes, at + protobufPlaces.linkSpanId + 4, lowPart(number));
      } else {
        stampFresh(i, ordinal, round);
      }
    }
  }

  function stampSpans(first: number, end: number, round: number, dueLow: number, dueHigh: number): void {
    const spanBase = round * spanCount;
    const traceBase = round * traceCount;
    if (spanBase + spanCount > numberRange) throw new RangeError('a run has no more than 2^48 spans');
    const spanLow = spanBase | 0;
    const spanHigh = runBits | highPart(spanBase);
    const traceLow = traceBase | 0;
    const traceHigh = highPart(traceBase);
    let trace = -1;
    let idUpper = 0;
    let idLow = 0;
    let high = 0;
    let low = 0;
    for (let ordinal = first; ordinal < end; ordinal++) {
      const place = ordinal * spanStride;
      if (places[place + spanField.trace] !== trace) {
        trace = places[place + spanField.trace];
        idLow = (traceLow + trace) | 0;
        const upper = traceHigh + (idLow >>> 0 < traceLow >>> 0 ? 1 : 0);
        idUpper = runBits | upper;
        const key = numberKey(seed, traceIdDomain, idLow, upper);
        high = randomHigh(key);
        low = randomLow(key);
      }
      const at = places[place + spanField.at];
      write32(bytes, at + protobufPlaces.traceId, idUpper);
      write32(bytes, at + protobufPlaces.traceId + 4, idLow);
      write32(bytes, at + protobufPlaces.traceId + 8, high);
      write32(bytes, at + protobufPlaces.traceId + 12, low);
      const number = (spanLow + ordinal) | 0;
      write32(bytes, at + protobufPlaces.spanId, spanHigh + (number >>> 0 < spanLow >>> 0 ? 1 : 0));
      write32(bytes, at + protobufPlaces.spanId + 4, number);
      const parentAt = places[place + spanField.parentAt];
      if (parentAt >= 0) {
        const parent = (spanLow + places[place + spanField.parent]) | 0;
        write32(bytes, parentAt, spanHigh + (parent >>> 0 < spanLow >>> 0 ? 1 : 0));
        write32(bytes, parentAt + 4, parent);
      }
      const timesAt = places[place + spanField.timesAt];
      writeTime(
        bytes,
        timesAt,
        dueLow,
        dueHigh,
        places[place + spanField.startLow],
        places[place + spanField.startHigh],
      );
      const endAt = timesAt + protobufPlaces.endAfterStart;
      writeTime(bytes, endAt, dueLow, dueHigh, places[place + spanField.endLow], places[place + spanField.endHigh]);
      if (firstExtra(places, ordinal) !== endExtra(places, ordinal)) {
        stampExtras(ordinal, round, dueLow, dueHigh);
      }
    }
  }

  return {
    stampRequest(index, round, dueLow, dueHigh) {
      const { first, spans } = requests[index];
      stampSpans(first, first + spans, round, dueLow | 0, dueHigh | 0);
    },
    stampSpan(ordinal, round, startLow, startHigh) {
      // The request was due its offset before the span started, that is later: offsets are not above 0.
      const place = ordinal * spanStride;
      const low = (startLow - places[place + spanField.startLow]) | 0;
      const borrow = startLow >>> 0 < places[place + spanField.startLow] >>> 0 ? 1 : 0;
      const high = (startHigh | 0) - places[place + spanField.startHigh] - borrow;
      stampSpans(ordinal, ordinal + 1, round, low, high | 0);
    },
  };
}
