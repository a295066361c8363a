// The calendar.
import { offsetOf } from '../go-text.ts';
import { OttlTime } from '../values.ts';

export const second = 1_000_000_000n;
export const minute = 60n * second;
export const hour = 60n * minute;
/** Seconds from the first of January of the year 1, where Go's time counts from, to 1970. */
export const epochFromYear1 = 62_135_596_800n;

/** Rounds down, also below zero. */
export function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

export const day = 24n * hour;

/** The time that shows in UTC what clocks show at the time in its zone. */
export function local(time: OttlTime): OttlTime {
  const offset = offsetOf(time);
  return offset === 0 ? time : new OttlTime(time.nanos + BigInt(offset) * second);
}

/** Of a time in UTC: year, month (1 to 12) and day, in the Gregorian calendar of all times, as Go counts. */
export function dateOf({ nanos }: OttlTime): { year: number; month: number; day: number } {
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

/** Of a time in UTC: what is left of it in `whole`, in units of `unit`. */
export function within({ nanos }: OttlTime, whole: bigint, unit: bigint): bigint {
  return (nanos - floorDivide(nanos, whole) * whole) / unit;
}

/** Of a time in UTC. The first of January 1970 was a Thursday. */
export function weekday({ nanos }: OttlTime): bigint {
  const days = floorDivide(nanos, day) + 4n;
  return days - floorDivide(days, 7n) * 7n;
}
