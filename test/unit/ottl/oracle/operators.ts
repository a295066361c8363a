// Comparison, arithmetic and keys, each rule of the reference as a line of its own.
import type { CompareOperator, MathOperator } from '../../../../src/ottl/ast.ts';
import {
  OttlDuration,
  OttlId,
  type OttlList,
  type OttlMap,
  OttlTime,
  type OttlValue,
  OttlWhole,
} from '../../../../src/ottl/values.ts';
import { fail } from './faults.ts';

const isNumber = (value: OttlValue): value is bigint | number => typeof value === 'bigint' || typeof value === 'number';

/** Below 0, 0 or above 0; null when the two have no order, but may be equal or not. */
function order(a: OttlValue, b: OttlValue): number | null {
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0;
  if (isNumber(a) && isNumber(b)) return Number(a) < Number(b) ? -1 : Number(a) > Number(b) ? 1 : 0;
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if (a instanceof OttlTime && b instanceof OttlTime) return order(a.nanos, b.nanos);
  if (a instanceof OttlDuration && b instanceof OttlDuration) return order(a.nanos, b.nanos);
  return null;
}

export function holds(a: OttlValue, operator: CompareOperator, b: OttlValue): boolean {
  if (a === null && b === null) return operator === '==' || operator === '<=' || operator === '>=';
  if (a === null || b === null) return operator === '!=';
  if (isNumber(a) && isNumber(b) && (Number.isNaN(a) || Number.isNaN(b))) return operator === '!=';
  const sign = order(a, b);
  if (sign === null) return operator === '==' ? same(a, b) : operator === '!=' && !same(a, b);
  switch (operator) {
    case '==':
      return sign === 0;
    case '!=':
      return sign !== 0;
    case '<':
      return sign < 0;
    case '<=':
      return sign <= 0;
    case '>':
      return sign > 0;
    case '>=':
      return sign >= 0;
  }
}

/** Inside of lists and maps an int is not equal to a double. */
function same(a: OttlValue, b: OttlValue): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => same(item, b[i]));
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size && [...a].every(([key, item]) => b.has(key) && same(item, b.get(key)));
  }
  if (a instanceof OttlId && b instanceof OttlId) return a.kind === b.kind && order(a.bytes, b.bytes) === 0;
  if (a instanceof OttlWhole && b instanceof OttlWhole) {
    return a.kind === b.kind && a.number === b.number && a.message === b.message;
  }
  if (typeof a !== typeof b) return false;
  if (a === null || b === null) return a === b;
  if (typeof a === 'number') return a === b;
  return order(a, b) === 0;
}

const int64 = (value: bigint): bigint => BigInt.asIntN(64, value);
const saturated = (value: bigint): bigint =>
  value > 2n ** 63n - 1n ? 2n ** 63n - 1n : value < -(2n ** 63n) ? -(2n ** 63n) : value;

export function compute(a: OttlValue, operator: MathOperator, b: OttlValue): OttlValue {
  if (isNumber(a) && isNumber(b)) {
    if (operator === '/' && Number(b) === 0) throw fail('math');
    if (typeof a === 'bigint' && typeof b === 'bigint') {
      return int64(operator === '+' ? a + b : operator === '-' ? a - b : operator === '*' ? a * b : a / b);
    }
    const [x, y] = [Number(a), Number(b)];
    return operator === '+' ? x + y : operator === '-' ? x - y : operator === '*' ? x * y : x / y;
  }
  if (operator === '+' || operator === '-') {
    const sign = operator === '+' ? 1n : -1n;
    if (a instanceof OttlTime && b instanceof OttlDuration) return new OttlTime(a.nanos + sign * b.nanos);
    if (a instanceof OttlDuration && b instanceof OttlDuration) return new OttlDuration(a.nanos + sign * b.nanos);
  }
  if (a instanceof OttlTime && b instanceof OttlTime && operator === '-') {
    return new OttlDuration(saturated(a.nanos - b.nanos));
  }
  if (a instanceof OttlDuration && b instanceof OttlTime && operator === '+') return new OttlTime(a.nanos + b.nanos);
  throw fail('math');
}

export function negative(value: OttlValue): OttlValue {
  if (typeof value === 'bigint') return int64(-value);
  if (typeof value === 'number') return -value;
  throw fail('math');
}

/** What stands behind a key: nil when a map lacks it. */
export function at(value: OttlValue, key: OttlValue): OttlValue {
  if (value instanceof Map) {
    if (typeof key !== 'string') throw fail('key');
    return (value as OttlMap).get(key) ?? null;
  }
  if (Array.isArray(value)) {
    if (typeof key !== 'bigint') throw fail('key');
    if (key < 0n || key >= BigInt(value.length)) throw fail('index');
    return (value as OttlList)[Number(key)];
  }
  throw fail('no keys');
}

/** The value with another one behind the keys. Where nothing is, a map is made for a text and a list for a number. */
export function placed(value: OttlValue, keys: readonly OttlValue[], item: OttlValue): OttlValue {
  if (keys.length === 0) return item;
  const [key, ...rest] = keys;
  const found = value ?? (typeof key === 'string' ? new Map<string, OttlValue>() : emptyList(key));
  const inner = placed(at(found, key), rest, item);
  if (found instanceof Map) return new Map(found as OttlMap).set(key as string, inner);
  return (found as OttlList).map((old, i) => (i === Number(key) ? inner : old));
}

/** Long enough for the index. */
function emptyList(key: OttlValue): OttlList {
  if (typeof key !== 'bigint') throw fail('key');
  if (key < 0n || key > 10_000n) throw fail('index');
  return Array.from({ length: Number(key) + 1 }, () => null);
}
