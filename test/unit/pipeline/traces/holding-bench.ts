// The two stages of a pipeline that holds traces, over a worker that runs its jobs at once on this thread: what they do is the
// same each time, and what they hold can be looked at between any two steps.

import { pino } from 'pino';
import { z } from 'zod';
import { defineTraceProcessor } from '../../../../src/component/define.ts';
import type { HoldingOptions, ProcessorDefinition } from '../../../../src/component/processor.ts';
import { PipelineAccount } from '../../../../src/delivery/ledger.ts';
import { planPipeline } from '../../../../src/pipeline/plan.ts';
import { Stage } from '../../../../src/pipeline/stage.ts';
import type { StageHost } from '../../../../src/pipeline/stage-host.ts';
import type { TakenOutcome } from '../../../../src/pipeline/stage-request.ts';
import type { TraceStore } from '../../../../src/pipeline/traces/trace-store.ts';
import { createMemory, viewsOf } from '../../../../src/wire/memory.ts';
import { decodeRequest } from '../../../../src/wire/reference/codec.ts';
import type { ExportTraceServiceRequest } from '../../../../src/wire/reference/messages.ts';
import { Arena } from '../../../../src/workers/arena.ts';
import { layOut } from '../../../../src/workers/layout.ts';
import type { WorkerPool } from '../../../../src/workers/pool.ts';
import { createWorker } from '../../../../src/workers/worker.ts';

export interface HoldingBenchOptions extends Partial<HoldingOptions> {
  readonly budgetBytes?: number;
  /** The most that the first stage may write of one request. */
  readonly largestOutput?: number;
  /** In front of what holds, and behind it. */
  readonly before?: readonly ProcessorDefinition[];
  readonly behind?: readonly ProcessorDefinition[];
}

export interface HoldingBench {
  readonly store: TraceStore;
  readonly arena: Arena;
  readonly account: PipelineAccount;
  /** A request comes; resolves when it is taken. */
  send(request: Uint8Array): Promise<TakenOutcome>;
  /** What has come out, each the output of one job. */
  readonly out: ExportTraceServiceRequest[];
  /** Everything that was set aside. */
  readonly aside: Buffer[];
  /** Jobs of the second stage run only while this is true. */
  takesReleased: boolean;
  /** The worker dies of the next so many jobs of the second stage. */
  deaths: number;
  /** Resolves when no stage has work that it may do. */
  idle(): Promise<void>;
  /** Releases all that is held, and ends. */
  end(): Promise<void>;
}

const arenaBytes = 96 << 20;

const holder = ({ waitMs = 3_600_000, maxTraces = 1_000_000 }: Partial<HoldingOptions>): ProcessorDefinition =>
  defineTraceProcessor({
    kind: 'processor',
    role: 'traces',
    type: 'holder',
    aliases: [],
    stability: 'stable',
    summary: 'for a test',
    config: z.unknown(),
    examples: [],
    metrics: [],
    holding: () => ({ waitMs, maxTraces }),
  });

const log = pino({ level: 'silent' });
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function createHoldingBench(options: HoldingBenchOptions = {}): HoldingBench {
  const { budgetBytes = 64 << 20, largestOutput = 16 << 20, before = [], behind = [] } = options;
  const layout = layOut(1, 8 << 20, arenaBytes);
  const [context] = layout.contexts;
  const memory = createMemory(layout.totalBytes);
  const shared = viewsOf(memory);
  const arena = new Arena(layout.arena.at, layout.arena.bytes, budgetBytes);
  const definitions = [...before, holder(options), ...behind];
  const processors = definitions.map((definition) => ({ id: definition.type, definition, config: {} }));
  const plan = planPipeline({ id: 'traces', receivers: [], exporters: [], processors });
  const numbered = plan.stages.map((stage, number) => ({ number, plan: stage }));
  const steps = definitions.flatMap((definition) => ('compile' in definition ? [definition] : []));
  const work = createWorker(steps, { memory, context, stages: numbered });
  const account = new PipelineAccount('traces', ['out']);
  const out: ExportTraceServiceRequest[] = [];
  const aside: Buffer[] = [];
  let isBusy = false;
  let running = 0;

  const pool = {
    stopped: false,
    size: 1,
    take: () => (isBusy ? -1 : 0),
    giveBack: () => {},
    context: () => context,
    run: async () => {
      isBusy = true;
      try {
        if (running === 1 && bench.deaths > 0) {
          bench.deaths--;
          throw new Error('died');
        }
        return work({ kind: 'run', metadata: {} });
      } finally {
        isBusy = false;
      }
    },
  } as unknown as WorkerPool;

  const hostOf = (position: number): StageHost => ({
    shared,
    arena,
    pool,
    account,
    routed: { elsewhere: [], nowhere: [] },
    answersWhenSecured: false,
    keepsApart: false,
    holdsBack: false,
    halvings: 0,
    log,
    keepFree: position === 0 ? budgetBytes / 4 : 0,
    largestOutput: position === 0 ? largestOutput : budgetBytes / 2,
    reclaim: () => {
      for (const stage of stages) stage.output.reclaim();
    },
    flushAll: () => {
      for (const stage of stages) stage.output.flush('size');
    },
    schedule: () => {},
    emit: (batch) => {
      out.push(decodeRequest(Buffer.concat(batch.segments)));
      batch.release();
    },
    release: (traces) => stages[1].enqueue(traces),
    setAside: (bytes) => aside.push(bytes),
  });
  const stages = plan.stages.map(
    (stage, position) => new Stage(stage, position, position === 0, account.stageCounters([]), hostOf(position)),
  );
  const { traces: store } = stages[0].output;
  if (store === null) throw new Error('the first stage holds nothing');

  /** One job, where there is one to do. */
  function step(): boolean {
    for (const [position, stage] of stages.entries()) {
      if (position === 1 && !bench.takesReleased) continue;
      running = position;
      if (stage.startJob()) return true;
    }
    return false;
  }

  const bench: HoldingBench = {
    store,
    arena,
    account,
    out,
    aside,
    takesReleased: true,
    deaths: 0,
    async send(request) {
      const range = arena.allocate(request.length);
      if (range === null) return 'overloaded';
      shared.bytes.set(request, range.at);
      const taken = new Promise<TakenOutcome>((resolve) => {
        stages[0].enqueue({
          at: range.at,
          length: request.length,
          spans: 0,
          metadata: {},
          metadataKey: '',
          taken(outcome) {
            arena.free(range);
            resolve(outcome);
          },
          secured: () => {},
        });
      });
      await bench.idle();
      return await taken;
    },
    async idle() {
      do {
        while (step()) await tick();
        await tick();
      } while (stages.some((stage, i) => !stage.idle && (i === 0 || bench.takesReleased)));
    },
    async end() {
      bench.takesReleased = true;
      for (const stage of stages) {
        await bench.idle();
        stage.output.flush('drain');
      }
      await bench.idle();
      for (const stage of stages) stage.output.reclaim();
      store.close();
    },
  };
  return bench;
}
