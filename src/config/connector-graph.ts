// How connectors join pipelines: used on both sides, naming pipelines that receive from them, and leading nowhere back.
import type { ConnectorDefinition } from '../component/connector.ts';
import type { Configured, Section } from './component-section.ts';
import { type Issue, makeIssue } from './source.ts';
import { placeName, type Subject, spotFor } from './subject.ts';
import { suggestion } from './suggest.ts';

export interface JoinedPipeline {
  readonly id: string;
  readonly receivers: readonly string[];
  readonly exporters: readonly string[];
}

type Connectors = Section<ConnectorDefinition>;

/** `service`: the section with the pipelines. */
export function connectorIssues(
  pipelines: readonly JoinedPipeline[],
  connectors: Connectors,
  service: Subject,
): Issue[] {
  return [...connectors.components.values()].flatMap((connector) => [
    ...sideIssues(connector.id, pipelines, service),
    ...targetIssues(connector, pipelines),
    ...silentIssues(connector, pipelines, service),
  ]);
}

/** One that is used on one side only: at each place where it is. */
function sideIssues(id: string, pipelines: readonly JoinedPipeline[], service: Subject): Issue[] {
  const isIn = (side: Side): boolean => pipelines.some((pipeline) => pipeline[side].includes(id));
  const at = (side: Side, message: string): Issue[] =>
    pipelines
      .filter((pipeline) => pipeline[side].includes(id))
      .map((pipeline) => makeIssue('error', spotOfUse(pipeline, side, id, service), 'CONFIG_CONFLICT', message));
  if (isIn('exporters') && !isIn('receivers')) {
    return at('exporters', `connector "${id}" leads nowhere: no pipeline has it among its receivers`);
  }
  if (isIn('receivers') && !isIn('exporters')) {
    return at('receivers', `nothing comes through connector "${id}": no pipeline has it among its exporters`);
  }
  return [];
}

type Side = 'receivers' | 'exporters';

const spotOfUse = ({ id: pipeline, ...sides }: JoinedPipeline, side: Side, id: string, service: Subject) =>
  spotFor(service, ['pipelines', pipeline, side, sides[side].indexOf(id)]);

/** Pipelines that its configuration names. */
function targetIssues(connector: Configured<ConnectorDefinition>, pipelines: readonly JoinedPipeline[]): Issue[] {
  const { id, subject } = connector;
  return targetsOf(connector).flatMap(({ path, pipeline }) => {
    const named = pipelines.find((one) => one.id === pipeline);
    if (named?.receivers.includes(id)) return [];
    const [code, problem] =
      named === undefined
        ? ([
            'CONFIG_UNDEFINED',
            `there is no pipeline "${pipeline}"${suggestion(pipeline, ids(pipelines), 'pipelines')}`,
          ] as const)
        : ([
            'CONFIG_CONFLICT',
            `pipeline "${pipeline}" does not receive from "${id}": add it to its receivers`,
          ] as const);
    return [makeIssue('error', spotFor(subject, path), code, `${placeName(subject, path)}: ${problem}`)];
  });
}

/** Pipelines that receive from it, and that its configuration does not name. */
function silentIssues(
  connector: Configured<ConnectorDefinition>,
  pipelines: readonly JoinedPipeline[],
  service: Subject,
): Issue[] {
  const { id, definition, config } = connector;
  if (definition.targets === undefined || config === null) return [];
  const named = new Set(targetsOf(connector).map(({ pipeline }) => pipeline));
  return pipelines
    .filter((pipeline) => pipeline.receivers.includes(id) && !named.has(pipeline.id))
    .map((pipeline) => {
      const message = `connector "${id}" sends nothing to this pipeline: it names others only`;
      return makeIssue('warning', spotOfUse(pipeline, 'receivers', id, service), 'CONFIG_CONFLICT', message);
    });
}

const targetsOf = ({ definition, config }: Configured<ConnectorDefinition>) =>
  config === null ? [] : (definition.targets?.(config.value) ?? []);
const ids = (pipelines: readonly JoinedPipeline[]): string[] => pipelines.map(({ id }) => id);

/** Pipelines that spans would go round in for ever: one issue for each circle, at the exporter that begins it. */
export function cycleIssues(pipelines: readonly JoinedPipeline[], connectors: Connectors, service: Subject): Issue[] {
  const order = ids(pipelines);
  return pipelines.flatMap((first) => {
    const way = wayTo(first, pipelines, connectors);
    if (way === null) return [];
    const others = way.filter((_, i) => i % 2 === 1);
    // Each circle is told by its first pipeline.
    if (others.some((id) => order.indexOf(id) < order.indexOf(first.id))) return [];
    const message = `pipelines that go round in a circle: ${[first.id, ...way].join(' -> ')}; leave one of these connectors out`;
    return [makeIssue('error', spotOfUse(first, 'exporters', way[0], service), 'CONFIG_CONFLICT', message)];
  });
}

/** The shortest way from a pipeline back to itself: connector, pipeline, connector, …; null: there is none. */
function wayTo(
  first: JoinedPipeline,
  pipelines: readonly JoinedPipeline[],
  connectors: Connectors,
): readonly string[] | null {
  const ways: { readonly at: JoinedPipeline; readonly way: readonly string[] }[] = [{ at: first, way: [] }];
  const seen = new Set<string>();
  for (const { at, way } of ways) {
    for (const connector of at.exporters) {
      if (!connectors.ids.has(connector)) continue;
      for (const next of pipelines) {
        if (!next.receivers.includes(connector)) continue;
        const longer = [...way, connector, next.id];
        if (next.id === first.id) return longer;
        if (!seen.has(next.id)) ways.push({ at: next, way: longer });
        seen.add(next.id);
      }
    }
  }
  return null;
}
