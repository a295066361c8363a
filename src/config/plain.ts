// ConfigNode -> the plain value a zod schema parses. One written value can be handed over in more than one form: an
// integer as bigint or number, an expanded value typed or as its text, a null as an empty block or as an absent key.
// The schema decides: a form it refuses is exchanged for the next one (see check-schema.ts).
import type { ConfigNode, ScalarNode } from './node.ts';

export type Form = 'exact' | 'number' | 'text' | 'block' | 'absent';

/** Which form each node is handed over in; a node that is not in it is handed over exactly as written. */
export type Forms = Map<ConfigNode, Form>;

/** What a schema said it expects where it refused a value; null where it did not say. */
export type Expected = string | null;

const BLOCKS: ReadonlySet<Expected> = new Set(['object', 'record', 'map']);

/** The form to try after the ones in `tried`, or null. */
export const nextForm = (node: ConfigNode, tried: ReadonlySet<Form>, expected: Expected): Form | null => {
  const forms: Form[] = [];
  if (node.kind === 'scalar' && typeof node.value === 'bigint') forms.push('number');
  if (node.text !== undefined) forms.push('text');
  if (node.kind === 'scalar' && node.value === null) forms.push(BLOCKS.has(expected) ? 'block' : 'absent');
  return forms.find((form) => !tried.has(form)) ?? null;
};

/** The form that says most about the value when all were refused: what its problems are reported on. */
export const finalForm = (node: ConfigNode): Form => {
  if (node.kind !== 'scalar') return 'exact';
  if (node.value === null) return 'absent';
  return typeof node.value === 'bigint' ? 'number' : 'exact';
};

const plainScalar = (node: ScalarNode, form: Form): unknown => {
  if (form === 'number') return Number(node.value);
  return form === 'block' ? {} : node.value;
};

export const toPlain = (node: ConfigNode, forms: Forms): unknown => {
  const form = forms.get(node) ?? 'exact';
  if (form === 'absent') return undefined;
  if (form === 'text') return node.text;
  if (node.kind === 'scalar') return plainScalar(node, form);
  if (node.kind === 'list') return node.items.map((item) => toPlain(item, forms));
  const entries: [string, unknown][] = [];
  for (const [key, entry] of node.entries) {
    const value = toPlain(entry.node, forms);
    if (value !== undefined) entries.push([key, value]);
  }
  return Object.fromEntries(entries);
};
