// Text as Go's strconv, strings and encoding/json make and read it.
import { OttlDuration, OttlId, OttlTime, type OttlValue, utc } from './values.ts';

const decimalInt = /^([-+]?)0*(\d+)$/;
const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

/** strconv.ParseInt(text, 10, 64); null when it fails. */
export function parseDecimalInt(text: string): bigint | null {
  const found = decimalInt.exec(text);
  // Nineteen digits are the most that fit; to read millions of them takes minutes.
  if (found === null || found[2].length > 19) return null;
  const value = found[1] === '-' ? -BigInt(found[2]) : BigInt(found[2]);
  return value < minInt64 || value > maxInt64 ? null : value;
}

/** strconv.ParseInt(text, base, 64); null when it fails. Base 0 reads Go's prefixes and underscores. */
export function parseInt64(text: string, base: number): bigint | null {
  const negative = text.startsWith('-');
  let digits = negative || text.startsWith('+') ? text.slice(1) : text;
  let radix = base;
  if (base === 0) {
    const prefix = /^0([xXbBoO]?)/.exec(digits);
    radix = prefix === null ? 10 : { x: 16, b: 2, o: 8, '': 8 }[prefix[1].toLowerCase() as 'x' | 'b' | 'o' | ''];
    if (prefix !== null && digits.length > prefix[0].length) digits = digits.slice(prefix[0].length);
    if (/__|_$/.test(digits) || (prefix === null && digits.startsWith('_'))) return null;
    digits = digits.replaceAll('_', '');
  }
  if (digits === '') return null;
  let value = 0n;
  const scale = BigInt(radix);
  for (const character of digits) {
    const digit = Number.parseInt(character, 36);
    if (!/^[0-9a-zA-Z]$/.test(character) || digit >= radix) return null;
    value = value * scale + BigInt(digit);
    if (value > maxInt64 + 1n) return null;
  }
  const signed = negative ? -value : value;
  return signed > maxInt64 ? null : signed;
}

const decimalFloat = /^[-+]?(?:\d[\d_]*(?:\.(?:\d[\d_]*)?)?|\.\d[\d_]*)(?:[eE][-+]?\d[\d_]*)?$/;
const hexFloat = /^([-+]?)0[xX]_?([0-9a-fA-F_]*)\.?([0-9a-fA-F_]*)[pP]([-+]?\d+)$/;
const badUnderscore = /__|_(?![0-9a-fA-F])|(?<![0-9a-fA-FxX])_/;

/** strconv.ParseFloat(text, 64); null when it fails, also when the number is too large. */
export function parseFloat64(text: string): number | null {
  const special = /^([-+]?)(inf|infinity|nan)$/i.exec(text);
  if (special !== null) {
    const word = special[2].toLowerCase();
    if (word === 'nan') return special[1] === '' ? Number.NaN : null;
    return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  if (badUnderscore.test(text)) return null;
  const hex = hexFloat.exec(text);
  let value: number;
  if (hex !== null) {
    const [, sign, whole, fraction, exponent] = hex;
    const digits = (whole + fraction).replaceAll('_', '');
    if (digits === '') return null;
    const shift = Number(exponent) - 4 * fraction.replaceAll('_', '').length;
    value = Number(BigInt(`0x${digits}`)) * 2 ** shift * (sign === '-' ? -1 : 1);
  } else if (decimalFloat.test(text)) value = Number(text.replaceAll('_', ''));
  else return null;
  return Number.isFinite(value) ? value : null;
}

/** strconv.ParseBool; null when it fails. */
export function parseBool(text: string): boolean | null {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text) ? false : null;
}

/** A double as Go's JSON libraries write it: as JavaScript does, but for -0; null for NaN and infinities. */
export function formatFloat(value: number): string | null {
  if (!Number.isFinite(value)) return null;
  return Object.is(value, -0) ? '-0' : String(value);
}

/** As formatFloat, in the spelling of the library behind OTTL, where an exponent has two digits: 1e-07. */
function formatJsonFloat(value: number): string | null {
  return formatFloat(value)?.replace(/e([-+])(\d)$/, 'e$10$2') ?? null;
}

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function jsonText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON must escape
  const body = text.replace(/[\0-\x1f"\\<>&\u2028\u2029]/g, (character) => {
    return shortEscapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `"${body}"`;
}

/** As OTTL's JSON library: keys sorted, bytes as base64, HTML characters escaped; null when the value has no JSON. */
export function toJson(value: OttlValue): string | null {
  switch (typeof value) {
    case 'string':
      return jsonText(value);
    case 'number':
      return formatJsonFloat(value);
    case 'boolean':
    case 'bigint':
      return String(value);
  }
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
  if (Array.isArray(value)) {
    const items = value.map(toJson);
    return items.includes(null) ? null : `[${items.join(',')}]`;
  }
  if (value instanceof Map) {
    const keys = [...value.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const entries = keys.map((key) => {
      const text = toJson(value.get(key) ?? null);
      return text === null ? null : `${jsonText(key)}:${text}`;
    });
    return entries.includes(null) ? null : `{${entries.join(',')}}`;
  }
  if (value instanceof OttlTime) {
    const text = formatRfc3339(value);
    return text === null ? null : `"${text}"`;
  }
  if (value instanceof OttlDuration) return String(value.nanos);
  if (value instanceof OttlId) return `[${[...value.bytes].join(',')}]`;
  return null;
}

const year0 = -62_167_219_200n;
const year10000 = 253_402_300_800n;

/** The offset of its zone from UTC at the time, in seconds. */
export function offsetOf({ nanos, zone }: OttlTime): number {
  if (zone === utc) return 0;
  const seconds = Number(nanos / 1_000_000_000n) - (nanos % 1_000_000_000n < 0n ? 1 : 0);
  return zone.offsetAt(seconds);
}

/** `2006-01-02T15:04:05.999999999Z07:00`, in its zone, without trailing zeros; null outside of the years 0 to 9999. */
export function formatRfc3339(time: OttlTime): string | null {
  const offset = offsetOf(time);
  const text = formatLocal(time.nanos + BigInt(offset) * 1_000_000_000n);
  return text === null ? null : `${text}${offset === 0 ? 'Z' : formatOffset(offset, ':')}`;
}

/** `+01:00`: to the minute. */
export function formatOffset(seconds: number, separator: string): string {
  const minutes = Math.trunc(Math.abs(seconds) / 60);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${seconds < 0 ? '-' : '+'}${two(Math.trunc(minutes / 60))}${separator}${two(minutes % 60)}`;
}

/** `nanos`: as if the time were one of UTC. */
function formatLocal(nanos: bigint): string | null {
  const seconds = nanos / 1_000_000_000n - (nanos % 1_000_000_000n < 0n ? 1n : 0n);
  if (seconds < year0 || seconds >= year10000) return null;
  const rest = nanos - seconds * 1_000_000_000n;
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  const fraction = rest === 0n ? '' : `.${rest.toString().padStart(9, '0').replace(/0+$/, '')}`;
  return `${whole}${fraction}`;
}

/** As Go's Time.String: `2006-01-02 15:04:05.999999999 -0700 MST`; null outside of the years 0 to 9999. */
export function formatGoTime(time: OttlTime): string | null {
  const offset = offsetOf(time);
  const text = formatLocal(time.nanos + BigInt(offset) * 1_000_000_000n);
  if (text === null) return null;
  const shown = formatOffset(offset, '');
  return `${text.replace('T', ' ')} ${shown} ${zoneNameOf(time) || shown}`;
}

/** The abbreviation of its zone at the time; empty when there is none. */
export function zoneNameOf({ nanos, zone }: OttlTime): string {
  return zone.nameAt(Number(nanos / 1_000_000_000n));
}

const ascii = /^[\0-\x7f]*$/;

/** strings.ToLower: each code point by itself (no final sigma, no combining dot). */
export function toLower(text: string): string {
  if (ascii.test(text)) return text.toLowerCase();
  let out = '';
  for (const character of text) out += character === '\u0130' ? 'i' : character.toLowerCase();
  return out;
}

let titleOf: Map<string, string> | undefined;

/** strings.ToUpper: each code point to one code point (the sharp s stays; an iota below stays below). */
export function toUpper(text: string): string {
  if (ascii.test(text)) return text.toUpperCase();
  let out = '';
  for (const character of text) {
    const upper = character.toUpperCase();
    out += upper.length <= character.length ? upper : oneToOne(character);
  }
  return out;
}

/** The simple upper case of a character whose full one is longer: only Greek with iota subscript has one. */
function oneToOne(character: string): string {
  if (titleOf === undefined) {
    titleOf = new Map();
    for (let code = 0x1f88; code <= 0x1ffc; code++) {
      const title = String.fromCodePoint(code);
      const lower = title.toLowerCase();
      if (lower !== title && lower.toUpperCase().length > 1) titleOf.set(lower, title);
    }
  }
  return titleOf.get(character) ?? character;
}

/** Go's unicode.IsSpace at both ends. */
export function trimSpace(text: string): string {
  return text.replace(/^[\s\x85]+|[\s\x85]+$/g, (run) => {
    // JavaScript counts the byte order mark as space, Go does not.
    const mark = run.indexOf('\ufeff');
    return mark < 0 ? '' : run.slice(mark, run.lastIndexOf('\ufeff') + 1);
  });
}
