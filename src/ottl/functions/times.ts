// Times (in UTC) and durations.
import { parseDurationNanos } from '../../lib/duration.ts';
import { fault } from '../error.ts';
import { OttlDuration, OttlTime, type } from '../values.ts';
import { converter, duration, type FunctionDefinition, int, optional, string, time } from './define.ts';

const second = 1_000_000_000n;
const minute = 60n * second;
const hour = 60n * minute;
/** Seconds from the first of January of the year 1, where Go's time counts from, to 1970. */
const epochFromYear1 = 62_135_596_800n;

/** Rounds down, also below zero. */
function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

const day = 24n * hour;

/** Days since the epoch -> year, month (1 to 12) and day, in the Gregorian calendar of all times, as Go counts. */
function dateOf({ nanos }: OttlTime): { year: number; month: number; day: number } {
  // Counted from the first of March of the year 0, so that the leap day is the last of its year.
  const days = Number(floorDivide(nanos, day)) + 719_468;
  const era = Math.floor(days / 146_097);
  const inEra = days - era * 146_097;
  const yearOfEra = Math.floor(
    (inEra - Math.floor(inEra / 1_460) + Math.floor(inEra / 36_524) - Math.floor(inEra / 146_096)) / 365,
  );
  const inYear = inEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * inYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: inYear - Math.floor((153 * shifted + 2) / 5) + 1,
  };
}

/** What of the time is left in `whole`, in units of `unit`. */
function within({ nanos }: OttlTime, whole: bigint, unit: bigint): bigint {
  return (nanos - floorDivide(nanos, whole) * whole) / unit;
}

/** The first of January 1970 was a Thursday. */
function weekday({ nanos }: OttlTime): bigint {
  const days = floorDivide(nanos, day) + 4n;
  return days - floorDivide(days, 7n) * 7n;
}

function timePart(name: string, what: string, part: (value: OttlTime) => bigint | number): FunctionDefinition {
  return converter({
    name,
    summary: `${what} of the time, in UTC.`,
    parameters: [time('time')],
    returns: type.int,
    run: (value) => BigInt(part(value)),
  });
}

function sinceEpoch(name: string, what: string, unit: bigint): FunctionDefinition {
  return converter({
    name,
    summary: `The time as ${what} since the Unix epoch.`,
    parameters: [time('time')],
    returns: type.int,
    run: ({ nanos }) => BigInt.asIntN(64, floorDivide(nanos, unit)),
  });
}

/** As Go divides: whole units and the rest apart, so that the rounding is the same. */
function inDoubles(name: string, what: string, unit: bigint): FunctionDefinition {
  return converter({
    name,
    summary: `The duration in ${what}, with a fraction.`,
    parameters: [duration('duration')],
    returns: type.double,
    run: ({ nanos }) => Number(nanos / unit) + Number(nanos % unit) / Number(unit),
  });
}

function inInts(name: string, what: string, unit: bigint): FunctionDefinition {
  return converter({
    name,
    summary: `The duration in whole ${what}.`,
    parameters: [duration('duration')],
    returns: type.int,
    run: ({ nanos }) => nanos / unit,
  });
}

export const timeFunctions: readonly FunctionDefinition[] = [
  converter({
    name: 'Now',
    summary: 'The time at which the function is called.',
    parameters: [],
    returns: type.time,
    pure: false,
    run: () => new OttlTime(BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6))),
  }),
  converter({
    name: 'Unix',
    summary: 'The time that is so many seconds and nanoseconds after the Unix epoch.',
    parameters: [int('seconds'), optional(int('nanoseconds'))],
    returns: type.time,
    run: (seconds, nanoseconds = 0n) => new OttlTime(seconds * second + nanoseconds),
  }),
  sinceEpoch('UnixSeconds', 'seconds', second),
  sinceEpoch('UnixMilli', 'milliseconds', 1_000_000n),
  sinceEpoch('UnixMicro', 'microseconds', 1_000n),
  sinceEpoch('UnixNano', 'nanoseconds', 1n),
  timePart('Year', 'The year', (value) => dateOf(value).year),
  timePart('Month', 'The month (1 to 12)', (value) => dateOf(value).month),
  timePart('Day', 'The day of the month', (value) => dateOf(value).day),
  timePart('Hour', 'The hour', (value) => within(value, day, hour)),
  timePart('Minute', 'The minute', (value) => within(value, hour, minute)),
  timePart('Second', 'The second', (value) => within(value, minute, second)),
  timePart('Nanosecond', 'The nanoseconds in the second', (value) => within(value, second, 1n)),
  timePart('Weekday', 'The day of the week (Sunday is 0)', weekday),
  inDoubles('Hours', 'hours', hour),
  inDoubles('Minutes', 'minutes', minute),
  inDoubles('Seconds', 'seconds', second),
  inInts('Milliseconds', 'milliseconds', 1_000_000n),
  inInts('Microseconds', 'microseconds', 1_000n),
  inInts('Nanoseconds', 'nanoseconds', 1n),
  converter({
    name: 'Duration',
    summary: 'The duration that a text such as 1h30m or 250ms means (as Go writes durations).',
    parameters: [string('duration')],
    returns: type.duration,
    run: (text) => {
      const nanos = parseDurationNanos(text);
      if (nanos === null) throw fault('the text is not a duration such as 1h30m or 250ms');
      return new OttlDuration(nanos);
    },
  }),
  converter({
    name: 'TruncateTime',
    summary: 'The time rounded down to a multiple of the duration (counted from the year 1).',
    parameters: [time('time'), duration('duration')],
    returns: type.time,
    run: ({ nanos }, { nanos: unit }) => {
      if (unit <= 0n) return new OttlTime(nanos);
      const fromYear1 = nanos + epochFromYear1 * second;
      return new OttlTime(floorDivide(fromYear1, unit) * unit - epochFromYear1 * second);
    },
  }),
];
