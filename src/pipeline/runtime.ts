// The running service of one lane: brings up what a configuration names, changes to another one while it runs, and drains
// from the front to the back. Nothing in here exits the process or reads its arguments.
import type { Logger } from 'pino';
import type { DeadLetter } from '../component/capabilities.ts';
import type { HealthReport, ServiceState } from '../component/health.ts';
import type { ResolvedConfig } from '../config/resolved.ts';
import type { PipelineAccount } from '../delivery/ledger.ts';
import type { Outlet } from '../delivery/outlet.ts';
import type { DeliveryStats } from '../delivery/queue.ts';
import { SpanmillError } from '../errors.ts';
import type { Arena } from '../workers/arena.ts';
import { createCutter } from '../workers/cutter.ts';
import type { ReceiverStats } from '../workers/intake.ts';
import { Accounts } from './accounts.ts';
import { emptyGeneration, type Generation, type Ground, NextGeneration } from './generation.ts';
import { deepest, type LinkedPlan, planPipelines } from './graph.ts';
import { type HealthSources, healthInputs } from './health-inputs.ts';
import { HealthMonitor } from './health-monitor.ts';
import { Inventory } from './inventory.ts';
import { createLane } from './lane.ts';
import type { LivePipeline } from './live-pipeline.ts';
import type { ComponentMetrics } from './past-metrics.ts';
import type { BatchStats, TraceStats } from './past-stats.ts';
import { planBudget } from './plan.ts';
import { changesNothing, type Difference, planReload } from './reload-plan.ts';
import { type Leftovers, retire } from './retire.ts';
import type { ReceiverIdentity } from './running.ts';
import type { Thinning } from './thinning.ts';

/** All that is held, where no memory_limiter says otherwise. */
const defaultBudgetBytes = 128 << 20;
/** Of the time to drain: until receivers have answered, and until stages are empty. Exporters have the rest, and all of it. */
const receiversShare = 0.4;
const stagesShare = 0.6;
/** A reload that failed says so after this time, whatever still ends. */
const undoMs = 1000;
/** What a receiver may take to cut the connections whose time is over. */
const cutMs = 1000;

export interface RuntimeOptions {
  readonly config: ResolvedConfig;
  readonly log: Logger;
  /** Module that worker threads load (src/workers/entry.ts). */
  readonly workerEntry: URL;
  readonly totalMemoryBytes: number;
  /** A job that takes longer runs away: its worker is replaced. Default 30 s. */
  readonly jobLimitMs?: number;
  /** Keeps a request that made workers fail. */
  setAside(bytes: Buffer, component: string, spans: number, isJson: boolean): void;
}

/** What a reload came to. */
export interface ReloadSummary {
  readonly outcome: 'applied' | 'unchanged';
  readonly receivers: Difference;
  readonly exporters: Difference;
  readonly extensions: Difference;
  readonly pipelines: Difference;
  /** Settings that differ from those in use, and that only a restart can change. */
  readonly needsRestart: readonly string[];
}

export interface Runtime {
  /** Of all pipelines that there ever were. */
  readonly accounts: readonly PipelineAccount[];
  readonly receiverStats: readonly ReceiverStats[];
  readonly outlets: ReadonlyMap<string, Outlet>;
  readonly arena: Arena;
  state(): ServiceState;
  health(): HealthReport;
  /** `grpc 127.0.0.1:4317` and the like. */
  addresses(): readonly string[];
  componentMetrics(): Iterable<ComponentMetrics>;
  deliveryStats(): Iterable<DeliveryStats>;
  batchStats(): Iterable<BatchStats>;
  /** Of the processors that hold traces. */
  traceStats(): Iterable<TraceStats>;
  /** Of the pipelines that thin their spans where the memory fills. */
  thinning(): Iterable<Thinning>;
  /** Where spans go that nobody takes: the first extension that keeps them. */
  deadLetter(): DeadLetter | null;
  /** Rejects with a SpanmillError when a component cannot start; then everything is stopped again. */
  start(): Promise<void>;
  /**
   * Changes to another configuration: what is the same stays as it is, with all that it holds; the rest is started, and what
   * it takes the place of drains behind it. Resolves once the new one is in use. Rejects with a SpanmillError when it
   * cannot be; then nothing has changed. One at a time.
   */
  reload(config: ResolvedConfig): Promise<ReloadSummary>;
  /**
   * From here on it is not ready, and says so; requests are still taken. Returns how many milliseconds `drain` should come
   * later, so that load balancers move away first.
   */
  announceDrain(): number;
  /** No new requests; resolves when all that was accepted is settled, at the deadline at the latest. Then all is stopped. */
  drain(deadlineMs: number): Promise<void>;
  /** Stops everything now. May be called twice. */
  stop(): Promise<void>;
}

export function createRuntime(options: RuntimeOptions): Runtime {
  const { config: firstConfig, log } = options;
  const budgetOf = ({ pipelines }: ResolvedConfig): number =>
    planBudget(pipelines, options.totalMemoryBytes, defaultBudgetBytes);
  let budget = budgetOf(firstConfig);
  const lane = createLane({
    log,
    workers: firstConfig.workers,
    budgetBytes: budget,
    depth: deepest(planPipelines(firstConfig).values()),
    workerEntry: options.workerEntry,
    jobLimitMs: options.jobLimitMs,
  });
  const cutter = createCutter({ log });
  const inventory = new Inventory();
  const accounts = new Accounts(() => inventory.pipelines);
  const running = (): LinkedPlan[] => [...inventory.pipelines].map(({ plan }) => plan);
  const identities = new Map<string, ReceiverIdentity>();
  let current: Generation = emptyGeneration();
  let reloading: Promise<unknown> = Promise.resolve();
  let state: ServiceState = 'starting';
  let wasReady = false;

  const monitor = new HealthMonitor({
    log,
    state: () => state,
    inputs: (now) => healthInputs(healthSources(), now),
  });

  const ground: Ground = {
    lane,
    log,
    cutter,
    accounts,
    inventory,
    identities,
    sockets: new Map(),
    setAside: options.setAside,
    state: () => state,
    health: () => monitor.report(),
    serving: (receiver) => monitor.serving(receiver),
    checkpoint() {
      if (state !== 'starting' && state !== 'ready') throw new SpanmillError('WORKER', 'the service is stopping');
    },
  };

  function healthSources(): HealthSources {
    let notStored = 0;
    for (const account of accounts.all) {
      for (const { failed } of account.exporters) notStored += failed.get('not_stored') ?? 0;
    }
    return {
      // Of one that leads into others, all exporters at the ends of its ways.
      pipelines: [...current.pipelines.values()].map(({ plan: { id, receivers, reached } }) => {
        return { id, receivers, exporters: reached };
      }),
      receivers: [...current.receivers.keys()].flatMap((id) => identities.get(id)?.stats ?? []),
      deliveries: [...current.exporters.values()].map(({ outlet }) => outlet.delivery.stats),
      memory: lane.arena,
      workers: lane.pool,
      storageFailures: notStored,
    };
  }

  /** Brings up `config` in the place of what runs. */
  async function change(config: ResolvedConfig, next: NextGeneration): Promise<void> {
    const before = budget;
    budget = budgetOf(config);
    // Receivers are told the largest request when they are made; and what is to end still needs its shares.
    const given = lane.resize(budget, Math.max(deepest(running()), deepest(next.plans)));
    if (given < budget) next.needsRestart.push('memory_limiter: more memory than was reserved at the start');
    try {
      await next.start();
    } catch (error) {
      budget = before;
      // A start that failed stops everything; else what was begun ends, though not before its queues are empty.
      if (state !== 'starting') await within(undoMs, end(next.undo()));
      throw error;
    }
    const left = next.swap();
    current = next.generation;
    setHealthPolicy();
    void end(left);
  }

  async function end(left: Leftovers): Promise<void> {
    await retire(left, { inventory, log });
    lane.resize(budget, deepest(running()));
  }

  function setHealthPolicy(): void {
    const [policy] = current.parts.extensions.flatMap(({ definition, config }) => definition.health?.(config) ?? []);
    monitor.setPolicy(policy);
    monitor.look();
  }

  async function start(): Promise<void> {
    try {
      ground.checkpoint();
      await lane.pool.start();
      ground.checkpoint();
      const plan = planReload(current.parts, firstConfig, false);
      const work = change(firstConfig, new NextGeneration(ground, current, firstConfig, plan));
      reloading = work.catch(() => undefined);
      await work;
      ground.checkpoint();
      state = 'ready';
      wasReady = true;
      monitor.start();
    } catch (error) {
      // Told to end meanwhile: what has been taken already is drained.
      if (state === 'starting') await stop();
      throw error;
    }
  }

  async function reload(config: ResolvedConfig): Promise<ReloadSummary> {
    const plan = planReload(current.parts, config, budgetOf(config) !== budget);
    const next = new NextGeneration(ground, current, config, plan);
    if (config.workers !== lane.workers)
      next.needsRestart.push(`service.workers: ${lane.workers} to ${config.workers}`);
    const nothing = changesNothing(plan) && budgetOf(config) === budget;
    if (!nothing) {
      ground.checkpoint();
      const work = change(config, next);
      reloading = work.catch(() => undefined);
      await work;
    }
    const { receivers, exporters, extensions, pipelines } = plan;
    const { needsRestart } = next;
    return { outcome: nothing ? 'unchanged' : 'applied', receivers, exporters, extensions, pipelines, needsRestart };
  }

  function announceDrain(): number {
    if (state !== 'ready' && state !== 'starting') return 0;
    // Nobody was told yet that it is ready.
    const delayMs = state === 'ready' ? monitor.policy.drainDelayMs : 0;
    state = 'draining';
    monitor.look();
    return delayMs;
  }

  async function drain(deadlineMs: number): Promise<void> {
    announceDrain();
    if (state !== 'draining') return stop();
    const started = performance.now();
    /** Until this part of the time is over. One phase that hangs takes nothing from those behind it. */
    const until = (share: number): number => Math.max(0, started + share * deadlineMs - performance.now());
    hurry();
    // A start may hang for as long as it likes, and what it has begun so far is in the inventory.
    await within(wasReady ? until(receiversShare) : undoMs, reloading);
    hurry();
    const receivers = [...inventory.receivers];
    const answered = Promise.all(receivers.map(({ receiver }) => receiver.drain(until(receiversShare))));
    await within(until(receiversShare) + cutMs, answered);
    // The exporters go on all the while: they free what the stages need to finish.
    await within(until(stagesShare), emptyAll());
    // Past the deadline: what is left goes to the exporters' queues, which fail it with a reason.
    for (const stage of lane.stages) stage.output.flush('drain');
    for (const { fanOut } of inventory.pipelines) fanOut.flush();
    await Promise.all([...inventory.exporters].map(({ outlet }) => outlet.drain(until(1))));
    await stop();
  }

  /** Each pipeline after those that send to it. */
  async function emptyAll(): Promise<void> {
    const pipelines = [...inventory.pipelines];
    await Promise.all(pipelines.map((pipeline) => pipeline.stored()));
    const emptied = new Map<LivePipeline, Promise<void>>();
    const empty = (pipeline: LivePipeline): Promise<void> => {
      const known = emptied.get(pipeline);
      if (known !== undefined) return known;
      const before = pipelines.filter((one) => one.sendsTo(pipeline)).map(empty);
      const work = Promise.all(before).then(() => pipeline.empty());
      emptied.set(pipeline, work);
      return work;
    };
    await Promise.all(pipelines.map(empty));
  }

  /** What is gathered goes on at once: clients may wait for it, and receivers for them. */
  function hurry(): void {
    for (const pipeline of inventory.pipelines) pipeline.hurry();
    for (const { outlet } of inventory.exporters) outlet.flush();
  }

  async function stop(): Promise<void> {
    if (state === 'stopped') return;
    state = 'stopped';
    monitor.look();
    monitor.stop();
    await Promise.allSettled([...inventory.receivers].map(({ receiver }) => receiver.stop()));
    await Promise.allSettled([...inventory.exporters].map(({ exporter }) => exporter.stop()));
    await Promise.allSettled([...inventory.exporters].map(({ outlet }) => outlet.close()));
    await Promise.all([lane.pool.stop(), cutter.stop()]);
    for (const { extension } of [...inventory.extensions].reverse()) await extension.stop().catch(() => undefined);
  }

  return {
    get accounts() {
      return accounts.all;
    },
    get receiverStats() {
      return [...identities.values()].map(({ stats }) => stats);
    },
    get outlets() {
      return new Map([...current.exporters].map(([id, { outlet }]) => [id, outlet]));
    },
    arena: lane.arena,
    state: () => state,
    health: () => monitor.report(),
    addresses: () => [
      ...[...current.receivers.values()].flatMap(({ receiver }) => receiver.addresses()),
      ...[...current.extensions.values()].flatMap(({ extension }) => extension.addresses()),
    ],
    componentMetrics: () => inventory.componentMetrics(),
    deliveryStats: () => inventory.deliveryStats(),
    batchStats: () => inventory.batchStats(),
    traceStats: () => inventory.traceStats(),
    thinning: () => [...current.pipelines.values()].flatMap(({ thinning }) => thinning ?? []),
    deadLetter() {
      for (const { extension } of current.extensions.values()) {
        if (extension.offers?.deadLetter !== undefined) return extension.offers.deadLetter;
      }
      return null;
    },
    start,
    reload,
    announceDrain,
    drain,
    stop,
  };
}

/** Resolves with the work, or when the time is over. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, expired]).finally(() => clearTimeout(timer));
}
