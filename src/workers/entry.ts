// What a worker thread loads.
import { workerData } from 'piscina';
import { processors } from '../processors/registry.ts';
import type { WorkerData } from './protocol.ts';
import { createWorker } from './worker.ts';

export default createWorker(processors, workerData as WorkerData);
