// The corpus before its bytes: which traces are drawn, which spans stand in which request, and when they start.
import { type BatchRequest, createBatcher, createTurns, partsOf, type WeightedSource } from './batching.ts';
import { ByteWriter } from './byte-writer.ts';
import type { CorpusOptions, CorpusRate } from './corpus.ts';
import { jsonEncoding } from './encode-json.ts';
import { protobufEncoding } from './encode-protobuf.ts';
import type { Encoding, Frame } from './encoding.ts';
import { mix32 } from './identity.ts';
import { remember } from './remember.ts';
import type { ExportShape, SpanShape, TraceShape } from './shape.ts';
import { withWholeDoublesAsInts } from './whole-doubles.ts';

export interface CorpusLimits {
  /** Drawing ends with so many bytes of spans, as protobuf, or so many spans, */
  readonly enoughBytes: number;
  readonly enoughSpans: number;
  /** but not before there are so many requests, */
  readonly fewestRequests: number;
  /** unless there are so many bytes. */
  readonly mostBytes: number;
}

/**
 * Enough that a round has the variety of its profile and that no cache holds all of it, little enough that it is made in
 * a second and that every process of a run can have one. Large requests should differ too, but not fill the memory.
 */
export const corpusLimits: CorpusLimits = {
  enoughBytes: 32 * 2 ** 20,
  enoughSpans: 65_536,
  fewestRequests: 8,
  mostBytes: 128 * 2 ** 20,
};

/** What stands before a list in another, at most: tag and length of a message of less than 2^35 bytes. */
const mostItemBytes = 6;

export interface PlannedSpan {
  /** Without its texts and attributes, where the plan was not asked to keep them. */
  readonly shape: SpanShape;
  /** Index of its trace. */
  readonly trace: number;
  readonly parent: PlannedSpan | null;
  /** Of its shape's links, in order. */
  readonly links: readonly PlannedSpan[];
  /** Its message in the plan's `encoded`, and its marks there. */
  readonly start: number;
  readonly end: number;
  readonly firstMark: number;
  readonly endMark: number;
  /** As protobuf, with tag and length. */
  readonly bytes: number;
  /** Its place in the corpus, when all requests are there. */
  ordinal: number;
  startOffsetNs: number;
}

export type PlannedRequest = BatchRequest<PlannedSpan>;

export interface CorpusPlan {
  readonly encoding: Encoding;
  /** All spans as they were drawn. */
  readonly encoded: ByteWriter;
  readonly requests: readonly PlannedRequest[];
  /** By ordinal. */
  readonly spans: readonly PlannedSpan[];
  readonly traces: number;
}

/** Spans of a request in the order in which they stand in it. */
export function* spansOf(request: PlannedRequest): Generator<PlannedSpan> {
  for (const scopes of request.groups.values()) {
    for (const spans of scopes.values()) yield* spans;
  }
}

const frameBytes = ({ head, tail }: Frame): number => head.length + tail.length + mostItemBytes;

/** The most spans of each next request. */
function batchSizes(options: CorpusOptions, exporting: ExportShape): () => number {
  const { batchSize, seed } = options;
  if (batchSize === null) return () => exporting.nextSpans();
  const [min, max] = batchSize;
  let drawn = 0;
  return () => min + Math.floor(((mix32(mix32(seed) + drawn++) >>> 0) / 2 ** 32) * (max - min + 1));
}

/** `protobuf` is what sizes are counted in. */
function encodingsOf({ encoding, wholeDoubles }: CorpusOptions): { protobuf: Encoding; encoding: Encoding } {
  const asIs = (one: Encoding): Encoding => one;
  const written = wholeDoubles === 'int' ? withWholeDoublesAsInts : asIs;
  const protobuf = written(protobufEncoding);
  return { protobuf, encoding: encoding === 'json' ? written(jsonEncoding) : protobuf };
}

/** What is left of a span that was encoded: its place and its times. Texts of all spans are most of what a plan holds. */
function withoutTexts(shape: SpanShape): SpanShape {
  const events = shape.events.map(({ atNs }) => ({ name: '', atNs, attributes: [] }));
  return { ...shape, parent: null, name: '', traceState: '', attributes: [], events, links: [] };
}

/**
 * Encodes the spans of a trace after one another. `measure` gives what a span takes as protobuf, and `kept` what the plan
 * holds of its shape.
 */
function encodeTrace(
  trace: TraceShape,
  index: number,
  { encoding, encoded }: Pick<CorpusPlan, 'encoding' | 'encoded'>,
  measure: (span: SpanShape, encodedBytes: number) => number,
  kept: (shape: SpanShape) => SpanShape,
): PlannedSpan[] {
  const planned = new Map<SpanShape, { parent: PlannedSpan | null; links: PlannedSpan[] } & PlannedSpan>();
  for (const shape of trace.spans) {
    const start = encoded.at;
    const firstMark = encoded.markCount;
    encoding.writeSpan(encoded, shape);
    planned.set(shape, {
      shape: kept(shape),
      trace: index,
      parent: null,
      links: [],
      start,
      end: encoded.at,
      firstMark,
      endMark: encoded.markCount,
      bytes: measure(shape, encoded.at - start),
      ordinal: -1,
      startOffsetNs: 0,
    });
  }
  const find = (shape: SpanShape): PlannedSpan => {
    const span = planned.get(shape);
    if (span === undefined) throw new Error('a parent or a link is not of the same trace');
    return span;
  };
  for (const [shape, span] of planned) {
    if (shape.parent !== null) span.parent = find(shape.parent);
    for (const { to } of shape.links) span.links.push(find(to));
  }
  return [...planned.values()];
}

/**
 * What counts is the size as protobuf, whatever the encoding: so that a corpus has the same spans in the same requests under
 * the same numbers in both.
 */
function createMeasure(encoding: Encoding, protobuf: Encoding): (span: SpanShape, encodedBytes: number) => number {
  const scratch = new ByteWriter();
  const withPrefix = (bytes: number): number => bytes + protobuf.itemBytes(0, bytes);
  if (encoding === protobuf) return (_span, encodedBytes) => withPrefix(encodedBytes);
  return (span) => {
    scratch.clear();
    protobuf.writeSpan(scratch, span);
    return withPrefix(scratch.at);
  };
}

/** Nanoseconds between the intended times of two requests. */
function intervalOf(rate: CorpusRate, spansPerRequest: number): number {
  if (!rate) return 0;
  const requestsPerSecond =
    'requestsPerSecond' in rate ? rate.requestsPerSecond : rate.spansPerSecond / spansPerRequest;
  return 1e9 / requestsPerSecond;
}

/** Gives every span its place and its start, when the requests are in their order. */
function placeSpans(
  requests: readonly PlannedRequest[],
  leaveNs: readonly number[],
  intervalNs: number,
): PlannedSpan[] {
  // The turn at which the first request of a trace is due: that of its earliest part, which has no delay.
  const firstTurn = new Int32Array(leaveNs.length).fill(-1);
  requests.forEach((request, turn) => {
    if (request.delayNs > 0) return;
    for (const { trace } of spansOf(request)) if (firstTurn[trace] < 0) firstTurn[trace] = turn;
  });
  const spans: PlannedSpan[] = [];
  requests.forEach((request, turn) => {
    for (const span of spansOf(request)) {
      span.ordinal = spans.length;
      // Not below 0: the batcher keeps a later part back until the first one has had its turn.
      const turns = turn - firstTurn[span.trace];
      const sinceLeaving = span.shape.startNs - leaveNs[span.trace] - request.delayNs;
      span.startOffsetNs = sinceLeaving - Math.round(turns * intervalNs);
      spans.push(span);
    }
  });
  return spans;
}

/**
 * Draws traces until there is enough, and batches them. The sources are used up by it: give fresh ones. `keepShapes`: the
 * shapes of the plan's spans are whole.
 */
export function planCorpus(
  options: CorpusOptions,
  sources: readonly WeightedSource[],
  limits: CorpusLimits = corpusLimits,
  keepShapes = false,
): CorpusPlan {
  const kept = keepShapes ? (shape: SpanShape) => shape : withoutTexts;
  const { protobuf, encoding } = encodingsOf(options);
  const encoded = new ByteWriter();
  const measure = createMeasure(encoding, protobuf);
  const resourceBytes = remember(protobuf.resourceFrame);
  const scopeBytes = remember(protobuf.scopeFrame);
  const requests: PlannedRequest[] = [];
  const batchers = sources.map(({ source }) =>
    createBatcher<PlannedSpan>(
      {
        export: source.export,
        nextSpans: batchSizes(options, source.export),
        requestBytes: frameBytes(protobuf.request),
        resourceBytes: (resource) => frameBytes(resourceBytes(resource)),
        scopeBytes: (scope) => frameBytes(scopeBytes(scope)),
      },
      (request) => requests.push(request),
    ),
  );
  const turns = createTurns(sources.map(({ weight }) => weight));
  /** By trace: when its first part leaves, from its start. */
  const leaveNs: number[] = [];
  let spanCount = 0;
  let bytes = 0;
  const requestCount = () => batchers.reduce((sum, batcher) => sum + batcher.waiting(), requests.length);
  const hasEnough = () =>
    (bytes >= limits.enoughBytes || spanCount >= limits.enoughSpans) &&
    (bytes >= limits.mostBytes || requestCount() >= limits.fewestRequests);
  while (!hasEnough()) {
    const turn = turns.next();
    const { source } = sources[turn];
    const spans = encodeTrace(source.next(), leaveNs.length, { encoding, encoded }, measure, kept);
    const parts = partsOf(spans, source.export.flushNs);
    batchers[turn].add(parts);
    turns.count(turn, spans.length);
    leaveNs.push(parts[0].leaveNs);
    spanCount += spans.length;
    for (const span of spans) bytes += span.bytes;
  }
  for (const batcher of batchers) batcher.finish();
  const spans = placeSpans(requests, leaveNs, intervalOf(options.rate, spanCount / requests.length));
  return { encoding, encoded, requests, spans, traces: leaveNs.length };
}
