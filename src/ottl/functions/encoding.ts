// Base64 and character sets.
import { asString } from '../coerce.ts';
import { fault } from '../error.ts';
import { trimSpace } from '../go-text.ts';
import { describe, type OttlValue, type } from '../values.ts';
import { any, converter, type FunctionDefinition, optional, type Parameter, string } from './define.ts';

interface Base64 {
  readonly url: boolean;
  readonly padded: boolean;
}

const base64Variants: ReadonlyMap<string, Base64> = new Map([
  ['base64', { url: false, padded: true }],
  ['base64-raw', { url: false, padded: false }],
  ['base64-url', { url: true, padded: true }],
  ['base64-raw-url', { url: true, padded: false }],
]);

function encodeBase64(text: string, variant: string): string {
  const known = base64Variants.get(variant);
  if (known === undefined) throw fault(`a variant is one of ${[...base64Variants.keys()].join(', ')}`);
  const encoded = Buffer.from(text).toString(known.url ? 'base64url' : 'base64');
  if (known.padded) return encoded.padEnd(Math.ceil(encoded.length / 4) * 4, '=');
  return encoded.replace(/=+$/, '');
}

/** Line ends inside are passed over, as by Go; bytes that are no UTF-8 become U+FFFD. Throws OttlFault. */
function decodeBase64(source: string, { url, padded }: Base64): string {
  const text = trimSpace(source).replace(/[\r\n]/g, '');
  const body = padded ? text.replace(/={1,2}$/, '') : text;
  const isComplete = padded ? text.length % 4 === 0 : text.length % 4 !== 1;
  const digits = url ? /^[\w-]*$/ : /^[A-Za-z0-9+/]*$/;
  if (!isComplete || !digits.test(body)) throw fault('the text is not base64 of this variant');
  return Buffer.from(body, 'base64').toString();
}

type Decoder = (target: string | Uint8Array) => string;

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
/** What the encoding standard calls so is Windows-1252. */
const latin1 = /^(iso[-_]?8859-1(:1987)?|latin1|l1|cp819|ibm819|iso-ir-100|csisolatin1)$/;
/** All are read as UTF-8. */
const sameAsUtf8 = ['', 'nop', 'ascii', 'us-ascii'];

/** null when there is no such encoding. */
function decoderOf(name: string): Decoder | null {
  const base64 = base64Variants.get(name);
  if (base64 !== undefined) {
    return (target) => decodeBase64(typeof target === 'string' ? target : utf8.decode(target), base64);
  }
  const lower = name.toLowerCase();
  if (latin1.test(lower)) return (target) => bytesOf(target).toString('latin1');
  const decoder = sameAsUtf8.includes(lower) ? utf8 : textDecoder(lower);
  return decoder === null ? null : (target) => decoder.decode(bytesOf(target));
}

function bytesOf(target: string | Uint8Array): Buffer {
  if (typeof target === 'string') return Buffer.from(target);
  return Buffer.from(target.buffer, target.byteOffset, target.length);
}

function textDecoder(name: string): typeof utf8 | null {
  try {
    return new TextDecoder(name, { ignoreBOM: true });
  } catch {
    return null; // a RangeError: no such encoding
  }
}

const encoding = (name: string): Parameter<Decoder> => ({
  ...string(name),
  coerce: (value) => {
    const decoder = decoderOf(asString(value));
    if (decoder === null) throw fault(`no such encoding; known are ${[...base64Variants.keys()].join(', ')}, utf-8, …`);
    return decoder;
  },
});

function decode(target: OttlValue, decoder: Decoder): string {
  if (typeof target === 'string' || target instanceof Uint8Array) return decoder(target);
  throw fault(`expected a string or bytes, got ${describe(target)}`);
}

export const encodingFunctions: readonly FunctionDefinition[] = [
  converter({
    name: 'Base64Encode',
    summary: 'The text as base64; the variants are base64, base64-raw (no padding), base64-url and base64-raw-url.',
    parameters: [string('target'), optional(string('variant'))],
    returns: type.string,
    examples: [
      { text: 'Base64Encode("hi?>")', gives: '"aGk/Pg=="' },
      { text: 'Base64Encode("hi?>", "base64-raw-url")', gives: '"aGk_Pg"' },
      { text: 'Base64Encode("a", "hex")', fails: 'a variant is one of base64, ' },
    ],
    run: (text, variant = 'base64') => encodeBase64(text, variant),
  }),
  converter({
    name: 'Base64Decode',
    summary: 'The text that the base64 stands for; Decode does the same, and more.',
    parameters: [string('target')],
    returns: type.string,
    examples: [
      { text: 'Base64Decode("aGk/Pg==")', gives: '"hi?>"' },
      { text: 'Base64Decode("aGk")', fails: 'the text is not base64 of this variant' },
    ],
    run: (text) => decodeBase64(text, { url: false, padded: true }),
  }),
  converter({
    name: 'Decode',
    summary: 'The text that the text or bytes stand for, in a variant of base64 or a character set such as Shift_JIS.',
    parameters: [any('target'), encoding('encoding')],
    returns: type.string,
    examples: [
      { text: 'Decode("aGk_Pg==", "base64-url")', gives: '"hi?>"' },
      { text: 'Decode(0x93fa967b, "Shift_JIS")', gives: '"日本"' },
      { text: 'Decode(0x6162ff, "utf-8")', gives: '"ab\ufffd"', note: 'What is invalid becomes U+FFFD.' },
    ],
    run: decode,
  }),
];
