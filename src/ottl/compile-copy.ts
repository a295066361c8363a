// `set` where the value is only moved: an attribute, a text or a Concat of them goes from its bytes to its place, and is never
// decoded. What is not as expected at an item (no string, no such attribute) goes the usual way.
import { stringContent, valueBytes } from '../wire/any-value.ts';
import type { AttributeTable } from '../wire/attribute-table.ts';
import { spanField } from '../wire/schema.ts';
import { valueKind } from '../wire/value.ts';
import { varintSize, writeVarint } from '../wire/varint.ts';
import { asAttributeValue, likeString } from './coerce.ts';
import { entryFinder, literalKey } from './compile-path.ts';
import { attributesOf, type Environment } from './environment.ts';
import { OttlFault } from './error.ts';
import type { PathDefinition } from './path-entries.ts';
import type { ResolvedArgument, ResolvedCall, ResolvedPath } from './resolved.ts';
import type { OttlValue } from './values.ts';

/** Bytes of the shared memory, once `load` has said that they are there. */
interface Source {
  load(): boolean;
  at: number;
  length: number;
}

const stringTag = 0x0a;

/** An attribute of the item itself, by a key that stands in the rule. */
type AttributePath = ResolvedPath & {
  readonly path: Extract<PathDefinition, { readonly keyed: 'attributes' | 'cache' }>;
};

/** The same as `usual` for a `set` whose value is only moved; else `usual`. */
export function compileCopy({ definition, args }: ResolvedCall, env: Environment, usual: () => void): () => void {
  const [target, value] = args;
  if (definition.name !== 'set' || target?.kind !== 'path' || value === null) return usual;
  if (isSpanName(target)) return copyToName(value, env, usual);
  return isAttribute(target) ? copyToAttribute(target, value, env, usual) : usual;
}

function isSpanName({ path }: ResolvedPath): boolean {
  return path.context === 'span' && path.name === 'name';
}

function isAttribute(node: ResolvedPath): node is AttributePath {
  const { path, keys } = node;
  return path.keyed === 'attributes' && keys.length === 1 && (literalKey(keys[0]) ?? '') !== '';
}

function copyToName(value: ResolvedArgument, env: Environment, usual: () => void): () => void {
  const text = textSource(value, env);
  if (text === null) return usual;
  const { message } = env.target.span;
  return () => {
    if (text.load()) message.setRange(spanField.name, text.at, text.length);
    else usual();
  };
}

function copyToAttribute(
  target: AttributePath,
  value: ResolvedArgument,
  env: Environment,
  usual: () => void,
): () => void {
  const source = payloadSource(value, env);
  if (source === null) return usual;
  const key = env.target.intern(literalKey(target.keys[0]) ?? '');
  const table = attributesOf(env, target.path.context);
  return () => {
    if (source.load()) table().setEncoded(key, source.at, source.length);
    else usual();
  };
}

/** The AnyValue payload of what the expression gives. */
function payloadSource(node: ResolvedArgument, env: Environment): Source | null {
  if (node.kind === 'constant') return node.value === null ? null : constantPayload(node.value, env);
  if (node.kind === 'path' && isAttribute(node)) return attributePayload(node, env);
  const text = textSource(node, env);
  return text === null ? null : payloadOfText(text, env);
}

/** null for a value that no attribute can hold. */
function constantPayload(value: OttlValue, env: Environment): Source | null {
  try {
    return fixed(valueBytes(asAttributeValue(value)), env);
  } catch (error) {
    if (error instanceof OttlFault) return null;
    throw error;
  }
}

function fixed(bytes: Uint8Array, env: Environment): Source {
  const at = env.target.constant(bytes);
  return { load: () => true, at, length: bytes.length };
}

function attributePayload(node: AttributePath, env: Environment): Source {
  const { find, table } = finderOf(node, env);
  const source: Source = {
    load() {
      const entry = find();
      if (entry < 0) return false;
      const attributes = table();
      source.length = attributes.valueLength(entry);
      source.at = attributes.valueOffset(entry);
      return source.length > 0;
    },
    at: 0,
    length: 0,
  };
  return source;
}

function finderOf(
  { path, keys }: AttributePath,
  env: Environment,
): { find: () => number; table: () => AttributeTable } {
  const key = literalKey(keys[0]);
  return { find: entryFinder(path.context, keys[0], () => key, env), table: attributesOf(env, path.context) };
}

function payloadOfText(text: Source, env: Environment): Source {
  const { scratch, shared, kernel } = env.target.span.message.stage;
  const source: Source = {
    load() {
      if (!text.load()) return false;
      const { length } = text;
      source.length = 1 + varintSize(length) + length;
      source.at = scratch.take(source.length);
      shared.bytes[source.at] = stringTag;
      kernel.copy(writeVarint(shared.bytes, source.at + 1, length), text.at, length);
      return true;
    },
    at: 0,
    length: 0,
  };
  return source;
}

/** The UTF-8 of a string that the expression gives; null where it would have to be computed. */
function textSource(node: ResolvedArgument, env: Environment): Source | null {
  if (node.kind === 'constant') return typeof node.value === 'string' ? fixed(Buffer.from(node.value), env) : null;
  if (node.kind === 'path') {
    if (isAttribute(node)) return attributeText(node, env);
    return isSpanName(node) && node.keys.length === 0 ? nameText(env) : null;
  }
  return node.kind === 'call' && node.definition.name === 'Concat' && node.keys.length === 0
    ? concatText(node, env)
    : null;
}

function attributeText(node: AttributePath, env: Environment): Source {
  const { find, table } = finderOf(node, env);
  const { bytes } = env.target.span.message.stage.shared;
  const source: Source = {
    load() {
      const entry = find();
      if (entry < 0 || table().kind(entry) !== valueKind.string) return false;
      const content = stringContent(bytes, table().valueOffset(entry));
      source.at = content.at;
      source.length = content.length;
      return true;
    },
    at: 0,
    length: 0,
  };
  return source;
}

function nameText({ target: { span } }: Environment): Source {
  const source: Source = {
    load() {
      source.at = span.nameOffset;
      source.length = span.nameLength;
      return true;
    },
    at: 0,
    length: 0,
  };
  return source;
}

function concatText({ args }: ResolvedCall, env: Environment): Source | null {
  const [values, delimiter] = args;
  if (values?.kind !== 'list' || delimiter?.kind !== 'constant' || typeof delimiter.value !== 'string') return null;
  const parts: Source[] = [];
  for (const [i, item] of values.items.entries()) {
    if (i > 0 && delimiter.value !== '') parts.push(fixed(Buffer.from(delimiter.value), env));
    const part = item.kind === 'constant' ? constantText(item.value, env) : textSource(item, env);
    if (part === null) return null;
    parts.push(part);
  }
  const { scratch, kernel } = env.target.span.message.stage;
  const source: Source = {
    load() {
      let length = 0;
      for (let i = 0; i < parts.length; i++) {
        if (!parts[i].load()) return false;
        length += parts[i].length;
      }
      source.length = length;
      source.at = scratch.take(length);
      let at = source.at;
      for (let i = 0; i < parts.length; i++) {
        kernel.copy(at, parts[i].at, parts[i].length);
        at += parts[i].length;
      }
      return true;
    },
    at: 0,
    length: 0,
  };
  return source;
}

/** As Concat writes it; null where that is only known at an item, or never. */
function constantText(value: OttlValue, env: Environment): Source | null {
  if (value === null || typeof value === 'object') return null;
  const text = likeString(value);
  return text === null ? null : fixed(Buffer.from(text), env);
}
