// Pipelines that connectors join: each planned with what those behind it need. Pure. Connectors lead from no pipeline back to
// itself.
import type { ResolvedConfig, ResolvedPipeline } from '../config/resolved.ts';
import { connectorKey } from '../lib/client-keys.ts';
import { depthOf, type ExporterNeeds, exporterNeeds, type PipelinePlan, planPipeline } from './plan.ts';

export type GraphConfig = Pick<ResolvedConfig, 'pipelines' | 'exporters' | 'connectors' | 'extensions'> & {
  readonly telemetry: { readonly logs: { readonly showValues: boolean } };
};

export interface LinkedPlan extends PipelinePlan {
  /** By each of its exporters that is a connector: ids of the pipelines behind it. */
  readonly links: ReadonlyMap<string, readonly string[]>;
  /** Shares of the memory that all stages behind its own need (`depthOf`), on the way where they are most. */
  readonly depthBehind: number;
  /** Exporters at the end of all ways that its spans take. */
  readonly reached: readonly string[];
  /**
   * Somebody else's spans wait as long as it holds back: of those that send to it another exporter than its own, or of its own
   * clients and another pipeline the one or the other.
   */
  readonly isBeside: boolean;
}

interface Graph {
  readonly config: GraphConfig;
  readonly needs: ReadonlyMap<string, ExporterNeeds>;
  readonly isConnector: (id: string) => boolean;
  readonly planned: Map<string, Omit<LinkedPlan, 'isBeside'>>;
}

/** By id, each before those that send to it. */
export function planPipelines(config: GraphConfig): ReadonlyMap<string, LinkedPlan> {
  const connectors = new Set(config.connectors.map(({ id }) => id));
  const isConnector = (id: string): boolean => connectors.has(id);
  const graph: Graph = { config, needs: exporterNeeds(config), isConnector, planned: new Map() };
  for (const pipeline of config.pipelines) planLinked(pipeline, graph);
  const { planned } = graph;
  return new Map([...planned].map(([id, plan]) => [id, { ...plan, isBeside: isBeside(id, graph) }]));
}

/** Of the longest way through all of them; at least 1. */
export const deepest = (plans: Iterable<Pick<LinkedPlan, 'stages' | 'depthBehind'>>): number =>
  Math.max(1, ...[...plans].map(({ stages, depthBehind }) => depthOf(stages) + depthBehind));

function planLinked(pipeline: ResolvedPipeline, graph: Graph): Omit<LinkedPlan, 'isBeside'> {
  const { config, needs, isConnector, planned } = graph;
  const known = planned.get(pipeline.id);
  if (known !== undefined) return known;
  const behind = new Map(
    pipeline.exporters.filter(isConnector).map((id) => {
      const receiving = config.pipelines.filter(({ receivers }) => receivers.includes(id));
      return [id, receiving.map((one) => planLinked(one, graph))] as const;
    }),
  );
  const all = [...behind.values()].flat();
  const needsOf = (id: string): ExporterNeeds | undefined => {
    const receiving = behind.get(id);
    return receiving === undefined ? needs.get(id) : { metadataKeys: keysOf(receiving), maxSpans: 0 };
  };
  const plan = {
    ...planPipeline(pipeline, needsOf, config.telemetry.logs.showValues),
    links: new Map([...behind].map(([id, receiving]) => [id, receiving.map((one) => one.id)])),
    depthBehind: Math.max(0, ...all.map(({ stages, depthBehind }) => depthOf(stages) + depthBehind)),
    reached: distinct([...pipeline.exporters.filter((id) => !isConnector(id)), ...all.flatMap((one) => one.reached)]),
  };
  planned.set(pipeline.id, plan);
  return plan;
}

/** What their first stages want to know of clients. Which connector it was they are told by that. */
const keysOf = (receiving: readonly PipelinePlan[]): readonly string[] =>
  distinct(receiving.flatMap(({ stages }) => stages[0].metadataKeys)).filter((key) => key !== connectorKey);

function isBeside(id: string, { config, planned, isConnector }: Graph): boolean {
  const own = new Set(planned.get(id)?.reached);
  const above = sendersTo(id, config, isConnector);
  if (above.length === 0) return false;
  return above.some((sender) => planned.get(sender)?.reached.some((exporter) => !own.has(exporter)) === true);
}

/** The pipelines whose spans come to this one, through connectors, near and far. */
function sendersTo(id: string, config: GraphConfig, isConnector: (id: string) => boolean): readonly string[] {
  const found = new Set<string>();
  const waiting = [id];
  for (const one of waiting) {
    const receivers = config.pipelines.find((pipeline) => pipeline.id === one)?.receivers.filter(isConnector) ?? [];
    for (const sender of config.pipelines) {
      if (found.has(sender.id) || !sender.exporters.some((exporter) => receivers.includes(exporter))) continue;
      found.add(sender.id);
      waiting.push(sender.id);
    }
  }
  return [...found];
}

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];
