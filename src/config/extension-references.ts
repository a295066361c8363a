// The extensions that components name (`auth: {authenticator: …}`, `storage: …`): defined, started, and fit for it.
import type { Capability, ExtensionReference } from '../component/capabilities.ts';
import type { ExtensionDefinition } from '../component/extension.ts';
import type { AnyDefinition } from '../component/registry.ts';
import type { Configured, Section } from './component-section.ts';
import { type Issue, makeIssue } from './source.ts';
import { placeName, spotFor } from './subject.ts';
import { suggestion } from './suggest.ts';

/** What each capability is to a user. */
const roles: Readonly<Record<Capability, string>> = {
  serverAuth: 'check credentials of clients',
  clientAuth: 'give credentials to requests that go out',
  storage: 'store queues',
  deadLetter: 'keep spans that nobody takes',
};

type Extensions = Section<ExtensionDefinition>;

/** `started`: the ids of `service.extensions`. */
export function referenceIssues(
  components: Iterable<Configured<AnyDefinition>>,
  extensions: Extensions,
  started: readonly string[],
): Issue[] {
  const issues: Issue[] = [];
  for (const component of components) {
    if (component.config === null) continue;
    for (const reference of component.definition.references?.(component.config.value) ?? []) {
      const problem = problemOf(reference, extensions, started);
      if (problem === null) continue;
      const { subject } = component;
      const message = `${placeName(subject, reference.path)}: ${problem}`;
      issues.push(makeIssue('error', spotFor(subject, reference.path), 'CONFIG_UNDEFINED', message));
    }
  }
  return issues;
}

/** An extension that is asked by way of those that it names would ask for ever. One issue for each circle, at its first member. */
export function circleIssues(extensions: Extensions): Issue[] {
  const order = [...extensions.components.keys()];
  return [...extensions.components.values()].flatMap(({ id: first, subject }) => {
    const circle = circleOf(first, first, extensions);
    if (circle === null || circle.some((id) => order.indexOf(id) < order.indexOf(first))) return [];
    const message = `extensions that name each other in a circle: ${[first, ...circle].join(' -> ')}; leave one of these out`;
    const path = referencesOf(first, extensions).find(({ id }) => id === circle[0])?.path ?? [];
    return [makeIssue('error', spotFor(subject, path), 'CONFIG_CONFLICT', `${placeName(subject, path)}: ${message}`)];
  });
}

/** The shortest way of references from an extension to `end`, without it; null: there is none. */
function circleOf(from: string, end: string, extensions: Extensions): readonly string[] | null {
  const ways: (readonly string[])[] = [[]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const { id } of referencesOf(way.at(-1) ?? from, extensions)) {
      if (id === end) return [...way, id];
      if (!seen.has(id)) ways.push([...way, id]);
      seen.add(id);
    }
  }
  return null;
}

const referencesOf = (id: string, extensions: Extensions): readonly ExtensionReference[] => {
  const { definition, config } = extensions.components.get(id) ?? {};
  return config === null || config === undefined ? [] : (definition?.references?.(config.value) ?? []);
};

/** Whoever is named starts before those that name it; otherwise in the order that is written. No circles. */
export function startOrder(ids: readonly string[], extensions: Extensions): readonly string[] {
  const ordered = new Set<string>();
  const add = (id: string): void => {
    for (const reference of referencesOf(id, extensions)) if (ids.includes(reference.id)) add(reference.id);
    ordered.add(id);
  };
  for (const id of ids) add(id);
  return [...ordered];
}

function problemOf(
  { id, capability }: ExtensionReference,
  extensions: Extensions,
  started: readonly string[],
): string | null {
  if (!extensions.ids.has(id)) {
    if (extensions.unreadable) return null;
    return `extension "${id}" is not defined under extensions:${suggestion(id, [...extensions.ids], 'defined')}`;
  }
  const extension = extensions.components.get(id);
  if (extension === undefined || extension.config === null) return null;
  const offers = extension.definition.offers?.(extension.config.value) ?? [];
  if (!offers.includes(capability)) return `extension "${id}" as it is configured does not ${roles[capability]}`;
  if (!started.includes(id)) return `extension "${id}" is not started: add it to service.extensions`;
  return null;
}
