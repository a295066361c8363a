// ValueSpec -> a function that draws values. What can be done once for a profile is done here, not for every value.
import type { FreshPart, FreshText, Value } from '../corpus/shape.ts';
import { createBudget, takeWhole } from './budget.ts';
import {
  compileDuration,
  compilePerSecond,
  compileRatio,
  compileShare,
  compileSum,
  compileSumBelow,
  compileTokens,
} from './derived-values.ts';
import { compileQuantity } from './draw-quantity.ts';
import { attributeOf, createDrawing, type Draw, type Drawing } from './drawing.ts';
import { nearMiss, privateText } from './private-data.ts';
import { prose } from './prose.ts';
import { nouns } from './prose-words.ts';
import { createRandom, type Random, weightedPick } from './random.ts';
import {
  append,
  appendJson,
  asText,
  createText,
  isFreshText,
  type JsonValue,
  jsonText,
  type TextBuilder,
  textLength,
} from './text.ts';
import { type Insert, isConstant, type PatternPart, type Reference, type ValueSpec } from './value-spec.ts';

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

/** Gives the characters that were added. */
type Append = (from: Drawing, to: TextBuilder) => number;

const compileFresh = (alphabet: FreshPart['alphabet'], length: number, scope: FreshScope): Append => {
  return (from, to) => {
    const slot = scope === 'span' ? from.spanSlots++ : from.traceSlots++;
    to.fresh({ alphabet, length, scope, slot });
    return length;
  };
};

const compileHole = (part: Exclude<PatternPart, string>): ((from: Drawing) => string | FreshText) => {
  switch (part.hole) {
    case 'fresh':
      throw new RangeError('a fresh part is no text yet');
    case 'random':
      return (from) => randomText(from.random, part.alphabet, part.length);
    case 'int':
      return (from) => String(from.random.integer(part.from, part.to));
    case 'one_of':
      return (from) => part.choices[from.random.integer(0, part.choices.length - 1)] ?? '';
    case 'word':
      return (from) => words[from.random.integer(0, words.length - 1)] ?? '';
    case 'index':
      return (from) => String(from.index);
    case 'value': {
      const draw = compileReference(part.value);
      return (from) => {
        const value = draw(from);
        return value === undefined || value === null ? '' : textOf(value);
      };
    }
  }
};

const compilePart = (part: PatternPart, scope: FreshScope): Append => {
  if (typeof part === 'object' && part.hole === 'fresh') return compileFresh(part.alphabet, part.length, scope);
  const hole = typeof part === 'string' ? () => part : compileHole(part);
  return (from, to) => {
    const text = hole(from);
    append(to, text);
    return textLength(text);
  };
};

const textOf = (value: JsonValue): string | FreshText =>
  typeof value === 'string' || isFreshText(value) ? value : jsonText(value);

const compilePattern = (parts: readonly PatternPart[], scope: FreshScope): Draw => {
  const appends = parts.map((part) => compilePart(part, scope));
  return (from) => {
    const text = createText();
    // Before the whole is put together: it could be longer than any string.
    for (const one of appends) from.budget.take(0, one(from, text));
    from.budget.take(1, 0);
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
    from.budget.take(1, 0);
    for (let i = 0; i < many; i++) {
      from.index = i;
      // Absent ones too: their number would be the only limit.
      from.budget.take(1, 0);
      const item = draw(from);
      if (item !== undefined) items.push(item);
    }
    from.index = index;
    return items;
  };
};

const compileMap = (entries: readonly (readonly [string, ValueSpec])[], scope: FreshScope): Draw => {
  const draws = entries.map(([key, value]) => [key, compile(value, scope)] as const);
  const keyBytes = draws.reduce((sum, [key]) => sum + key.length, 0);
  return (from) => {
    const map = new Map<string, JsonValue>();
    from.budget.take(1, keyBytes);
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
      // They take from the budget by themselves.
      return (from) => draws.map((draw) => draw(from)).filter((item) => item !== undefined);
    }
    case 'map':
      return compileMap(spec.entries, scope);
    case 'tokens_of':
      return compileTokens(spec.key);
    case 'sum':
      return compileSum(spec.keys);
    case 'sum_below':
      return compileSumBelow(spec.key);
    case 'ratio':
      return compileRatio(spec.keys, spec.times);
    case 'share_of':
      return compileShare(spec.key, compileQuantity(spec.share, false));
    case 'duration_in':
      return compileDuration(spec.unit, compileQuantity(spec.share, false));
    case 'per_second':
      return compilePerSecond(compileQuantity(spec.rate, false));
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
  if (isConstant(spec)) {
    const value = draw(createDrawing(createRandom(0), createBudget('a value')));
    return value === undefined ? draw : counted(() => value);
  }
  return takesItself.has(spec.form) ? draw : counted(draw);
};

/** Their parts take from the budget, when they are drawn. */
const takesItself: ReadonlySet<ValueSpec['form']> = new Set(['one_of', 'optional', 'pattern', 'list', 'items', 'map']);

const counted = (draw: Draw): Draw => {
  return (from) => {
    const value = draw(from);
    if (value !== undefined) takeWhole(from.budget, value);
    return value;
  };
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
