// What a worker thread loads: steps, and nothing of the definitions that they belong to (test/component/layers.test.ts).
import { workerData } from 'node:worker_threads';
import { gateSteps } from '../connectors/steps.ts';
import { steps } from '../processors/steps.ts';
import type { WorkerData } from './protocol.ts';
import { createWorker } from './worker.ts';

export default createWorker([...steps, ...gateSteps], workerData as WorkerData);
