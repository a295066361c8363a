// ValueSpec -> a function that draws values. What can be done once for a profile is done here, not for every value.
import type { FreshText, Value } from '../corpus/shape.ts';
import { compileQuantity } from './draw-quantity.ts';
import { nearMiss, privateText } from './private-data.ts';
import { prose } from './prose.ts';
import { nouns } from './prose-words.ts';
import { createRandom, type Random, weightedPick } from './random.ts';
import { append, appendJson, asText, createText, isFreshText, type JsonValue, jsonText, textLength } from './text.ts';
import { type Insert, isConstant, type PatternPart, type Reference, type ValueSpec } from './value-spec.ts';

/** Attributes of a span and of those above it. */
export interface AttributeScope {
  readonly attributes: ReadonlyMap<string, Value>;
  readonly parent: AttributeScope | null;
}

/** What a value is drawn from. */
export interface Drawing {
  readonly random: Random;
  /** Of the trace. */
  readonly lets: ReadonlyMap<string, JsonValue>;
  /** Those that `attr` looks through first: of the event, or beside the value in the span. */
  own: ReadonlyMap<string, Value>;
  span: AttributeScope;
  /** The number of the event, of the list item, or of the span in its entry. */
  index: number;
  /** How many fresh parts the span and the trace have. */
  spanSlots: number;
  traceSlots: number;
}

export const emptyScope: AttributeScope = { attributes: new Map(), parent: null };

export const createDrawing = (random: Random, lets: ReadonlyMap<string, JsonValue> = new Map()): Drawing => ({
  random,
  lets,
  own: emptyScope.attributes,
  span: emptyScope,
  index: 0,
  spanSlots: 0,
  traceSlots: 0,
});

/** undefined: absent. null only inside of JSON. */
export type Draw = (from: Drawing) => JsonValue | undefined;

type FreshScope = 'span' | 'trace';

/** Of plain letters. */
const words = nouns.filter((noun) => /^[a-z]+$/.test(noun));

const CHARACTERS = {
  hex: '0123456789abcdef',
  digits: '0123456789',
  base62: '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
} as const;

const randomText = (random: Random, alphabet: keyof typeof CHARACTERS, length: number): string => {
  const characters = CHARACTERS[alphabet];
  let text = '';
  for (let i = 0; i < length; i++) text += characters.charAt(random.integer(0, characters.length - 1));
  return text;
};

/** Fresh parts that cannot stay fresh: in names of events and the like. */
export const drawnText = (text: string | FreshText, random: Random): string =>
  typeof text === 'string'
    ? text
    : text.parts
        .map((part) => (typeof part === 'string' ? part : randomText(random, part.alphabet, part.length)))
        .join('');

const attributeOf = (from: Drawing, key: string): Value | undefined =>
  from.own.get(key) ?? from.span.attributes.get(key);

const compileReference = (reference: Reference): Draw => {
  if (reference.form === 'attr') {
    const { key } = reference;
    return (from) => attributeOf(from, key);
  }
  if (reference.form === 'parent') {
    const { key } = reference;
    return (from) => {
      for (let above = from.span.parent; above !== null; above = above.parent) {
        const value = above.attributes.get(key);
        if (value !== undefined) return value;
      }
      return undefined;
    };
  }
  const [name = '', ...keys] = reference.path;
  return (from) => {
    let value = from.lets.get(name);
    for (const key of keys) value = value instanceof Map ? value.get(key) : undefined;
    return value;
  };
};

type Append = (from: Drawing, to: ReturnType<typeof createText>) => void;

const compilePart = (part: PatternPart, scope: FreshScope): Append => {
  if (typeof part === 'string') return (_, to) => to.text(part);
  switch (part.hole) {
    case 'fresh': {
      const { alphabet, length } = part;
      if (scope === 'span') return (from, to) => to.fresh({ alphabet, length, scope, slot: from.spanSlots++ });
      return (from, to) => to.fresh({ alphabet, length, scope, slot: from.traceSlots++ });
    }
    case 'random':
      return (from, to) => to.text(randomText(from.random, part.alphabet, part.length));
    case 'int':
      return (from, to) => to.text(String(from.random.integer(part.from, part.to)));
    case 'one_of':
      return (from, to) => to.text(part.choices[from.random.integer(0, part.choices.length - 1)] ?? '');
    case 'word':
      return (from, to) => to.text(words[from.random.integer(0, words.length - 1)] ?? '');
    case 'index':
      return (from, to) => to.text(String(from.index));
    case 'value': {
      const draw = compileReference(part.value);
      return (from, to) => {
        const value = draw(from);
        if (value !== undefined && value !== null) append(to, typeof value === 'string' ? value : textOf(value));
      };
    }
  }
};

const textOf = (value: JsonValue): string | FreshText =>
  typeof value === 'string' || isFreshText(value) ? value : jsonText(value);

const compilePattern = (parts: readonly PatternPart[], scope: FreshScope): Draw => {
  const appends = parts.map((part) => compilePart(part, scope));
  return (from) => {
    const text = createText();
    for (const one of appends) one(from, text);
    return text.finish();
  };
};

const privateOf = (near: boolean, kind: string | null, random: Random): string =>
  (near ? nearMiss : privateText)(kind ?? 'any', random.bits);

/** Puts `text` after a sentence of `prose`. */
const between = (random: Random, whole: string, text: string): string => {
  const from = Math.floor(random.unit() * whole.length);
  const found = whole.indexOf('. ', from);
  const at = found < 0 ? whole.indexOf('. ') : found;
  return at < 0 ? `${text} ${whole}` : `${whole.slice(0, at + 2)}${text} ${whole.slice(at + 2)}`;
};

const compileProse = (size: Draw, inserts: readonly Insert[]): Draw => {
  return (from) => {
    const { random } = from;
    let left = Number(size(from));
    const texts: string[] = [];
    for (const { near, kind, chance } of inserts) {
      if (random.unit() >= chance) continue;
      const text = privateOf(near, kind, random);
      texts.push(text);
      left -= Buffer.byteLength(text) + 1;
    }
    return texts.reduce((whole, text) => between(random, whole, text), prose(random.bits, Math.max(0, left)));
  };
};

const randomBytes = (random: Random, size: number): Buffer => {
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (; at + 4 <= size; at += 4) bytes.writeUInt32LE(random.bits(), at);
  for (; at < size; at++) bytes[at] = random.bits() & 0xff;
  return bytes;
};

/** As clients write embeddings into attributes: numbers below 0.1, nine digits. */
const floatsText = (random: Random, count: number): string => {
  const numbers: string[] = [];
  for (let i = 0; i < count; i++) {
    const bits = random.bits();
    numbers.push(`${(bits & 1) === 0 ? '' : '-'}0.0${100_000_000 + ((bits >>> 1) % 900_000_000)}`);
  }
  return `[${numbers.join(', ')}]`;
};

const compileList = (draw: Draw, count: (random: Random) => number): Draw => {
  return (from) => {
    const items: JsonValue[] = [];
    const { index } = from;
    const many = count(from.random);
    for (let i = 0; i < many; i++) {
      from.index = i;
      const item = draw(from);
      if (item !== undefined) items.push(item);
    }
    from.index = index;
    return items;
  };
};

const compileMap = (entries: readonly (readonly [string, ValueSpec])[], scope: FreshScope): Draw => {
  const draws = entries.map(([key, value]) => [key, compile(value, scope)] as const);
  return (from) => {
    const map = new Map<string, JsonValue>();
    for (const [key, draw] of draws) {
      const value = draw(from);
      if (value !== undefined) map.set(key, value);
    }
    return map;
  };
};

const compileJson = (tree: ValueSpec, scope: FreshScope): Draw => {
  const draw = compile(tree, scope);
  return (from) => {
    const value = draw(from);
    const text = createText();
    appendJson(text, value === undefined ? null : value);
    return text.finish();
  };
};

const compileSum = (keys: readonly string[]): Draw => {
  return (from) => {
    let sum = 0;
    for (const key of keys) {
      const value = attributeOf(from, key);
      if (typeof value === 'number') sum += value;
    }
    return sum;
  };
};

const compileTokens = (key: string): Draw => {
  return (from) => {
    const value = attributeOf(from, key);
    return value === undefined ? undefined : Math.ceil(textLength(asText(value)) / 4);
  };
};

const compileOneOf = (items: readonly { weight: number; value: ValueSpec }[], scope: FreshScope): Draw => {
  const pick = weightedPick(items.map(({ weight, value }) => ({ weight, value: compile(value, scope) })));
  return (from) => pick(from.random)(from);
};

const compileForm = (spec: ValueSpec, scope: FreshScope): Draw => {
  switch (spec.form) {
    case 'constant':
      return () => spec.value;
    case 'null':
      return () => null;
    case 'one_of':
      return compileOneOf(spec.items, scope);
    case 'int': {
      const draw = compileQuantity(spec.quantity, true);
      return (from) => draw(from.random);
    }
    case 'double': {
      const draw = compileQuantity(spec.quantity, false);
      return (from) => ({ double: draw(from.random) });
    }
    case 'bool':
      return (from) => from.random.unit() < spec.chance;
    case 'pattern':
      return compilePattern(spec.parts, scope);
    case 'let':
    case 'attr':
    case 'parent':
      return compileReference(spec);
    case 'prose': {
      const size = compileQuantity(spec.size, true);
      return compileProse((from) => size(from.random), spec.inserts);
    }
    case 'private':
      return (from) => privateOf(spec.near, spec.kind, from.random);
    case 'json':
      return compileJson(spec.tree, scope);
    case 'base64':
    case 'bytes': {
      const size = compileQuantity(spec.size, true);
      if (spec.form === 'bytes') return (from) => randomBytes(from.random, size(from.random));
      return (from) => randomBytes(from.random, size(from.random)).toString('base64');
    }
    case 'floats': {
      const count = compileQuantity(spec.count, true);
      return (from) => floatsText(from.random, count(from.random));
    }
    case 'list':
      return compileList(compile(spec.item, scope), compileQuantity(spec.count, true));
    case 'items': {
      const draws = spec.items.map((item) => compile(item, scope));
      return (from) => draws.map((draw) => draw(from)).filter((item) => item !== undefined);
    }
    case 'map':
      return compileMap(spec.entries, scope);
    case 'tokens_of':
      return compileTokens(spec.key);
    case 'sum':
      return compileSum(spec.keys);
    case 'index_from':
      return (from) => spec.first + from.index;
    case 'optional': {
      const draw = compile(spec.value, scope);
      return (from) => (from.random.unit() < spec.chance ? draw(from) : undefined);
    }
  }
};

const compile = (spec: ValueSpec, scope: FreshScope): Draw => {
  const draw = compileForm(spec, scope);
  if (!isConstant(spec)) return draw;
  const value = draw(createDrawing(createRandom(0)));
  return () => value;
};

/** Whether a value holds no null, which only JSON has. */
const isValue = (value: JsonValue): value is Value => value !== null;

/** Draws `spec`; its fresh parts are the span's own or shared by the trace. */
export const compileValue = (spec: ValueSpec, scope: FreshScope): ((from: Drawing) => Value | undefined) => {
  const draw = compile(spec, scope);
  return (from) => {
    const value = draw(from);
    return value === undefined || !isValue(value) ? undefined : value;
  };
};

/** Draws a text that may be fresh. */
export const compileText = (spec: ValueSpec): ((from: Drawing) => string | FreshText) => {
  const draw = compileValue(spec, 'span');
  return (from) => asText(draw(from) ?? '');
};
