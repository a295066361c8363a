// Comparison, by the rules of the Collector (reference 2.3): the type of the left side decides, different types are only
// ever unequal, and nothing here is an error.
import type { CompareOperator } from './ast.ts';
import { OttlDuration, OttlId, type OttlList, type OttlMap, OttlTime, type OttlValue, OttlWhole } from './values.ts';

export function compareValues(a: OttlValue, b: OttlValue, operator: CompareOperator): boolean {
  if (a === null || b === null) {
    if (a === b) return operator === '==' || operator === '<=' || operator === '>=';
    return operator === '!=';
  }
  switch (typeof a) {
    case 'string':
      return typeof b === 'string' ? ordered(compareStrings(a, b), operator) : operator === '!=';
    case 'boolean':
      return typeof b === 'boolean' ? ordered(Number(a) - Number(b), operator) : operator === '!=';
    case 'bigint':
      if (typeof b === 'bigint') return ordered(a < b ? -1 : a > b ? 1 : 0, operator);
      // An int and a double are compared as doubles, so the int may round.
      return typeof b === 'number' ? compareNumbers(Number(a), b, operator) : operator === '!=';
    case 'number':
      if (typeof b === 'number') return compareNumbers(a, b, operator);
      return typeof b === 'bigint' ? compareNumbers(a, Number(b), operator) : operator === '!=';
  }
  return compareObjects(a, b, operator);
}

function compareObjects(a: OttlValue & object, b: OttlValue, operator: CompareOperator): boolean {
  if (a instanceof Uint8Array) {
    return b instanceof Uint8Array ? ordered(Buffer.compare(a, b), operator) : operator === '!=';
  }
  if (a instanceof OttlTime && b instanceof OttlTime) return compareNanos(a.nanos, b.nanos, operator);
  if (a instanceof OttlDuration && b instanceof OttlDuration) return compareNanos(a.nanos, b.nanos, operator);
  // Lists, maps and ids have no order: only equal or not.
  if (operator === '==') return equalValues(a, b);
  return operator === '!=' && !equalValues(a, b);
}

function compareNanos(a: bigint, b: bigint, operator: CompareOperator): boolean {
  return ordered(a < b ? -1 : a > b ? 1 : 0, operator);
}

/** With NaN on a side only `!=` is true. */
export function compareNumbers(a: number, b: number, operator: CompareOperator): boolean {
  switch (operator) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
  }
}

function ordered(order: number, operator: CompareOperator): boolean {
  return compareNumbers(order, 0, operator);
}

/** The order of the UTF-8 bytes, which is that of the code points and not that of JavaScript's code units. */
function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates stand for code points above all others.
    const high = x >= 0xd800 && y >= 0xd800;
    return high ? rank(x) - rank(y) : x - y;
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

/** Deep and strict: the int 1 inside a list is not the double 1. The order of a map's keys does not count. */
export function equalValues(a: OttlValue, b: OttlValue): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof OttlTime) return b instanceof OttlTime && a.nanos === b.nanos;
  if (a instanceof OttlDuration) return b instanceof OttlDuration && a.nanos === b.nanos;
  if (a instanceof OttlId) return b instanceof OttlId && a.kind === b.kind && Buffer.compare(a.bytes, b.bytes) === 0;
  if (Array.isArray(a)) return Array.isArray(b) && equalLists(a, b);
  if (a instanceof Map) return b instanceof Map && equalMaps(a, b);
  if (a instanceof OttlWhole && b instanceof OttlWhole) {
    return a.kind === b.kind && a.number === b.number && a.message === b.message;
  }
  return false;
}

function equalLists(a: OttlList, b: OttlList): boolean {
  return a.length === b.length && a.every((item, i) => equalValues(item, b[i]));
}

function equalMaps(a: OttlMap, b: OttlMap): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined || !equalValues(value, other)) return false;
  }
  return true;
}
