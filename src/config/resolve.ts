// The expanded tree against the registry: what the runtime builds, or everything that is wrong with it.
import type { ProcessorDefinition } from '../component/processor.ts';
import type { Registry } from '../component/registry.ts';
import { checkSchema } from './check-schema.ts';
import { clientKeyIssues } from './client-keys.ts';
import { type Configured, parseId, readSection, type Section, type Sections } from './component-section.ts';
import { connectorIssues, cycleIssues } from './connector-graph.ts';
import { circleIssues, referenceIssues, startOrder } from './extension-references.ts';
import { type ConfigNode, type MapNode, nodeAt, type Path } from './node.ts';
import { orderAdvice } from './order-advice.ts';
import type { ResolvedComponent, ResolvedConfig, ResolvedPipeline } from './resolved.ts';
import { type ServiceConfig, serviceSchema } from './service-schema.ts';
import { type Issue, makeIssue, type Spot } from './source.ts';
import { type Subject, spotFor } from './subject.ts';
import { suggestion } from './suggest.ts';
import { splitAddress, telemetryConfig, telemetryWarnings } from './telemetry-section.ts';

export interface Resolution {
  readonly config: ResolvedConfig | null;
  readonly issues: readonly Issue[];
}

type SectionName = keyof Sections;

const TOP_KEYS = ['receivers', 'processors', 'exporters', 'connectors', 'extensions', 'service'];
const OTHER_SIGNALS = new Set(['metrics', 'logs', 'profiles']);

const topIssues = (root: MapNode): Issue[] => {
  const issues: Issue[] = [];
  for (const [key, entry] of root.entries) {
    if (TOP_KEYS.includes(key)) continue;
    const message = `unknown section "${key}"${suggestion(key, TOP_KEYS, 'sections')}`;
    issues.push(makeIssue('error', entry.key, 'CONFIG_UNKNOWN_KEY', message));
  }
  return issues;
};

/** Where the ids of a list may be defined. */
const sectionsOf: Readonly<Record<SectionName, readonly SectionName[]>> = {
  receivers: ['receivers', 'connectors'],
  processors: ['processors'],
  exporters: ['exporters', 'connectors'],
  connectors: ['connectors'],
  extensions: ['extensions'],
};

/** The ids of one list that are defined; the others become issues. */
const checkReferences = (
  ids: readonly string[],
  path: Path,
  kind: SectionName,
  sections: Sections,
  service: Subject,
  issues: Issue[],
): string[] => {
  const places = sectionsOf[kind].map((name) => sections[name]);
  const known = new Set(places.flatMap((place) => [...place.ids]));
  const unreadable = places.some((place) => place.unreadable);
  const seen = new Set<string>();
  for (const [index, id] of ids.entries()) {
    const spot = spotFor(service, [...path, index]);
    if (!known.has(id)) {
      if (unreadable) continue;
      const message = `${kind.replace(/s$/, '')} "${id}" is not defined under ${kind}:${suggestion(id, [...known], 'defined')}`;
      issues.push(makeIssue('error', spot, 'CONFIG_UNDEFINED', message));
    } else if (seen.has(id) && kind === 'processors') {
      issues.push(
        makeIssue(
          'error',
          spot,
          'CONFIG_CONFLICT',
          `processor "${id}" stands twice in this pipeline; give the second a name of its own: ${id}/2`,
        ),
      );
    } else if (seen.has(id)) {
      issues.push(makeIssue('warning', spot, 'CONFIG_CONFLICT', `"${id}" stands twice in this list; once counts`));
    }
    seen.add(id);
  }
  return [...seen];
};

const checkPipelineId = (id: string, spot: Spot): Issue | null => {
  const parsed = parseId(id);
  if (parsed?.type === 'traces') return null;
  if (parsed !== null && OTHER_SIGNALS.has(parsed.type)) {
    const message = `pipeline "${id}": spanmill handles traces only; leave ${parsed.type} to a Collector`;
    return makeIssue('error', spot, 'CONFIG_VALUE', message);
  }
  return makeIssue('error', spot, 'CONFIG_VALUE', `"${id}" is not a pipeline id; write traces or traces/name`);
};

interface CheckedPipeline {
  readonly id: string;
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
}

const checkPipelines = (
  service: ServiceConfig,
  subject: Subject,
  sections: Sections,
  issues: Issue[],
): CheckedPipeline[] => {
  const pipelines = Object.entries(service.pipelines);
  if (pipelines.length === 0) {
    issues.push(
      makeIssue(
        'error',
        spotFor(subject, ['pipelines']),
        'CONFIG_MISSING',
        'service.pipelines: at least one pipeline is required, such as traces',
      ),
    );
  }
  return pipelines.map(([id, pipeline]) => {
    const path = ['pipelines', id];
    const wrongId = checkPipelineId(id, spotFor(subject, path));
    if (wrongId !== null) issues.push(wrongId);
    const check = (kind: 'receivers' | 'processors' | 'exporters'): string[] =>
      checkReferences(pipeline[kind], [...path, kind], kind, sections, subject, issues);
    return { id, receivers: check('receivers'), processors: check('processors'), exporters: check('exporters') };
  });
};

const pick = <D>(section: Section<D>, ids: Iterable<string>): ResolvedComponent<D>[] => {
  const picked: ResolvedComponent<D>[] = [];
  for (const id of ids) {
    const component: Configured<D> | undefined = section.components.get(id);
    if (component?.config) picked.push({ id, definition: component.definition, config: component.config.value });
  }
  return picked;
};

/** In the order of the section, so that what is started first does not depend on pipelines. */
const used = <D>(section: Section<D>, ids: readonly string[]): string[] =>
  [...section.ids].filter((id) => ids.includes(id));

const unusedNotes = (
  sections: Sections,
  pipelines: readonly CheckedPipeline[],
  extensions: readonly string[],
): Issue[] => {
  const note = (kind: SectionName, names: readonly string[]): Issue[] =>
    [...sections[kind].components.values()]
      .filter((component) => !names.includes(component.id))
      .map((component) =>
        makeIssue(
          'note',
          component.key,
          'CONFIG_VALUE',
          `${kind}.${component.id} is defined but not used; it is not built`,
        ),
      );
  return [
    ...note(
      'receivers',
      pipelines.flatMap((pipeline) => pipeline.receivers),
    ),
    ...note(
      'connectors',
      pipelines.flatMap((pipeline) => [...pipeline.receivers, ...pipeline.exporters]),
    ),
    ...note(
      'processors',
      pipelines.flatMap((pipeline) => pipeline.processors),
    ),
    ...note(
      'exporters',
      pipelines.flatMap((pipeline) => pipeline.exporters),
    ),
    ...note('extensions', extensions),
  ];
};

/** The gates of the connectors that a pipeline receives from, in front of its processors. */
const gatesOf = (
  { id, receivers }: CheckedPipeline,
  pipelines: readonly CheckedPipeline[],
  sections: Sections,
): ResolvedComponent<ProcessorDefinition>[] =>
  pick(sections.connectors, receivers).flatMap(({ id: connector, definition: { gate }, config }) => {
    if (gate === undefined) return [];
    const isFirst = pipelines.find((one) => one.receivers.includes(connector))?.id === id;
    const place = { connector, pipeline: id, isMarked: receivers.length > 1, isFirst };
    return [{ id: connector, definition: gate.definition, config: gate.config(config, place) }];
  });

const build = (
  service: ServiceConfig,
  pipelines: readonly CheckedPipeline[],
  sections: Sections,
  cores: number,
): ResolvedConfig => ({
  receivers: pick(
    sections.receivers,
    used(
      sections.receivers,
      pipelines.flatMap((pipeline) => pipeline.receivers),
    ),
  ),
  exporters: pick(
    sections.exporters,
    used(
      sections.exporters,
      pipelines.flatMap((pipeline) => pipeline.exporters),
    ),
  ),
  connectors: pick(
    sections.connectors,
    used(
      sections.connectors,
      pipelines.flatMap((pipeline) => pipeline.exporters),
    ),
  ),
  extensions: pick(sections.extensions, startOrder(service.extensions, sections.extensions)),
  pipelines: pipelines.map(
    (pipeline): ResolvedPipeline => ({
      ...pipeline,
      processors: [...gatesOf(pipeline, pipelines, sections), ...pick(sections.processors, pipeline.processors)],
    }),
  ),
  workers: service.workers ?? Math.max(1, cores - 1),
  telemetry: telemetryConfig(service.telemetry),
  admin: service.admin === undefined ? null : splitAddress(service.admin.endpoint),
});

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** Whoever reaches the admin address may reload. */
const adminWarnings = (service: ServiceConfig, subject: Subject): Issue[] => {
  if (service.admin === undefined || LOOPBACK.test(splitAddress(service.admin.endpoint).host)) return [];
  const message = `service.admin.endpoint: anyone who can reach ${service.admin.endpoint} may reload the configuration; use 127.0.0.1`;
  return [makeIssue('warning', spotFor(subject, ['admin', 'endpoint']), 'CONFIG_VALUE', message)];
};

/** Checks an expanded tree. `cores`: processors of the machine. Without an error in `issues` there is a config. */
export const resolveConfig = (root: ConfigNode, registry: Registry, cores: number): Resolution => {
  if (root.kind !== 'map') return { config: null, issues: [] };
  const section = <K extends SectionName>(kind: K): Section<Registry[K][number]> =>
    readSection<Registry[K][number]>(kind, root.entries.get(kind)?.node, registry[kind], registry);
  const sections: Sections = {
    receivers: section('receivers'),
    processors: section('processors'),
    exporters: section('exporters'),
    connectors: section('connectors'),
    extensions: section('extensions'),
  };
  const issues = [...topIssues(root), ...Object.values(sections).flatMap((one) => one.issues)];
  const entry = root.entries.get('service');
  if (entry === undefined) {
    issues.push(
      makeIssue('error', root.at, 'CONFIG_MISSING', 'the service: section is required; it names the pipelines'),
    );
    return { config: null, issues };
  }
  const subject: Subject = { name: 'service', node: entry.node, key: entry.key };
  const checked = checkSchema(serviceSchema, subject);
  issues.push(...checked.issues);
  if (checked.value === null)
    return { config: null, issues: [...issues, ...referencesDespiteIssues(subject, sections)] };
  const service = checked.value;
  const pipelines = checkPipelines(service, subject, sections, issues);
  checkReferences(service.extensions, ['extensions'], 'extensions', sections, subject, issues);
  const components = Object.values(sections).flatMap((one) => [...one.components.values()]);
  issues.push(...referenceIssues(components, sections.extensions, service.extensions));
  issues.push(...connectorIssues(pipelines, sections.connectors, subject));
  const circles = [...circleIssues(sections.extensions), ...cycleIssues(pipelines, sections.connectors, subject)];
  issues.push(...circles);
  // What goes round has no end to look for.
  if (circles.length === 0) issues.push(...clientKeyIssues(pipelines, sections));
  issues.push(...telemetryWarnings(service.telemetry, subject));
  issues.push(...adminWarnings(service, subject));
  for (const { id, processors } of pipelines) {
    issues.push(...orderAdvice(pick(sections.processors, processors), ['pipelines', id, 'processors'], subject));
  }
  issues.push(...unusedNotes(sections, pipelines, service.extensions));
  const wrong = issues.some((issue) => issue.severity === 'error');
  return { config: wrong ? null : build(service, pipelines, sections, cores), issues };
};

/** All problems at once: where the service section's shape is wrong, its lists of ids are still looked at. */
const referencesDespiteIssues = (service: Subject, sections: Sections): Issue[] => {
  const issues: Issue[] = [];
  const list = (path: Path, kind: SectionName): void => {
    const node = nodeAt(service.node, path);
    if (node?.kind !== 'list') return;
    const ids = node.items.map((item) =>
      item.kind === 'scalar' && typeof item.value === 'string' ? item.value : null,
    );
    if (!ids.includes(null))
      checkReferences(
        ids.filter((id) => id !== null),
        path,
        kind,
        sections,
        service,
        issues,
      );
  };
  list(['extensions'], 'extensions');
  const pipelines = nodeAt(service.node, ['pipelines']);
  for (const [id, entry] of pipelines?.kind === 'map' ? pipelines.entries : []) {
    const wrongId = checkPipelineId(id, entry.key);
    if (wrongId !== null) issues.push(wrongId);
    for (const kind of ['receivers', 'processors', 'exporters'] as const) list(['pipelines', id, kind], kind);
  }
  return issues;
};
