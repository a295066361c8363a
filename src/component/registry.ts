// All components together, as configuration and planner are given them.
import type { ConnectorDefinition } from './connector.ts';
import type { ExporterDefinition } from './exporter.ts';
import type { ExtensionDefinition } from './extension.ts';
import type { ProcessorDefinition } from './processor.ts';
import type { ReceiverDefinition } from './receiver.ts';

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
