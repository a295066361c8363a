// What a worker thread runs of the connectors that are built in: the gates in front of pipelines behind them.
import type { Step } from '../component/step.ts';
import { routingGateStep } from './routing/gate.ts';

export const gateSteps: readonly Step[] = [routingGateStep];
