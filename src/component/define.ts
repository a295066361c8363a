// The define functions check a definition's type where it is written and forget its configuration type, so that the
// registry can hold all of them: `create` and `compile` are only ever called with what `config` parsed.
import type {
  AdmissionProcessorDefinition,
  BatchProcessorDefinition,
  ConnectorDefinition,
  ExporterDefinition,
  ExtensionDefinition,
  ReceiverDefinition,
  SpanProcessorDefinition,
  TraceProcessorDefinition,
} from './types.ts';

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
