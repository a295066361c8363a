// What one configuration has running, and the way to the next one: everything new is built and started while the old goes
// on; then `swap`, in one turn of the event loop, makes it the one that is used. What fails before that changes nothing.
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { DeliveryOptions, Exporter } from '../component/exporter.ts';
import type { HealthReport, ServiceState, Serving } from '../component/health.ts';
import type { ListeningSockets } from '../component/listening-sockets.ts';
import type { ResolvedConfig } from '../config/resolved.ts';
import { FanOut } from '../delivery/fan-out.ts';
import type { Cutter } from '../delivery/shipper.ts';
import { SpanmillError } from '../errors.ts';
import { inputShare } from '../workers/input-space.ts';
import type { Accounts } from './accounts.ts';
import { ExporterSwitch } from './exporter-switch.ts';
import { type LinkedPlan, planPipelines } from './graph.ts';
import type { Inventory } from './inventory.ts';
import type { Lane } from './lane.ts';
import { PipelineLink } from './link.ts';
import { LivePipeline } from './live-pipeline.ts';
import { type Difference, noParts, type Parts, type ReloadPlan } from './reload-plan.ts';
import type { Leftovers } from './retire.ts';
import {
  createExtension,
  createInstance,
  createReceiver,
  type EndingInstance,
  lookUpIn,
  newIdentity,
  queueFate,
  type ReceiverIdentity,
  type RunningExporter,
  type RunningExtension,
  type RunningReceiver,
  withQueue,
} from './running.ts';

/** By id. What stays is the same object in two generations. */
export interface Generation {
  readonly parts: Parts;
  readonly extensions: Map<string, RunningExtension>;
  readonly exporters: Map<string, RunningExporter>;
  readonly pipelines: Map<string, LivePipeline>;
  readonly receivers: Map<string, RunningReceiver>;
}

export const emptyGeneration = (): Generation => ({
  parts: noParts,
  extensions: new Map(),
  exporters: new Map(),
  pipelines: new Map(),
  receivers: new Map(),
});

/** What all generations stand on. */
export interface Ground {
  readonly lane: Lane;
  readonly log: Logger;
  readonly cutter: Cutter;
  readonly accounts: Accounts;
  readonly inventory: Inventory;
  /** Of every receiver id that there ever was. */
  readonly identities: Map<string, ReceiverIdentity>;
  /** All that are bound, for who comes next. */
  readonly sockets: ListeningSockets['bound'];
  setAside(bytes: Buffer, component: string, spans: number, isJson: boolean): void;
  state(): ServiceState;
  health(): HealthReport;
  serving(receiver: string): Serving;
  /** Throws when the service is to stop. */
  checkpoint(): void;
}

/** Another instance of an exporter behind a queue that stays. */
interface Turn {
  readonly id: string;
  readonly component: RunningExporter['component'];
  readonly exporter: ExporterSwitch;
  readonly to: Exporter;
}

/** Each holds spans for a backend that does not take them: a reload that would leave more behind has to wait. */
const mostLeaving = 32;

export class NextGeneration {
  readonly #ground: Ground;
  readonly #from: Generation;
  readonly #config: ResolvedConfig;
  readonly #plan: ReloadPlan;
  /** Each before those that send to it through connectors. */
  readonly #plans: ReadonlyMap<string, LinkedPlan>;
  readonly #to: Generation;
  readonly #turns: Turn[] = [];
  /** Started, and in no earlier generation. */
  readonly #fresh = {
    extensions: [] as RunningExtension[],
    exporters: [] as RunningExporter[],
    pipelines: [] as LivePipeline[],
    receivers: [] as RunningReceiver[],
  };
  /** The sockets of components that stay or were started: nobody takes their addresses. */
  readonly #listening: Set<object>;
  /** What goes on as it was configured before, and why not otherwise. */
  readonly needsRestart: string[];

  constructor(ground: Ground, from: Generation, config: ResolvedConfig, plan: ReloadPlan) {
    this.#ground = ground;
    this.#from = from;
    this.#config = config;
    this.#plan = plan;
    this.#plans = planPipelines(config);
    // A pinned extension is what it was, so that the next change of it is noticed too.
    const extensions = config.extensions.map((one) =>
      plan.pinned.includes(one.id) ? (from.parts.extensions.find(({ id }) => id === one.id) ?? one) : one,
    );
    this.#to = { ...emptyGeneration(), parts: { ...config, extensions } };
    const stays = (difference: Difference, { id }: { id: string }): boolean => difference.kept.includes(id);
    this.#listening = new Set(
      [
        ...[...from.extensions.values()].filter((one) => stays(plan.extensions, one)),
        ...[...from.receivers.values()].filter((one) => stays(plan.receivers, one)),
      ].map(({ sockets }) => sockets),
    );
    this.needsRestart = plan.pinned.map((id) => `extensions.${id}`);
  }

  get generation(): Generation {
    return this.#to;
  }
  get plans(): readonly LinkedPlan[] {
    return [...this.#plans.values()];
  }

  /** Starts all that is new. Rejects with a SpanmillError; then `undo` is to be called. */
  async start(): Promise<void> {
    const { checkpoint } = this.#ground;
    await this.#startExtensions();
    checkpoint();
    await this.#startExporters();
    checkpoint();
    await this.#buildPipelines();
    checkpoint();
    await this.#startReceivers();
    checkpoint();
  }

  /** Of a component that is started: on which addresses it may follow which other. Each has its own in one configuration. */
  #socketsFor(id: string): ListeningSockets {
    const { sockets: bound } = this.#ground;
    // Not this generation, which knows the one before: what lives long must not keep all that there ever were.
    const listening = this.#listening;
    const sockets = { bound, id, mayFollow: (other: object) => !listening.has(other) };
    listening.add(sockets);
    return sockets;
  }

  async #startExtensions(): Promise<void> {
    const { log, inventory, state, health } = this.#ground;
    for (const component of this.#to.parts.extensions) {
      const { id } = component;
      const old = this.#from.extensions.get(id);
      if (old !== undefined && this.#plan.extensions.kept.includes(id)) {
        this.#to.extensions.set(id, old);
        continue;
      }
      const store = this.#leavingStore(component);
      if (store !== undefined) {
        inventory.leavingExtensions.delete(store);
        this.#to.extensions.set(id, store);
        this.#fresh.extensions.push(store);
        continue;
      }
      const lookup = lookUpIn(this.#to.extensions);
      const sockets = this.#socketsFor(`extension ${id}`);
      this.#to.extensions.set(id, createExtension(component, { log, lookup, sockets, state, health }));
    }
    for (const running of this.#to.extensions.values()) {
      if (inventory.extensions.has(running)) continue;
      try {
        await running.extension.start();
      } catch (error) {
        await running.extension.stop();
        throw error;
      }
      inventory.extensions.add(running);
      this.#fresh.extensions.push(running);
    }
  }

  /** A queue that has not ended yet is stored in it: another one could not have its directory. */
  #leavingStore({ id, definition, config }: RunningExtension['component']): RunningExtension | undefined {
    if (definition.offers?.(config).includes('storage') !== true) return undefined;
    const { leavingExtensions } = this.#ground.inventory;
    return [...leavingExtensions].find((one) => one.id === id && isDeepStrictEqual(one.component.config, config));
  }

  async #startExporters(): Promise<void> {
    const { leaving } = this.#ground.inventory;
    for (const component of this.#config.exporters) {
      const { id } = component;
      const old = this.#from.exporters.get(id);
      if (old !== undefined && this.#plan.exporters.kept.includes(id)) this.#to.exporters.set(id, old);
      else await this.#startExporter(component, old);
      const full = [...leaving].filter(({ outlet }) => !outlet.isEmpty).length;
      if (full >= mostLeaving) {
        const message = `queues of ${full} exporters of earlier configurations are not empty yet; try again later`;
        throw new SpanmillError('EXPORT', message);
      }
    }
  }

  /** Queues of the same id that there are stay in use, with the new exporter behind all of them from the swap on. */
  async #startExporter(component: RunningExporter['component'], old: RunningExporter | undefined): Promise<void> {
    const { inventory, accounts, log, cutter } = this.#ground;
    const { leaving } = inventory;
    const { id, definition, config } = component;
    const around = { log, cutter, extensions: this.#to.extensions };
    const to = createInstance(component, around);
    const others = [...leaving].filter((one) => one.id === id);
    const before = old ?? others[0];
    const exporter = before?.exporter ?? new ExporterSwitch(to);
    if (before !== undefined) this.#turns.push({ id, component, exporter, to });
    try {
      await to.start();
    } catch (error) {
      await to.stop();
      throw error;
    }
    const options = definition.delivery(config);
    const known = reusable(options, old, others);
    if (known !== undefined) {
      if (leaving.delete(known)) this.#fresh.exporters.push(known);
      if (queueFate(known.options, options) === 'pinned') {
        this.needsRestart.push(`exporters.${id}: how its stored queue is configured`);
      }
      this.#to.exporters.set(id, known);
      return;
    }
    const running = withQueue(component, exporter, around);
    this.#to.exporters.set(id, running);
    this.#fresh.exporters.push(running);
    inventory.exporters.add(running);
    await running.outlet.start((pipeline) => accounts.ofRecovered(pipeline, id, this.plans));
  }

  async #buildPipelines(): Promise<void> {
    const { lane, log, accounts, inventory, setAside } = this.#ground;
    const { kept } = this.#plan.pipelines;
    const fresh = [...this.#plans.values()].filter(({ id }) => !kept.includes(id) && !this.#plan.rewired.includes(id));
    const compiled = await lane.pool.compile(fresh.flatMap(({ stages }) => stages));
    let next = 0;
    for (const plan of this.#plans.values()) {
      const old = this.#from.pipelines.get(plan.id);
      if (!fresh.includes(plan)) {
        if (old !== undefined) this.#to.pipelines.set(plan.id, old);
        continue;
      }
      const own = compiled.slice(next, next + plan.stages.length);
      next += own.length;
      const account = accounts.of(plan.id);
      const pipeline = new LivePipeline(plan, account, this.#fanOut(plan), own, { lane, log, setAside });
      this.#to.pipelines.set(plan.id, pipeline);
      this.#fresh.pipelines.push(pipeline);
      inventory.pipelines.add(pipeline);
    }
  }

  #fanOut({ id, stages, exporters, links: linked, isBeside }: LinkedPlan): FanOut {
    const { accounts, log, lane } = this.#ground;
    const account = accounts.of(id);
    const branches = exporters.flatMap((exporter) => {
      const outlet = this.#to.exporters.get(exporter)?.outlet;
      return outlet === undefined ? [] : [{ outlet, account: account.exporter(exporter) }];
    });
    const links = [...linked].map(([connector, ids]) => {
      const targets = ids.flatMap((target) => this.#to.pipelines.get(target) ?? []);
      return new PipelineLink({ connector, pipeline: id, account: account.exporter(connector), targets, log });
    });
    // Of what is not for inputs, half: small batches keep slabs that are larger than they are.
    const ofExporters = lane.arena.budgetBytes * (1 - inputShare) * 0.5;
    const { size } = this.#to.exporters;
    const shareBytes = size === 1 ? Number.POSITIVE_INFINITY : ofExporters / size;
    const isBatched = stages.some(({ batching, holding }) => batching !== null || holding !== null);
    const { schedule: resumed } = lane;
    return new FanOut({ pipeline: id, branches, links, isBeside, shareBytes, isBatched, resumed, log });
  }

  async #startReceivers(): Promise<void> {
    const { log, lane, identities, inventory, serving } = this.#ground;
    const lookup = lookUpIn(this.#to.extensions);
    for (const component of this.#config.receivers) {
      const { id } = component;
      const old = this.#from.receivers.get(id);
      if (old !== undefined && this.#plan.receivers.kept.includes(id)) {
        this.#to.receivers.set(id, old);
        continue;
      }
      const identity = identities.get(id) ?? newIdentity(id);
      identities.set(id, identity);
      const sockets = this.#socketsFor(`receiver ${id}`);
      const running = createReceiver(component, identity, { log, lookup, lane, serving: serving(id), sockets });
      // The requests of one that takes the place of another go the old way until the swap.
      running.entries.stages = old?.entries.stages ?? this.#entriesOf(id);
      this.#to.receivers.set(id, running);
      this.#fresh.receivers.push(running);
      inventory.receivers.add(running);
      await running.receiver.start();
    }
  }

  #entriesOf(receiver: string): LivePipeline['stages'] {
    return [...this.#to.pipelines]
      .filter(([id]) => this.#plans.get(id)?.receivers.includes(receiver))
      .map(([, { stages }]) => stages[0]);
  }

  /** All at once: requests, batches and attempts go the new way. Returns what is left of the old. */
  swap(): Leftovers {
    const { identities, inventory, lane } = this.#ground;
    for (const [id, pipeline] of this.#to.pipelines) {
      const plan = this.#plans.get(id);
      if (plan === undefined) continue;
      // What it has gathered came for the exporters of before.
      if (!isDeepStrictEqual(plan.exporters, pipeline.plan.exporters)) pipeline.stages.at(-1)?.output.flush('drain');
      pipeline.plan = plan;
      pipeline.turnTo(this.#fanOut(plan));
    }
    const named = [...this.#to.receivers.keys()].flatMap((id) => identities.get(id) ?? []);
    // Also those that earlier ones took the place of, and that still have clients.
    for (const { id, entries } of inventory.receivers) {
      if (this.#to.receivers.has(id)) entries.stages = this.#entriesOf(id);
    }
    lane.space.shareAmong(named.map(({ inputs }) => inputs));
    for (const { outlet, lookup } of this.#to.exporters.values()) {
      lookup.now = this.#to.extensions;
      // Of one that was to end: it goes on.
      outlet.gather();
    }
    const instances = this.#turns.map(({ id, component, exporter, to }): EndingInstance => {
      const running = this.#to.exporters.get(id);
      if (running !== undefined) running.component = component;
      const { metrics } = component.definition;
      return { id, metrics, exporter: exporter.current, ended: exporter.turnTo(to) };
    });
    inventory.changed();
    return { ...this.#left(this.#from, this.#to), instances };
  }

  /** After a failure: what of the new there is to end. */
  undo(): Leftovers {
    const ended = Promise.resolve();
    const instances = this.#turns.map(({ id, component, to }): EndingInstance => {
      return { id, metrics: component.definition.metrics, exporter: to, ended };
    });
    const { extensions, exporters, pipelines, receivers } = this.#fresh;
    return { extensions, exporters, pipelines, receivers, instances };
  }

  #left(from: Generation, to: Generation): Omit<Leftovers, 'instances'> {
    const outlets = new Set([...to.exporters.values()].map(({ outlet }) => outlet));
    return {
      extensions: [...from.extensions.values()].filter((one) => to.extensions.get(one.id) !== one),
      exporters: [...from.exporters.values()].filter(({ outlet }) => !outlets.has(outlet)),
      pipelines: [...from.pipelines.values()].filter((one) => to.pipelines.get(one.plan.id) !== one),
      receivers: [...from.receivers.values()].filter((one) => to.receivers.get(one.id) !== one),
    };
  }
}

/** A queue for these options: the one that there is, or one that has not ended yet. */
function reusable(
  options: DeliveryOptions,
  old: RunningExporter | undefined,
  leaving: readonly RunningExporter[],
): RunningExporter | undefined {
  const fitting = [...(old === undefined ? [] : [old]), ...leaving];
  return (
    fitting.find((one) => queueFate(one.options, options) === 'stays') ??
    fitting.find((one) => queueFate(one.options, options) === 'pinned')
  );
}
