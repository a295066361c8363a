// Format: what Go's fmt.Sprintf makes of a format and values, its messages for wrong arguments included.
import { formatDurationNanos } from '../../lib/duration.ts';
import { fault } from '../error.ts';
import { formatGoTime } from '../go-text.ts';
import { showValue } from '../show.ts';
import { OttlDuration, OttlId, OttlTime, type OttlValue, type OttlWhole } from '../values.ts';
import { type Flags, noFlags, pad, padSpaces } from './format-flags.ts';
import { formatDouble, formatInteger } from './format-number.ts';
import { characterOf, formatHex, formatQuoted, formatUnicode, quoted, truncate } from './format-text.ts';

/** Widths multiply: a short format must not fill the memory. In UTF-16 units. */
const maxLength = 16 * 1024 * 1024;
/** The largest width, precision or index, as in Go. */
const maxNumber = 1_000_000;

interface State {
  readonly format: string;
  readonly args: readonly OttlValue[];
  /** Where reading goes on in the format. */
  at: number;
  /** The argument that comes next. */
  next: number;
  reordered: boolean;
  badIndex: boolean;
}

/** Throws OttlFault when the text grows too long. */
export function sprintf(format: string, args: readonly OttlValue[]): string {
  const state: State = { format, args, at: 0, next: 0, reordered: false, badIndex: false };
  const out: string[] = [];
  let length = 0;
  const write = (text: string) => {
    out.push(text);
    length += text.length;
    if (length > maxLength) throw fault(`the formatted text is longer than ${maxLength} characters`);
  };
  let anyReordered = false;
  while (state.at < format.length) {
    const percent = format.indexOf('%', state.at);
    const end = percent < 0 ? format.length : percent;
    if (end > state.at) write(format.slice(state.at, end));
    if (percent < 0) break;
    state.at = percent + 1;
    state.badIndex = false;
    state.reordered = false;
    write(directive(state));
    anyReordered = state.reordered;
  }
  if (!anyReordered && state.next < args.length) {
    const extra = args.slice(state.next).map((value) => typed(value, noFlags));
    write(`%!(EXTRA ${extra.join(', ')})`);
  }
  return out.join('');
}

/** What stands behind a percent sign, up to its verb. */
function directive(state: State): string {
  const flags = { ...noFlags } as { -readonly [K in keyof Flags]: Flags[K] };
  let notes = '';
  for (; ; state.at++) {
    const c = state.format[state.at];
    if (c === '-') flags.minus = true;
    else if (c === '+') flags.plus = true;
    else if (c === '#') flags.sharp = true;
    else if (c === ' ') flags.space = true;
    else if (c === '0') flags.zero = true;
    else break;
  }
  let afterIndex = readIndex(state);
  if (state.format[state.at] === '*') {
    state.at++;
    const width = takeNumber(state);
    if (width === null) notes += '%!(BADWIDTH)';
    else {
      flags.width = Math.abs(width);
      if (width < 0) flags.minus = true;
    }
    afterIndex = false;
  } else {
    flags.width = readNumber(state);
    if (afterIndex && flags.width >= 0) state.badIndex = true;
  }
  if (state.format[state.at] === '.') {
    state.at++;
    if (afterIndex) state.badIndex = true;
    afterIndex = readIndex(state);
    if (state.format[state.at] === '*') {
      state.at++;
      const precision = takeNumber(state);
      if (precision === null || precision < 0) notes += '%!(BADPREC)';
      else flags.precision = precision;
      afterIndex = false;
    } else flags.precision = Math.max(0, readNumber(state));
  }
  if (!afterIndex) readIndex(state);
  if (flags.minus) flags.zero = false;
  return notes + verbAt(state, flags);
}

function verbAt(state: State, flags: Flags): string {
  if (state.at >= state.format.length) return '%!(NOVERB)';
  const verb = String.fromCodePoint(state.format.codePointAt(state.at) ?? 0);
  state.at += verb.length;
  if (verb === '%') return '%';
  if (state.badIndex) return `%!${verb}(BADINDEX)`;
  if (state.next >= state.args.length) return `%!${verb}(MISSING)`;
  // For %v these two flags mean something else; a value that another verb is not for is still shown with them.
  const own = verb === 'v' ? { ...flags, goSyntax: flags.sharp, sharp: false, plus: false } : flags;
  return formatValue(state.args[state.next++], verb, own);
}

/** -1 when there is none. One that is too large swallows the rest of the format, as in Go. */
function readNumber(state: State): number {
  const start = state.at;
  let value = 0;
  for (; state.at < state.format.length; state.at++) {
    const digit = state.format.charCodeAt(state.at) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
    if (value > maxNumber) {
      state.at = state.format.length;
      return -1;
    }
  }
  return state.at === start ? -1 : value;
}

/** `[3]`: the argument that comes next. */
function readIndex(state: State): boolean {
  if (state.format[state.at] !== '[') return false;
  state.reordered = true;
  const close = state.format.indexOf(']', state.at);
  if (close < 0) {
    state.badIndex = true;
    state.at++;
    return false;
  }
  const inside = state.format.slice(state.at + 1, Math.min(close, state.at + 9));
  const index = /^\d{1,7}$/.test(inside) ? Number(inside) : 0;
  state.at = close + 1;
  if (index < 1 || index > state.args.length) state.badIndex = true;
  else state.next = index - 1;
  return true;
}

/** For `*`: null when the argument is not an int, or too large. */
function takeNumber(state: State): number | null {
  if (state.next >= state.args.length) return null;
  const value = state.args[state.next++];
  if (typeof value !== 'bigint') return null;
  return value > BigInt(maxNumber) || value < BigInt(-maxNumber) ? null : Number(value);
}

// --- values ----------------------------------------------------------------------------------------------------------

function formatValue(value: OttlValue, verb: string, flags: Flags): string {
  if (verb === 'T') return pad(typeName(value), { ...flags, precision: -1 });
  if (value === null) return verb === 'v' ? padSpaces('<nil>', flags) : wrong(value, verb, flags);
  if (verb === 'p') return wrong(value, verb, flags);
  switch (typeof value) {
    case 'boolean':
      return verb === 't' || verb === 'v' ? pad(String(value), flags) : wrong(value, verb, flags);
    case 'bigint':
      return formatInt(value, verb, flags);
    case 'number':
      return formatNumber(value, verb, flags);
    case 'string':
      return formatText(value, verb, flags) ?? wrong(value, verb, flags);
  }
  return formatObject(value, verb, flags);
}

const bases = { d: 10, v: 10, b: 2, o: 8, O: 8, x: 16, X: 16 } as const;

function formatInt(value: bigint, verb: string, flags: Flags): string {
  if (Object.hasOwn(bases, verb)) {
    return formatInteger(value, bases[verb as keyof typeof bases], verb, flags);
  }
  if (verb === 'c') return pad(characterOf(value), flags);
  if (verb === 'q') return pad(quoted(characterOf(value), "'", flags.plus), flags);
  if (verb === 'U') return formatUnicode(value, flags);
  return wrong(value, verb, flags);
}

function formatNumber(value: number, verb: string, flags: Flags): string {
  const { precision } = flags;
  if (verb === 'v') return formatDouble(value, 'g', precision, flags);
  if ('bgGxX'.includes(verb)) return formatDouble(value, verb, precision, flags);
  if ('feEF'.includes(verb))
    return formatDouble(value, verb === 'F' ? 'f' : verb, precision < 0 ? 6 : precision, flags);
  return wrong(value, verb, flags);
}

/** null: the verb is not for text. */
function formatText(value: string, verb: string, flags: Flags): string | null {
  switch (verb) {
    case 'v':
      if (flags.goSyntax) return formatQuoted(value, flags);
      return pad(truncate(value, flags.precision), flags);
    case 's':
      return pad(truncate(value, flags.precision), flags);
    case 'q':
      return formatQuoted(value, flags);
    case 'x':
    case 'X':
      return formatHex(Buffer.from(value), verb === 'X', flags);
  }
  return null;
}

function formatObject(value: OttlValue & object, verb: string, flags: Flags): string {
  if (value instanceof Uint8Array) return formatBytes(value, verb, flags);
  if (Array.isArray(value)) {
    const items = value.map((item) => nested(item, verb, flags));
    return flags.goSyntax ? `[]interface {}{${items.join(', ')}}` : `[${items.join(' ')}]`;
  }
  if (value instanceof Map) return formatMap(value, verb, flags);
  const text = formatText(textOf(value), verb, flags);
  if (text !== null) return text;
  if (value instanceof OttlDuration) return formatInt(value.nanos, verb, flags);
  if (value instanceof OttlId) return formatBytes(value.bytes, verb, flags);
  return wrong(value, verb, flags);
}

function nested(value: OttlValue, verb: string, flags: Flags): string {
  if (value !== null) return formatValue(value, verb, flags);
  return flags.goSyntax ? 'interface {}(nil)' : '<nil>';
}

function formatMap(value: ReadonlyMap<string, OttlValue>, verb: string, flags: Flags): string {
  const keys = [...value.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const entries = keys.map((key) => `${nested(key, verb, flags)}:${nested(value.get(key) ?? null, verb, flags)}`);
  return flags.goSyntax ? `map[string]interface {}{${entries.join(', ')}}` : `map[${entries.join(' ')}]`;
}

/** As text when the verb is for text, else as a list of ints. What is no UTF-8 becomes U+FFFD. */
function formatBytes(value: Uint8Array, verb: string, flags: Flags): string {
  if (verb === 'x' || verb === 'X') return formatHex(value, verb === 'X', flags);
  if (verb === 's' || verb === 'q') return formatText(Buffer.from(value).toString(), verb, flags) ?? '';
  const items = Array.from(value, (byte) => formatInt(BigInt(byte), verb, flags).replace('(int64=', '(uint8='));
  return `[${items.join(' ')}]`;
}

function textOf(value: OttlValue & object): string {
  if (value instanceof OttlTime) return formatGoTime(value) ?? showValue(value);
  if (value instanceof OttlDuration) return formatDurationNanos(value.nanos);
  if (value instanceof OttlId) return Buffer.from(value.bytes).toString('hex');
  return showValue(value);
}

/** `%!d(string=x)` */
function wrong(value: OttlValue, verb: string, flags: Flags): string {
  return `%!${verb}(${typed(value, flags)})`;
}

function typed(value: OttlValue, flags: Flags): string {
  return value === null ? '<nil>' : `${typeName(value)}=${formatValue(value, 'v', flags)}`;
}

const idNames: Readonly<Record<OttlId['kind'], string>> = {
  'trace id': 'pcommon.TraceID',
  'span id': 'pcommon.SpanID',
  'profile id': 'pprofile.ProfileID',
};

function typeName(value: OttlValue): string {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int64';
    case 'number':
      return 'float64';
  }
  if (value === null) return '<nil>';
  if (value instanceof Uint8Array) return '[]uint8';
  if (Array.isArray(value)) return '[]interface {}';
  if (value instanceof Map) return 'map[string]interface {}';
  if (value instanceof OttlTime) return 'time.Time';
  if (value instanceof OttlDuration) return 'time.Duration';
  if (value instanceof OttlId) return idNames[value.kind];
  return (value as OttlWhole).kind;
}
