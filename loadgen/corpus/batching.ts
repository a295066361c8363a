// From traces to requests, as programs export them: a span leaves with a part of its trace, a part waits in the queue of its
// program, and a queue that has enough becomes a request.
import type { ExportShape, ResourceShape, ScopeShape, SpanShape, TraceSource } from './shape.ts';

/** `weight`: its part of all spans, in proportion to the others' weights. */
export interface WeightedSource {
  readonly weight: number;
  readonly source: TraceSource;
}

/** What is batched: a span with the bytes that it takes in a request, its place in the list included. */
export interface BatchSpan {
  readonly shape: SpanShape;
  readonly bytes: number;
}

/** Spans of a trace that leave their programs at the same time. */
export interface TracePart<T extends BatchSpan> {
  /** Nanoseconds from the start of the trace. */
  readonly leaveNs: number;
  /** In the order in which they ended. */
  readonly spans: readonly T[];
}

export interface BatchRequest<T extends BatchSpan> {
  /** Nanoseconds that its spans leave later than the first part of their traces. */
  readonly delayNs: number;
  readonly spanCount: number;
  readonly groups: ReadonlyMap<ResourceShape, ReadonlyMap<ScopeShape, readonly T[]>>;
}

export interface BatcherOptions {
  readonly export: Pick<ExportShape, 'by' | 'bytes'>;
  /** The most spans of the next request. */
  readonly nextSpans: () => number;
  /** The most bytes of a request besides its spans: once, and for each resource and scope in it. */
  readonly requestBytes: number;
  readonly resourceBytes: (resource: ResourceShape) => number;
  readonly scopeBytes: (scope: ScopeShape) => number;
}

export interface Batcher<T extends BatchSpan> {
  /** Adds a trace, its earliest part first. */
  add(parts: readonly TracePart<T>[]): void;
  /** Queues with spans and requests that are kept back: as many are left. */
  waiting(): number;
  /** What is left in the queues leaves. */
  finish(): void;
}

/** Gives the source whose turn it is, and counts the spans that it gave then. Sources get spans in proportion to their weights. */
export interface Turns {
  next(): number;
  count(source: number, spans: number): void;
}

export function createTurns(weights: readonly number[]): Turns {
  // What each source had, in units of what it should have: the one that is furthest behind is next.
  const had = weights.map((weight) => (weight > 0 ? 0 : Number.POSITIVE_INFINITY));
  return {
    next: () => had.indexOf(Math.min(...had)),
    count(source, spans) {
      had[source] += spans / weights[source];
    },
  };
}

/** Cuts a trace where its spans leave: together, or each at the end of the interval of `flushNs` in which it ended. */
export function partsOf<T extends BatchSpan>(spans: readonly T[], flushNs: number): TracePart<T>[] {
  const ended = spans.toSorted((a, b) => a.shape.endNs - b.shape.endNs);
  if (flushNs === 0) return [{ leaveNs: ended[ended.length - 1].shape.endNs, spans: ended }];
  const parts: { readonly leaveNs: number; readonly spans: T[] }[] = [];
  for (const span of ended) {
    const leaveNs = (Math.floor(span.shape.endNs / flushNs) + 1) * flushNs;
    const last = parts.at(-1);
    if (last?.leaveNs === leaveNs) last.spans.push(span);
    else parts.push({ leaveNs, spans: [span] });
  }
  return parts;
}

/** A trace of which parts wait. */
interface Waiting<T extends BatchSpan> {
  /** Whether its first part, or some of it, is in a request that was emitted. */
  begun: boolean;
  /** What is full, and kept back until it has begun. */
  readonly kept: Set<Queue<T>>;
}

interface Queue<T extends BatchSpan> {
  readonly traces: Set<Waiting<T>>;
  /** How many of its traces it is kept back for. */
  unbegun: number;
  readonly delayNs: number;
  /** Drawn when its first span comes. */
  readonly mostSpans: number;
  spanCount: number;
  bytes: number;
  readonly groups: Map<ResourceShape, Map<ScopeShape, T[]>>;
}

/**
 * `emit` is called with one request after another, in the order in which they became full; but one that leaves later than the
 * first parts of its traces is kept back until some of each of these has left: else it would be sent before them.
 */
export function createBatcher<T extends BatchSpan>(
  options: BatcherOptions,
  emit: (request: BatchRequest<T>) => void,
): Batcher<T> {
  const { by, bytes: mostBytes } = options.export;
  /** By program and delay: what leaves later than the first part of its trace is not sent with what leaves at once. */
  const queues = new Map<ResourceShape | null, Map<number, Queue<T>>>();

  let kept = 0;

  const startQueue = (delayNs: number): Queue<T> => ({
    traces: new Set(),
    unbegun: 0,
    delayNs,
    mostSpans: Math.max(1, options.nextSpans()),
    spanCount: 0,
    bytes: options.requestBytes,
    groups: new Map(),
  });

  function bytesWith(queue: Queue<T>, { shape, bytes }: T): number {
    const scopes = queue.groups.get(shape.resource);
    let all = queue.bytes + bytes;
    if (scopes === undefined) all += options.resourceBytes(shape.resource);
    if (scopes?.has(shape.scope) !== true) all += options.scopeBytes(shape.scope);
    return all;
  }

  function leave(queue: Queue<T>): void {
    emit(queue);
    if (queue.delayNs > 0) return;
    for (const trace of queue.traces) {
      trace.begun = true;
      for (const later of trace.kept) {
        if (--later.unbegun > 0) continue;
        kept--;
        emit(later);
      }
      trace.kept.clear();
    }
  }

  /** The queue is full, or nothing more comes. */
  function close(queue: Queue<T>): void {
    const missing = queue.delayNs === 0 ? [] : [...queue.traces].filter(({ begun }) => !begun);
    if (missing.length === 0) {
      leave(queue);
      return;
    }
    queue.unbegun = missing.length;
    for (const trace of missing) trace.kept.add(queue);
    kept++;
  }

  function put(queue: Queue<T>, span: T, trace: Waiting<T>): void {
    queue.traces.add(trace);
    const { resource, scope } = span.shape;
    queue.bytes = bytesWith(queue, span);
    queue.spanCount++;
    const scopes = queue.groups.get(resource) ?? new Map<ScopeShape, T[]>();
    if (scopes.size === 0) queue.groups.set(resource, scopes);
    const spans = scopes.get(scope);
    if (spans === undefined) scopes.set(scope, [span]);
    else spans.push(span);
  }

  function addSpan(span: T, delayNs: number, trace: Waiting<T>): void {
    const program = by === 'agent' ? null : span.shape.resource;
    const delays = queues.get(program) ?? new Map<number, Queue<T>>();
    if (delays.size === 0) queues.set(program, delays);
    let queue = delays.get(delayNs);
    if (queue !== undefined && bytesWith(queue, span) > mostBytes) {
      close(queue);
      queue = undefined;
    }
    queue ??= startQueue(delayNs);
    put(queue, span, trace);
    if (queue.spanCount >= queue.mostSpans) {
      close(queue);
      delays.delete(delayNs);
    } else {
      delays.set(delayNs, queue);
    }
  }

  return {
    add(parts) {
      const trace: Waiting<T> = { begun: false, kept: new Set() };
      for (const { leaveNs, spans } of parts) {
        for (const span of spans) addSpan(span, leaveNs - parts[0].leaveNs, trace);
      }
    },
    waiting() {
      let count = kept;
      for (const delays of queues.values()) count += delays.size;
      return count;
    },
    finish() {
      const all = [...queues.values()].flatMap((delays) => [...delays.values()]);
      queues.clear();
      // Stable: those without a delay first, so that none is kept back for ever.
      for (const queue of all.sort((a, b) => Number(a.delayNs > 0) - Number(b.delayNs > 0))) close(queue);
    },
  };
}
