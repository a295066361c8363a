// Formats of times: strptime directives, with the results of the Collector, which makes Go layouts of them.
import { fault } from '../error.ts';
import { formatOffset, offsetOf, zoneNameOf } from '../go-text.ts';
import type { OttlTime } from '../values.ts';
import { dateOf, day, hour, local, minute, second, weekday, within } from './times-calendar.ts';

/** One part of a format: a directive by its letter, or text. */
export type TimePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'directive'; readonly letter: string }
  /** The separator (`.` or `,`) and how many digits. */
  | { readonly kind: 'fraction'; readonly separator: string; readonly digits: number };
export type TimeFormat = readonly TimePart[];

export const months = 'January February March April May June July August September October November December'.split(
  ' ',
);
export const weekdays = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** What stands for several others. */
const groups: Readonly<Record<string, string>> = {
  D: '%m/%d/%Y',
  x: '%m/%d/%Y',
  F: '%Y-%m-%d',
  T: '%H:%M:%S',
  X: '%H:%M:%S',
  r: '%I:%M:%S %P',
  R: '%H:%M',
  c: '%a %b %d %H:%M:%S %Y',
  n: '\n',
  t: '\t',
};
const fractions: Readonly<Record<string, number>> = { L: 3, f: 6, s: 9 };
/** Words that are directives in Go's layouts. */
const words: Readonly<Record<string, string>> = {
  January: 'B',
  Jan: 'b',
  Monday: 'A',
  Mon: 'a',
  MST: 'Z',
  PM: 'p',
  pm: 'P',
};
const plain = 'YymoqbhBdegaAHIlpPMSzZijkw';
const token = /([.,]?)%([Lfs])|%(.)|January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|PM|pm/gsu;

/** Throws OttlFault for a directive that there is not. */
export function compileTimeFormat(format: string): TimeFormat {
  if (format === '') throw fault('the format is empty');
  if (/\d/.test(format)) throw fault('a format has no digits; write directives such as %Y-%m-%d');
  const parts: TimePart[] = [];
  let end = 0;
  for (const match of format.matchAll(token)) {
    const [found, separator, fraction, letter] = match;
    if (match.index > end) parts.push({ kind: 'text', text: format.slice(end, match.index) });
    end = match.index + found.length;
    if (fraction !== undefined) {
      if (separator === '' && match.index > 0) throw fault(`%${fraction} must stand behind a point or a comma`);
      parts.push({ kind: 'fraction', separator: separator ?? '', digits: fractions[fraction] });
    } else parts.push(...partsOf(letter ?? words[found]));
  }
  if (end < format.length) parts.push({ kind: 'text', text: format.slice(end) });
  return parts;
}

function partsOf(letter: string): TimeFormat {
  if (letter === '%') return [{ kind: 'text', text: '%' }];
  if (Object.hasOwn(groups, letter)) {
    return groups[letter]
      .split(/%(.)/)
      .map((text, i): TimePart => (i % 2 === 0 ? { kind: 'text', text } : { kind: 'directive', letter: text }))
      .filter((part) => part.kind !== 'text' || part.text !== '');
  }
  if (!plain.includes(letter)) throw fault(`there is no directive %${letter}`);
  return [{ kind: 'directive', letter }];
}

/** Whether it says of which year a time is. */
export function hasYear(format: TimeFormat): boolean {
  return format.some((part) => part.kind === 'directive' && (part.letter === 'Y' || part.letter === 'y'));
}

/** In its zone. */
export function formatTime(time: OttlTime, format: TimeFormat): string {
  const value = local(time);
  const date = dateOf(value);
  let out = '';
  for (const part of format) {
    if (part.kind === 'text') out += part.text;
    else if (part.kind === 'fraction') out += fraction(value, part);
    else out += zonePart(part.letter, time) ?? directive(part.letter, value, date);
  }
  return out;
}

/** null: a directive of something else. */
function zonePart(letter: string, time: OttlTime): string | null {
  if (!'zZijkw'.includes(letter)) return null;
  const offset = offsetOf(time);
  const minutes = formatOffset(offset, ':');
  const seconds = String(Math.abs(offset) % 60).padStart(2, '0');
  switch (letter) {
    case 'z':
      return offset === 0 ? 'Z' : formatOffset(offset, '');
    case 'Z':
      return zoneNameOf(time) || formatOffset(offset, '');
    case 'i':
      return minutes.slice(0, 3);
    case 'j':
      return minutes;
    case 'k':
      return `${minutes}:${seconds}`;
    default:
      return `${formatOffset(offset, '')}${seconds}`;
  }
}

/** Without zeros at its end, and nothing for none; without a separator all its digits. */
function fraction(value: OttlTime, { separator, digits }: { separator: string; digits: number }): string {
  const all = within(value, second, 1n).toString().padStart(9, '0').slice(0, digits);
  if (separator === '') return all;
  const shown = all.replace(/0+$/, '');
  return shown === '' ? '' : separator + shown;
}

function directive(letter: string, value: OttlTime, date: { year: number; month: number; day: number }): string {
  const two = (part: bigint | number) => String(part).padStart(2, '0');
  const hours = Number(within(value, day, hour));
  switch (letter) {
    case 'Y':
      return `${date.year < 0 ? '-' : ''}${String(Math.abs(date.year)).padStart(4, '0')}`;
    case 'y':
      return two(Math.abs(date.year) % 100);
    case 'm':
      return two(date.month);
    case 'o':
      return String(date.month).padStart(2);
    case 'q':
      return String(date.month);
    case 'b':
    case 'h':
      return months[date.month - 1].slice(0, 3);
    case 'B':
      return months[date.month - 1];
    case 'd':
      return two(date.day);
    case 'e':
      return String(date.day).padStart(2);
    case 'g':
      return String(date.day);
    case 'a':
      return weekdays[Number(weekday(value))].slice(0, 3);
    case 'A':
      return weekdays[Number(weekday(value))];
    case 'H':
      return two(hours);
    case 'I':
      return two(hours % 12 || 12);
    case 'l':
      return String(hours % 12 || 12);
    case 'p':
      return hours < 12 ? 'AM' : 'PM';
    case 'P':
      return hours < 12 ? 'am' : 'pm';
    case 'M':
      return two(within(value, hour, minute));
    default:
      return two(within(value, minute, second));
  }
}
