// What a stage needs of what it runs in: memory, workers, the account of its pipeline, and where its output goes.
import type { Logger } from 'pino';
import type { FlushCause, GatheredBatch } from '../delivery/batch.ts';
import type { PipelineAccount } from '../delivery/ledger.ts';
import type { SharedMemory } from '../wire/memory.ts';
import type { WorkerPool } from '../workers/pool.ts';
import type { OutputSpace } from './output-space.ts';
import type { StageRequest } from './stage-request.ts';

export interface StageHost extends OutputSpace {
  readonly shared: SharedMemory;
  readonly pool: WorkerPool;
  readonly account: PipelineAccount;
  /** Numbers of the counters of what a gate sent elsewhere, and of what was for no pipeline at all. */
  readonly routed: { readonly elsewhere: readonly number[]; readonly nowhere: readonly number[] };
  /** Clients are answered when their spans are secured behind the last stage, not when they are gathered here. */
  readonly answersWhenSecured: boolean;
  /** What was made of a client's request goes on by itself, so that what becomes of it says nothing of other clients. */
  readonly keepsApart: boolean;
  /** An exporter of the pipeline has as much to do as the memory allows it: no requests are taken. */
  readonly holdsBack: boolean;
  /** How often the spans of a job that starts now are to be halved. */
  readonly halvings: number;
  readonly log: Logger;
  /** There is work, or space, or an idle worker: look again soon. */
  schedule(): void;
  emit(batch: GatheredBatch, cause: FlushCause): void;
  /** Takes over traces that the stage held, in the place of batches. */
  release(traces: StageRequest): void;
  /** Takes a copy of a request that killed its worker twice. */
  setAside(bytes: Buffer, component: string, spans: number, isJson: boolean): void;
}
