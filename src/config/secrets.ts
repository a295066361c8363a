// Secrets that stand in a configuration file themselves: found by the names of their keys, warned of, and never shown.
import { isSecretName, userinfo } from './mask-line.ts';
import type { ConfigNode, MapNode, ScalarNode } from './node.ts';
import { type Issue, makeIssue, type Spot } from './source.ts';

/** Text that comes from elsewhere is nobody's to see in the file. `$$` is a dollar sign, and `$${` no reference. */
const isReferenced = (value: string): boolean => /\$\{[^}]/.test(value.replaceAll('$$', ''));

const literalIn = (node: ConfigNode): ScalarNode[] => {
  if (node.kind === 'list') return node.items.flatMap(literalIn);
  if (node.kind !== 'scalar' || node.value === null || typeof node.value === 'boolean') return [];
  const text = String(node.value);
  return text === '' || isReferenced(text) ? [] : [node];
};

interface Found {
  readonly name: string;
  readonly node: ScalarNode;
  readonly key: Spot;
}

/** `- key: Authorization`, or `- name: Authorization`, with `value: …` beside it, as lists of headers have it. */
const headerPair = ({ entries }: MapNode): Found[] => {
  const [name, value] = [(entries.get('key') ?? entries.get('name'))?.node, entries.get('value')];
  if (value === undefined || name?.kind !== 'scalar' || typeof name.value !== 'string' || !isSecretName(name.value))
    return [];
  return literalIn(value.node).map((node) => ({ name: String(name.value), node, key: value.key }));
};

/** `htpasswd: {inline: …}`: hashes, or passwords. */
const isInlineUsers = (above: string, key: string): boolean => above === 'htpasswd' && key === 'inline';

function* secretsIn(node: ConfigNode, above: string): Iterable<Found> {
  if (node.kind === 'list') for (const item of node.items) yield* secretsIn(item, above);
  if (node.kind !== 'map') return;
  // What an attribute is set to is data.
  if (above !== 'actions' && above !== 'attributes') yield* headerPair(node);
  for (const [key, { key: spot, node: value }] of node.entries) {
    const isNamed = isSecretName(key) || isInlineUsers(above, key);
    for (const found of isNamed || hasPassword(value) ? literalIn(value) : [])
      yield { name: key, node: found, key: spot };
    yield* secretsIn(value, key);
  }
}

const hasPassword = (node: ConfigNode): boolean =>
  node.kind === 'scalar' && typeof node.value === 'string' && !isReferenced(node.value) && userinfo.test(node.value);

/** Nodes whose values are in no message. */
const secretNodes = new WeakSet<ConfigNode>();
export const isSecret = (node: ConfigNode): boolean => secretNodes.has(node);

/**
 * Warnings of the literal secrets in a merged tree whose references are not expanded yet; from here on no message shows them.
 * What an environment variable holds as a whole (`--config env:NAME`) stands in no file.
 */
export const secretWarnings = (root: ConfigNode): Issue[] => {
  const found = new Map<string, { readonly name: string; readonly key: Spot }>();
  for (const { name, node, key } of secretsIn(root, '')) {
    secretNodes.add(node);
    const { written, at } = node;
    if (written !== undefined) at.source.hidden.push({ start: written.start, end: written.end });
    if (!at.source.name.startsWith('env:')) found.set(`${key.source.name} ${key.offset}`, { name, key });
  }
  return [...found.values()].map(({ name, key }) => {
    const message = `the value of ${name} stands in the file itself; keep it elsewhere: \${env:NAME} or \${file:PATH}`;
    return makeIssue('warning', key, 'CONFIG_SECRET', message);
  });
};
