// A rule on the items of a request, in a stage like those of the service: the same views, compiled code and writer.
import { z } from 'zod';
import { defineSpanProcessor } from '../component/define.ts';
import type { StageBuilder, StageProcessor } from '../component/step.ts';
import { SpanmillError } from '../errors.ts';
import { type ContextName, createEnvironment, type Environment, itemWalker } from '../ottl/environment.ts';
import { OttlFault } from '../ottl/error.ts';
import { type Chain, compileChain } from '../pipeline/chain.ts';
import { loadKernel } from '../wire/kernel/kernel.ts';
import { createMemory, type SharedMemory, viewsOf } from '../wire/memory.ts';
import { NoRoomError } from '../wire/no-room.ts';
import { newOutput } from '../wire/output.ts';
import { rewriteOutcome } from '../wire/rewriter.ts';
import { Region, Scratch } from '../wire/stage-memory.ts';
import { TextTable } from '../wire/text-table.ts';
import { jobCounters, layOut } from '../workers/layout.ts';
import type { Outcome, Rule } from './rule.ts';

export interface RuleRun {
  /** What the request is without the rule: as it came, but for what holds no span. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  /** One for each item of the rule's context, in the order of the request. */
  readonly outcomes: readonly Outcome[];
}

/** `request`: an ExportTraceServiceRequest. Throws a SpanmillError when the stage cannot read it, or has no room for it. */
export function runRule(rule: Rule, request: Uint8Array): RuleRun {
  const stage = new Stage(request.length);
  const before = stage.run(request, () => ({}));
  const outcomes: Outcome[] = [];
  const after = stage.run(before, (builder) => hooksOf(rule, builder, outcomes));
  return { before, after, outcomes };
}

function hooksOf(rule: Rule, builder: StageBuilder, outcomes: Outcome[]): StageProcessor {
  const env = createEnvironment(builder);
  const run = rule.compile(env);
  const visit = (): void => {
    clearCaches(env);
    outcomes.push(attempt(run));
  };
  const { context } = rule;
  const hook = context === 'spanevent' || context === 'spanlink' ? itemWalker(env, context, visit) : visit;
  return { [hookNames[context]]: hook };
}

const hookNames: Readonly<Record<ContextName, keyof StageProcessor>> = {
  resource: 'resource',
  scope: 'scope',
  span: 'span',
  spanevent: 'span',
  spanlink: 'span',
};

function attempt(run: () => Outcome): Outcome {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof OttlFault || error instanceof NoRoomError)) throw error;
    return { kind: 'fault', message: error.message };
  }
}

function clearCaches({ caches }: Environment): void {
  for (const cache of Object.values(caches)) cache.clear();
}

/** What a rule may add to a request, besides three times its size. */
const growthBytes = 64 << 20;
const scratchBytes = 64 << 20;

/** The memory that a worker has, for one request at a time. Pages that nothing touches cost nothing. */
class Stage {
  readonly #shared: SharedMemory;
  readonly #layout: ReturnType<typeof layOut>;

  constructor(requestBytes: number) {
    this.#layout = layOut(1, scratchBytes, 8 * requestBytes + growthBytes);
    this.#shared = viewsOf(createMemory(this.#layout.totalBytes));
  }

  run(request: Uint8Array, compile: (builder: StageBuilder) => StageProcessor): Uint8Array {
    const { bytes } = this.#shared;
    const { at, bytes: room } = this.#layout.arena;
    bytes.set(request, at);
    const normaliseTo = at + request.length;
    const outputAt = normaliseTo + 2 * request.length;
    const output = newOutput(outputAt, at + room, Number.POSITIVE_INFINITY);
    const chain = this.#chain(compile);
    const outcome = chain.run(at, request.length, normaliseTo, output);
    if (outcome === rewriteOutcome.full) {
      throw new SpanmillError('OTLP_PROTOBUF', `more than ${room >> 20} MiB would come of it`);
    }
    if (outcome === rewriteOutcome.failed) throw new SpanmillError('INTERNAL', chain.message);
    if (outcome !== rewriteOutcome.written) throw new SpanmillError('OTLP_PROTOBUF', chain.message);
    return bytes.slice(outputAt, output.at);
  }

  #chain(compile: (builder: StageBuilder) => StageProcessor): Chain {
    const shared = this.#shared;
    const [{ region, scratch, texts, tables }] = this.#layout.contexts;
    const kernel = loadKernel(shared);
    const plan = { batching: null, holding: null, metadataKeys: [], maxSpans: 0, showValues: true, thinning: null };
    const walks = [{ steps: [{ id: 'ottl', type: 'ottl', config: {}, pass: 0 }], lateHeaders: true }];
    const memory = {
      shared,
      kernel,
      region: new Region(region.at, region.bytes),
      scratch: new Scratch(scratch.at, scratch.bytes),
      texts: new TextTable(shared, kernel, texts),
      tables,
    };
    const chain = compileChain({ ...plan, walks }, [processorFor(compile)], memory, jobCounters);
    chain.activate();
    return chain;
  }
}

/** A processor that is its compile function alone. */
function processorFor(compile: (builder: StageBuilder) => StageProcessor) {
  return defineSpanProcessor({
    kind: 'processor',
    role: 'spans',
    type: 'ottl',
    aliases: [],
    stability: 'stable',
    summary: 'Tries a rule.',
    config: z.unknown(),
    examples: [],
    metrics: [],
    traits: { mutates: true, drops: false },
    compile: (_config, builder) => compile(builder),
  });
}
