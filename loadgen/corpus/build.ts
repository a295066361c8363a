// The corpus: the bytes of a plan, and where the stamper writes in them.
import type { WeightedSource } from './batching.ts';
import { mark, markStride } from './byte-writer.ts';
import type { Corpus, CorpusOptions, CorpusRequest } from './corpus.ts';
import type { Encoding, Frame } from './encoding.ts';
import {
  type CorpusLimits,
  type CorpusPlan,
  corpusLimits,
  type PlannedRequest,
  type PlannedSpan,
  planCorpus,
} from './plan.ts';
import { remember } from './remember.ts';
import type { ResourceShape, ScopeShape } from './shape.ts';
import { sourcesOf } from './sources.ts';

/**
 * What the stamper needs of each span, as numbers side by side: one or two lines of a cache. Times are offsets from the
 * intended time of the request in two parts, high * radix + low with 0 <= low < radix.
 */
export const spanField = {
  at: 0,
  /** -1 for a root. */
  parentAt: 1,
  parent: 2,
  trace: 3,
  timesAt: 4,
  startHigh: 5,
  startLow: 6,
  endHigh: 7,
  endLow: 8,
  /** Its first entry in `extras`; it ends where the next span's begin. */
  extras: 9,
} as const;
export const spanStride = 10;

/**
 * What only some spans have. An entry is its kind (with alphabet and scope, encoding.ts), its place, and two numbers: of a
 * time its offset in two parts, of a link the ordinal of its span, of a fresh text length and slot.
 */
export const extraStride = 4;

/** A corpus that can be stamped. */
export interface StampableCorpus extends Corpus {
  /** spanStride numbers for each ordinal, and those of an empty span at the end. */
  readonly places: Int32Array;
  readonly extras: Int32Array;
}

interface List {
  readonly frame: Frame;
  readonly bytes: number;
}

type FrameOf<T> = (shape: T) => Frame;

/** Lengths come before what they count: sizes are added up from the inside, and then written from the outside. */
function measure(
  encoding: Encoding,
  request: PlannedRequest,
  resourceFrame: FrameOf<ResourceShape>,
  scopeFrame: FrameOf<ScopeShape>,
) {
  const listBytes = ({ head, tail }: Frame, items: readonly number[]): number =>
    items.reduce((sum, item, index) => sum + encoding.itemBytes(index, item) + item, head.length + tail.length);
  const scopes = new Map<readonly PlannedSpan[], List>();
  const resources = new Map<ResourceShape, List>();
  const list = (frame: Frame, items: readonly number[]): List => ({ frame, bytes: listBytes(frame, items) });
  for (const [resource, ofResource] of request.groups) {
    const items = [...ofResource].map(([scope, spans]: readonly [ScopeShape, readonly PlannedSpan[]]) => {
      const measured = list(
        scopeFrame(scope),
        spans.map(({ start, end }) => end - start),
      );
      scopes.set(spans, measured);
      return measured.bytes;
    });
    resources.set(resource, list(resourceFrame(resource), items));
  }
  const { bytes } = list(
    encoding.request,
    [...resources.values()].map((resource) => resource.bytes),
  );
  return { scopes, resources, bytes };
}

type Measured = ReturnType<typeof measure>;

/** Writes the body at `at`, and where each span starts in `spanStart`, by ordinal. */
function writeRequest(
  plan: CorpusPlan,
  request: PlannedRequest,
  measured: Measured,
  to: Buffer,
  at: number,
  spanStart: Int32Array,
): number {
  const { encoding, encoded } = plan;
  const copy = (bytes: Uint8Array, next: number): number => {
    to.set(bytes, next);
    return next + bytes.length;
  };
  let next = copy(encoding.request.head, at);
  let resourceIndex = 0;
  for (const [resource, { frame, bytes }] of measured.resources) {
    next = encoding.writeItem(to, next, 'resource', resourceIndex++, bytes);
    next = copy(frame.head, next);
    let scopeIndex = 0;
    for (const spans of request.groups.get(resource)?.values() ?? []) {
      const scope = measured.scopes.get(spans) as List;
      next = encoding.writeItem(to, next, 'scope', scopeIndex++, scope.bytes);
      next = copy(scope.frame.head, next);
      for (let i = 0; i < spans.length; i++) {
        const { ordinal, start, end } = spans[i];
        next = encoding.writeItem(to, next, 'span', i, end - start);
        spanStart[ordinal] = next;
        next += encoded.bytes.copy(to, next, start, end);
      }
      next = copy(scope.frame.tail, next);
    }
    next = copy(frame.tail, next);
  }
  return copy(encoding.request.tail, next);
}

/** All bodies in one Buffer of its own. */
function writeRequests(plan: CorpusPlan, spanStart: Int32Array): { bytes: Buffer; requests: CorpusRequest[] } {
  const { encoding } = plan;
  const resourceFrame = remember(encoding.resourceFrame);
  const scopeFrame = remember(encoding.scopeFrame);
  const measured = plan.requests.map((request) => measure(encoding, request, resourceFrame, scopeFrame));
  const bytes = Buffer.allocUnsafeSlow(measured.reduce((sum, request) => sum + request.bytes, 0));
  let at = 0;
  let first = 0;
  const requests = plan.requests.map((request, index) => {
    const start = at;
    at = writeRequest(plan, request, measured[index], bytes, start, spanStart);
    const { spanCount, delayNs } = request;
    first += spanCount;
    return { start, end: at, first: first - spanCount, spans: spanCount, delayNs };
  });
  return { bytes, requests };
}

/** Fills the numbers of the spans from the marks that were set when they were encoded. */
function createPlaces(plan: CorpusPlan, spanStart: Int32Array): { places: Int32Array; extras: Int32Array } {
  const { marks, markCount } = plan.encoded;
  const radix = plan.encoding.timeRadix;
  const places = new Int32Array((plan.spans.length + 1) * spanStride);
  const extras = new Int32Array(markCount * extraStride);
  let nextExtra = 0;

  const putTime = (to: Int32Array, at: number, offsetNs: number): void => {
    const high = Math.floor(offsetNs / radix);
    to[at] = high;
    to[at + 1] = offsetNs - high * radix;
  };
  const putExtra = (span: PlannedSpan, from: number, at: number): void => {
    const kind = marks[from];
    extras[nextExtra] = kind;
    extras[nextExtra + 1] = at;
    if (kind === mark.eventTime) {
      const event = span.shape.events[marks[from + 2]];
      putTime(extras, nextExtra + 2, event.atNs - span.shape.startNs + span.startOffsetNs);
    } else if (kind === mark.linkIds) {
      extras[nextExtra + 2] = span.links[marks[from + 2]].ordinal;
    } else {
      extras[nextExtra + 2] = marks[from + 2];
      extras[nextExtra + 3] = marks[from + 3];
    }
    nextExtra += extraStride;
  };

  for (const span of plan.spans) {
    const place = span.ordinal * spanStride;
    const moved = spanStart[span.ordinal] - span.start;
    places[place + spanField.at] = spanStart[span.ordinal];
    places[place + spanField.parentAt] = -1;
    places[place + spanField.parent] = span.parent === null ? -1 : span.parent.ordinal;
    places[place + spanField.trace] = span.trace;
    places[place + spanField.extras] = nextExtra;
    putTime(places, place + spanField.startHigh, span.startOffsetNs);
    putTime(places, place + spanField.endHigh, span.shape.endNs - span.shape.startNs + span.startOffsetNs);
    for (let i = span.firstMark; i < span.endMark; i++) {
      const from = i * markStride;
      const at = marks[from + 1] + moved;
      if (marks[from] === mark.parentId) places[place + spanField.parentAt] = at;
      else if (marks[from] === mark.startTime) places[place + spanField.timesAt] = at;
      else putExtra(span, from, at);
    }
  }
  places[plan.spans.length * spanStride + spanField.extras] = nextExtra;
  return { places, extras: extras.slice(0, nextExtra) };
}

/**
 * Draws, batches and encodes. Nothing is stamped yet. The sources are used up by it: give fresh ones, the same for the same
 * profile and seed, and the corpus is the same.
 */
export function buildCorpus(
  options: CorpusOptions,
  sources: readonly WeightedSource[],
  limits: CorpusLimits = corpusLimits,
): StampableCorpus {
  const plan = planCorpus(options, sources, limits);
  const { spans } = plan;
  const spanStart = new Int32Array(spans.length);
  const { bytes, requests } = writeRequests(plan, spanStart);
  const { places, extras } = createPlaces(plan, spanStart);
  return {
    options,
    bytes,
    requests,
    spans: spans.length,
    traces: plan.traces,
    traceOf: Int32Array.from(spans, ({ trace }) => trace),
    parentOf: Int32Array.from(spans, ({ parent }) => parent?.ordinal ?? -1),
    spanStart,
    spanEnd: Int32Array.from(spans, ({ start, end, ordinal }) => spanStart[ordinal] + end - start),
    startOffsetNs: Float64Array.from(spans, ({ startOffsetNs }) => startOffsetNs),
    places,
    extras,
  };
}

/** The corpus of a run. Throws SpanmillError when the profile has issues: it names each at its place. */
export function corpusOf(options: CorpusOptions): StampableCorpus {
  return buildCorpus(options, sourcesOf(options));
}
