// Everything that crosses between the I/O thread and a worker, besides what stands in the shared memory (layout.ts).

import type { CounterSpec, StagePlan } from '../pipeline/plan.ts';
import type { ChainWarning } from '../pipeline/warnings.ts';
import type { WorkerContext } from './layout.ts';

/** A stage under the number by which jobs name it; numbers are never used twice. */
export interface NumberedStage {
  readonly number: number;
  readonly plan: StagePlan;
}

/** Given to a worker thread when it starts. */
export interface WorkerData {
  readonly memory: WebAssembly.Memory;
  readonly context: WorkerContext;
  /** The stages that are compiled already in the other workers: not empty for the successor of one that died. */
  readonly stages: readonly NumberedStage[];
}

export type WorkerTask =
  /** Compile these too; answered with the counters of each stage. One that is known already stays as it is. */
  | { readonly kind: 'compile'; readonly stages: readonly NumberedStage[] }
  /** No job names these stages any more. Unknown ones are ignored. */
  | { readonly kind: 'forget'; readonly stages: readonly number[] }
  /**
   * Run the job in the job block. `metadata`: of its requests' client; null when no processor asks, and then the worker also
   * runs each job that is handed over by its turn in the block, until one has something to say that does not fit there, which
   * is the answer, or it is told to leave.
   */
  | { readonly kind: 'run'; readonly metadata: Readonly<Record<string, readonly string[]>> | null };

export type CompileResult =
  | { readonly kind: 'compiled'; readonly counters: readonly (readonly CounterSpec[])[] }
  /** None of the stages is there. */
  | { readonly kind: 'failed'; readonly message: string };

/** null: nothing to say beyond what the job block holds. */
export type RunResult = null | {
  /** Texts for clients whose request was refused: number of the request in the job, message. */
  readonly messages: readonly (readonly [number, string])[];
  readonly warnings: readonly ChainWarning[];
};
