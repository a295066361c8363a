// The extensions that components name (`auth: {authenticator: …}`, `storage: …`): defined, started, and fit for it.
import type { Capability, ExtensionReference } from '../component/capabilities.ts';
import type { AnyDefinition, ExtensionDefinition } from '../component/types.ts';
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
