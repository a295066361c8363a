// The running service of one lane: builds what the configuration names, starts it from the back to the front, drains it
// from the front to the back. Nothing in here exits the process or reads its arguments.
import type { Logger } from 'pino';
import type { ExtensionLookup } from '../component/capabilities.ts';
import type { Exporter, Extension, MetricSpec, Receiver, ServiceState } from '../component/types.ts';
import type { ResolvedConfig } from '../config/resolved.ts';
import type { GatheredBatch } from '../delivery/batch.ts';
import { PipelineAccount } from '../delivery/ledger.ts';
import { Outlet } from '../delivery/outlet.ts';
import { createDelivery } from '../delivery/queue.ts';
import { createMemory, maxMemoryBytes, viewsOf } from '../wire/memory.ts';
import { Arena } from '../workers/arena.ts';
import { InputSpace, inputShare } from '../workers/input-space.ts';
import { createIntake, type ReceiverStats } from '../workers/intake.ts';
import { layOut } from '../workers/layout.ts';
import { WorkerPool } from '../workers/pool.ts';
import { outputRoom } from './output-space.ts';
import { type PipelinePlan, planBudget, planPipeline, type StagePlan } from './plan.ts';
import { Stage } from './stage.ts';
import type { StageRequest } from './stage-request.ts';

/** All that is held, where no memory_limiter says otherwise. */
const defaultBudgetBytes = 128 << 20;
/** For the edits of one span, in each worker. */
const scratchBytes = 16 << 20;
/** Well below what the length of a container in the output can say (2^28). */
const mostRequestBytes = 128 << 20;
/** The part of one memory that the contexts of the workers may take. */
const mostContextBytes = 2 ** 31;

export interface RuntimeOptions {
  readonly config: ResolvedConfig;
  readonly log: Logger;
  /** Module that worker threads load (src/workers/entry.ts). */
  readonly workerEntry: URL;
  readonly totalMemoryBytes: number;
  /** A job that takes longer runs away: its worker is replaced. Default 30 s. */
  readonly jobLimitMs?: number;
  /** Keeps a request that made workers fail. */
  setAside(bytes: Buffer, component: string): void;
}

export interface RunningReceiver {
  readonly id: string;
  /** Of what `receiver.metricValues` gives. */
  readonly metrics: readonly MetricSpec[];
  readonly receiver: Receiver;
}

export interface Runtime {
  readonly accounts: readonly PipelineAccount[];
  readonly receiverStats: readonly ReceiverStats[];
  readonly receivers: readonly RunningReceiver[];
  readonly outlets: ReadonlyMap<string, Outlet>;
  readonly arena: Arena;
  readonly stages: readonly Stage[];
  state(): ServiceState;
  /** `grpc 127.0.0.1:4317 (otlp)` and the like. */
  addresses(): readonly string[];
  /** Rejects with a SpanmillError when a component cannot start; then everything is stopped again. */
  start(): Promise<void>;
  /** No new requests; resolves when all that was accepted is settled, at the deadline at the latest. Then all is stopped. */
  drain(deadlineMs: number): Promise<void>;
  /** Stops everything now. May be called twice. */
  stop(): Promise<void>;
}

interface Pipeline {
  readonly plan: PipelinePlan;
  readonly account: PipelineAccount;
  stages: Stage[];
}

export function createRuntime(options: RuntimeOptions): Runtime {
  const { config, log } = options;
  const plans = config.pipelines.map(planPipeline);
  const stagePlans: StagePlan[] = plans.flatMap(({ stages }) => stages);
  const { shared, layout, budget } = reserveMemory(options);
  const arena = new Arena(layout.arena.at, layout.arena.bytes, budget);
  const shares = shareBudget(budget, plans);
  const space = new InputSpace(arena, shares.largestInput);
  const pool = new WorkerPool({
    memory: shared.memory,
    contexts: layout.contexts,
    stages: stagePlans,
    entry: options.workerEntry,
    log,
    ...(options.jobLimitMs === undefined ? {} : { jobLimitMs: options.jobLimitMs }),
  });
  const pipelines: Pipeline[] = plans.map((plan) => ({
    plan,
    account: new PipelineAccount(plan.id, plan.exporters),
    stages: [],
  }));
  const stages: Stage[] = [];
  const receiverStats: ReceiverStats[] = [];
  const exporters = new Map<string, Exporter>();
  const outlets = new Map<string, Outlet>();
  const receivers: RunningReceiver[] = [];
  const extensions = new Map<string, Extension>();
  const lookup: ExtensionLookup = {
    get(id, capability) {
      const offer = extensions.get(id)?.offers?.[capability];
      if (offer === undefined)
        throw new Error(`extension ${id} has no ${capability}: the configuration was not checked`);
      return offer;
    },
  };
  let state: ServiceState = 'starting';
  let whenIdle: (() => void)[] = [];
  let scheduled = false;
  let turn = 0;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(pump);
  }

  /** Gives idle workers jobs, a stage after the other, then lets waiting requests in. */
  function pump(): void {
    scheduled = false;
    for (let tried = 0; tried < stages.length && pool.hasIdle; ) {
      const stage = stages[turn++ % stages.length];
      if (stage.startJob()) tried = 0;
      else tried++;
    }
    space.serveWaiters();
    if (whenIdle.length > 0 && stages.every(({ idle }) => idle)) {
      const waiting = whenIdle;
      whenIdle = [];
      for (const resolve of waiting) resolve();
    }
  }

  const reclaim = (): void => {
    for (const stage of stages) stage.reclaim();
  };

  arena.onFree(schedule);
  space.onScarce(reclaim);

  for (const { id, definition, config: settings } of config.exporters) {
    const exporter = definition.create(settings, { id, log: log.child({ component: id }), extensions: lookup });
    exporters.set(id, exporter);
    outlets.set(
      id,
      new Outlet((onSpace) =>
        createDelivery(id, exporter, definition.delivery(settings), { log: log.child({ component: id }), onSpace }),
      ),
    );
  }

  function buildStages(counters: Awaited<ReturnType<WorkerPool['start']>>['counters']): void {
    let index = 0;
    for (const pipeline of pipelines) {
      const { account } = pipeline;
      pipeline.stages = pipeline.plan.stages.map((plan, position) => {
        const values = account.stageCounters(counters[index]);
        const stage = new Stage(plan, index++, position === 0, values, {
          shared,
          arena,
          pool,
          account,
          log,
          keepFree: (pipeline.plan.stages.length - 1 - position) * shares.stage,
          // What it passes on must fit into the share of the stage behind it.
          largestOutput: position === pipeline.plan.stages.length - 1 ? shares.stage : shares.passedOn,
          reclaim,
          flushAll: () => {
            for (const one of stages) one.flush('size');
          },
          schedule,
          setAside: options.setAside,
          emit: (batch) => pass(pipeline, position, batch),
        });
        return stage;
      });
      account.heldInside = () => heldInside(pipeline);
      stages.push(...pipeline.stages);
    }
  }

  /** A batch leaves a stage: to the next, or to the exporters. */
  function pass(pipeline: Pipeline, position: number, batch: GatheredBatch): void {
    const next = pipeline.stages[position + 1];
    if (next !== undefined) {
      enqueueBatch(next, batch);
      return;
    }
    for (const account of pipeline.account.exporters) outlets.get(account.id)?.send(batch, account);
    batch.release();
  }

  function buildReceivers(): void {
    for (const { id, definition, config: settings } of config.receivers) {
      const stats: ReceiverStats = {
        receiver: id,
        acceptedSpans: 0,
        refusedSpans: 0,
        acceptedRequests: 0,
        refusedRequests: new Map(),
      };
      receiverStats.push(stats);
      const entries = pipelines.filter(({ plan }) => plan.receivers.includes(id)).map(({ stages: own }) => own[0]);
      const intake = createIntake(shared.buffer, space, entries, stats);
      const receiver = definition.create(settings, {
        id,
        intake,
        log: log.child({ component: id }),
        extensions: lookup,
      });
      receivers.push({ id, metrics: definition.metrics, receiver });
    }
  }

  async function start(): Promise<void> {
    try {
      for (const { id, definition, config: settings } of config.extensions) {
        const host = { id, log: log.child({ component: id }), extensions: lookup, state: () => state };
        extensions.set(id, definition.create(settings, host));
      }
      for (const extension of extensions.values()) await extension.start();
      for (const exporter of exporters.values()) await exporter.start();
      buildStages((await pool.start()).counters);
      buildReceivers();
      for (const { receiver } of receivers) await receiver.start();
      state = 'ready';
    } catch (error) {
      await stop();
      throw error;
    }
  }

  function allIdle(): Promise<void> {
    return new Promise((resolve) => {
      whenIdle.push(resolve);
      schedule();
    });
  }

  async function drain(deadlineMs: number): Promise<void> {
    if (state !== 'ready') return stop();
    state = 'draining';
    const end = performance.now() + deadlineMs;
    const left = (): number => Math.max(0, end - performance.now());
    await Promise.all(receivers.map(({ receiver }) => receiver.drain(left())));
    // The exporters go on all the while: they free what the stages need to finish.
    await within(left(), async () => {
      await allIdle();
      const depth = Math.max(0, ...pipelines.map(({ stages: own }) => own.length));
      for (let position = 0; position < depth; position++) {
        for (const pipeline of pipelines) pipeline.stages[position]?.flush();
        await allIdle();
      }
    });
    // Past the deadline: what is left goes to the exporters' queues, which fail it with a reason.
    for (const stage of stages) stage.flush();
    await Promise.all([...outlets.values()].map((outlet) => outlet.drain(left())));
    await stop();
  }

  async function stop(): Promise<void> {
    if (state === 'stopped') return;
    state = 'stopped';
    await Promise.allSettled(receivers.map(({ receiver }) => receiver.stop()));
    await Promise.allSettled([...exporters.values()].map((exporter) => exporter.stop()));
    await pool.stop();
    for (const extension of [...extensions.values()].reverse()) await extension.stop().catch(() => undefined);
  }

  return {
    accounts: pipelines.map(({ account }) => account),
    receiverStats,
    receivers,
    outlets,
    arena,
    stages,
    state: () => state,
    addresses: () =>
      [...receivers.map(({ receiver }) => receiver), ...extensions.values()].flatMap((part) => part.addresses()),
    start,
    drain,
    stop,
  };
}

/**
 * Inputs hold half of the budget at most. Of the other half each stage of the longest pipeline leaves a share to each
 * stage behind it, so that the last can always write what the exporters then free; and no request is so large that its
 * output (which a later stage writes again) does not fit into a share.
 */
function shareBudget(
  budget: number,
  plans: readonly PipelinePlan[],
): { stage: number; largestInput: number; passedOn: number } {
  const depth = Math.max(...plans.map(({ stages }) => stages.length));
  const stage = Math.floor((budget * (1 - inputShare)) / depth);
  let largestInput = Math.min(stage, mostRequestBytes);
  while (largestInput > 0 && outputRoom(depth === 1 ? largestInput : outputRoom(largestInput, 1), 1) > stage) {
    largestInput = Math.floor(largestInput * 0.95);
  }
  return { stage, largestInput, passedOn: outputRoom(largestInput, 1) };
}

function reserveMemory({ config, log, totalMemoryBytes }: RuntimeOptions): {
  shared: ReturnType<typeof viewsOf>;
  layout: ReturnType<typeof layOut>;
  budget: number;
} {
  let budget = planBudget(config.pipelines, totalMemoryBytes, defaultBudgetBytes);
  const mostWorkers = Math.floor(mostContextBytes / layOut(1, scratchBytes, 0).totalBytes);
  const workers = Math.min(config.workers, mostWorkers);
  if (workers < config.workers) {
    log.info({ asked: config.workers, given: workers }, 'one shared memory has room for fewer workers than asked');
  }
  const room = (bytes: number): number => Math.ceil(bytes * 1.25) + (8 << 20);
  const rest = layOut(workers, scratchBytes, 0).totalBytes;
  const most = Math.floor((maxMemoryBytes - rest - (16 << 20)) / 1.25);
  if (budget > most) {
    log.info(
      { askedBytes: budget, givenBytes: most },
      'one shared memory ends at 4 GiB: the byte budget is smaller than asked',
    );
    budget = most;
  }
  const layout = layOut(workers, scratchBytes, room(budget));
  return { shared: viewsOf(createMemory(layout.totalBytes)), layout, budget };
}

function heldInside({ stages }: Pipeline): number {
  let spans = 0;
  for (const stage of stages) spans += stage.gatheredSpans() + stage.waitingSpans();
  return spans;
}

/** The pieces of a batch are the requests of the next stage; the batch lives until all are taken. */
function enqueueBatch(stage: Stage, batch: GatheredBatch): void {
  const key = JSON.stringify(batch.metadata);
  let pending = batch.pieces.length;
  for (const { at, length, spans } of batch.pieces) {
    const request: StageRequest = {
      at,
      length,
      spans,
      metadata: batch.metadata,
      metadataKey: key,
      taken() {
        if (--pending === 0) batch.release();
      },
    };
    stage.enqueue(request);
  }
}

async function within(ms: number, work: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work(), expired]);
  clearTimeout(timer);
}
