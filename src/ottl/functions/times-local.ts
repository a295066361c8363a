// Time zones and the names of months and days in other languages, from Intl.
import { fault } from '../error.ts';
import { formatOffset } from '../go-text.ts';
import { type TimeZone, utc } from '../values.ts';

export interface Zone extends TimeZone {
  /** The offset behind an abbreviation of the zone (CEST), null when it has no such. */
  offsetOf(abbreviation: string): number | null;
}

/** Names in lower case -> 0 for January, Sunday and AM. */
export interface TimeNames {
  readonly months: ReadonlyMap<string, number>;
  readonly weekdays: ReadonlyMap<string, number>;
  readonly halves: ReadonlyMap<string, number>;
}

export const utcZone: Zone = { ...utc, offsetOf: () => null };

/** An offset that a text gave, in seconds. */
export function fixedZone(name: string, offset: number): TimeZone {
  return { offsetAt: () => offset, nameAt: () => name };
}

/** Intl objects are costly to make; of computed names the last are kept. */
const maxKept = 64;
const keptZones = new Map<string, Zone>();
const keptLocales = new Map<string, TimeNames>();

function keep<T>(kept: Map<string, T>, name: string, make: (name: string) => T): T {
  const known = kept.get(name);
  if (known !== undefined) return known;
  const made = make(name);
  if (kept.size >= maxKept) kept.delete(kept.keys().next().value ?? '');
  kept.set(name, made);
  return made;
}

/** By its name in the time zone database; the empty name is UTC. Throws OttlFault. */
export function zoneNamed(name: string): Zone {
  return name === '' || name === 'UTC' || name === 'Local' ? utcZone : keep(keptZones, name, makeZone);
}

/** From the second day of the year 1 on, since Intl counts years before Christ upwards, to the last that a Date knows. */
function withinDates(seconds: number): number {
  return Math.max(-62_135_510_400, Math.min(8.64e12 - 86_400, seconds));
}

const from1973 = 94_694_400;
const maxQuarters = 1000;

function makeZone(name: string): Zone {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw fault('there is no such time zone; write one as Europe/Berlin');
  }
  const compute = (at: number): number => {
    const seconds = withinDates(at);
    const parts: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(seconds * 1000)) parts[type] = Number(value);
    const local = new Date(0);
    local.setUTCFullYear(parts.year, parts.month - 1, parts.day);
    local.setUTCHours(parts.hour, parts.minute, parts.second);
    return local.getTime() / 1000 - seconds;
  };
  /** By quarter of an hour: since 1973 clocks have changed at their starts only. */
  const quarters = new Map<number, number>();
  const offsetAt = (seconds: number): number => {
    if (seconds < from1973) return compute(seconds);
    const quarter = Math.floor(seconds / 900);
    const known = quarters.get(quarter);
    if (known !== undefined) return known;
    const offset = compute(seconds);
    if (quarters.size >= maxQuarters) quarters.clear();
    quarters.set(quarter, offset);
    return offset;
  };
  const { nameAt, offsetOf } = abbreviations(name, offsetAt);
  return { offsetAt, nameAt, offsetOf };
}

/** Which abbreviations a language knows differs: those that together know nearly all of the time zone database. */
const languages = ['en-US', 'en-ZA', 'en-GB', 'en-CA', 'en-AU', 'en-IN', 'en-HK', 'en-NZ', 'id', 'ja'];
/** Where no language says what the time zone database has: zones with the offset in seconds; '' for no name. */
const otherNames: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '': [
      'America/Miquelon -10800',
      'America/Miquelon -7200',
      'Antarctica/Casey 28800',
      'Asia/Colombo 19800',
      'Asia/Dubai 14400',
      'Asia/Muscat 14400',
      'Australia/Eucla 31500',
      'Australia/Lord_Howe 37800',
      'Australia/Lord_Howe 39600',
      'Pacific/Chatham 45900',
      'Pacific/Chatham 49500',
    ],
    BST: ['Europe/Guernsey 3600', 'Europe/Isle_of_Man 3600', 'Europe/Jersey 3600'],
    CDT: ['America/Havana -14400'],
    CST: ['America/Havana -18000', 'Asia/Macau 28800', 'Asia/Shanghai 28800', 'Asia/Taipei 28800'],
    ChST: ['Pacific/Guam 36000', 'Pacific/Saipan 36000'],
    GMT: ['GMT 0'],
    HDT: ['America/Adak -32400'],
    HST: ['America/Adak -36000'],
    IDT: ['Asia/Jerusalem 10800'],
    IST: ['Asia/Jerusalem 7200', 'Europe/Dublin 3600'],
    KST: ['Asia/Pyongyang 32400', 'Asia/Seoul 32400'],
    MSK: ['Europe/Kirov 10800', 'Europe/Moscow 10800', 'Europe/Simferopol 10800', 'Europe/Volgograd 10800'],
    MST: ['America/Dawson -25200', 'America/Hermosillo -25200', 'America/Mazatlan -25200', 'America/Whitehorse -25200'],
    PKT: ['Asia/Karachi 18000'],
    PST: ['Asia/Manila 28800'],
    SST: ['Pacific/Midway -39600', 'Pacific/Pago_Pago -39600'],
  }).flatMap(([name, places]) => places.map((place) => [place, name] as const)),
);

function abbreviations(timeZone: string, offsetAt: TimeZone['offsetAt']): Pick<Zone, 'nameAt' | 'offsetOf'> {
  /** By offset: one zone seldom has two names for the same. */
  const names = new Map<number, string>();
  const nameAt = (seconds: number): string => {
    const offset = offsetAt(seconds);
    const known = names.get(offset);
    if (known !== undefined) return known;
    const other = otherNames.get(`${timeZone} ${offset}`);
    const name = (other ?? abbreviationAt(timeZone, seconds, offset)) || numberOf(offset);
    names.set(offset, name);
    return name;
  };
  let found: ReadonlyMap<string, number> | undefined;
  const offsetOf = (abbreviation: string): number | null => {
    if (found === undefined) {
      const year = new Date().getUTCFullYear();
      const halves = [0, 6].map((month) => Date.UTC(year, month, 1) / 1000);
      found = new Map(halves.map((seconds) => [nameAt(seconds), offsetAt(seconds)]));
    }
    return found.get(abbreviation) ?? null;
  };
  return { nameAt, offsetOf };
}

function abbreviationAt(timeZone: string, seconds: number, offset: number): string {
  // Local mean time, from before there were zones.
  if (offset % 60 !== 0) return 'LMT';
  for (const language of languages) {
    const format = new Intl.DateTimeFormat(language, { timeZone, timeZoneName: 'short' });
    const name =
      format.formatToParts(withinDates(seconds) * 1000).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    if (/^[A-Z]{3,5}$/.test(name)) return name;
  }
  return '';
}

/** What the time zone database calls a zone without a name: +03, +0530. */
function numberOf(offset: number): string {
  return formatOffset(offset, '').replace(/00$/, '');
}

/** By its BCP 47 tag; the empty tag is English. Throws OttlFault. */
export function localeNamed(tag: string): TimeNames {
  return keep(keptLocales, tag === '' ? 'en' : tag, makeNames);
}

function makeNames(tag: string): TimeNames {
  let known: string[] = [];
  try {
    known = Intl.DateTimeFormat.supportedLocalesOf(tag);
  } catch {
    // Not even the shape of a tag: refused below like one that is unknown.
  }
  if (known.length === 0) throw fault('there is no such locale; write one as en or pt-BR');
  const months = new Map<string, number>();
  const weekdays = new Map<string, number>();
  const halves = new Map<string, number>([
    ['am', 0],
    ['pm', 1],
  ]);
  const add = (names: Map<string, number>, kind: string, at: number, index: number, options: object) => {
    const format = new Intl.DateTimeFormat(tag, { ...options, timeZone: 'UTC', calendar: 'gregory' });
    const name = format
      .formatToParts(at)
      .find(({ type }) => type === kind)
      ?.value.toLowerCase();
    if (name === undefined) return;
    // "p. m." has a space that does not break, and is also written with another one or without.
    for (const space of ['', ' ', '\u00a0']) {
      const written = name.replaceAll(/\s/g, space);
      names.set(written, index);
      if (written.endsWith('.')) names.set(written.slice(0, -1), index);
    }
  };
  for (const style of ['long', 'short']) {
    for (let i = 0; i < 12; i++) {
      add(months, 'month', Date.UTC(2023, i, 1), i, { month: style });
      add(months, 'month', Date.UTC(2023, i, 1), i, { month: style, day: 'numeric' }); // in its genitive
    }
    for (let i = 0; i < 7; i++) add(weekdays, 'weekday', Date.UTC(2023, 0, 1 + i), i, { weekday: style });
  }
  for (const i of [0, 1]) {
    add(halves, 'dayPeriod', Date.UTC(2023, 0, 1, 6 + 12 * i), i, { hour: 'numeric', hour12: true });
  }
  return { months, weekdays, halves };
}
