// What an extension is; what it can do for other components is in capabilities.ts.
import type { Logger } from 'pino';
import type { Capabilities, Capability, ExtensionLookup } from './capabilities.ts';
import type { Definition, MetadataKey, MetricValue } from './definition.ts';
import type { HealthPolicy, HealthReport, ServiceState } from './health.ts';
import type { ListeningSockets } from './listening-sockets.ts';

export interface ExtensionHost {
  readonly id: string;
  readonly log: Logger;
  readonly extensions: ExtensionLookup;
  state(): ServiceState;
  /** At most a second old; the service's own state in it is that of now. */
  health(): HealthReport;
  /** As of a receiver. */
  readonly sockets?: ListeningSockets;
}
export interface Extension {
  start(): Promise<void>;
  stop(): Promise<void>;
  addresses(): readonly string[];
  /** What its definition's `offers` says. */
  readonly offers?: Partial<Capabilities>;
  /** Of the metrics that its definition declares; the label `extension` is added to each. Called for each scrape. */
  metricValues?(): Iterable<MetricValue>;
}
export interface ExtensionDefinition<C = unknown> extends Definition<C> {
  readonly kind: 'extension';
  /** What other components may use it for. */
  offers?(config: C): readonly Capability[];
  /** Client metadata that it reads when an exporter asks it. */
  metadataKeys?(config: C): readonly MetadataKey[];
  /** What it knows of clients as `serverAuth`: names for `ServerAuthenticator.attribute`. */
  credentialAttributes?(config: C): readonly string[];
  /** How health is judged, for the whole service: of several extensions that say so the first one counts. */
  health?(config: C): HealthPolicy;
  create(config: C, host: ExtensionHost): Extension;
}
