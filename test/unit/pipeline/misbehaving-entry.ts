// What worker threads of these tests load: the processors that are built in, and the one that misbehaves.
import { workerData } from 'node:worker_threads';
import { steps } from '../../../src/processors/steps.ts';
import type { WorkerData } from '../../../src/workers/protocol.ts';
import { createWorker } from '../../../src/workers/worker.ts';
import { misbehaving } from './misbehaving.ts';

export default createWorker([...steps, misbehaving], workerData as WorkerData);
