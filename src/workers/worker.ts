// The work of a worker thread: compiles the stages that it is told of, and runs the job that stands in its job block.
import type { Step } from '../component/step.ts';
import { type Chain, compileChain } from '../pipeline/chain.ts';
import { loadKernel } from '../wire/kernel/kernel.ts';
import { viewsOf } from '../wire/memory.ts';
import { newOutput } from '../wire/output.ts';
import { rewriteOutcome } from '../wire/rewriter.ts';
import { RunTable, rowBytes } from '../wire/run-table.ts';
import { Region, Scratch } from '../wire/stage-memory.ts';
import { TextTable } from '../wire/text-table.ts';
import { Arena, type Range } from './arena.ts';
import { job, jobCounters, jobRequest, jobSegments, leaveTurn, requestWord } from './layout.ts';
import type { CompileResult, NumberedStage, RunResult, WorkerData, WorkerTask } from './protocol.ts';

interface Compiled {
  readonly chain: Chain;
  /** Its spans are held by trace: the table of their runs stands behind the output. */
  readonly holds: boolean;
  /** Its keys, constants and view blocks. */
  readonly range: Range;
}

export function createWorker(
  steps: readonly Step[],
  data: WorkerData,
): (task: WorkerTask) => CompileResult | RunResult {
  const { context } = data;
  const shared = viewsOf(data.memory);
  const kernel = loadKernel(shared);
  const region = new Arena(context.region.at, context.region.bytes, context.region.bytes);
  const scratch = new Scratch(context.scratch.at, context.scratch.bytes);
  const texts = new TextTable(shared, kernel, context.texts);
  const stages = new Map<number, Compiled>();
  const counters = new Float64Array(data.memory.buffer, context.job.counters, jobCounters);
  const output = newOutput(0, 0, jobSegments);
  const runs = new RunTable();
  const noMetadata = {};
  let active: Chain | null = null;

  /** Throws when it cannot be compiled; then nothing of it is left. */
  function add({ number, plan }: NumberedStage): void {
    if (stages.has(number)) return;
    // How much it needs is known once it is compiled: it gets all that is free, and gives back the rest.
    const range = region.allocate(region.largestFree);
    if (range === null) throw new RangeError('no room for the constants of another stage');
    const own = new Region(range.at, range.bytes);
    try {
      const memory = { shared, kernel, region: own, scratch, texts, tables: context.tables };
      const chain = compileChain(plan, steps, memory, jobCounters);
      stages.set(number, { chain, holds: plan.holding !== null, range });
    } catch (error) {
      region.free(range);
      throw error;
    }
    region.shrink(range, own.used);
  }

  function forget(number: number): void {
    const stage = stages.get(number);
    if (stage === undefined) return;
    stages.delete(number);
    region.free(stage.range);
    if (active === stage.chain) active = null;
  }

  function compile(added: readonly NumberedStage[]): CompileResult {
    const known = new Set(stages.keys());
    try {
      for (const stage of added) add(stage);
      return { kind: 'compiled', counters: added.map(({ number }) => compiledOf(number).chain.counters) };
    } catch (error) {
      for (const { number } of added) if (!known.has(number)) forget(number);
      return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
    }
  }

  function compiledOf(number: number): Compiled {
    const stage = stages.get(number);
    if (stage === undefined) throw new Error(`a job for stage ${number}, which this worker does not have`);
    return stage;
  }

  /** A job, then all that are handed over without a message, which would cost several times as much as waking the thread. */
  function serve(): RunResult {
    const { ints } = shared;
    const { header } = context.job;
    let turn = Atomics.load(ints, header + job.turn);
    let result = run(null);
    while (result === null) {
      Atomics.store(ints, header + job.turnDone, turn);
      Atomics.notify(ints, header + job.turnDone);
      Atomics.wait(ints, header + job.turn, turn);
      turn = Atomics.load(ints, header + job.turn);
      if (turn === leaveTurn) break;
      result = run(null);
    }
    return result;
  }

  function run(metadata: Readonly<Record<string, readonly string[]>> | null): RunResult {
    const { words } = shared;
    const block = context.job;
    const { chain, holds } = compiledOf(words[block.header + job.stage]);
    if (active !== chain) {
      chain.activate();
      active = chain;
    }
    chain.metadata = metadata ?? noMetadata;
    chain.halvings = words[block.header + job.halvings];
    const maxSpans = words[block.header + job.maxSpans];
    output.at = words[block.header + job.outputAt];
    output.end = words[block.header + job.outputEnd];
    output.openFrom = output.at;
    output.openSpans = words[block.header + job.openSpans];
    output.maxSpans = maxSpans === 0 ? Number.POSITIVE_INFINITY : maxSpans;
    output.segmentEnds.length = 0;
    output.segmentSpans.length = 0;
    runs.clear();
    output.runs = holds ? runs : null;
    // Of a job that threw in the middle, which runs again.
    chain.takeCounters(counters);
    const messages = runRequests(chain);
    writeRuns();
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
    let done = words[block.header + job.joined] === 1 && runJoined(chain, count) ? count : 0;
    for (; done < count; done++) {
      const at = requestWord(block, done);
      const from = words[at + jobRequest.at];
      const length = words[at + jobRequest.length];
      const jsonRoom = words[at + jobRequest.jsonRoom];
      const normaliseTo = words[at + jobRequest.normaliseTo];
      const traces = words[at + jobRequest.traces];
      const outcome =
        traces > 0
          ? chain.runTraces(from, traces, output)
          : jsonRoom === 0
            ? chain.run(from, length, normaliseTo, output)
            : chain.runJson(from, length, normaliseTo, jsonRoom, output);
      if (outcome === rewriteOutcome.full) break;
      words[at + jobRequest.outcome] = outcome;
      words[at + jobRequest.spansIn] = chain.spansIn;
      words[at + jobRequest.outputEnd] = output.at;
      words[at + jobRequest.spansOut] = chain.spansOut;
      if (outcome === rewriteOutcome.failed || outcome === rewriteOutcome.malformed) {
        messages ??= [];
        messages.push([done, chain.message]);
        words[at + jobRequest.spansIn] = outcome === rewriteOutcome.failed ? chain.spansOfLast() : 0;
      }
    }
    words[block.header + job.done] = done;
    return messages;
  }

  /** Runs all requests as one; false when that cannot be, and then nothing was done. */
  function runJoined(chain: Chain, count: number): boolean {
    const { words } = shared;
    const block = context.job;
    const requests: number[] = [];
    for (let i = 0; i < count; i++) {
      const at = requestWord(block, i);
      if (words[at + jobRequest.traces] > 0) return false;
      requests.push(words[at + jobRequest.at], words[at + jobRequest.length]);
    }
    if (chain.runJoined(requests, output) !== rewriteOutcome.written) return false;
    for (let i = 0; i < count; i++) {
      const at = requestWord(block, i);
      words[at + jobRequest.outcome] = rewriteOutcome.written;
      words[at + jobRequest.spansIn] = i === 0 ? chain.spansIn : 0;
      words[at + jobRequest.outputEnd] = output.at;
      words[at + jobRequest.spansOut] = i === 0 ? chain.spansOut : 0;
    }
    return true;
  }

  /** Behind what was written, which left room for it. */
  function writeRuns(): void {
    const { words } = shared;
    const { header } = context.job;
    const at = Math.ceil(output.at / 4) * 4;
    words[header + job.runsAt] = at;
    words[header + job.runRows] = runs.rows;
    if (runs.rows === 0) return;
    runs.writeTo(words, at / 4);
    output.at = at + runs.rows * rowBytes;
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

  for (const stage of data.stages) add(stage);
  return (task) => {
    switch (task.kind) {
      case 'run':
        return task.metadata === null ? serve() : run(task.metadata);
      case 'compile':
        return compile(task.stages);
      case 'forget':
        for (const number of task.stages) forget(number);
        return null;
    }
  };
}
