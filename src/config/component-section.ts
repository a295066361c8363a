// One section of components (`receivers:`, `processors:`, …): ids, types, configurations.
import type { ConfigIssue } from '../component/definition.ts';
import type { AnyDefinition, Registry } from '../component/registry.ts';
import { nearest } from '../lib/nearest.ts';
import { checkSchema } from './check-schema.ts';
import { type ConfigNode, isBroken, nodeAt, type Path, type ScalarNode } from './node.ts';
import { spotInScalar } from './scalar-offset.ts';
import { type Issue, makeIssue, type Spot } from './source.ts';
import { asErrorCode, placeName, type Subject, spotFor } from './subject.ts';

export interface Configured<D> {
  readonly id: string;
  readonly definition: D;
  readonly key: Spot;
  /** Its part of the file. */
  readonly subject: Subject;
  /** Set only where the configuration is right. */
  readonly config: { readonly value: unknown } | null;
}

export interface Section<D> {
  /** Every id written in the section, whatever is wrong with it: naming it in a pipeline is no second problem. */
  readonly ids: ReadonlySet<string>;
  /** The section as a whole could not be read: what it defines is not known. */
  readonly unreadable: boolean;
  readonly components: ReadonlyMap<string, Configured<D>>;
  readonly issues: readonly Issue[];
}

export type Sections = { readonly [K in keyof Registry]: Section<Registry[K][number]> };

/** `type[/name]`, as the Collector's component.ID; null where it is not one. */
export const parseId = (id: string): { type: string; name: string } | null => {
  const [, type = '', name] = /^([a-zA-Z][0-9a-zA-Z_]{0,62})(?:\/(.+))?$/.exec(id) ?? [];
  if (type === '' || (name !== undefined && (name.trim() === '' || name.length > 1024))) return null;
  return { type, name: name ?? '' };
};

const typeNames = (definitions: readonly AnyDefinition[]): string[] =>
  definitions.flatMap((definition) => [definition.type, ...definition.aliases]);

const sectionNames = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const;

const unknownType = (type: string, section: keyof Registry, registry: Registry): string => {
  const other = sectionNames.find((name) => typeNames(registry[name]).includes(type));
  // The router was a processor once.
  if (other !== undefined) return `${section}: "${type}" is no ${section.replace(/s$/, '')}: it stands under ${other}:`;
  const names = typeNames(registry[section]);
  const near = nearest(type, names);
  const hint = near === undefined ? '' : `did you mean "${near}"? `;
  return `${section}: there is no ${section.replace(/s$/, '')} "${type}" here; ${hint}built in: ${names.toSorted().join(', ') || 'none'}`;
};

/** An issue from a definition's `check` or `advise`, at the character it names. */
const placeCheckIssue = (severity: 'error' | 'warning', issue: ConfigIssue, subject: Subject): Issue[] => {
  const { path, code, offset } = issue;
  if (isBroken(subject.node, path)) return [];
  const text = textAt(subject.node, path);
  const message = `${placeName(subject, path)}: ${issue.message}`;
  if (text === null || offset === undefined) {
    return [makeIssue(severity, spotFor(subject, path), asErrorCode(code), message)];
  }
  const hint = text.isPart ? '; a text in place of a list is taken apart at its commas: write a list' : '';
  return [makeIssue(severity, spotInScalar(text.node, text.from + offset), asErrorCode(code), `${message}${hint}`)];
};

interface Text {
  readonly node: ScalarNode;
  /** Where it begins in the scalar. */
  readonly from: number;
  /** It is one of several. */
  readonly isPart: boolean;
}

/** The text at `path`; also one of those that stand in one scalar, with commas between them (`textList`). */
const textAt = (root: ConfigNode, path: Path): Text | null => {
  const node = nodeAt(root, path);
  if (node !== undefined) return node.kind === 'scalar' ? { node, from: 0, isPart: false } : null;
  const list = nodeAt(root, path.slice(0, -1));
  const index = path.at(-1);
  if (list?.kind !== 'scalar' || typeof list.value !== 'string' || typeof index !== 'number') return null;
  const parts = list.value.split(',');
  const before = parts.slice(0, index).reduce((sum, part) => sum + part.length + 1, 0);
  return { node: list, from: before, isPart: parts.length > 1 };
};

const checkComponent = (
  definition: AnyDefinition,
  subject: Subject,
): { config: { value: unknown } | null; issues: readonly Issue[] } => {
  const parsed = checkSchema(definition.config, subject);
  if (parsed.value === null) return { config: null, issues: parsed.issues };
  const { value } = parsed;
  const issues = (definition.check?.(value) ?? []).flatMap((issue) => placeCheckIssue('error', issue, subject));
  if (issues.length > 0) return { config: null, issues };
  const advice = (definition.advise?.(value) ?? []).flatMap((issue) => placeCheckIssue('warning', issue, subject));
  return { config: { value }, issues: advice };
};

/** Reads a section. `node` undefined: the file has none. */
export const readSection = <D extends AnyDefinition>(
  section: keyof Registry,
  node: ConfigNode | undefined,
  definitions: readonly D[],
  registry: Registry,
): Section<D> => {
  const ids = new Set<string>();
  const components = new Map<string, Configured<D>>();
  const issues: Issue[] = [];
  const nothing = node === undefined || (node.kind === 'scalar' && node.value === null);
  if (nothing) return { ids, unreadable: node?.broken === true, components, issues };
  if (node.kind !== 'map') {
    issues.push(makeIssue('error', node.at, 'CONFIG_TYPE', `${section}: expected a map of component ids`));
    return { ids, unreadable: true, components, issues };
  }
  for (const [id, entry] of node.entries) {
    ids.add(id);
    const parsed = parseId(id);
    if (parsed === null) {
      issues.push(
        makeIssue(
          'error',
          entry.key,
          'CONFIG_VALUE',
          `${section}: "${id}" is not a component id; write type or type/name`,
        ),
      );
      continue;
    }
    const definition = definitions.find((one) => one.type === parsed.type || one.aliases.includes(parsed.type));
    if (definition === undefined) {
      issues.push(
        makeIssue('error', entry.key, 'CONFIG_UNKNOWN_COMPONENT', unknownType(parsed.type, section, registry)),
      );
      continue;
    }
    const subject: Subject = { name: `${section}.${id}`, node: entry.node, key: entry.key };
    const checked = checkComponent(definition, subject);
    issues.push(...checked.issues);
    components.set(id, { id, definition, key: entry.key, subject, config: checked.config });
  }
  return { ids, unreadable: false, components, issues };
};
