// The connectors that are built in, one line each, sorted, and what a worker thread needs of them.
import type { ConnectorDefinition, SpanProcessorDefinition } from '../component/types.ts';
import { forward } from './forward/index.ts';
import { routing } from './routing/index.ts';

export const connectors: readonly ConnectorDefinition[] = [forward, routing];

/** Steps that stand in front of pipelines behind a connector. */
export const gates: readonly SpanProcessorDefinition[] = connectors.flatMap(({ gate }) => gate?.definition ?? []);
