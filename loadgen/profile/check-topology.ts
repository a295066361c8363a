// What only the whole topology tells: names of spans and resources, lets of the traces that reach a span, recursion that
// does not end.
import { type ConfigNode, locate, type Path } from '../../src/config/node.ts';
import { type Issue, makeIssue } from '../../src/config/source.ts';
import { suggestion } from '../../src/config/suggest.ts';
import { leastOf } from './quantity.ts';
import { hasLet, type LetUse } from './read-values.ts';
import { DEPTH, MOST_ATTEMPTS } from './schema.ts';
import type { ChildSpec, SpanSpec, Topology } from './topology.ts';

interface Check {
  readonly root: ConfigNode;
  readonly topology: Topology;
  readonly report: (issue: Issue) => void;
}

const refuse = (check: Check, path: Path, code: Issue['code'], message: string): void => {
  const { node, keyAt } = locate(check.root, path, check.root.at);
  check.report(makeIssue('error', node.kind === 'scalar' ? node.at : keyAt, code, message));
};

const checkName = (check: Check, known: ReadonlyMap<string, unknown>, name: string, what: string, path: Path): void => {
  if (known.has(name)) return;
  const message = `no ${what} is called "${name}"${suggestion(name, [...known.keys()], `${what}s`)}`;
  const { node, keyAt } = locate(check.root, path, check.root.at);
  const spot = path.at(-2) === 'one_of' || node.kind !== 'scalar' ? keyAt : node.at;
  check.report(makeIssue('error', spot, 'CONFIG_UNDEFINED', message));
};

/** `attempt`: how many `otherwise` these stand in. */
const checkChildren = (check: Check, children: readonly ChildSpec[], path: Path, attempt: number): void => {
  if (attempt > MOST_ATTEMPTS && children.length > 0) {
    refuse(check, path, 'CONFIG_VALUE', `otherwise may stand in itself ${MOST_ATTEMPTS} times at most`);
    return;
  }
  for (const [i, child] of children.entries()) {
    const at = [...path, i];
    const single = locate(check.root, [...at, 'span'], check.root.at).depth === at.length + 1;
    for (const { value } of child.spans) {
      checkName(check, check.topology.spans, value, 'span', single ? [...at, 'span'] : [...at, 'one_of', value]);
    }
    checkChildren(check, child.otherwise, [...at, 'otherwise'], attempt + 1);
  }
};

const named = (children: readonly ChildSpec[]): string[] =>
  children.flatMap((child) => [
    ...child.spans.filter(({ weight }) => weight > 0).map(({ value }) => value),
    ...named(child.otherwise),
  ]);

/** All spans below and with `root`. */
const reachable = (topology: Topology, root: string): Set<string> => {
  const seen = new Set<string>([root]);
  for (const name of seen) for (const child of named(topology.spans.get(name)?.children ?? [])) seen.add(child);
  return seen;
};

const checkLets = (check: Check, letUses: readonly LetUse[]): void => {
  for (const [i, trace] of check.topology.traces.entries()) {
    const reached = reachable(check.topology, trace.root);
    const missing = new Map<string, string>();
    for (const { span, path } of letUses) {
      if (reached.has(span) && !hasLet(trace.lets, path)) missing.set(path.join('.'), span);
    }
    for (const [name, span] of missing) {
      const message = `traces[${i}]: the span "${span}" of this trace uses the let "${name}", which this trace does not have`;
      refuse(check, ['traces', i, 'root'], 'CONFIG_UNDEFINED', message);
    }
  }
};

/** Spans that are certain to follow a span of this kind. */
const certain = (span: SpanSpec): string[] =>
  span.children.flatMap(({ spans, chance, count }) => {
    const [one, ...others] = spans.filter(({ weight }) => weight > 0);
    return one !== undefined && others.length === 0 && chance === 1 && leastOf(count) >= 1 ? [one.value] : [];
  });

/** A way from `root` through certain children back to a span that stands on it. */
const endlessWay = (topology: Topology, root: string): string[] | null => {
  const done = new Set<string>();
  const walk = (name: string, way: readonly string[]): string[] | null => {
    if (way.includes(name)) return [...way.slice(way.indexOf(name)), name];
    if (done.has(name)) return null;
    const span = topology.spans.get(name);
    for (const next of span === undefined ? [] : certain(span)) {
      const found = walk(next, [...way, name]);
      if (found !== null) return found;
    }
    done.add(name);
    return null;
  };
  for (const name of reachable(topology, root)) {
    const found = walk(name, []);
    if (found !== null) return found;
  }
  return null;
};

const checkRecursion = (check: Check): void => {
  const told = new Set<string>();
  for (const [i, trace] of check.topology.traces.entries()) {
    const ownDepth = locate(check.root, ['traces', i, 'depth'], check.root.at).depth === 3;
    const way = ownDepth ? null : endlessWay(check.topology, trace.root);
    if (way === null || told.has(way.join())) continue;
    told.add(way.join());
    const message = `this recursion has no end: ${way.join(' > ')}; give a child a chance below 1 or the trace a depth`;
    refuse(
      check,
      ['spans', way[0] ?? '', 'children'],
      'CONFIG_CONFLICT',
      `${message} (without one it ends at ${DEPTH})`,
    );
  }
};

/** Reports what is wrong across the parts of a topology whose parts are right. */
export const checkTopology = (
  root: ConfigNode,
  topology: Topology,
  letUses: readonly LetUse[],
  report: (issue: Issue) => void,
): void => {
  const check: Check = { root, topology, report };
  for (const [i, trace] of topology.traces.entries()) {
    checkName(check, topology.spans, trace.root, 'span', ['traces', i, 'root']);
  }
  for (const [key, span] of topology.spans) {
    checkName(check, topology.resources, span.resource, 'resource', ['spans', key, 'resource']);
    checkChildren(check, span.children, ['spans', key, 'children'], 0);
  }
  checkLets(check, letUses);
  checkRecursion(check);
};
