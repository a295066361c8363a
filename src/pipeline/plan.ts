// The planner: a pipeline as configured -> stages. Pure. Processors in a row that work span by span share one pass in any
// worker; `batch` ends a stage; `memory_limiter` is not a step but the byte budget of the process.
import type { BatchingOptions, ProcessorDefinition } from '../component/types.ts';
import type { ResolvedConfig } from '../config/resolved.ts';

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
  /** Client metadata keys that its processors, its batching or its exporters read; requests that differ in them share no job. */
  readonly metadataKeys: readonly string[];
  /** Most spans in what goes on at once, where there is no batching; 0: no limit. */
  readonly maxSpans: number;
}

/** What a pipeline without batching in front of its exporters does for them. */
export interface ExporterNeeds {
  /** Client metadata keys, lower case, that an exporter reads. */
  readonly metadataKeys: readonly string[];
  /** Most spans that it sends in one request; 0: no limit. */
  readonly maxSpans: number;
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

export function planPipeline(
  pipeline: ConfiguredPipeline,
  needsOf: (exporter: string) => ExporterNeeds | undefined = () => undefined,
): PipelinePlan {
  const stages: StagePlan[] = [];
  let processors: StagePlan['processors'][number][] = [];
  let keys = new Set<string>();
  const end = (batching: StagePlan['batching']): void => {
    const needs = batching === null ? pipeline.exporters.flatMap((id) => needsOf(id) ?? []) : [];
    for (const key of needs.flatMap(({ metadataKeys }) => metadataKeys)) keys.add(key);
    const limits = needs.map(({ maxSpans }) => maxSpans).filter((spans) => spans > 0);
    const maxSpans = limits.length === 0 ? 0 : Math.min(...limits);
    stages.push({ processors, batching, metadataKeys: [...keys].sort(), maxSpans });
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

/** What each exporter needs, by its id. */
export function exporterNeeds({
  exporters,
  extensions,
}: Pick<ResolvedConfig, 'exporters' | 'extensions'>): ReadonlyMap<string, ExporterNeeds> {
  return new Map(
    exporters.map(({ id, definition, config }) => {
      const { batch } = definition.delivery(config).queue;
      const named = new Set(definition.references?.(config).map((reference) => reference.id));
      const ofExtensions = extensions
        .filter((extension) => named.has(extension.id))
        .flatMap((extension) => extension.definition.metadataKeys?.(extension.config) ?? []);
      const metadataKeys = [...(batch?.metadataKeys ?? []), ...ofExtensions];
      return [id, { metadataKeys, maxSpans: batch?.sizer === 'items' ? batch.maxSize : 0 }];
    }),
  );
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
