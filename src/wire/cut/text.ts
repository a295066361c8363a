// Makes the text of one value smaller: what it carries beside text first, then its longest strings. A text that is JSON is
// JSON afterwards, also where it stands as a string in other JSON.
import { scanJson } from './json-scan.ts';
import { levelFor } from './level.ts';
import { leastMediaBytes, mediaMarker } from './media.ts';
import { cutJsonMiddle, cutMiddle, type JsonString, leastCutBytes } from './middle.ts';

/** JSON in strings of JSON is looked into so many levels deep. */
const mostNesting = 4;
/** Strings of JSON that are shorter are never cut. */
const leastJsonString = 16;

interface Splice {
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}
const nothing = new Uint8Array(0);

/** Media replaced by markers and long lists of numbers by their beginning; null: there are none. Never longer. */
export function stripMedia(text: Uint8Array, nesting = 0): Uint8Array | null {
  const marker = text.length >= leastMediaBytes ? mediaMarker(text) : null;
  if (marker !== null) return marker;
  const json = looksLikeJson(text) ? scanJson(text, leastMediaBytes) : null;
  if (json === null) return null;
  const splices: Splice[] = json.numbers.map(({ start, end }) => ({ start, end, bytes: nothing }));
  for (const string of json.strings) {
    const bytes = strippedString(text, string, nesting);
    if (bytes !== null) splices.push({ start: string.start, end: string.end, bytes });
  }
  return splices.length === 0 ? null : spliced(text, splices);
}

function strippedString(json: Uint8Array, string: JsonString, nesting: number): Uint8Array | null {
  const { start, end, hasEscapes } = string;
  if (!hasEscapes) return mediaMarker(json.subarray(start, end));
  if (nesting === mostNesting) return null;
  const stripped = stripMedia(unescaped(json, string), nesting + 1);
  if (stripped === null) return null;
  const bytes = escaped(stripped);
  return bytes.length < end - start ? bytes : null;
}

/** At most `maxBytes` (at least `leastTextBytes`) of a text that is longer. */
export function cutText(text: Uint8Array, maxBytes: number): Uint8Array {
  const json = cutJson(text, maxBytes, 0);
  if (json === 'not JSON') return cutMiddle(text, maxBytes);
  // Nothing in it is long: all of it is many small things.
  return json ?? Buffer.from(`"[spanmill: ${text.length} bytes of JSON cut]"`);
}
/** What `cutText` can always keep to. */
export const leastTextBytes = 64;

/** null: it cannot become that small. */
function cutJson(text: Uint8Array, maxBytes: number, nesting: number): Uint8Array | 'not JSON' | null {
  const json = looksLikeJson(text) ? scanJson(text, leastJsonString) : null;
  if (json === null) return 'not JSON';
  let saved = text.length - maxBytes;
  const splices: Splice[] = [];
  for (const { start, end } of json.numbers.toSorted((a, b) => b.end - b.start - (a.end - a.start))) {
    if (saved <= 0) break;
    splices.push({ start, end, bytes: nothing });
    saved -= end - start;
  }
  if (saved > 0) {
    const lengths = json.strings.map(({ start, end }) => end - start);
    const level = levelFor(lengths, saved, leastCutBytes);
    if (level === null) return null;
    for (const string of json.strings) {
      const { start, end } = string;
      if (end - start > level) splices.push({ start, end, bytes: cutString(text, string, level, nesting) });
    }
  }
  return spliced(text, splices);
}

/** The content of a string of JSON in at most `maxBytes`. */
function cutString(json: Uint8Array, string: JsonString, maxBytes: number, nesting: number): Uint8Array {
  if (string.hasEscapes && nesting < mostNesting && looksLikeJson(json.subarray(string.start, string.end))) {
    const inner = unescaped(json, string);
    // Escaping makes it longer again by about as much as it was.
    let innerBytes = Math.floor((maxBytes * inner.length) / (string.end - string.start));
    for (let i = 0; i < 2 && innerBytes >= leastTextBytes; i++) {
      const cut = cutJson(inner, innerBytes, nesting + 1);
      if (cut === null || cut === 'not JSON') break;
      const bytes = escaped(cut);
      if (bytes.length <= maxBytes) return bytes;
      innerBytes = Math.floor((innerBytes * maxBytes * 0.9) / bytes.length);
    }
  }
  return cutJsonMiddle(json, string, maxBytes);
}

export function looksLikeJson(text: Uint8Array): boolean {
  let at = 0;
  while (text[at] === 0x20 || text[at] === 0x0a || text[at] === 0x0d || text[at] === 0x09) at++;
  return text[at] === 0x7b || text[at] === 0x5b;
}

function unescaped(json: Uint8Array, { start, end }: JsonString): Buffer {
  // With its quotes it is a JSON text of its own, which the scanner has found valid.
  const text = Buffer.from(json.buffer, json.byteOffset + start - 1, end - start + 2).toString('utf8');
  return Buffer.from(JSON.parse(text) as string);
}

function escaped(text: Uint8Array): Buffer {
  const string = Buffer.from(text.buffer, text.byteOffset, text.length).toString('utf8');
  return Buffer.from(JSON.stringify(string).slice(1, -1));
}

function spliced(text: Uint8Array, splices: readonly Splice[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const { start, end, bytes } of splices.toSorted((a, b) => a.start - b.start)) {
    pieces.push(text.subarray(at, start), bytes);
    at = end;
  }
  pieces.push(text.subarray(at));
  return Buffer.concat(pieces);
}
