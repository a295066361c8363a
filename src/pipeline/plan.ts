// The planner: a pipeline as configured -> stages. Pure. Processors in a row that work span by span share one pass in any
// worker; `batch` and what holds traces end a stage; `memory_limiter` is the byte budget of the process, and a step only where it thins spans.
import type { ExtensionReference } from '../component/capabilities.ts';
import type { MetricSpec } from '../component/definition.ts';
import type { BatchingOptions, HoldingOptions, ProcessorDefinition } from '../component/processor.ts';
import type { ThinningOptions } from '../component/thinning.ts';
import type { ResolvedConfig } from '../config/resolved.ts';
import { roomsOf, type Walk, WalkList } from './walks.ts';

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
  /** Its processors. At least one walk, though it may be without a step. */
  readonly walks: readonly Walk[];
  /** How the output is gathered; null: what one job gave goes on at once. */
  readonly batching: (BatchingOptions & { readonly id: string }) | null;
  /** How its spans are held by trace, until they go on to the stage behind it, which there always is; null: they are not. */
  readonly holding: (HoldingOptions & { readonly id: string }) | null;
  /** Client metadata keys that its processors, its batching or its exporters read; requests that differ in them share no job. */
  readonly metadataKeys: readonly string[];
  /** Most spans in what goes on at once, where there is no batching; 0: no limit. */
  readonly maxSpans: number;
  /** What it logs may show the values of attributes. */
  readonly showValues: boolean;
  /** How its spans are thinned where the memory fills, and by which of its processors; null: they are not. */
  readonly thinning: (ThinningOptions & { readonly id: string }) | null;
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

/** Shares of the memory that its stages need: one for each room of each stage. */
export const depthOf = (stages: readonly StagePlan[]): number =>
  stages.reduce((depth, { walks }) => depth + roomsOf(walks), 0);

export type CounterSpec =
  | {
      readonly kind: 'dropped';
      readonly component: string;
      readonly reason: string;
      /** Counts it too, for all reasons together: `dropMetric` of its definition. */
      readonly metric?: MetricSpec;
    }
  | {
      readonly kind: 'metric';
      readonly component: string;
      readonly metric: string;
      readonly help: string;
      readonly labels: Readonly<Record<string, string>>;
      /** The metric is a histogram: its values up to this bound and above the one before, or their sum. */
      readonly part?: number | 'sum';
    }
  /** Spans that are not for this pipeline, which has not received them; `nowhere`: for none behind the connector. */
  | { readonly kind: 'routed'; readonly component: string; readonly where: 'elsewhere' | 'nowhere' };

/** `showValues`: what its processors log may show the values of attributes. */
export function planPipeline(
  pipeline: ConfiguredPipeline,
  needsOf: (exporter: string) => ExporterNeeds | undefined = () => undefined,
  showValues = false,
): PipelinePlan {
  const stages: StagePlan[] = [];
  let walks = new WalkList();
  let keys = new Set<string>();
  let thinning: StagePlan['thinning'] = null;
  const end = (batching: StagePlan['batching'], holding: StagePlan['holding'] = null): void => {
    const needs = batching === null && holding === null ? pipeline.exporters.flatMap((id) => needsOf(id) ?? []) : [];
    for (const key of needs.flatMap(({ metadataKeys }) => metadataKeys)) keys.add(key);
    const limits = needs.map(({ maxSpans }) => maxSpans).filter((spans) => spans > 0);
    const maxSpans = limits.length === 0 ? 0 : Math.min(...limits);
    stages.push({
      walks: walks.end(holding !== null),
      batching,
      holding,
      metadataKeys: [...keys].sort(),
      maxSpans,
      showValues,
      thinning,
    });
    walks = new WalkList();
    thinning = null;
    keys = new Set(batching?.metadataKeys);
  };
  for (const { id, definition, config } of pipeline.processors) {
    switch (definition.role) {
      case 'admission': {
        const options = definition.thinning(config);
        // What the first one has thinned is not thinned again: it holds for the whole pipeline.
        if (options === null || thinning !== null || stages.some((stage) => stage.thinning !== null)) break;
        thinning = { id, ...options };
        walks.add({ id, type: definition.type, config, pass: 0 }, [], { drops: true, regroups: false });
        break;
      }
      case 'spans':
        for (const key of definition.metadataKeys?.(config) ?? []) keys.add(key);
        (definition.passes?.(config) ?? [[]]).forEach((touches, pass) => {
          const { type, traits, regroups = false } = definition;
          walks.add({ id, type, config, pass }, touches, { drops: traits.drops, regroups });
        });
        break;
      case 'batch': {
        const batching = definition.batching(config);
        for (const key of batching.metadataKeys) keys.add(key);
        end({ ...batching, id });
        break;
      }
      case 'traces':
        // Clients are not kept apart any longer: a trace may come from several.
        end(null, { ...definition.holding(config), id });
    }
  }
  // A pipeline has at least one stage: the one that validates. What was held is written by the next one.
  if (!walks.isEmpty || (stages.at(-1)?.holding ?? null) !== null || stages.length === 0) end(null);
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
      const ofExtensions = extensionKeys(definition.references?.(config) ?? [], extensions);
      const metadataKeys = [...(batch?.metadataKeys ?? []), ...ofExtensions];
      return [id, { metadataKeys, maxSpans: batch?.sizer === 'items' ? batch.maxSize : 0 }];
    }),
  );
}

/** Client metadata keys of the extensions that are named, and of those that they name: none names itself on any way. */
function extensionKeys(
  references: readonly ExtensionReference[],
  extensions: ResolvedConfig['extensions'],
): readonly string[] {
  return references.flatMap((reference) => {
    const named = extensions.find(({ id }) => id === reference.id);
    if (named === undefined) return [];
    const { definition, config } = named;
    const own = definition.metadataKeys?.(config).map(({ key }) => key) ?? [];
    return [...own, ...extensionKeys(definition.references?.(config) ?? [], extensions)];
  });
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
