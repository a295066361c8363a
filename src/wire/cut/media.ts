// Finds what is no text for people: data URLs and base64. A short marker with size and hash takes its place, so that the
// same content can be found again elsewhere.
import { createHash } from 'node:crypto';

/** Shorter values are left alone. */
export const leastMediaBytes = 1024;

/** `[spanmill: image/png, 48213 bytes, sha256 …]`: ASCII without quotes or backslash. */
export function contentMarker(what: string, content: Uint8Array): Buffer {
  const hash = createHash('sha256').update(content).digest('hex');
  return Buffer.from(`[spanmill: ${what}, ${content.length} bytes, sha256 ${hash}]`);
}

const base64 = 1;
const upper = 2;
const lower = 4;
const digit = 8;
const kinds = new Uint8Array(256);
for (let i = 0; i < 26; i++) {
  kinds[0x41 + i] = base64 | upper;
  kinds[0x61 + i] = base64 | lower;
}
for (let i = 0; i < 10; i++) kinds[0x30 + i] = base64 | digit;
// Both alphabets, padding, and the line ends of MIME.
for (const character of '+/-_=\r\n') kinds[character.charCodeAt(0)] = base64;

const sampleBytes = 256;
/** Longest media type with its parameters that is looked for in a data URL. */
const mostHeadBytes = 200;

/** The marker for `text`, at least `leastMediaBytes` long; null: it is none of these. */
export function mediaMarker(text: Uint8Array): Buffer | null {
  const type = dataUrlType(text);
  if (type !== null) return contentMarker(type, text);
  return isBase64(text) ? contentMarker('base64', text) : null;
}

/** The media type of a data URL in base64, without what could not stand in JSON. */
function dataUrlType(text: Uint8Array): string | null {
  if (text[0] !== 0x64 || text[4] !== 0x3a) return null; // d, :
  const head = Buffer.from(text.buffer, text.byteOffset, Math.min(text.length, mostHeadBytes)).toString('latin1');
  const match = /^data:([\w.+-]+\/[\w.+-]+)?(?:;[\w.+-]+=[\w.+-]*)*;base64,/.exec(head);
  return match === null ? null : (match[1] ?? 'data URL');
}

function isBase64(text: Uint8Array): boolean {
  // Words in a row have no digits, hexadecimal digits are of one case: all three kinds in the beginning make it encoded bytes.
  let seen = 0;
  for (let i = 0; i < sampleBytes; i++) {
    if (kinds[text[i]] === 0) return false;
    seen |= kinds[text[i]];
  }
  if (seen !== (base64 | upper | lower | digit)) return false;
  for (let i = sampleBytes; i < text.length; i++) if (kinds[text[i]] === 0) return false;
  return true;
}
