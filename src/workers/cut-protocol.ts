// What crosses between the I/O thread and the cutting thread. Memory that threads share is read in place; other bytes are
// handed over.
import type { ErrorCode } from '../errors.ts';
import type { SplitLimits } from '../wire/cut/split.ts';
import type { SplitPlan } from '../wire/cut/split-plan.ts';

export type CutWork =
  | { readonly kind: 'split'; readonly limits: SplitLimits }
  | { readonly kind: 'halve' }
  | { readonly kind: 'shrink'; readonly maxBytes: number };

export type CutTask = CutWork & { readonly segments: readonly Uint8Array[] };

/** null: it cannot be made so. `whole`: nothing needs to be cut. */
export type CutResult =
  | null
  | { readonly kind: 'whole' }
  | { readonly kind: 'plan'; readonly plan: SplitPlan }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string };
