// Client metadata on its way to the extensions that make headers of it: whether it can ever get there.
import { credentialAttribute } from '../component/client-keys.ts';
import type { ExporterDefinition, ExtensionDefinition, MetadataKey } from '../component/types.ts';
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

/** The way of a key that an extension reads, of one pipeline and one of its exporters. */
interface Way {
  readonly extension: Extension;
  readonly read: MetadataKey;
  /** Why nothing comes by it; null: something may. */
  readonly obstacle: string | null;
}

/** What an authenticator would have to tell never comes: an error. A header is missing without harm to anybody else: a warning. */
export function clientKeyIssues(pipelines: readonly Pipeline[], sections: Sections): Issue[] {
  const ways = pipelines.flatMap((pipeline) => waysOf(pipeline, sections));
  const places = Map.groupBy(ways, ({ extension, read }) => placeName(extension.subject, read.path));
  return [...places].flatMap(([place, all]) => {
    const [{ extension, read, obstacle }] = all;
    if (obstacle === null || all.some((way) => way.obstacle === null)) return [];
    const severity = credentialAttribute(read.key) === null ? 'warning' : 'error';
    const spot = spotFor(extension.subject, read.path);
    return [makeIssue(severity, spot, 'CONFIG_CONFLICT', `${place}: ${obstacle}`)];
  });
}

function waysOf(pipeline: Pipeline, sections: Sections): Way[] {
  return pipeline.exporters.flatMap((id) => {
    const exporter = sections.exporters.components.get(id);
    if (exporter === undefined) return [];
    return readersBehind(exporter, sections).flatMap((extension) => {
      const reads = extension.definition.metadataKeys?.(extension.config?.value) ?? [];
      return reads.map(
        (read): Way => ({ extension, read, obstacle: obstacleOf(read.key, pipeline, exporter, sections) }),
      );
    });
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

function obstacleOf(
  key: string,
  { id, receivers, processors }: Pipeline,
  exporter: Configured<ExporterDefinition>,
  sections: Sections,
): string | null {
  const attribute = credentialAttribute(key);
  if (attribute !== null) {
    const known = receivers.flatMap((receiver) => attributesOf(receiver, sections));
    if (!known.includes(attribute)) {
      const there = known.length === 0 ? 'nothing' : [...new Set(known)].join(', ');
      return `no authenticator of a receiver of pipeline "${id}" knows "${attribute}" of its clients: they know ${there}`;
    }
  }
  for (const processor of processors) {
    const { definition, config } = sections.processors.components.get(processor) ?? {};
    if (definition?.role !== 'batch' || config === null || config === undefined) continue;
    if (definition.batching(config.value).metadataKeys.includes(key)) continue;
    return `the processor "${processor}" of pipeline "${id}" mixes clients, so that ${key} is lost: add it to its metadata_keys`;
  }
  const batch = exporter.config === null ? null : exporter.definition.delivery(exporter.config.value).queue.batch;
  if (batch === null || batch.metadataKeys.includes(key)) return null;
  return `the sending_queue of exporter "${exporter.id}" mixes clients, so that ${key} is lost: add it to batch.partition.metadata_keys`;
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
