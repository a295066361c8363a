// Texts with fresh parts in them: joining, and JSON.
import type { FreshPart, FreshText, Value } from '../corpus/shape.ts';

/** What shape.ts has, and null, which only JSON has. */
export type JsonValue = Value | null | readonly JsonValue[] | ReadonlyMap<string, JsonValue>;

export const isFreshText = (value: unknown): value is FreshText =>
  typeof value === 'object' && value !== null && 'parts' in value;

/** A text that is put together piece by piece. */
export interface TextBuilder {
  text(text: string): void;
  fresh(part: FreshPart): void;
  /** A string where there are no fresh parts. */
  finish(): string | FreshText;
}

export const createText = (): TextBuilder => {
  let literal = '';
  let parts: (string | FreshPart)[] | null = null;
  return {
    text(text) {
      literal += text;
    },
    fresh(part) {
      parts ??= [];
      if (literal !== '') parts.push(literal);
      literal = '';
      parts.push(part);
    },
    finish() {
      if (parts === null) return literal;
      if (literal !== '') parts.push(literal);
      return { parts };
    },
  };
};

/** Appends a text as it is. */
export const append = (to: TextBuilder, text: string | FreshText): void => {
  if (typeof text === 'string') to.text(text);
  else for (const part of text.parts) appendPart(to, part);
};

const appendPart = (to: TextBuilder, part: string | FreshPart): void => {
  if (typeof part === 'string') to.text(part);
  else to.fresh(part);
};

/** Characters of fresh parts need no escapes. */
const appendJsonText = (to: TextBuilder, { parts }: FreshText): void => {
  to.text('"');
  for (const part of parts) appendPart(to, typeof part === 'string' ? JSON.stringify(part).slice(1, -1) : part);
  to.text('"');
};

const appendJsonMap = (to: TextBuilder, map: ReadonlyMap<string, JsonValue>): void => {
  let separator = '{';
  for (const [key, value] of map) {
    to.text(`${separator}${JSON.stringify(key)}:`);
    appendJson(to, value);
    separator = ',';
  }
  to.text(map.size === 0 ? '{}' : '}');
};

const isMap = (value: object): value is ReadonlyMap<string, JsonValue> => value instanceof Map;
const isList = (value: object): value is readonly JsonValue[] => Array.isArray(value);

/** Appends a value as JSON: bytes as base64 text. */
export const appendJson = (to: TextBuilder, value: JsonValue): void => {
  if (value === null || typeof value !== 'object') {
    to.text(JSON.stringify(value));
  } else if (isFreshText(value)) {
    appendJsonText(to, value);
  } else if (value instanceof Uint8Array) {
    to.text(JSON.stringify(Buffer.from(value).toString('base64')));
  } else if (isMap(value)) {
    appendJsonMap(to, value);
  } else if (isList(value)) {
    to.text('[');
    for (const [i, item] of value.entries()) {
      if (i > 0) to.text(',');
      appendJson(to, item);
    }
    to.text(']');
  } else {
    to.text(JSON.stringify(value.double));
  }
};

export const jsonText = (value: JsonValue): string | FreshText => {
  const text = createText();
  appendJson(text, value);
  return text.finish();
};

/** A value where a text has to stand: itself, or its JSON. */
export const asText = (value: Value): string | FreshText =>
  typeof value === 'string' || isFreshText(value) ? value : jsonText(value);

/** Characters. */
export const textLength = (text: string | FreshText): number =>
  typeof text === 'string' ? text.length : text.parts.reduce((sum, part) => sum + part.length, 0);
