// What runs, by kind, and how each kind is built from its configuration.
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Capabilities, Capability, ExtensionLookup } from '../component/capabilities.ts';
import type { MetricSpec } from '../component/definition.ts';
import type { DeliveryOptions, Exporter, ExporterDefinition } from '../component/exporter.ts';
import type { Extension, ExtensionDefinition } from '../component/extension.ts';
import type { HealthReport, ServiceState, Serving } from '../component/health.ts';
import type { ListeningSockets } from '../component/listening-sockets.ts';
import type { Receiver, ReceiverDefinition } from '../component/receiver.ts';
import type { ResolvedComponent } from '../config/resolved.ts';
import { createOutlet } from '../delivery/create-outlet.ts';
import type { Outlet } from '../delivery/outlet.ts';
import type { Cutter } from '../delivery/shipper.ts';
import { InputShare } from '../workers/input-space.ts';
import { createIntake, IntakeEntries, ReceiverStats } from '../workers/intake.ts';
import type { ExporterSwitch } from './exporter-switch.ts';
import type { Lane } from './lane.ts';

// --- extensions ------------------------------------------------------------------------------------------------------

export interface RunningExtension {
  readonly id: string;
  readonly component: ResolvedComponent<ExtensionDefinition>;
  readonly metrics: readonly MetricSpec[];
  readonly sockets: ListeningSockets;
  readonly extension: Extension;
}

export interface ExtensionSurroundings {
  readonly log: Logger;
  readonly lookup: ExtensionLookup;
  readonly sockets: ListeningSockets;
  state(): ServiceState;
  health(): HealthReport;
}

export function createExtension(
  component: ResolvedComponent<ExtensionDefinition>,
  { log, lookup, sockets, state, health }: ExtensionSurroundings,
): RunningExtension {
  const { id, definition, config } = component;
  const host = { id, log: log.child({ component: id }), extensions: lookup, sockets, state, health };
  return { id, component, metrics: definition.metrics, sockets, extension: definition.create(config, host) };
}

/** Looks into the map each time it is asked. */
export function lookUpIn(extensions: ReadonlyMap<string, RunningExtension>): ExtensionLookup {
  return {
    get<K extends Capability>(id: string, capability: K): Capabilities[K] {
      const offer = extensions.get(id)?.extension.offers?.[capability];
      if (offer === undefined)
        throw new Error(`extension ${id} has no ${capability}: the configuration was not checked`);
      return offer;
    },
  };
}

// --- exporters -------------------------------------------------------------------------------------------------------

export interface RunningExporter {
  readonly id: string;
  /** Another one of the same id when the queue stays. */
  component: ResolvedComponent<ExporterDefinition>;
  readonly metrics: readonly MetricSpec[];
  readonly options: DeliveryOptions;
  /** Shared by all queues that this id ever had. */
  readonly exporter: ExporterSwitch;
  readonly outlet: Outlet;
  /** What the outlet finds extensions with. */
  readonly lookup: MovingLookup;
}

/** Outlets outlive configurations, and with them those of the extensions that they use. */
export class MovingLookup implements ExtensionLookup {
  now: ReadonlyMap<string, RunningExtension>;
  constructor(now: ReadonlyMap<string, RunningExtension>) {
    this.now = now;
  }
  get<K extends Capability>(id: string, capability: K): Capabilities[K] {
    return lookUpIn(this.now).get(id, capability);
  }
}

export interface ExporterSurroundings {
  readonly log: Logger;
  readonly extensions: ReadonlyMap<string, RunningExtension>;
  readonly cutter: Cutter;
}

/** The exporter itself. */
export function createInstance(
  { id, definition, config }: ResolvedComponent<ExporterDefinition>,
  { log, extensions }: ExporterSurroundings,
): Exporter {
  return definition.create(config, { id, log: log.child({ component: id }), extensions: lookUpIn(extensions) });
}

/** A queue in front of it. */
export function withQueue(
  component: ResolvedComponent<ExporterDefinition>,
  exporter: ExporterSwitch,
  around: ExporterSurroundings,
): RunningExporter {
  const { id, definition, config } = component;
  const options = definition.delivery(config);
  const lookup = new MovingLookup(around.extensions);
  const log = around.log.child({ component: id });
  const outlet = createOutlet({ id, exporter, options, extensions: lookup, cutter: around.cutter, log });
  return { id, component, metrics: definition.metrics, options, exporter, outlet, lookup };
}

/** An exporter without a queue; `ended` resolves after its last attempt. */
export interface EndingInstance {
  readonly id: string;
  readonly metrics: readonly MetricSpec[];
  readonly exporter: Exporter;
  readonly ended: Promise<void>;
}

/** Whether the queue of before can serve another configuration of its exporter. */
export type QueueFate =
  | 'stays'
  /** A stored queue has one owner at a time: it goes on as it was configured, until the service starts anew. */
  | 'pinned'
  | 'replaced';

export function queueFate(old: DeliveryOptions, now: DeliveryOptions): QueueFate {
  if (isDeepStrictEqual(old, now)) return 'stays';
  return old.queue.storage !== null && now.queue.storage !== null ? 'pinned' : 'replaced';
}

// --- receivers -------------------------------------------------------------------------------------------------------

export interface RunningReceiver {
  readonly id: string;
  readonly component: ResolvedComponent<ReceiverDefinition>;
  /** Of what `receiver.metricValues` gives. */
  readonly metrics: readonly MetricSpec[];
  readonly sockets: ListeningSockets;
  readonly receiver: Receiver;
  /** Where its requests go. */
  readonly entries: IntakeEntries;
}

/** What a receiver's successors of the same id go on with. */
export interface ReceiverIdentity {
  readonly stats: ReceiverStats;
  readonly inputs: InputShare;
}

export const newIdentity = (id: string): ReceiverIdentity => ({
  stats: new ReceiverStats(id),
  inputs: new InputShare(),
});

export interface ReceiverSurroundings {
  readonly log: Logger;
  readonly lookup: ExtensionLookup;
  readonly lane: Lane;
  readonly serving: Serving;
  readonly sockets: ListeningSockets;
}

export function createReceiver(
  component: ResolvedComponent<ReceiverDefinition>,
  { stats, inputs }: ReceiverIdentity,
  { log, lookup, lane, serving, sockets }: ReceiverSurroundings,
): RunningReceiver {
  const { id, definition, config } = component;
  const entries = new IntakeEntries();
  const receiver = definition.create(config, {
    id,
    intake: createIntake(lane.shared.buffer, lane.space, inputs, entries, stats),
    log: log.child({ component: id }),
    extensions: lookup,
    serving,
    sockets,
  });
  return { id, component, metrics: definition.metrics, sockets, receiver, entries };
}
