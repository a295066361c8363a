// The define functions check a definition's type where it is written and forget its configuration type, so that the
// registry can hold all of them: `create` and `compile` are only ever called with what `config` parsed.
import type { ConnectorDefinition } from './connector.ts';
import type { ExporterDefinition } from './exporter.ts';
import type { ExtensionDefinition } from './extension.ts';
import type {
  AdmissionProcessorDefinition,
  BatchProcessorDefinition,
  SpanProcessorDefinition,
  TraceProcessorDefinition,
} from './processor.ts';
import type { ReceiverDefinition } from './receiver.ts';
import type { Step } from './step.ts';

/** What workers run of a processor; its definition is made of it. */
export const defineStep = <C>(step: Step<C>): Step => step as Step<unknown>;
export const defineReceiver = <C>(definition: ReceiverDefinition<C>): ReceiverDefinition =>
  definition as ReceiverDefinition<unknown>;
export const defineSpanProcessor = <C>(definition: SpanProcessorDefinition<C>): SpanProcessorDefinition =>
  definition as SpanProcessorDefinition<unknown>;
export const defineBatchProcessor = <C>(definition: BatchProcessorDefinition<C>): BatchProcessorDefinition =>
  definition as BatchProcessorDefinition<unknown>;
export const defineTraceProcessor = <C>(definition: TraceProcessorDefinition<C>): TraceProcessorDefinition =>
  definition as TraceProcessorDefinition<unknown>;
export const defineAdmissionProcessor = <C>(
  definition: AdmissionProcessorDefinition<C>,
): AdmissionProcessorDefinition => definition as AdmissionProcessorDefinition<unknown>;
export const defineExporter = <C>(definition: ExporterDefinition<C>): ExporterDefinition =>
  definition as ExporterDefinition<unknown>;
export const defineConnector = <C>(definition: ConnectorDefinition<C>): ConnectorDefinition =>
  definition as ConnectorDefinition<unknown>;
export const defineExtension = <C>(definition: ExtensionDefinition<C>): ExtensionDefinition =>
  definition as ExtensionDefinition<unknown>;
