// A stage, compiled in a worker: its processors over one set of views, run request by request.
import type { ProcessorDefinition, SpanProcessorDefinition, StageBuilder } from '../component/types.ts';
import { SpanmillError } from '../errors.ts';
import { ResourceView, ScopeView } from '../wire/container-view.ts';
import { Transcoder } from '../wire/json/transcode.ts';
import type { Kernel } from '../wire/kernel/kernel.ts';
import type { SharedMemory } from '../wire/memory.ts';
import { normalise } from '../wire/normalise.ts';
import { type RewriteHooks, type RewriteOutcome, Rewriter, rewriteOutcome } from '../wire/rewriter.ts';
import { messageKind } from '../wire/schema.ts';
import type { Output } from '../wire/segment-writer.ts';
import { type EntryTables, SpanView } from '../wire/span-view.ts';
import { type Region, type Scratch, StageMemory } from '../wire/stage-memory.ts';
import type { CounterSpec, StagePlan } from './plan.ts';

export interface ChainWarning {
  readonly component: string;
  readonly code: string;
  readonly message: string;
  readonly count: number;
}

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
  /** Spans that the request of the last run has, when that failed; 0 when they cannot be counted. */
  spansOfLast(): number;
  /** Of the last run. */
  readonly rewriter: Rewriter;
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
  const stage = new StageMemory(memory.shared, memory.kernel, memory.region, memory.scratch);
  const views = {
    span: new SpanView(stage, memory.tables),
    resource: new ResourceView(stage, memory.tables),
    scope: new ScopeView(stage, memory.tables),
  };
  const counts = new Float64Array(maxCounters);
  const counters: CounterSpec[] = [];
  const warnings = new Map<string, { component: string; code: string; message: string; count: number }>();
  const hooks: RewriteHooks[] = [];

  const addCounter = (spec: CounterSpec): number => {
    if (counters.length >= maxCounters)
      throw new SpanmillError('INTERNAL', `more than ${maxCounters} counters in a stage`);
    return counters.push(spec) - 1;
  };
  const builderFor = (id: string, { dropMetric }: Step): StageBuilder => ({
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
    counter: (metric, labels) => addCounter({ kind: 'metric', component: id, metric, labels }),
    add: (counter, n) => {
      counts[counter] += n;
    },
    metadata: (key) => chain.metadata[key] ?? noValues,
    halvings: () => chain.halvings,
    warn: (code, message) => {
      const name = `${id} ${code}`;
      const known = warnings.get(name);
      if (known) known.count++;
      else warnings.set(name, { component: id, code, message, count: 1 });
    },
  });

  for (const processor of plan.processors) {
    const definition = definitionOf(processors, processor.type);
    hooks.push(definition.compile(processor.config, builderFor(processor.id, definition)));
  }
  // Only what was counted in is ever written out, but a rollback copies all of it.
  const used = counts.subarray(0, counters.length);
  const rewriter = new Rewriter(stage, views, memory.tables, hooks, used);
  stage.seal();

  const { bytes } = memory.shared;
  let transcoder: Transcoder | null = null;
  let lastAt = 0;
  let lastEnd = 0;

  const rewrite = (at: number, end: number, out: Output): RewriteOutcome => {
    lastAt = at;
    lastEnd = end;
    return rewriter.run(at, end, out);
  };
  /** `normaliseTo`: 0: nowhere. */
  const rewriteUsual = (at: number, length: number, normaliseTo: number, out: Output): RewriteOutcome => {
    const outcome = rewrite(at, at + length, out);
    if (outcome !== rewriteOutcome.unusual || normaliseTo === 0) return outcome;
    const size = normalise(bytes, at, length, bytes, normaliseTo);
    if (size >= 0) return rewrite(normaliseTo, normaliseTo + size, out);
    rewriter.message = `not a valid ExportTraceServiceRequest (code ${size})`;
    return rewriteOutcome.malformed;
  };

  const chain: Chain = {
    counters,
    metadata: noMetadata,
    halvings: 0,
    rewriter,
    activate: () => stage.activate(),
    run: rewriteUsual,
    runJson(at, length, to, room, out) {
      let size: number;
      try {
        transcoder ??= new Transcoder(bytes);
        size = transcoder.run(at, length, to, room);
      } catch (error) {
        rewriter.message = error instanceof Error ? error.message : String(error);
        return rewriteOutcome.malformed;
      }
      if (size < 0) return rewriteOutcome.unusual;
      return rewriteUsual(to, size, room - size >= size ? to + size : 0, out);
    },
    spansOfLast: () => Math.max(0, memory.kernel.countSpans(messageKind.request, lastAt, lastEnd)),
    takeCounters(into) {
      into.set(used);
      used.fill(0);
    },
    takeWarnings() {
      if (warnings.size === 0) return [];
      const all = [...warnings.values()];
      warnings.clear();
      return all;
    },
  };
  return chain;
}

type Step = Pick<SpanProcessorDefinition, 'compile' | 'dropMetric'>;

function definitionOf(processors: readonly ProcessorDefinition[], type: string): Step {
  for (const definition of processors) {
    if (definition.type === type && definition.role !== 'batch') return definition;
  }
  throw new SpanmillError('INTERNAL', `no processor ${type} in the worker`);
}
