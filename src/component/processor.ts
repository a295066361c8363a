// What a processor is: what a configuration can say of it, and what the planner has to know.
import type { Definition } from './definition.ts';
import type { Step } from './step.ts';
import type { ThinningOptions } from './thinning.ts';

interface ProcessorBase<C> extends Definition<C> {
  readonly kind: 'processor';
  /** Keys of span attributes by which it decides whether a trace is kept: it belongs behind what sets them. */
  decidesBy?(config: C): readonly string[];
  /** Keys of span attributes that it sets. */
  sets?(config: C): readonly string[];
}
/**
 * What a pass of a processor does with a resource or scope: reads or writes it, in the hook of that level or for each of the
 * lower items that it holds.
 */
export interface Touch {
  readonly what: 'resource' | 'scope';
  /** The hook in which it does so; the one for spans is also that of their events. */
  readonly from: 'resource' | 'scope' | 'span';
  readonly writes: boolean;
  /** It may refuse the whole request: not for an item of which the processors before it leave no span. */
  readonly mayRefuse?: true;
}
/** Works span by span, without memory of earlier spans. */
export interface SpanProcessorDefinition<C = unknown> extends ProcessorBase<C>, Step<C> {
  readonly role: 'spans';
  /**
   * One for each time that it goes over all spans, with what it touches besides the spans; absent: one that touches nothing.
   * Processors share a walk as far as none sees what it would not see if they ran one after another.
   */
  passes?(config: C): readonly (readonly Touch[])[];
  /** Its spans get other resources at the end of its one pass: what stands behind it goes over them anew. */
  readonly regroups?: true;
  readonly traits: { readonly mutates: boolean; readonly drops: boolean };
  /** It drops every span, whatever comes: nothing reaches what stands behind it. */
  dropsAll?(config: C): boolean;
  /** Client metadata keys that it reads, lower case. */
  metadataKeys?(config: C): readonly string[];
}
/** Ends a stage: gathers its output. */
export interface BatchProcessorDefinition<C = unknown> extends ProcessorBase<C> {
  readonly role: 'batch';
  batching(config: C): BatchingOptions;
}
export interface BatchingOptions {
  /** Spans that make a batch go at once; 0: never waits for more. */
  readonly minSpans: number;
  /** Most spans in a batch; 0: no limit. */
  readonly maxSpans: number;
  readonly timeoutMs: number;
  /** Batches are kept apart by the values of these client metadata keys. */
  readonly metadataKeys: readonly string[];
  readonly metadataCardinalityLimit: number;
}
/** Ends a stage: holds its spans until their traces are due, which then go on whole. */
export interface TraceProcessorDefinition<C = unknown> extends ProcessorBase<C> {
  readonly role: 'traces';
  holding(config: C): HoldingOptions;
}
export interface HoldingOptions {
  /** From the first span of a trace on. */
  readonly waitMs: number;
  /** With one more the oldest goes before its time. */
  readonly maxTraces: number;
}
/** Bounds what the process holds. */
export interface AdmissionProcessorDefinition<C = unknown> extends ProcessorBase<C>, Step<C> {
  readonly role: 'admission';
  /** Byte budget for all that is held. `totalMemoryBytes`: what the machine or its cgroup has. */
  budgetBytes(config: C, totalMemoryBytes: number): number;
  /** How its step thins spans while the budget fills, by `halvings` of the stage; null: it is no step of any chain. */
  thinning(config: C): ThinningOptions | null;
}
export type ProcessorDefinition<C = unknown> =
  | SpanProcessorDefinition<C>
  | BatchProcessorDefinition<C>
  | TraceProcessorDefinition<C>
  | AdmissionProcessorDefinition<C>;
