// Everything that crosses between the I/O thread and a worker, besides what stands in the shared memory (layout.ts).

import type { ChainWarning } from '../pipeline/chain.ts';
import type { CounterSpec, StagePlan } from '../pipeline/plan.ts';
import type { WorkerContext } from './layout.ts';

/** Given to a worker thread when it starts. */
export interface WorkerData {
  readonly memory: WebAssembly.Memory;
  readonly context: WorkerContext;
  /** All stages of all pipelines; a job names one by its index. */
  readonly stages: readonly StagePlan[];
}

export type WorkerTask =
  /** Compile everything; answered with the counters of each stage. */
  | { readonly kind: 'prepare' }
  /** Run the job in the job block. `metadata`: of its requests' client, null when no processor asks. */
  | { readonly kind: 'run'; readonly metadata: Readonly<Record<string, readonly string[]>> | null };

export interface PrepareResult {
  readonly counters: readonly (readonly CounterSpec[])[];
}

/** null: nothing to say beyond what the job block holds. */
export type RunResult = null | {
  /** Texts for clients whose request was refused: number of the request in the job, message. */
  readonly messages: readonly (readonly [number, string])[];
  readonly warnings: readonly ChainWarning[];
};
