// Client metadata on its way to the extensions that make headers of it, and to connectors that decide by it: whether it can
// ever get there.

import type { ConnectorDefinition } from '../component/connector.ts';
import type { MetadataKey } from '../component/definition.ts';
import type { ExporterDefinition } from '../component/exporter.ts';
import type { ExtensionDefinition } from '../component/extension.ts';
import { clientAddressKey, credentialAttribute } from '../lib/client-keys.ts';
import type { Configured, Sections } from './component-section.ts';
import { type Issue, makeIssue } from './source.ts';
import { placeName, spotFor } from './subject.ts';

interface Pipeline {
  readonly id: string;
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
}
type Extension = Configured<ExtensionDefinition>;

/** A way of spans to a pipeline: from a receiver, past all processors, also those of pipelines in front of connectors. */
interface Route {
  /** Of the pipeline that it ends in. */
  readonly id: string;
  readonly receivers: readonly string[];
  readonly steps: readonly { readonly pipeline: string; readonly processor: string }[];
}
/** Every connector that is left out or taken makes another way: so many are enough to find one that is open. */
const mostRoutes = 256;

/** The way of a key that a component reads, of one pipeline and one of its exporters. */
interface Way {
  readonly reader: Configured<ExtensionDefinition | ConnectorDefinition>;
  readonly read: MetadataKey;
  /** Why nothing comes by it; null: something may. */
  readonly obstacle: string | null;
}

/** What an authenticator would have to tell never comes: an error. A header is missing without harm to anybody else: a warning. */
export function clientKeyIssues(pipelines: readonly Pipeline[], sections: Sections): Issue[] {
  const ways = pipelines.flatMap((pipeline) => {
    const routes = routesTo(pipeline, pipelines, sections);
    return routes.flatMap((route) => [
      ...waysOf(pipeline.exporters, route, sections),
      ...waysToConnectors(pipeline.exporters, route, sections),
    ]);
  });
  const places = Map.groupBy(ways, ({ reader, read }) => placeName(reader.subject, read.path));
  return [...places].flatMap(([place, all]) => {
    const [{ reader, read, obstacle }] = all;
    if (obstacle === null || all.some((way) => way.obstacle === null)) return [];
    const severity = credentialAttribute(read.key) === null ? 'warning' : 'error';
    const spot = spotFor(reader.subject, read.path);
    return [makeIssue(severity, spot, 'CONFIG_CONFLICT', `${place}: ${obstacle}`)];
  });
}

/** Connectors lead from no pipeline back to itself. */
function routesTo({ id, receivers, processors }: Pipeline, all: readonly Pipeline[], sections: Sections): Route[] {
  const own = processors.map((processor) => ({ pipeline: id, processor }));
  const isConnector = (receiver: string): boolean => sections.connectors.ids.has(receiver);
  const direct = receivers.filter((receiver) => !isConnector(receiver));
  const routes: Route[] = direct.length === 0 ? [] : [{ id, receivers: direct, steps: own }];
  for (const sender of all) {
    if (routes.length >= mostRoutes) break;
    if (!sender.exporters.some((exporter) => isConnector(exporter) && receivers.includes(exporter))) continue;
    for (const route of routesTo(sender, all, sections)) routes.push({ ...route, id, steps: [...route.steps, ...own] });
  }
  return routes.slice(0, mostRoutes);
}

function waysOf(exporters: readonly string[], route: Route, sections: Sections): Way[] {
  return exporters.flatMap((id) => {
    const exporter = sections.exporters.components.get(id);
    if (exporter === undefined) return [];
    return readersBehind(exporter, sections).flatMap((extension) => {
      const reads = extension.definition.metadataKeys?.(extension.config?.value) ?? [];
      return reads.map((read): Way => {
        const { key } = read;
        const obstacle = unshown(key, route, sections) ?? obstacleOf(key, route, sections) ?? obstacleIn(exporter, key);
        return { reader: extension, read, obstacle };
      });
    });
  });
}

function waysToConnectors(exporters: readonly string[], route: Route, sections: Sections): Way[] {
  return exporters.flatMap((id) => {
    const connector = sections.connectors.components.get(id);
    if (connector === undefined || connector.config === null) return [];
    const reads = connector.definition.metadataKeys?.(connector.config.value) ?? [];
    return reads.map((read): Way => ({ reader: connector, read, obstacle: obstacleOf(read.key, route, sections) }));
  });
}

/** The extensions that give an exporter its credentials, and those that they name. */
function readersBehind(
  { definition, config }: Configured<ExporterDefinition> | Extension,
  sections: Sections,
): Extension[] {
  if (config === null) return [];
  return (definition.references?.(config.value) ?? []).flatMap(({ id, capability }) => {
    const named = sections.extensions.components.get(id);
    if (capability !== 'clientAuth' || named === undefined || named.config === null) return [];
    return [named, ...readersBehind(named, sections)];
  });
}

function obstacleOf(key: string, { id, receivers, steps }: Route, sections: Sections): string | null {
  const attribute = credentialAttribute(key);
  if (attribute !== null) {
    const known = receivers.flatMap((receiver) => attributesOf(receiver, sections));
    if (!known.includes(attribute)) {
      const there = known.length === 0 ? 'nothing' : [...new Set(known)].join(', ');
      return `no authenticator of a receiver of pipeline "${id}" knows "${attribute}" of its clients: they know ${there}`;
    }
  }
  for (const { pipeline, processor } of steps) {
    const { definition, config } = sections.processors.components.get(processor) ?? {};
    if (definition?.role === 'traces') {
      return `the processor "${processor}" of pipeline "${pipeline}" gathers traces from several clients, so that ${key} is lost`;
    }
    if (definition?.role !== 'batch' || config === null || config === undefined) continue;
    if (definition.batching(config.value).metadataKeys.includes(key)) continue;
    return `the processor "${processor}" of pipeline "${pipeline}" mixes clients, so that ${key} is lost: add it to its metadata_keys`;
  }
  return null;
}

function obstacleIn(exporter: Configured<ExporterDefinition>, key: string): string | null {
  const batch = exporter.config === null ? null : exporter.definition.delivery(exporter.config.value).queue.batch;
  if (batch === null || batch.metadataKeys.includes(key)) return null;
  return `the sending_queue of exporter "${exporter.id}" mixes clients, so that ${key} is lost: add it to batch.partition.metadata_keys`;
}

/** A connector sees headers of gRPC in any case. */
function unshown(key: string, { id, receivers }: Route, sections: Sections): string | null {
  if (credentialAttribute(key) !== null || key === clientAddressKey) return null;
  if (receivers.some((receiver) => showsHeaders(receiver, sections))) return null;
  return `no receiver of pipeline "${id}" shows the headers of requests, so that ${key} is never there: set include_metadata`;
}

function showsHeaders(receiver: string, sections: Sections): boolean {
  const { definition, config } = sections.receivers.components.get(receiver) ?? {};
  // One that is wrong itself may show what it likes.
  if (config === null || config === undefined) return true;
  return definition?.showsHeaders?.(config.value) ?? true;
}

/** What the authenticators of a receiver know of its clients. */
function attributesOf(receiver: string, sections: Sections): readonly string[] {
  const { definition, config } = sections.receivers.components.get(receiver) ?? {};
  if (config === null || config === undefined) return [];
  return (definition?.references?.(config.value) ?? []).flatMap(({ id, capability }) => {
    const named = sections.extensions.components.get(id);
    if (capability !== 'serverAuth' || named === undefined || named.config === null) return [];
    return named.definition.credentialAttributes?.(named.config.value) ?? [];
  });
}
