// A value of a profile, from the tree that still knows where everything was written.
import { z } from 'zod';
import type { ConfigNode, MapEntry, MapNode } from '../../src/config/node.ts';
import { spotInScalar } from '../../src/config/scalar-offset.ts';
import { suggestion } from '../../src/config/suggest.ts';
import { nearest } from '../../src/lib/nearest.ts';
import { readPattern } from './pattern.ts';
import { nearMissKinds, privateKinds } from './private-data.ts';
import { countSchema, numberSchema, type Quantity, sizeSchema, wholeSchema } from './quantity.ts';
import {
  readDuration,
  readPerSecond,
  readRatio,
  readShareOf,
  readSum,
  readSumBelow,
  readTokens,
} from './read-derived.ts';
import { below, checked, type Place, refuse, textOf } from './read-place.ts';
import { isRefusal, resolveReference } from './references.ts';
import { chanceSchema, weightSchema } from './schema.ts';
import type { Insert, ValueSpec } from './value-spec.ts';

/** The key that says what a map is -> those that may stand beside it. */
const FORMS = {
  one_of: [],
  int: [],
  double: [],
  bool: [],
  pattern: [],
  let: [],
  attr: [],
  parent: [],
  prose: ['insert'],
  private: [],
  near_miss: [],
  json: [],
  base64: [],
  bytes: [],
  floats: [],
  list: ['count'],
  map: [],
  tokens_of: [],
  sum: [],
  sum_below: [],
  ratio: ['times'],
  share_of: ['share'],
  duration_in: ['share'],
  per_second: [],
  index_from: [],
  optional: ['value'],
  object: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

type FormKey = keyof typeof FORMS;
/** Keys by which a map is known to be a value. */
export const FORM_KEYS = Object.keys(FORMS).filter((key): key is FormKey => key in FORMS);
const isForm = (key: string): key is FormKey => FORM_KEYS.some((form) => form === key);

const readItems = (place: Place, nodes: readonly ConfigNode[], optional: boolean): ValueSpec[] | null => {
  const items = nodes.map((node, i) =>
    readValue({ ...place, name: `${place.name}[${i}]`, key: node.at, optional }, node),
  );
  return items.every((item) => item !== null) ? items : null;
};

const readEntries = (place: Place, node: MapNode, optional: boolean): ValueSpec | null => {
  const entries: [string, ValueSpec][] = [];
  let whole = true;
  for (const [key, entry] of node.entries) {
    const value = readValue({ ...below(place, key, entry), optional }, entry.node);
    if (value === null) whole = false;
    else entries.push([key, value]);
  }
  return whole ? { form: 'map', entries } : null;
};

/** `{ weight: 3, value: … }`, or a value that weighs 1. */
const readChoice = (place: Place, node: ConfigNode): { weight: number; value: ValueSpec } | null => {
  const weight = node.kind === 'map' ? node.entries.get('weight') : undefined;
  const inner = node.kind === 'map' ? node.entries.get('value') : undefined;
  if (node.kind !== 'map' || weight === undefined || inner === undefined || node.entries.size > 2) {
    const value = readValue(place, node);
    return value === null ? null : { weight: 1, value };
  }
  const heavy = checked(weightSchema, place, 'weight', weight);
  const value = readValue(below(place, 'value', inner), inner.node);
  return heavy === null || value === null ? null : { weight: heavy, value };
};

const readOneOf = (place: Place, entry: MapEntry): ValueSpec | null => {
  const { node } = entry;
  const items: ({ weight: number; value: ValueSpec } | null)[] = [];
  if (node.kind === 'list') {
    for (const [i, item] of node.items.entries()) {
      items.push(readChoice({ ...place, name: `${place.name}.one_of[${i}]`, key: item.at, optional: false }, item));
    }
  } else if (node.kind === 'map') {
    for (const [text, weight] of node.entries) {
      const heavy = checked(weightSchema, place, `one_of.${text}`, weight);
      items.push(heavy === null ? null : { weight: heavy, value: { form: 'constant', value: text } });
    }
  } else {
    return refuse(place, entry.key, 'CONFIG_TYPE', 'one_of: expected a list, or a map of texts and their weights');
  }
  if (!items.every((item) => item !== null)) return null;
  if (items.length === 0) return refuse(place, entry.key, 'CONFIG_VALUE', 'one_of: must not be empty');
  if (items.some(({ weight }) => weight > 0)) return { form: 'one_of', items };
  return refuse(place, entry.key, 'CONFIG_VALUE', 'one_of: at least one weight must be above 0');
};

const readPatternForm = (place: Place, entry: MapEntry): ValueSpec | null => {
  const { node } = entry;
  if (node.kind !== 'scalar' || typeof node.value !== 'string') {
    return refuse(place, entry.key, 'CONFIG_TYPE', 'pattern: expected a text');
  }
  const { parts, problems } = readPattern(node.value, place.around);
  for (const { at, code, message } of problems) refuse(place, spotInScalar(node, at), code, message);
  return problems.length > 0 ? null : { form: 'pattern', parts };
};

const readReference = (place: Place, form: 'let' | 'attr' | 'parent', entry: MapEntry): ValueSpec | null => {
  const name = textOf(place, entry);
  if (name === null) return null;
  const found = resolveReference(form, name, place.around);
  return isRefusal(found) ? refuse(place, entry.node.at, found.code, found.message) : found;
};

/** undefined when it was refused; null for any kind. */
const readKind = (place: Place, near: boolean, entry: MapEntry): string | null | undefined => {
  const kinds = near ? nearMissKinds : privateKinds;
  const kind = textOf(place, entry);
  if (kind === null) return undefined;
  if (kind === 'any') return null;
  if (kinds.includes(kind)) return kind;
  const what = near ? 'near misses' : 'private data';
  refuse(
    place,
    entry.node.at,
    'CONFIG_UNDEFINED',
    `no ${what} of the kind "${kind}"${suggestion(kind, ['any', ...kinds], 'kinds')}`,
  );
  return undefined;
};

const readPrivate = (place: Place, near: boolean, entry: MapEntry): ValueSpec | null => {
  const kind = readKind(place, near, entry);
  return kind === undefined ? null : { form: 'private', near, kind };
};

const readInsert = (place: Place, node: ConfigNode): Insert | null => {
  const inner = { ...place, key: node.at };
  if (node.kind !== 'map') return refuse(inner, node.at, 'CONFIG_TYPE', 'expected { private: KIND, chance: 0.2 }');
  const unknown = [...node.entries].find(([key]) => !['private', 'near_miss', 'chance'].includes(key));
  if (unknown !== undefined) {
    const hint = suggestion(unknown[0], ['private', 'near_miss', 'chance'], 'known keys');
    return refuse(inner, unknown[1].key, 'CONFIG_UNKNOWN_KEY', `unknown key "${unknown[0]}"${hint}`);
  }
  const named = node.entries.get('private');
  const missed = node.entries.get('near_miss');
  const one = named ?? missed;
  if (one === undefined || (named !== undefined && missed !== undefined)) {
    return refuse(inner, node.at, 'CONFIG_MISSING', 'needs either private or near_miss');
  }
  const near = one === missed;
  const kind = readKind(inner, near, one);
  const often = node.entries.get('chance');
  const chance = often === undefined ? 1 : checked(chanceSchema, inner, 'chance', often);
  return kind === undefined || chance === null ? null : { near, kind, chance };
};

const readProse = (place: Place, entry: MapEntry, insert: MapEntry | undefined): ValueSpec | null => {
  const size = checked(sizeSchema, place, 'prose', entry);
  if (insert === undefined) return size === null ? null : { form: 'prose', size, inserts: [] };
  if (insert.node.kind !== 'list') return refuse(place, insert.key, 'CONFIG_TYPE', 'insert: expected a list');
  const inserts = insert.node.items.map((node, i) =>
    readInsert({ ...place, name: `${place.name}.insert[${i}]` }, node),
  );
  return size !== null && inserts.every((one) => one !== null) ? { form: 'prose', size, inserts } : null;
};

const readList = (place: Place, entry: MapEntry, count: MapEntry | undefined): ValueSpec | null => {
  const item = readValue({ ...below(place, 'list', entry), optional: true }, entry.node);
  const many: Quantity | null =
    count === undefined ? { form: 'fixed', value: 1 } : checked(countSchema, place, 'count', count);
  return item === null || many === null ? null : { form: 'list', item, count: many };
};

const readOptional = (place: Place, entry: MapEntry, value: MapEntry | undefined): ValueSpec | null => {
  if (!place.optional) {
    return refuse(
      place,
      entry.key,
      'CONFIG_CONFLICT',
      'what stands here cannot be absent: optional is for attributes, members and items',
    );
  }
  if (value === undefined) return refuse(place, entry.key, 'CONFIG_MISSING', 'optional needs a value beside it');
  const chance = checked(chanceSchema, place, 'optional', entry);
  const inner = readValue(below(place, 'value', value), value.node);
  return chance === null || inner === null ? null : { form: 'optional', chance, value: inner };
};

const readMembers = (place: Place, key: 'map' | 'object', entry: MapEntry): ValueSpec | null => {
  if (entry.node.kind === 'map') return readEntries(below(place, key, entry), entry.node, true);
  return refuse(place, entry.key, 'CONFIG_TYPE', `${key}: expected a map`);
};

const readForm = (place: Place, form: FormKey, entry: MapEntry, node: MapNode): ValueSpec | null => {
  switch (form) {
    case 'one_of':
      return readOneOf(place, entry);
    case 'int':
    case 'double': {
      const quantity = checked(form === 'int' ? wholeSchema : numberSchema, place, form, entry);
      return quantity === null ? null : { form, quantity };
    }
    case 'bool': {
      const chance = checked(chanceSchema, place, form, entry);
      return chance === null ? null : { form, chance };
    }
    case 'pattern':
      return readPatternForm(place, entry);
    case 'let':
    case 'attr':
    case 'parent':
      return readReference(place, form, entry);
    case 'prose':
      return readProse(place, entry, node.entries.get('insert'));
    case 'private':
    case 'near_miss':
      return readPrivate(place, form === 'near_miss', entry);
    case 'json': {
      const tree = readValue({ ...below(place, form, entry), json: true, bareMaps: true }, entry.node);
      return tree === null ? null : { form, tree };
    }
    case 'base64':
    case 'bytes': {
      const size = checked(sizeSchema, place, form, entry);
      return size === null ? null : { form, size };
    }
    case 'floats': {
      const count = checked(countSchema, place, form, entry);
      return count === null ? null : { form, count };
    }
    case 'list':
      return readList(place, entry, node.entries.get('count'));
    case 'map':
    case 'object':
      return readMembers(place, form, entry);
    case 'tokens_of':
      return readTokens(place, entry);
    case 'sum':
      return readSum(place, entry);
    case 'sum_below':
      return readSumBelow(place, entry);
    case 'ratio':
      return readRatio(place, entry, node.entries.get('times'));
    case 'share_of':
      return readShareOf(place, entry, node.entries.get('share'));
    case 'duration_in':
      return readDuration(place, entry, node.entries.get('share'));
    case 'per_second':
      return readPerSecond(place, entry);
    case 'index_from': {
      const first = checked(z.int(), place, form, entry);
      return first === null ? null : { form, first };
    }
    case 'optional':
      return readOptional(place, entry, node.entries.get('value'));
  }
};

const readMap = (place: Place, node: MapNode): ValueSpec | null => {
  const keys = [...node.entries.keys()];
  const known = FORM_KEYS.filter((key) => key !== 'object' || place.bareMaps);
  const forms = keys.filter(isForm).filter((key) => known.includes(key));
  if (forms.length === 0 && place.bareMaps) return readEntries(place, node, place.json);
  const [form] = forms;
  const entry = form === undefined ? undefined : node.entries.get(form);
  if (form === undefined || entry === undefined) {
    const wrong = keys.find((key) => nearest(key, known) !== undefined) ?? keys[0];
    if (wrong === undefined) return refuse(place, place.key, 'CONFIG_MISSING', 'an empty map is no value');
    const spot = node.entries.get(wrong)?.key ?? node.at;
    return refuse(
      place,
      spot,
      'CONFIG_UNKNOWN_KEY',
      `no form of a value is called "${wrong}"${suggestion(wrong, known, 'there is')}`,
    );
  }
  const companions: readonly string[] = FORMS[form];
  const other = keys.find((key) => key !== form && !companions.includes(key));
  if (other === undefined) return readForm(place, form, entry, node);
  const spot = node.entries.get(other)?.key ?? node.at;
  const meant = place.bareMaps ? '; where a map of its own is meant, write { object: {…} }' : '';
  const hint = companions.length > 0 && !isForm(other) ? suggestion(other, companions, 'beside it may stand') : '';
  return refuse(place, spot, 'CONFIG_UNKNOWN_KEY', `"${other}" cannot stand beside "${form}"${hint}${meant}`);
};

/** The value that `node` describes; null when it was refused and reported. */
export const readValue = (place: Place, node: ConfigNode): ValueSpec | null => {
  if (node.kind === 'map') return readMap(place, node);
  if (node.kind === 'list') {
    const items = readItems(place, node.items, true);
    return items === null ? null : { form: 'items', items };
  }
  const { value } = node;
  if (value === null) {
    return place.json
      ? { form: 'null' }
      : refuse(place, place.key, 'CONFIG_MISSING', 'is empty; an empty text is written ""');
  }
  if (typeof value === 'number') return { form: 'constant', value: { double: value } };
  if (typeof value !== 'bigint') return { form: 'constant', value };
  const whole = Number(value);
  if (Number.isSafeInteger(whole)) return { form: 'constant', value: whole };
  return refuse(place, node.at, 'CONFIG_VALUE', 'beyond the whole numbers that are exact (2^53)');
};
