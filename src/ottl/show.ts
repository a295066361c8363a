// Values as people read them: in the docs, and what `spanmill ottl` prints. Where the language has a literal for a value, that
// is how it is written.
import { formatDurationNanos } from '../lib/duration.ts';
import { formatRfc3339 } from './go-text.ts';
import { OttlDuration, OttlId, OttlTime, type OttlValue, OttlWhole } from './values.ts';

/** Of any size and depth: what is nested deeper than this is written `…`. */
const maxDepth = 100;

/** `"text"`, `42`, `2.0`, `nil`, `0x00ff`, `["a", 1]`, `{"k": true}`, `2025-10-09T08:53:20Z`, `1h30m0s`, an id as hex digits. */
export function showValue(value: OttlValue, depth = 0): string {
  switch (typeof value) {
    case 'string':
      return showText(value);
    case 'number':
      return showDouble(value);
    case 'boolean':
    case 'bigint':
      return String(value);
  }
  if (value === null) return 'nil';
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`;
  if (value instanceof OttlTime) return formatRfc3339(value) ?? `${value.nanos} ns since the epoch`;
  if (value instanceof OttlDuration) return formatDurationNanos(value.nanos);
  if (value instanceof OttlId) return Buffer.from(value.bytes).toString('hex');
  if (value instanceof OttlWhole) return showWhole(value);
  if (depth >= maxDepth) return '…';
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) => `${showText(key)}: ${showValue(item, depth + 1)}`);
    return `{${entries.join(', ')}}`;
  }
  return `[${(value as readonly OttlValue[]).map((item) => showValue(item, depth + 1)).join(', ')}]`;
}

/** No character of it controls a terminal. */
export function showText(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** With a point or an exponent, so that it is not taken for an int. */
function showDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function showWhole({ kind, number, message }: OttlWhole): string {
  if (kind !== 'status') return `${number} ${number === 1 ? kind.slice(0, -1) : kind}`;
  return message === '' ? `status ${number}` : `status ${number} ${showText(message)}`;
}
