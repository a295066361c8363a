// What a worker thread loads.
import { workerData } from 'piscina';
import { gates } from '../connectors/registry.ts';
import { processors } from '../processors/registry.ts';
import type { WorkerData } from './protocol.ts';
import { createWorker } from './worker.ts';

export default createWorker([...processors, ...gates], workerData as WorkerData);
