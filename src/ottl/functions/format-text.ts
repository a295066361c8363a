// Text as Go's strconv quotes it, and as hex.
import { type Flags, noFlags, pad } from './format-flags.ts';

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const escapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};

/** `quote`: " or ' */
export function quoted(text: string, quote: string, asciiOnly: boolean): string {
  const parts: string[] = [quote];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (character === quote) parts.push(`\\${quote}`);
    else if (escapes[character] !== undefined) parts.push(escapes[character]);
    else if ((code < 0x7f || !asciiOnly) && printable.test(character)) parts.push(character);
    else if (code < 0x80) parts.push(`\\x${code.toString(16).padStart(2, '0')}`);
    else if (code < 0x10000) parts.push(`\\u${code.toString(16).padStart(4, '0')}`);
    else parts.push(`\\U${code.toString(16).padStart(8, '0')}`);
  }
  parts.push(quote);
  return parts.join('');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these cannot stand between back quotes
const notBetweenBackQuotes = /[\0-\x08\x0a-\x1f\x7f`\ufeff]/;

export function formatQuoted(text: string, flags: Flags): string {
  const cut = truncate(text, flags.precision);
  if (flags.sharp && !notBetweenBackQuotes.test(cut)) return pad(`\`${cut}\``, flags);
  return pad(quoted(cut, '"', flags.plus), flags);
}

/** To so many characters; -1: whole. */
export function truncate(text: string, characters: number): string {
  if (characters < 0 || text.length <= characters) return text;
  let end = 0;
  for (let count = 0; count < characters && end < text.length; count++) {
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
}

/** A space puts spaces between the bytes, # the prefix 0x before all (before each, with spaces). Precision counts bytes. */
export function formatHex(bytes: Uint8Array, isUpper: boolean, flags: Flags): string {
  const end = flags.precision < 0 ? bytes.length : Math.min(flags.precision, bytes.length);
  let hex = Buffer.from(bytes.buffer, bytes.byteOffset, end).toString('hex');
  if (isUpper) hex = hex.toUpperCase();
  const prefix = flags.sharp ? (isUpper ? '0X' : '0x') : '';
  if (hex === '') return pad('', flags);
  if (!flags.space) return pad(prefix + hex, flags);
  const pairs = hex.match(/../g) ?? [];
  return pad(pairs.map((pair) => prefix + pair).join(' '), flags);
}

/** An int as a character; one that is none as U+FFFD. */
export function characterOf(value: bigint): string {
  const isValid = value >= 0n && value <= 0x10ffffn && !(value >= 0xd800n && value <= 0xdfffn);
  return isValid ? String.fromCodePoint(Number(value)) : '\ufffd';
}

/** U+2318; with # its character behind it. */
export function formatUnicode(value: bigint, flags: Flags): string {
  const digits = BigInt.asUintN(64, value).toString(16).toUpperCase();
  const character = characterOf(value);
  const shown = flags.sharp && value >= 0n && value <= 0x10ffffn && printable.test(character) ? ` '${character}'` : '';
  const text = `U+${digits.padStart(Math.max(4, flags.precision), '0')}${shown}`;
  return pad(text, { ...noFlags, width: flags.width, minus: flags.minus });
}
