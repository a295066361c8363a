// Time zones and the names of months and days in other languages, from Intl.
import { fault } from '../error.ts';

export interface Zone {
  /** The offset from UTC in seconds at a moment in seconds since the epoch. */
  offsetAt(seconds: number): number;
  /** The offset behind an abbreviation of the zone (CEST), null when it has no such. */
  offsetOf(abbreviation: string): number | null;
}

/** Names in lower case -> 0 for January, Sunday and AM. */
export interface TimeNames {
  readonly months: ReadonlyMap<string, number>;
  readonly weekdays: ReadonlyMap<string, number>;
  readonly halves: ReadonlyMap<string, number>;
}

export const utcZone: Zone = { offsetAt: () => 0, offsetOf: () => null };

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
  const offsetAt = (seconds: number): number => {
    const parts: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(seconds * 1000)) parts[type] = Number(value);
    const local = new Date(0);
    local.setUTCFullYear(parts.year, parts.month - 1, parts.day);
    local.setUTCHours(parts.hour, parts.minute, parts.second);
    return local.getTime() / 1000 - seconds;
  };
  return { offsetAt, offsetOf: (abbreviation) => abbreviationsOf(name, offsetAt).get(abbreviation) ?? null };
}

/** The abbreviations of winter and summer; which a language knows differs. */
function abbreviationsOf(timeZone: string, offsetAt: (seconds: number) => number): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const year = new Date().getUTCFullYear();
  for (const language of ['en-US', 'en-GB', 'en-AU']) {
    const format = new Intl.DateTimeFormat(language, { timeZone, timeZoneName: 'short' });
    for (const month of [0, 6]) {
      const at = Date.UTC(year, month, 1);
      const name = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
      if (/^[A-Z]+$/.test(name)) found.set(name, offsetAt(at / 1000));
    }
  }
  return found;
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
    names.set(name, index);
    if (name.endsWith('.')) names.set(name.slice(0, -1), index);
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
