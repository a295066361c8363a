// A stage, compiled in a worker: the walks of its processors over one set of views, run request by request.
import type { Step } from '../component/step.ts';
import { SpanmillError } from '../errors.ts';
import { ResourceView, ScopeView } from '../wire/container-view.ts';
import { Transcoder } from '../wire/json/transcode.ts';
import type { Kernel } from '../wire/kernel/kernel.ts';
import type { SharedMemory } from '../wire/memory.ts';
import { normalise } from '../wire/normalise.ts';
import { newOutput, type Output } from '../wire/output.ts';
import { type RewriteHooks, type RewriteOutcome, Rewriter, rewriteOutcome } from '../wire/rewriter.ts';
import { messageKind } from '../wire/schema.ts';
import { type EntryTables, SpanView } from '../wire/span-view.ts';
import { type Region, type Scratch, StageMemory } from '../wire/stage-memory.ts';
import type { TextTable } from '../wire/text-table.ts';
import type { CounterSpec, StagePlan } from './plan.ts';
import { type BuilderParts, builderFor, StageCounters } from './step-builder.ts';
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

export function compileChain(plan: StagePlan, steps: readonly Step[], memory: ChainMemory, maxCounters: number): Chain {
  const stage = new StageMemory(memory.shared, memory.kernel, memory.region, memory.scratch, memory.texts);
  const views = {
    span: new SpanView(stage, memory.tables),
    resource: new ResourceView(stage, memory.tables),
    scope: new ScopeView(stage, memory.tables),
  };
  const counters = new StageCounters(maxCounters);
  const warnings = new WarningList();
  const parts: BuilderParts = { stage, views, counters, warnings, showValues: plan.showValues, present: () => chain };
  const compiled = plan.walks.map((planned) =>
    planned.steps.map(({ id, type, config, pass }): RewriteHooks => {
      const step = stepOf(steps, type);
      return step.compile(config, builderFor(id, step, parts), pass);
    }),
  );
  const used = counters.used();
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
    counters: counters.specs,
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

function stepOf(steps: readonly Step[], wanted: string): Step {
  const step = steps.find(({ type }) => type === wanted);
  if (step === undefined) throw new SpanmillError('INTERNAL', `no processor ${wanted} in the worker`);
  return step;
}
