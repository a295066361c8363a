// A stage, compiled in a worker: the walks of its processors over one set of views, run request by request.
import type { MetricSpec, ProcessorDefinition, SpanProcessorDefinition, StageBuilder } from '../component/types.ts';
import { SpanmillError } from '../errors.ts';
import { ResourceView, ScopeView } from '../wire/container-view.ts';
import { Transcoder } from '../wire/json/transcode.ts';
import type { Kernel } from '../wire/kernel/kernel.ts';
import type { SharedMemory } from '../wire/memory.ts';
import { normalise } from '../wire/normalise.ts';
import { type RewriteHooks, type RewriteOutcome, Rewriter, rewriteOutcome } from '../wire/rewriter.ts';
import { messageKind } from '../wire/schema.ts';
import { newOutput, type Output } from '../wire/segment-writer.ts';
import { type EntryTables, SpanView } from '../wire/span-view.ts';
import { type Region, type Scratch, StageMemory } from '../wire/stage-memory.ts';
import type { TextTable } from '../wire/text-table.ts';
import type { CounterSpec, StagePlan } from './plan.ts';
import { roomsOf } from './walks.ts';
import { type ChainWarning, WarningList } from './warnings.ts';

export interface Chain {
  /** What each counter number counts; the same in every worker, since compiling is deterministic. */
  readonly counters: readonly CounterSpec[];
  /** Makes this chain the one that the kernel works for; before `run`. */
  activate(): void;
  /** Metadata of the request that `run` is given next. */
  metadata: Readonly<Record<string, readonly string[]>>;
  /** How often the spans that `run` is given next are to be halved, where a processor does that. */
  halvings: number;
  run(at: number, length: number, normaliseTo: number, out: Output): RewriteOutcome;
  /**
   * As run, for a request that is OTLP JSON: `room` bytes at `to` are for its protobuf form, and for the canonical form of
   * that behind it. `unusual`: there was too little room for either.
   */
  runJson(at: number, length: number, to: number, room: number, out: Output): RewriteOutcome;
  /** As run, for so many traces that were held (wire/run-table.ts); `first`: position of the newest run of the first. */
  runTraces(first: number, traces: number, out: Output): RewriteOutcome;
  /**
   * As run, for several requests (pairs of position and length) that are one payload: all of it or nothing. They must be
   * what a stage has written.
   */
  runJoined(requests: readonly number[], out: Output): RewriteOutcome;
  /** Spans that the request of the last run has, when that failed; 0 when they cannot be counted. */
  spansOfLast(): number;
  /** Of the last run. `message`: why it was refused. */
  readonly message: string;
  readonly spansIn: number;
  readonly spansOut: number;
  /** Counts since the last call, which sets them to 0. */
  takeCounters(into: Float64Array): void;
  /** Warnings since the last call, one for each code. */
  takeWarnings(): readonly ChainWarning[];
}

export interface ChainMemory {
  readonly shared: SharedMemory;
  readonly kernel: Kernel;
  readonly region: Region;
  readonly scratch: Scratch;
  readonly texts: TextTable;
  readonly tables: EntryTables;
}

const noMetadata: Readonly<Record<string, readonly string[]>> = {};
const noValues: readonly string[] = [];

export function compileChain(
  plan: StagePlan,
  processors: readonly ProcessorDefinition[],
  memory: ChainMemory,
  maxCounters: number,
): Chain {
  const stage = new StageMemory(memory.shared, memory.kernel, memory.region, memory.scratch, memory.texts);
  const views = {
    span: new SpanView(stage, memory.tables),
    resource: new ResourceView(stage, memory.tables),
    scope: new ScopeView(stage, memory.tables),
  };
  const counts = new Float64Array(maxCounters);
  const counters: CounterSpec[] = [];
  const warnings = new WarningList();

  const addCounter = (spec: CounterSpec): number => {
    if (counters.length >= maxCounters)
      throw new SpanmillError('INTERNAL', `more than ${maxCounters} counters in a stage`);
    return counters.push(spec) - 1;
  };
  const builderFor = (id: string, { dropMetric, metrics }: Compiler): StageBuilder => ({
    id,
    ...views,
    intern: (key) => stage.intern(key),
    constant: (bytes) => stage.constant(bytes),
    attribute: (key, value) => stage.attribute(key, value),
    dropCounter: (reason) =>
      addCounter({
        kind: 'dropped',
        component: id,
        reason,
        ...(dropMetric === undefined ? {} : { metric: dropMetric }),
      }),
    histogram(metric, bounds) {
      const part = (one: number | 'sum'): number =>
        addCounter({ kind: 'metric', component: id, metric, help: helpOf(metrics, metric), labels: {}, part: one });
      const buckets = [...bounds, Number.POSITIVE_INFINITY].map(part);
      const sum = part('sum');
      return (value) => {
        counts[buckets[bounds.findIndex((bound) => value <= bound)] ?? sum - 1]++;
        counts[sum] += value;
      };
    },
    routeCounter: (where) => addCounter({ kind: 'routed', component: id, where }),
    counter: (metric, labels) =>
      addCounter({ kind: 'metric', component: id, metric, help: helpOf(metrics, metric), labels }),
    add: (counter, n) => {
      counts[counter] += n;
    },
    metadata: (key) => chain.metadata[key] ?? noValues,
    halvings: () => chain.halvings,
    showValues: plan.showValues,
    warn: (code, message, sample) => warnings.add(id, code, message, sample),
  });

  const compiled = plan.walks.map(({ steps }) =>
    steps.map(({ id, type, config, pass }): RewriteHooks => {
      const definition = definitionOf(processors, type);
      return definition.compile(config, builderFor(id, definition), pass);
    }),
  );
  // Only what was counted in is ever written out, but a rollback copies all of it.
  const used = counts.subarray(0, counters.length);
  const walks = plan.walks.map(
    ({ lateHeaders }, i) =>
      new Rewriter(stage, views, memory.tables, { hooks: compiled[i], counters: used, lateHeaders }),
  );
  const [first] = walks;
  const last = walks[walks.length - 1];
  stage.seal();

  const { bytes } = memory.shared;
  let transcoder: Transcoder | null = null;
  let lastAt = 0;
  let lastEnd = 0;
  let message = '';

  const walk: WalkOnce = (rewriter, at, end, out, traces) => {
    const outcome = rewriter.run(at, end, out, traces);
    message = rewriter.message;
    return outcome;
  };
  const walkAll = walks.length === 1 ? walk.bind(null, first) : inRooms(walks, walk, used, roomsOf(plan.walks));
  const rewrite = (at: number, end: number, out: Output): RewriteOutcome => {
    lastAt = at;
    lastEnd = end;
    return walkAll(at, end, out, 0);
  };
  /** `normaliseTo`: 0: nowhere. */
  const rewriteUsual = (at: number, length: number, normaliseTo: number, out: Output): RewriteOutcome => {
    const outcome = rewrite(at, at + length, out);
    if (outcome !== rewriteOutcome.unusual || normaliseTo === 0) return outcome;
    const size = normalise(bytes, at, length, bytes, normaliseTo);
    if (size >= 0) return rewrite(normaliseTo, normaliseTo + size, out);
    message = `not a valid ExportTraceServiceRequest (code ${size})`;
    return rewriteOutcome.malformed;
  };

  const chain: Chain = {
    counters,
    metadata: noMetadata,
    halvings: 0,
    get message() {
      return message;
    },
    get spansIn() {
      return first.spansIn;
    },
    get spansOut() {
      return last.spansOut;
    },
    activate: () => stage.activate(),
    run: rewriteUsual,
    runJson(at, length, to, room, out) {
      let size: number;
      try {
        transcoder ??= new Transcoder(bytes);
        size = transcoder.run(at, length, to, room);
      } catch (error) {
        message = error instanceof Error ? error.message : String(error);
        return rewriteOutcome.malformed;
      }
      if (size < 0) return rewriteOutcome.unusual;
      return rewriteUsual(to, size, room - size >= size ? to + size : 0, out);
    },
    runTraces(first, traces, out) {
      lastAt = 0;
      lastEnd = 0;
      const outcome = walkAll(first, 0, out, traces);
      if (outcome !== rewriteOutcome.unusual) return outcome;
      // What a stage has written is in canonical form.
      message = 'a span that was held is not in canonical form';
      return rewriteOutcome.failed;
    },
    runJoined([at, length, ...others], out) {
      first.more = others.map((n, i) => (i % 2 === 0 ? n : others[i - 1] + n));
      const outcome = rewrite(at, at + length, out);
      first.more = [];
      return outcome;
    },
    spansOfLast: () => Math.max(0, memory.kernel.countSpans(messageKind.request, lastAt, lastEnd)),
    takeCounters(into) {
      into.set(used);
      used.fill(0);
    },
    takeWarnings: () => warnings.take(),
  };
  return chain;
}

/** `traces`: not 0 where held traces are what is walked over. */
type WalkOnce = (rewriter: Rewriter, at: number, end: number, out: Output, traces: number) => RewriteOutcome;

/**
 * One walk after another: what one leaves stands in a room behind the output's own for the next to read, and only the last
 * writes to the output. All together are one transaction.
 */
function inRooms(
  walks: readonly Rewriter[],
  walk: WalkOnce,
  counters: Float64Array,
  rooms: number,
): (at: number, end: number, out: Output, traces: number) => RewriteOutcome {
  const before = new Float64Array(counters.length);
  const between = newOutput(0, 0, 0);
  const lastWalk = walks.length - 1;
  return (at, end, out, traces) => {
    before.set(counters);
    const outEnd = out.end;
    const room = Math.floor((outEnd - out.at) / rooms);
    let from = at;
    let to = end;
    for (let i = 0; i < lastWalk; i++) {
      between.at = out.at + room * (1 + (i % (rooms - 1)));
      between.end = between.at + room;
      between.openFrom = between.at;
      between.openSpans = 0;
      const start = between.at;
      const outcome = walk(walks[i], from, to, between, i === 0 ? traces : 0);
      if (outcome !== rewriteOutcome.written) {
        counters.set(before);
        return outcome;
      }
      from = start;
      to = between.at;
    }
    out.end = out.at + room;
    const outcome = walk(walks[lastWalk], from, to, out, 0);
    out.end = outEnd;
    if (outcome !== rewriteOutcome.written) counters.set(before);
    return outcome;
  };
}

type Compiler = Pick<SpanProcessorDefinition, 'compile' | 'dropMetric' | 'metrics'>;

const helpOf = (metrics: readonly MetricSpec[], wanted: string): string =>
  metrics.find(({ name }) => name === wanted)?.help ?? '';

function definitionOf(processors: readonly ProcessorDefinition[], type: string): Compiler {
  for (const definition of processors) {
    if (definition.type === type && 'compile' in definition) return definition;
  }
  throw new SpanmillError('INTERNAL', `no processor ${type} in the worker`);
}
