// Sets of code points as sorted ranges: read off re2js, so that classes and case folding are RE2's own, and written as
// JavaScript class syntax without flags.
import { RE2JS } from 're2js';

/** Pairs of first and last code point, ascending, not touching. */
export type Ranges = readonly number[];

const maxCodePoint = 0x10ffff;
/** A noncharacter: put into a class to keep it from being simplified to a single letter with a fold flag. */
const sentinel = 0x10fffe;
const foldFlag = 1;

interface Instruction {
  readonly op: number;
  readonly arg: number;
  readonly runes: ArrayLike<number> | null;
}

/**
 * What one class, escape or dot of RE2 syntax matches, read off the program that re2js makes of it alone. null when the
 * program does not look as expected: the caller then leaves the pattern to re2js.
 */
export function rangesOf(atom: string, fold: boolean): Ranges | null {
  const { inst } = RE2JS.compile(fold ? `(?i:${atom})` : atom).re2Input.prog;
  const consuming = (inst as readonly Instruction[]).filter(({ op }) => op >= 8 && op <= 11);
  if (consuming.length === 0 && inst.length <= 2) return [];
  if (consuming.length !== 1 || inst.length > 3) return null;
  const { arg, runes } = consuming[0];
  if (runes === null || runes.length === 0) return null;
  const all = Array.from(runes);
  if (all.length > 1) return all.length % 2 === 0 ? all : null;
  return (arg & foldFlag) !== 0 ? foldsOf(all[0]) : [all[0], all[0]];
}

/** A code point and all that RE2 takes for it regardless of case. */
export function foldsOf(codePoint: number): Ranges | null {
  const hex = (value: number): string => `\\x{${value.toString(16)}}`;
  const ranges = rangesOf(`[${hex(codePoint)}${hex(sentinel)}]`, true);
  const last = ranges?.length ?? 0;
  if (ranges === null || ranges[last - 2] !== sentinel || ranges[last - 1] !== sentinel) return null;
  return ranges.slice(0, -2);
}

function unit(code: number): string {
  const character = String.fromCharCode(code);
  return /^[A-Za-z0-9 ]$/.test(character) ? character : `\\u${code.toString(16).padStart(4, '0')}`;
}

function span(first: number, last: number): string {
  return first === last ? unit(first) : `${unit(first)}-${unit(last)}`;
}

function classText(ranges: Ranges): string {
  if (ranges.length === 2 && ranges[0] === ranges[1]) return unit(ranges[0]);
  let text = '';
  for (let i = 0; i < ranges.length; i += 2) text += span(ranges[i], ranges[i + 1]);
  return `[${text}]`;
}

/** The part of the ranges between the two code points. */
function within(ranges: Ranges, first: number, last: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < ranges.length; i += 2) {
    const from = Math.max(ranges[i], first);
    const to = Math.min(ranges[i + 1], last);
    if (from <= to) out.push(from, to);
  }
  return out;
}

/** For text without surrogates: code units alone. What is above the BMP cannot match. */
export function bmpClass(ranges: Ranges): string {
  return classText(within(ranges, 0, 0xffff));
}

/** For any well-formed text: a pair of surrogates counts as the one code point that it is. */
export function pairClass(ranges: Ranges): string {
  const low = [...within(ranges, 0, 0xd7ff), ...within(ranges, 0xe000, 0xffff)];
  const pairs = pairsOf(within(ranges, 0x10000, maxCodePoint));
  if (pairs.length === 0) return classText(low);
  const parts = low.length === 0 ? pairs : [classText(low), ...pairs];
  return `(?:${parts.join('|')})`;
}

const highOf = (codePoint: number): number => 0xd800 + ((codePoint - 0x10000) >> 10);
const lowOf = (codePoint: number): number => 0xdc00 + ((codePoint - 0x10000) & 0x3ff);

/** Ranges above the BMP as alternatives of high and low surrogates. */
function pairsOf(ranges: Ranges): string[] {
  const parts: string[] = [];
  const add = (highFirst: number, highLast: number, lowFirst: number, lowLast: number): void => {
    if (highFirst <= highLast) parts.push(classText([highFirst, highLast]) + classText([lowFirst, lowLast]));
  };
  for (let i = 0; i < ranges.length; i += 2) {
    let first = highOf(ranges[i]);
    let last = highOf(ranges[i + 1]);
    const from = lowOf(ranges[i]);
    const to = lowOf(ranges[i + 1]);
    if (first === last) {
      add(first, first, from, to);
      continue;
    }
    if (from > 0xdc00) add(first, first++, from, 0xdfff);
    const partial = to < 0xdfff;
    if (partial) last--;
    add(first, last, 0xdc00, 0xdfff);
    if (partial) add(last + 1, last + 1, 0xdc00, to);
  }
  return parts;
}
