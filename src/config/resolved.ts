// What the configuration comes to: only what pipelines and `service.extensions` use, every value parsed.
import type { ConnectorDefinition } from '../component/connector.ts';
import type { ExporterDefinition } from '../component/exporter.ts';
import type { ExtensionDefinition } from '../component/extension.ts';
import type { ProcessorDefinition } from '../component/processor.ts';
import type { ReceiverDefinition } from '../component/receiver.ts';

export interface ResolvedComponent<D> {
  /** As configured: `otlp`, `otlp/name`, `otlp_grpc/name`. */
  readonly id: string;
  readonly definition: D;
  /** What `definition.config` parsed. */
  readonly config: unknown;
}

export interface ResolvedPipeline {
  /** `traces` or `traces/name`. */
  readonly id: string;
  /** Ids of receivers and connectors; each stands in `ResolvedConfig.receivers` or `.connectors`. */
  readonly receivers: readonly string[];
  /** In order, the gates of the connectors that it receives from first. A processor that several pipelines name is an instance of its own in each. */
  readonly processors: readonly ResolvedComponent<ProcessorDefinition>[];
  /** Ids of exporters and connectors; each stands in `ResolvedConfig.exporters` or `.connectors`. */
  readonly exporters: readonly string[];
}

export interface LogsConfig {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly encoding: 'console' | 'json';
  /** `stdout`, `stderr` or file names. */
  readonly outputPaths: readonly string[];
  readonly initialFields: Readonly<Record<string, unknown>>;
  /** Lines about a span may show the values of its attributes. */
  readonly showValues: boolean;
  /** null: off. In each tick the first `initial` lines of a message pass, then each `thereafter`-th (0: none). */
  readonly sampling: { readonly tickMs: number; readonly initial: number; readonly thereafter: number } | null;
}

export interface MetricsConfig {
  readonly level: 'none' | 'basic' | 'normal' | 'detailed';
  /** Where Prometheus text is served; null: nowhere. */
  readonly address: { readonly host: string; readonly port: number } | null;
}

export interface TelemetryConfig {
  readonly logs: LogsConfig;
  readonly metrics: MetricsConfig;
}

export interface ResolvedConfig {
  /** Those that a pipeline names, each once, in the order of the file. */
  readonly receivers: readonly ResolvedComponent<ReceiverDefinition>[];
  readonly exporters: readonly ResolvedComponent<ExporterDefinition>[];
  readonly connectors: readonly ResolvedComponent<ConnectorDefinition>[];
  /** In the order of `service.extensions`, which is the order to start them in. */
  readonly extensions: readonly ResolvedComponent<ExtensionDefinition>[];
  /** Connectors lead from none of them back to itself. */
  readonly pipelines: readonly ResolvedPipeline[];
  /** Chain workers, at least 1. */
  readonly workers: number;
  readonly telemetry: TelemetryConfig;
  /** Where reloads can be asked for; null: nowhere. */
  readonly admin: { readonly host: string; readonly port: number } | null;
}
