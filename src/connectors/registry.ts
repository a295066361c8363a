// The connectors that are built in, one line each, sorted.
import type { ConnectorDefinition } from '../component/connector.ts';
import { forward } from './forward/index.ts';
import { routing } from './routing/index.ts';

export const connectors: readonly ConnectorDefinition[] = [forward, routing];
