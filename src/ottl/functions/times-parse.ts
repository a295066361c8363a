// Reading a time by a format, as leniently as the Collector: numbers with or without zeros, spaces in front of them.
import { fault } from '../error.ts';
import { OttlTime, type TimeZone } from '../values.ts';
import { second } from './times-calendar.ts';
import type { TimeFormat } from './times-format.ts';
import { fixedZone, localeNamed, type TimeNames, utcZone, type Zone, zoneNamed } from './times-local.ts';

interface Fields {
  readonly text: string;
  readonly names: TimeNames;
  at: number;
  year: number | null;
  month: number | null;
  day: number | null;
  weekday: boolean;
  hour: number;
  half: number | null;
  minute: number;
  second: number;
  nanos: bigint;
  /** In seconds. */
  offset: number | null;
  zoneName: string | null;
}

function mismatch(why: string): Error {
  return fault(`the text is not a time of the format: ${why}`);
}

/** Throws OttlFault. Without an offset or zone in the text it is a time of `zone`. */
export function parseTime(
  text: string,
  format: TimeFormat,
  zone: Zone = utcZone,
  names: TimeNames = localeNamed(''),
): OttlTime {
  if (text === '') throw fault('the text is empty');
  const fields: Fields = {
    text,
    names,
    at: 0,
    year: null,
    month: null,
    day: null,
    weekday: false,
    hour: 0,
    half: null,
    minute: 0,
    second: 0,
    nanos: 0n,
    offset: null,
    zoneName: null,
  };
  for (const [i, part] of format.entries()) {
    if (part.kind === 'text') skip(fields, part.text);
    else if (part.kind === 'fraction') readFraction(fields, part.separator === '');
    else {
      readDirective(fields, part.letter);
      if (part.letter === 'S' && format[i + 1]?.kind !== 'fraction') readFraction(fields, false);
    }
  }
  if (fields.at < text.length) throw mismatch('there is more behind it');
  return assemble(fields, zone);
}

/** A run of spaces stands for any other, and for the end. */
function skip(fields: Fields, wanted: string): void {
  const { text } = fields;
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === ' ') {
      if (fields.at < text.length && text[fields.at] !== ' ') throw mismatch('a space is missing');
      while (wanted[i + 1] === ' ') i++;
      while (text[fields.at] === ' ') fields.at++;
    } else if (text[fields.at++] !== wanted[i]) throw mismatch('other text than in the format');
  }
}

/** The next match, which is then behind us. */
function take(fields: Fields, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = fields.at;
  const match = pattern.exec(fields.text);
  if (match !== null) fields.at = pattern.lastIndex;
  return match;
}

function number(fields: Fields, pattern: RegExp, what: string, least: number, most: number): number {
  const match = take(fields, pattern);
  if (match === null) throw mismatch(`the ${what} is missing`);
  const value = Number(match[1]);
  if (value < least || value > most) throw mismatch(`the ${what} is out of range`);
  return value;
}

const spaces = /\s*/y;
const fourDigits = /\s*(\d{4})/y;
const twoDigits = /\s*(\d{2})/y;
const oneOrTwo = /\s*(\d{1,2})/y;
const anyFraction = /[.,](\d+)/y;
const bareFraction = /()(\d+)/y;
const offsets: Readonly<Record<string, RegExp>> = {
  z: /\s*(?:(Z)|([-+])(\d\d)(?::?(\d\d))?)/y,
  i: /([-+])(\d\d)/y,
  j: /([-+])(\d\d):(\d\d)/y,
  k: /([-+])(\d\d):(\d\d):(\d\d)/y,
  w: /([-+])(\d\d)(\d\d)(\d\d)/y,
};

function readDirective(fields: Fields, letter: string): void {
  switch (letter) {
    case 'Y':
      fields.year = number(fields, fourDigits, 'year', 0, 9999);
      return;
    case 'y': {
      const year = number(fields, twoDigits, 'year', 0, 99);
      fields.year = year + (year >= 69 ? 1900 : 2000);
      return;
    }
    case 'm':
    case 'o':
    case 'q':
      fields.month = number(fields, oneOrTwo, 'month', 1, 12);
      return;
    case 'b':
    case 'h':
    case 'B':
      fields.month = name(fields, fields.names.months, 'month') + 1;
      return;
    case 'd':
    case 'e':
    case 'g':
      fields.day = number(fields, oneOrTwo, 'day', 1, 31);
      return;
    case 'a':
    case 'A':
      name(fields, fields.names.weekdays, 'day of the week');
      fields.weekday = true;
      return;
    default:
      readClock(fields, letter);
  }
}

function readClock(fields: Fields, letter: string): void {
  switch (letter) {
    case 'H':
      fields.hour = number(fields, oneOrTwo, 'hour', 0, 23);
      return;
    case 'I':
    case 'l':
      fields.hour = number(fields, oneOrTwo, 'hour', 0, 12);
      return;
    case 'p':
    case 'P':
      fields.half = name(fields, fields.names.halves, 'AM or PM');
      return;
    case 'M':
      fields.minute = number(fields, oneOrTwo, 'minute', 0, 59);
      return;
    case 'S':
      fields.second = number(fields, oneOrTwo, 'second', 0, 59);
      return;
    case 'Z':
      readZoneName(fields);
      return;
    default:
      readOffset(fields, letter);
  }
}

/** The longest of the names that stands here, in any case. */
function name(fields: Fields, names: ReadonlyMap<string, number>, what: string): number {
  let found: number | null = null;
  let length = 0;
  for (const [known, index] of names) {
    if (known.length <= length) continue;
    if (fields.text.slice(fields.at, fields.at + known.length).toLowerCase() !== known) continue;
    found = index;
    length = known.length;
  }
  if (found === null) throw mismatch(`the ${what} is missing`);
  fields.at += length;
  return found;
}

/** It may be missing. More digits than nanoseconds are read over. */
function readFraction(fields: Fields, isBare: boolean): void {
  const match = take(fields, isBare ? bareFraction : anyFraction);
  if (match === null) return;
  const digits = isBare ? match[2] : match[1];
  fields.nanos = BigInt(digits.slice(0, 9).padEnd(9, '0'));
}

function readOffset(fields: Fields, letter: string): void {
  if (letter !== 'z') take(fields, spaces);
  const match = take(fields, offsets[letter]);
  if (match === null) throw mismatch('the offset is missing');
  const [sign, hours = '0', minutes = '0', seconds = '0'] = letter === 'z' ? match.slice(2) : match.slice(1);
  const size = Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
  if (Number(hours) > 24 || Number(minutes) > 59 || Number(seconds) > 59) throw mismatch('the offset is out of range');
  fields.offset = sign === '-' ? -size : size;
}

const zoneName = /(UTC|GMT([-+]\d{1,2})?|[A-Z]{3,5})/y;

function readZoneName(fields: Fields): void {
  const match = take(fields, zoneName);
  if (match === null) throw mismatch('the time zone is missing');
  const [, found, fromGreenwich] = match;
  if (fromGreenwich !== undefined && Math.abs(Number(fromGreenwich)) > 23) throw mismatch('the offset is out of range');
  if (found === 'UTC' || Number(fromGreenwich ?? 0) !== 0) fields.offset = Number(fromGreenwich ?? 0) * 3600;
  fields.zoneName = found;
}

function assemble(fields: Fields, zone: Zone): OttlTime {
  const { minute } = fields;
  let { hour } = fields;
  if (fields.half === 1 && hour < 12) hour += 12;
  else if (fields.half === 0 && hour === 12) hour = 0;
  const inYear = (year: number): Placed => {
    const local = new Date(0);
    local.setUTCFullYear(year, (fields.month ?? 1) - 1, fields.day ?? 1);
    local.setUTCHours(hour, minute, fields.second);
    return placed(fields, zone, local.getTime() / 1000);
  };
  const isDay = new Date(0);
  isDay.setUTCFullYear(fields.year ?? 0, (fields.month ?? 1) - 1, fields.day ?? 1);
  if (isDay.getUTCDate() !== (fields.day ?? 1)) throw mismatch('the day is out of range');
  const found = fields.year ? inYear(fields.year) : withoutYear(fields, inYear);
  return new OttlTime(BigInt(found.seconds) * second + fields.nanos, found.zone);
}

/** A time of day is one of today; a date is of this year, or of the last when that is more than a week ahead. */
function withoutYear(fields: Fields, inYear: (year: number) => Placed): Placed {
  const now = new Date();
  if (fields.month === null && fields.day === null && !fields.weekday && fields.year === null) {
    fields.month = now.getUTCMonth() + 1;
    fields.day = now.getUTCDate();
    return inYear(now.getUTCFullYear());
  }
  const found = inYear(now.getUTCFullYear());
  return found.seconds * 1000 > now.getTime() + 7 * 86_400_000 ? inYear(now.getUTCFullYear() - 1) : found;
}

/** A moment, in seconds since the epoch, and the zone in which it was written. */
interface Placed {
  readonly seconds: number;
  readonly zone: TimeZone;
}

/** `local`: the time as if it were one of UTC, in seconds since the epoch. */
function placed({ offset, zoneName }: Fields, zone: Zone, local: number): Placed {
  if (offset !== null) {
    const seconds = local - offset;
    // An offset that the location has at the time is the location's.
    if (zone.offsetAt(seconds) === offset && (zoneName ?? zone.nameAt(seconds)) === zone.nameAt(seconds)) {
      return { seconds, zone };
    }
    return { seconds, zone: offset === 0 ? utcZone : fixedZone(zoneName ?? '', offset) };
  }
  let inZone = zone;
  if (zoneName !== null) {
    // An abbreviation of the location, or itself the name of a zone, which may have it as one.
    inZone = zone.offsetOf(zoneName) === null ? zoneNamed(zoneName) : zone;
    const known = inZone.offsetOf(zoneName);
    if (known !== null) return { seconds: local - known, zone: inZone };
  }
  // As Go: the offset that holds after the first guess, so that a time that a change of clocks leaves out is still one.
  return { seconds: local - inZone.offsetAt(local - inZone.offsetAt(local)), zone: inZone };
}
