// What worker threads of these tests load: the processors that are built in, and the one that misbehaves.
import { workerData } from 'piscina';
import { processors } from '../../../src/processors/registry.ts';
import type { WorkerData } from '../../../src/workers/protocol.ts';
import { createWorker } from '../../../src/workers/worker.ts';
import { misbehaving } from './misbehaving.ts';

export default createWorker([...processors, misbehaving], workerData as WorkerData);
