// The work of a worker thread: compiles every stage once, then runs the job that stands in its job block.
import type { ProcessorDefinition } from '../component/types.ts';
import { type Chain, compileChain } from '../pipeline/chain.ts';
import { loadKernel } from '../wire/kernel/kernel.ts';
import { viewsOf } from '../wire/memory.ts';
import { rewriteOutcome } from '../wire/rewriter.ts';
import { messageKind } from '../wire/schema.ts';
import { newOutput } from '../wire/segment-writer.ts';
import { Region, Scratch } from '../wire/stage-memory.ts';
import { job, jobCounters, jobRequest, jobSegments, requestWord } from './layout.ts';
import type { PrepareResult, RunResult, WorkerData, WorkerTask } from './protocol.ts';

export function createWorker(
  processors: readonly ProcessorDefinition[],
  data: WorkerData,
): (task: WorkerTask) => PrepareResult | RunResult {
  const { context } = data;
  const shared = viewsOf(data.memory);
  const kernel = loadKernel(shared);
  const region = new Region(context.region.at, context.region.bytes);
  const scratch = new Scratch(context.scratch.at, context.scratch.bytes);
  const memory = { shared, kernel, region, scratch, tables: context.tables };
  const chains = data.stages.map((plan) => compileChain(plan, processors, memory, jobCounters));
  const counters = new Float64Array(data.memory.buffer, context.job.counters, jobCounters);
  const output = newOutput(0, 0, jobSegments);
  const noMetadata = {};
  let active: Chain | null = null;

  function run(metadata: Readonly<Record<string, readonly string[]>> | null): RunResult {
    const { words } = shared;
    const block = context.job;
    const chain = chains[words[block.header + job.stage]];
    if (active !== chain) {
      chain.activate();
      active = chain;
    }
    chain.metadata = metadata ?? noMetadata;
    const maxSpans = words[block.header + job.maxSpans];
    output.at = words[block.header + job.outputAt];
    output.end = words[block.header + job.outputEnd];
    output.openFrom = output.at;
    output.openSpans = words[block.header + job.openSpans];
    output.maxSpans = maxSpans === 0 ? Number.POSITIVE_INFINITY : maxSpans;
    output.segmentEnds.length = 0;
    output.segmentSpans.length = 0;
    // Of a job that threw in the middle, which runs again.
    chain.takeCounters(counters);
    const messages = runRequests(chain);
    writeResult();
    chain.takeCounters(counters);
    const warnings = chain.takeWarnings();
    return messages === null && warnings.length === 0 ? null : { messages: messages ?? [], warnings };
  }

  /** Runs requests until all are done or one does not fit; returns the texts for those that were refused. */
  function runRequests(chain: Chain): [number, string][] | null {
    const { words } = shared;
    const block = context.job;
    const count = words[block.header + job.requests];
    let messages: [number, string][] | null = null;
    let done = 0;
    for (; done < count; done++) {
      const at = requestWord(block, done);
      const from = words[at + jobRequest.at];
      const length = words[at + jobRequest.length];
      const outcome = chain.run(from, length, words[at + jobRequest.normaliseTo], output);
      if (outcome === rewriteOutcome.full) break;
      words[at + jobRequest.outcome] = outcome;
      words[at + jobRequest.spansIn] = chain.rewriter.spansIn;
      if (outcome === rewriteOutcome.failed || outcome === rewriteOutcome.malformed) {
        messages ??= [];
        messages.push([done, chain.rewriter.message]);
        const spans = kernel.countSpans(messageKind.request, from, from + length);
        words[at + jobRequest.spansIn] = outcome === rewriteOutcome.failed ? Math.max(0, spans) : 0;
      }
    }
    words[block.header + job.done] = done;
    return messages;
  }

  function writeResult(): void {
    const { words } = shared;
    const block = context.job;
    const segments = output.segmentEnds.length;
    words[block.header + job.outputNow] = output.at;
    words[block.header + job.openSpansNow] = output.openSpans;
    words[block.header + job.segments] = segments;
    for (let i = 0; i < segments; i++) {
      words[block.segments + i * 2] = output.segmentEnds[i];
      words[block.segments + i * 2 + 1] = output.segmentSpans[i];
    }
  }

  return (task) => {
    if (task.kind === 'prepare') return { counters: chains.map((chain) => chain.counters) };
    return run(task.metadata);
  };
}
