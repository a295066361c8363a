// The planner: a pipeline as configured -> stages. Pure. Processors in a row that work span by span share one pass in any
// worker; `batch` ends a stage; `memory_limiter` is not a step but the byte budget of the process.
import type { BatchingOptions, ProcessorDefinition } from '../component/types.ts';

export interface ConfiguredProcessor {
  readonly id: string;
  readonly definition: ProcessorDefinition;
  readonly config: unknown;
}
export interface ConfiguredPipeline {
  readonly id: string;
  readonly receivers: readonly string[];
  readonly processors: readonly ConfiguredProcessor[];
  readonly exporters: readonly string[];
}

/** What a worker needs to compile a stage: plain data, for it crosses threads. */
export interface StagePlan {
  readonly processors: readonly { readonly id: string; readonly type: string; readonly config: unknown }[];
  /** How the output is gathered; null: what one job gave goes on at once. */
  readonly batching: (BatchingOptions & { readonly id: string }) | null;
  /** Client metadata keys that its processors or its batching read; requests that differ in them share no job. */
  readonly metadataKeys: readonly string[];
}

export interface PipelinePlan {
  readonly id: string;
  readonly receivers: readonly string[];
  readonly exporters: readonly string[];
  readonly stages: readonly StagePlan[];
}

export type CounterSpec =
  | { readonly kind: 'dropped'; readonly component: string; readonly reason: string }
  | {
      readonly kind: 'metric';
      readonly component: string;
      readonly metric: string;
      readonly labels: Readonly<Record<string, string>>;
    };

export function planPipeline(pipeline: ConfiguredPipeline): PipelinePlan {
  const stages: StagePlan[] = [];
  let processors: StagePlan['processors'][number][] = [];
  let keys = new Set<string>();
  const end = (batching: StagePlan['batching']): void => {
    stages.push({ processors, batching, metadataKeys: [...keys].sort() });
    processors = [];
    keys = new Set(batching?.metadataKeys);
  };
  for (const { id, definition, config } of pipeline.processors) {
    switch (definition.role) {
      case 'admission':
        break;
      case 'spans':
        for (const key of definition.metadataKeys?.(config) ?? []) keys.add(key);
        processors.push({ id, type: definition.type, config });
        break;
      case 'batch': {
        const batching = definition.batching(config);
        for (const key of batching.metadataKeys) keys.add(key);
        end({ ...batching, id });
      }
    }
  }
  // A pipeline has at least one stage: the one that validates.
  if (processors.length > 0 || stages.length === 0) end(null);
  return { id: pipeline.id, receivers: pipeline.receivers, exporters: pipeline.exporters, stages };
}

/** The byte budget: the smallest that a memory_limiter of any pipeline asks for, else `fallbackBytes`. */
export function planBudget(
  pipelines: readonly ConfiguredPipeline[],
  totalMemoryBytes: number,
  fallbackBytes: number,
): number {
  const asked = pipelines.flatMap((pipeline) =>
    pipeline.processors.flatMap(({ definition, config }) =>
      definition.role === 'admission' ? [definition.budgetBytes(config, totalMemoryBytes)] : [],
    ),
  );
  return asked.length === 0 ? fallbackBytes : Math.min(...asked);
}
