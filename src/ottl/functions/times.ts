// Times and durations.
import { parseDurationNanos } from '../../lib/duration.ts';
import { asString } from '../coerce.ts';
import { fault } from '../error.ts';
import { OttlDuration, OttlTime, type } from '../values.ts';
import {
  converter,
  duration,
  type FunctionDefinition,
  int,
  literalString,
  optional,
  type Parameter,
  string,
  time,
} from './define.ts';
import {
  dateOf,
  day,
  epochFromYear1,
  floorDivide,
  hour,
  local,
  minute,
  second,
  weekday,
  within,
} from './times-calendar.ts';
import { compileTimeFormat, formatTime, hasYear, type TimeFormat } from './times-format.ts';
import { localeNamed, type TimeNames, type Zone, zoneNamed } from './times-local.ts';
import { parseTime } from './times-parse.ts';

/** Compiled once: it must stand in the text. */
const timeFormat: Parameter<TimeFormat> = {
  ...string('format'),
  role: 'literal',
  coerce: (value) => compileTimeFormat(asString(value)),
};
const location: Parameter<Zone> = { ...literalString('location'), coerce: (value) => zoneNamed(asString(value)) };
const locale: Parameter<TimeNames> = { ...literalString('locale'), coerce: (value) => localeNamed(asString(value)) };

function timePart(
  name: string,
  what: string,
  gives: string,
  part: (value: OttlTime) => bigint | number,
): FunctionDefinition {
  return converter({
    name,
    summary: `${what} of the time, in its zone.`,
    examples: [{ text: `${name}(start_time)`, gives }],
    parameters: [time('time')],
    returns: type.int,
    run: (value) => BigInt(part(local(value))),
  });
}

function sinceEpoch(name: string, what: string, gives: string, unit: bigint): FunctionDefinition {
  return converter({
    name,
    summary: `The time as ${what} since the Unix epoch.`,
    examples: [{ text: `${name}(start_time)`, gives }],
    parameters: [time('time')],
    returns: type.int,
    run: ({ nanos }) => BigInt.asIntN(64, floorDivide(nanos, unit)),
  });
}

/** As Go divides: whole units and the rest apart, so that the rounding is the same. */
function inDoubles(name: string, what: string, gives: string, unit: bigint): FunctionDefinition {
  return converter({
    name,
    summary: `The duration in ${what}, with a fraction.`,
    examples: [{ text: `${name}(Duration("1h1.5s"))`, gives }],
    parameters: [duration('duration')],
    returns: type.double,
    run: ({ nanos }) => Number(nanos / unit) + Number(nanos % unit) / Number(unit),
  });
}

function inInts(name: string, what: string, gives: string, unit: bigint): FunctionDefinition {
  return converter({
    name,
    summary: `The duration in whole ${what}.`,
    examples: [{ text: `${name}(Duration("1h1.5s"))`, gives }],
    parameters: [duration('duration')],
    returns: type.int,
    run: ({ nanos }) => nanos / unit,
  });
}

export const timeFunctions: readonly FunctionDefinition[] = [
  converter({
    name: 'Now',
    examples: [{ text: 'Now() > start_time', gives: 'true' }],
    summary: 'The time at which the function is called.',
    parameters: [],
    returns: type.time,
    pure: false,
    run: () => new OttlTime(BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6))),
  }),
  converter({
    name: 'Unix',
    examples: [{ text: 'Unix(1700000000, 500)', gives: '2023-11-14T22:13:20.0000005Z' }],
    summary: 'The time that is so many seconds and nanoseconds after the Unix epoch.',
    parameters: [int('seconds'), optional(int('nanoseconds'))],
    returns: type.time,
    run: (seconds, nanoseconds = 0n) => new OttlTime(seconds * second + nanoseconds),
  }),
  sinceEpoch('UnixSeconds', 'seconds', '1760000000', second),
  sinceEpoch('UnixMilli', 'milliseconds', '1760000000123', 1_000_000n),
  sinceEpoch('UnixMicro', 'microseconds', '1760000000123456', 1_000n),
  sinceEpoch('UnixNano', 'nanoseconds', '1760000000123456789', 1n),
  timePart('Year', 'The year', '2025', (value) => dateOf(value).year),
  timePart('Month', 'The month (1 to 12)', '10', (value) => dateOf(value).month),
  timePart('Day', 'The day of the month', '9', (value) => dateOf(value).day),
  timePart('Hour', 'The hour', '8', (value) => within(value, day, hour)),
  timePart('Minute', 'The minute', '53', (value) => within(value, hour, minute)),
  timePart('Second', 'The second', '20', (value) => within(value, minute, second)),
  timePart('Nanosecond', 'The nanoseconds in the second', '123456789', (value) => within(value, second, 1n)),
  timePart('Weekday', 'The day of the week (Sunday is 0)', '4', weekday),
  inDoubles('Hours', 'hours', '1.0004166666666667', hour),
  inDoubles('Minutes', 'minutes', '60.025', minute),
  inDoubles('Seconds', 'seconds', '3601.5', second),
  inInts('Milliseconds', 'milliseconds', '3601500', 1_000_000n),
  inInts('Microseconds', 'microseconds', '3601500000', 1_000n),
  inInts('Nanoseconds', 'nanoseconds', '3601500000000', 1n),
  converter({
    name: 'Duration',
    examples: [{ text: 'Duration("1h30m")', gives: '1h30m0s' }],
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
    name: 'Time',
    summary:
      'The time that a text means, read by a format of directives (%Y-%m-%d %H:%M:%S.%L %z); without an offset in the text it is ' +
      'in the location, or UTC. It keeps that zone. A year that is missing is the last one that fits.',
    examples: [
      { text: 'Time("2024-02-29 13:14:15", "%Y-%m-%d %H:%M:%S")', gives: '2024-02-29T13:14:15Z' },
      { text: 'Time("10/Oct/2000:13:55:36 -0700", "%d/%b/%Y:%H:%M:%S %z")', gives: '2000-10-10T13:55:36-07:00' },
      { text: 'Time("2024-07-01", "%F", "America/New_York")', gives: '2024-07-01T00:00:00-04:00' },
      { text: 'Time("4 mars 2023", "%g %B %Y", "", "fr")', gives: '2023-03-04T00:00:00Z' },
      { text: 'Time("2024-02-30", "%F")', fails: 'the text is not a time of the format: the day is out of range' },
    ],
    parameters: [string('time'), timeFormat, optional(location), optional(locale)],
    returns: type.time,
    varies: ([, format]) => !hasYear(format.get() as TimeFormat),
    run: parseTime,
  }),
  converter({
    name: 'FormatTime',
    summary: 'The time as text, in its zone, by a format of directives as Time has them.',
    examples: [
      { text: 'FormatTime(start_time, "%Y-%m-%d %H:%M:%S.%L")', gives: '"2025-10-09 08:53:20.123"' },
      { text: 'FormatTime(start_time, "%a %e %b %y, %l %p")', gives: '"Thu  9 Oct 25, 8 AM"' },
    ],
    parameters: [time('time'), timeFormat],
    returns: type.string,
    run: formatTime,
  }),
  converter({
    name: 'TruncateTime',
    examples: [{ text: 'TruncateTime(start_time, Duration("1h"))', gives: '2025-10-09T08:00:00Z' }],
    summary: 'The time rounded down to a multiple of the duration (counted from the year 1).',
    parameters: [time('time'), duration('duration')],
    returns: type.time,
    run: ({ nanos, zone }, { nanos: unit }) => {
      if (unit <= 0n) return new OttlTime(nanos, zone);
      const fromYear1 = nanos + epochFromYear1 * second;
      return new OttlTime(floorDivide(fromYear1, unit) * unit - epochFromYear1 * second, zone);
    },
  }),
];
