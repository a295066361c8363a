// What a receiver, a processor, an exporter, a connector and an extension are. A component is one folder: `index.ts` holds its
// definition (a value of one of the types below, made with a `define…` function), a file beside it the behaviour.
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { ResourceView, ScopeView } from '../wire/container-view.ts';
import type { Regrouping } from '../wire/group-writer.ts';
import type { SpanView } from '../wire/span-view.ts';
import type { AttributeConstant } from '../wire/stage-memory.ts';
import type { Value } from '../wire/value.ts';
import type { Capabilities, Capability, ExtensionLookup, ExtensionReference } from './capabilities.ts';
import type { HealthPolicy, HealthReport, Serving } from './health.ts';
import type { ThinningOptions } from './thinning.ts';

export type Stability = 'development' | 'alpha' | 'beta' | 'stable';

/** A mistake that the schema cannot express. `path` leads from the component's own configuration to the value. */
export interface ConfigIssue {
  readonly path: readonly (string | number)[];
  readonly code: string;
  readonly message: string;
  /** Characters into the scalar at `path`, where one can be named (an OTTL error inside a YAML string). */
  readonly offset?: number;
}

export interface Example {
  readonly title: string;
  /** YAML of the component's own configuration (what stands under its id). */
  readonly yaml: string;
}

export interface MetricSpec {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

/** What a metric of a component stands at; its spec is in the definition. */
export interface MetricValue {
  readonly name: string;
  /** Those of the spec that the component itself knows. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Definition<C> {
  /** The Collector's type name, lower_snake_case. */
  readonly type: string;
  /** Other names of the same component in configuration files (`otlp_grpc` for the exporter `otlp`). */
  readonly aliases: readonly string[];
  readonly stability: Stability;
  /** One sentence. */
  readonly summary: string;
  /** Every field described; unknown keys refused (z.strictObject); defaults applied by parsing. Keys as in the YAML. */
  readonly config: z.ZodType<C>;
  /** What the schema cannot say; runs after a successful parse, before anything starts. No I/O. */
  check?(config: C): ConfigIssue[];
  /** What works but is seldom meant: warnings, of a configuration that is right. As `check`: no I/O. */
  advise?(config: C): ConfigIssue[];
  /** The extensions that the configuration names. */
  references?(config: C): readonly ExtensionReference[];
  readonly examples: readonly Example[];
  readonly metrics: readonly MetricSpec[];
}

// --- receivers -------------------------------------------------------------------------------------------------------

/** A range of the shared memory that belongs to one request until it is submitted or released. */
export interface Place {
  readonly offset: number;
  readonly length: number;
}

/** How a submitted request ended. `refused` and `overloaded` say nothing was taken; the client may be told to retry. */
export type RequestOutcome =
  /** `warning`: taken, but not by all who should have it; the client must not send it again. */
  | { readonly kind: 'accepted'; readonly warning?: string }
  | { readonly kind: 'malformed'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'overloaded'; readonly message: string; readonly retryDelayMs: number };

/** What is known of the client of one request, read only when a processor asks for it. */
export interface RequestInfo {
  /** host:port of the client, '' where the transport has none. */
  readonly peer: string;
  /** The body is OTLP JSON. Absent: protobuf. */
  readonly isJson?: boolean;
  /** All values of a metadata key (HTTP header), lower-case name; empty when absent. */
  metadata(key: string): readonly string[];
  /** Of a request over gRPC: the same, whether or not the receiver includes metadata. */
  grpcMetadata?(key: string): readonly string[];
  /** What the authenticator knows of the client (lib/client-keys.ts); empty where it knows nothing of that name. */
  credential?(attribute: string): readonly string[];
}

/**
 * The way from a receiver into the pipelines. One a receiver. All calls on the I/O thread.
 * A place is first reserved, then filled by the receiver in `memory`, then submitted (or released): exactly one of both.
 */
export interface Intake {
  /** All of the shared memory; a place is `memory[offset … offset + length)`. */
  readonly memory: Buffer;
  /** The largest request that the memory budget can ever take; a receiver's own limit is not above it. */
  readonly largestBytes: number;
  /**
   * Space for `length` bytes, or null when the budget has none now. `isWhole`: all of the request is here and will be
   * submitted at once; else `submit` or `release` follows when its client has sent it, or has not.
   */
  reserve(length: number, isWhole: boolean): Place | null;
  /** As reserve, but waits a short bounded time for space; null when none came. */
  reserveLater(length: number, isWhole: boolean): Promise<Place | null>;
  /**
   * The place is filled with one ExportTraceServiceRequest, in OTLP JSON where `info` says so. `done` is called exactly once, never synchronously, with
   * `info` as it was given: one function serves all requests of a receiver.
   */
  submit<I extends RequestInfo>(place: Place, info: I, done: (info: I, outcome: RequestOutcome) => void): void;
  /** The request will not come after all. */
  release(place: Place): void;
  /** The outcome to answer with when `reserveLater` gave null; counts the refusal in the ledger. */
  refuse(): RequestOutcome;
  /** Counts a request that the transport itself turned away; the reason is a label of the ledger (`too_large`, …). */
  rejected(reason: string): void;
  /** The same way in; what comes through it is counted under this transport: `grpc`, `http`. */
  over(transport: string): Intake;
}

/**
 * The sockets that a receiver listens on, by what they are for (`grpc 127.0.0.1:4317`), while the service runs: when its
 * configuration changes, its successor goes on with them, and no connection is refused in between. src/transport knows what
 * is in it.
 */
export type ListeningSockets = Map<string, object>;

export interface ReceiverHost {
  /** Component id as configured, `otlp` or `otlp/name`. */
  readonly id: string;
  readonly intake: Intake;
  readonly log: Logger;
  readonly extensions: ExtensionLookup;
  /** What a health service on the receiver's own port says. */
  readonly serving: Serving;
  /** Absent: nobody takes its place. */
  readonly sockets?: ListeningSockets;
}

export interface Receiver {
  /** Binds; resolves when requests can come. Rejects with a SpanmillError when it cannot. */
  start(): Promise<void>;
  /** No new requests; resolves when those under way are answered, or at the deadline. */
  drain(deadlineMs: number): Promise<void>;
  /** Closes everything now. May be called twice and before start. */
  stop(): Promise<void>;
  /** Where it listens, for the start-up line: `grpc 127.0.0.1:4317`. Empty before start. */
  addresses(): readonly string[];
  /** Of the metrics that its definition declares; the label `receiver` is added to each. Called for each scrape. */
  metricValues(): Iterable<MetricValue>;
}

export interface ReceiverDefinition<C = unknown> extends Definition<C> {
  readonly kind: 'receiver';
  create(config: C, host: ReceiverHost): Receiver;
}

// --- processors ------------------------------------------------------------------------------------------------------

/** Number of an interned attribute key; valid in every AttributeTable of the same stage. */
export type KeyId = number;
/** Number of a drop counter of the ledger; `dropped(processor, reason)`. */
export type CounterId = number;

/** What a processor gets when its stage is compiled, in the worker. Everything here is called at compile time only. */
export interface StageBuilder {
  /** Component id as configured. */
  readonly id: string;
  readonly span: SpanView;
  readonly resource: ResourceView;
  readonly scope: ScopeView;
  /** Makes `key` a key that the kernel resolves while it indexes: look-ups by the returned id are an array read. */
  intern(key: string): KeyId;
  /** Copies bytes into the stage's part of the shared memory, where they stay; returns their offset. */
  constant(bytes: Uint8Array): number;
  /** An attribute that the stage adds as it is (`AttributeTable.addConstant`). */
  attribute(key: string, value: Value): AttributeConstant;
  /** A ledger counter `dropped(this processor, reason)`; hand it to `drop`. */
  dropCounter(reason: string): CounterId;
  /** Any other count of the processor, shown as the metric of that name (declared in the definition's `metrics`). */
  counter(metric: string, labels: Readonly<Record<string, string>>): CounterId;
  /**
   * For the gate of a connector: spans that are `drop`ped with it are not for this pipeline, which has not received them.
   * `nowhere`: nor for any other one behind the connector.
   */
  routeCounter(where: 'elsewhere' | 'nowhere'): CounterId;
  /** A metric of that name, which is declared as a histogram: call it with each value. `bounds` ascend. */
  histogram(metric: string, bounds: readonly number[]): (value: number) => void;
  /** Adds to a counter; may be called for each span. */
  add(counter: CounterId, n: number): void;
  /** Values of a client metadata key of the request being processed. Only keys of the definition's `metadataKeys`. */
  metadata(key: string): readonly string[];
  /** How often the spans of the present job are to be halved, where the stage has an admission processor that thins them. */
  halvings(): number;
  /** `service::telemetry::logs::show_values`: what the log shows of a span may hold the values of its attributes. */
  readonly showValues: boolean;
  /**
   * Something went wrong while running. Logged on the main thread, rate-limited by `code`; cheap when repeated. `sample`: the item
   * that it went wrong with as plain data, asked for when there is none for a recent line of that code.
   */
  warn(code: string, message: string, sample?: () => Readonly<Record<string, unknown>>): void;
}

/**
 * The behaviour of a processor inside a stage. The hooks read and edit the builder's views, which show the current item.
 * `resource` runs once a resource, `scope` once a scope, before their spans. A hook that throws refuses the request:
 * nothing of it is forwarded. Later processors see what earlier ones changed; after `drop` none sees the item.
 */
export interface StageProcessor {
  resource?(): void;
  scope?(): void;
  span?(): void;
  /** Its definition says `regroups`: how, of the spans that are left. */
  readonly regroup?: Regrouping;
}

interface ProcessorBase<C> extends Definition<C> {
  readonly kind: 'processor';
  /** Keys of span attributes by which it decides whether a trace is kept: it belongs behind what sets them. */
  decidesBy?(config: C): readonly string[];
  /** Keys of span attributes that it sets. */
  sets?(config: C): readonly string[];
}
/**
 * What a pass of a processor does with a resource or scope: reads or writes it, in the hook of that level or for each of the
 * lower items that it holds.
 */
export interface Touch {
  readonly what: 'resource' | 'scope';
  /** The hook in which it does so; the one for spans is also that of their events. */
  readonly from: 'resource' | 'scope' | 'span';
  readonly writes: boolean;
}
/** Works span by span, without memory of earlier spans. */
export interface SpanProcessorDefinition<C = unknown> extends ProcessorBase<C> {
  readonly role: 'spans';
  /**
   * One for each time that it goes over all spans, with what it touches besides the spans; absent: one that touches nothing.
   * Processors share a walk as far as none sees what it would not see if they ran one after another.
   */
  passes?(config: C): readonly (readonly Touch[])[];
  /** Its spans get other resources at the end of its one pass: what stands behind it goes over them anew. */
  readonly regroups?: true;
  readonly traits: { readonly mutates: boolean; readonly drops: boolean };
  /** Shows all spans that it drops, whatever the reason: a counter by its id alone, which is its label. One of `metrics`. */
  readonly dropMetric?: MetricSpec;
  /** Client metadata keys that it reads, lower case. */
  metadataKeys?(config: C): readonly string[];
  /** `pass`: the index of one of `passes`. */
  compile(config: C, stage: StageBuilder, pass: number): StageProcessor;
}
/** Ends a stage: gathers its output. */
export interface BatchProcessorDefinition<C = unknown> extends ProcessorBase<C> {
  readonly role: 'batch';
  batching(config: C): BatchingOptions;
}
export interface BatchingOptions {
  /** Spans that make a batch go at once; 0: never waits for more. */
  readonly minSpans: number;
  /** Most spans in a batch; 0: no limit. */
  readonly maxSpans: number;
  readonly timeoutMs: number;
  /** Batches are kept apart by the values of these client metadata keys. */
  readonly metadataKeys: readonly string[];
  readonly metadataCardinalityLimit: number;
}
/** Ends a stage: holds its spans until their traces are due, which then go on whole. */
export interface TraceProcessorDefinition<C = unknown> extends ProcessorBase<C> {
  readonly role: 'traces';
  holding(config: C): HoldingOptions;
}
export interface HoldingOptions {
  /** From the first span of a trace on. */
  readonly waitMs: number;
  /** With one more the oldest goes before its time. */
  readonly maxTraces: number;
}
/** Bounds what the process holds. */
export interface AdmissionProcessorDefinition<C = unknown> extends ProcessorBase<C> {
  readonly role: 'admission';
  /** Byte budget for all that is held. `totalMemoryBytes`: what the machine or its cgroup has. */
  budgetBytes(config: C, totalMemoryBytes: number): number;
  /** How spans are thinned while the budget fills; null: they are not, and it is no step of the chain. */
  thinning(config: C): ThinningOptions | null;
  /** The step that thins, by `halvings` of the stage. Called only where `thinning` is not null. */
  compile(config: C, stage: StageBuilder): StageProcessor;
}
export type ProcessorDefinition<C = unknown> =
  | SpanProcessorDefinition<C>
  | BatchProcessorDefinition<C>
  | TraceProcessorDefinition<C>
  | AdmissionProcessorDefinition<C>;

// --- exporters -------------------------------------------------------------------------------------------------------

/** What an exporter is given: the segments one after another are one ExportTraceServiceRequest (TracesData). */
export interface Batch {
  readonly spans: number;
  readonly bytes: number;
  /** Views over shared memory; valid until the promise of `export` settles. Never to be written to. */
  readonly segments: readonly Buffer[];
  /** Of its client, as far as `metadata_keys` of a batch kept it. */
  readonly metadata: Readonly<Record<string, readonly string[]>>;
}

/** Retryable or permanent is decided here, where the answer is understood. `reason` is a label of the ledger. */
export type ExportResult =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'partial'; readonly rejectedSpans: number; readonly message: string }
  | { readonly kind: 'retry'; readonly reason: string; readonly message: string; readonly afterMs: number }
  /** Too much at a time; half of it may pass. `limitBytes`: what the peer said it takes, 0 when it did not say. */
  | { readonly kind: 'too_large'; readonly reason: string; readonly message: string; readonly limitBytes: number }
  /** Something in the batch is wrong; the rest of it may pass without. */
  | { readonly kind: 'invalid'; readonly reason: string; readonly message: string }
  /** Whatever is sent. */
  | { readonly kind: 'refused'; readonly reason: string; readonly message: string };

export interface Exporter {
  start(): Promise<void>;
  /** Sends one batch; never rejects. Up to `DeliveryOptions.consumers` calls at a time. `signal` ends it early. */
  export(batch: Batch, signal: AbortSignal): Promise<ExportResult>;
  /** After the last export. May be called twice and before start. */
  stop(): Promise<void>;
  /** Of the metrics that its definition declares; the label `exporter` is added to each. Called for each scrape. */
  metricValues?(): Iterable<MetricValue>;
}

export interface ExporterHost {
  readonly id: string;
  readonly log: Logger;
  readonly extensions: ExtensionLookup;
}

/** How delivery wraps an exporter: the Collector's sending_queue, retry_on_failure and timeout. Times in ms. */
export interface DeliveryOptions {
  readonly queue: {
    readonly enabled: boolean;
    readonly consumers: number;
    readonly size: number;
    readonly sizer: 'requests' | 'items' | 'bytes';
    /** What one export carries, gathered from the queue; null: what came together goes out together. */
    readonly batch: {
      readonly flushTimeoutMs: number;
      readonly minSize: number;
      /** 0: no limit. */
      readonly maxSize: number;
      readonly sizer: 'items' | 'bytes';
      /** Clients that differ in these metadata keys share no batch. */
      readonly metadataKeys: readonly string[];
    } | null;
    /** False: when this exporter's queue is full and its backend takes nothing, the pipeline's other exporters go on. */
    readonly blockOnOverflow: boolean;
    /** Whether clients are answered when their spans were exported; `unbatched`: in pipelines without a batch processor. */
    readonly waitForResult: 'no' | 'unbatched' | 'yes';
    /** Id of the extension that stores the queue. */
    readonly storage: string | null;
  };
  readonly retry: {
    readonly enabled: boolean;
    readonly initialIntervalMs: number;
    readonly randomizationFactor: number;
    readonly multiplier: number;
    readonly maxIntervalMs: number;
    /** 0: for ever. */
    readonly maxElapsedMs: number;
  };
  /** For each attempt; 0: none. */
  readonly timeoutMs: number;
  /** Of one request, before compression; 0: what the peer takes. */
  readonly maxRequestBytes: number;
  /** A span that is too large for the peer has its longest values cut; else it is set aside. */
  readonly shrinks: boolean;
  /** Id of the extension that keeps what the peer does not take. */
  readonly deadLetter: string | null;
}

export interface ExporterDefinition<C = unknown> extends Definition<C> {
  readonly kind: 'exporter';
  delivery(config: C): DeliveryOptions;
  create(config: C, host: ExporterHost): Exporter;
}

// --- extensions ------------------------------------------------------------------------------------------------------

export type ServiceState = 'starting' | 'ready' | 'draining' | 'stopped';

export interface ExtensionHost {
  readonly id: string;
  readonly log: Logger;
  readonly extensions: ExtensionLookup;
  state(): ServiceState;
  /** At most a second old; the service's own state in it is that of now. */
  health(): HealthReport;
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
/** Client metadata that a configuration names. */
export interface MetadataKey {
  /** From the component's own configuration to where it is named. */
  readonly path: readonly (string | number)[];
  /** A header in lower case, or one of lib/client-keys.ts. */
  readonly key: string;
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

// --- connectors ------------------------------------------------------------------------------------------------------

/** A pipeline that a connector's configuration names. */
export interface PipelineReference {
  /** From the component's own configuration to where it is named. */
  readonly path: readonly (string | number)[];
  readonly pipeline: string;
}

/** Where a gate stands. */
export interface GatePlace {
  /** Id of the connector, as configured. */
  readonly connector: string;
  /** Id of the pipeline behind it. */
  readonly pipeline: string;
  /** The pipeline receives from others too: requests say in their metadata which connector they come through. */
  readonly isMarked: boolean;
  /** Of all pipelines behind the connector the one that counts what none of them gets. */
  readonly isFirst: boolean;
}

/**
 * Stands between pipelines: those that name it as an exporter send to those that name it as a receiver. It runs nowhere by
 * itself: what passes through it is handed from stage to stage, and what it decides is decided by its gate.
 */
export interface ConnectorDefinition<C = unknown> extends Definition<C> {
  readonly kind: 'connector';
  /** Client metadata by which it decides. */
  metadataKeys?(config: C): readonly MetadataKey[];
  /** The pipelines that it sends to, as its configuration names them; absent: all that receive from it. */
  targets?(config: C): readonly PipelineReference[];
  /** The first step of each pipeline behind it: lets through what is for that pipeline. Absent: everything is. */
  readonly gate?: {
    readonly definition: SpanProcessorDefinition;
    /** What the definition is compiled with: plain data. */
    config(config: C, place: GatePlace): unknown;
  };
}

export type AnyDefinition =
  | ReceiverDefinition
  | ProcessorDefinition
  | ExporterDefinition
  | ConnectorDefinition
  | ExtensionDefinition;

/** All components that are built in; made in src/registry.ts, passed to config and pipeline. */
export interface Registry {
  readonly receivers: readonly ReceiverDefinition[];
  readonly processors: readonly ProcessorDefinition[];
  readonly exporters: readonly ExporterDefinition[];
  readonly connectors: readonly ConnectorDefinition[];
  readonly extensions: readonly ExtensionDefinition[];
}
