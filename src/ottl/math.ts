// Arithmetic: int64 wraps and divides towards zero as in Go; an int with a double gives a double; times and durations.
import type { MathOperator } from './ast.ts';
import { fault } from './error.ts';
import { describe, OttlDuration, OttlTime, type OttlValue } from './values.ts';

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

export function calculate(left: OttlValue, operator: MathOperator, right: OttlValue): OttlValue {
  if (typeof left === 'bigint') {
    if (typeof right === 'bigint') return calculateInts(left, operator, right);
    if (typeof right === 'number') return calculateDoubles(Number(left), operator, right);
  } else if (typeof left === 'number') {
    if (typeof right === 'number') return calculateDoubles(left, operator, right);
    if (typeof right === 'bigint') return calculateDoubles(left, operator, Number(right));
  } else if (left instanceof OttlTime) return calculateTime(left, operator, right);
  else if (left instanceof OttlDuration) return calculateDuration(left, operator, right);
  throw fault(`cannot compute ${describe(left)} ${operator} ${describe(right)}`);
}

function calculateInts(left: bigint, operator: MathOperator, right: bigint): bigint {
  switch (operator) {
    case '+':
      return BigInt.asIntN(64, left + right);
    case '-':
      return BigInt.asIntN(64, left - right);
    case '*':
      return BigInt.asIntN(64, left * right);
    case '/':
      if (right === 0n) throw fault('division by zero');
      return BigInt.asIntN(64, left / right);
  }
}

function calculateDoubles(left: number, operator: MathOperator, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      if (right === 0) throw fault('division by zero');
      return left / right;
  }
}

function calculateTime(left: OttlTime, operator: MathOperator, right: OttlValue): OttlValue {
  if (right instanceof OttlDuration) {
    if (operator === '+') return new OttlTime(left.nanos + right.nanos, left.zone);
    if (operator === '-') return new OttlTime(left.nanos - right.nanos, left.zone);
  }
  if (right instanceof OttlTime && operator === '-') {
    // Go's Time.Sub stops at the ends of int64.
    const difference = left.nanos - right.nanos;
    return new OttlDuration(difference < minInt64 ? minInt64 : difference > maxInt64 ? maxInt64 : difference);
  }
  throw fault(`cannot compute a time ${operator} ${describe(right)}`);
}

function calculateDuration(left: OttlDuration, operator: MathOperator, right: OttlValue): OttlValue {
  if (right instanceof OttlDuration) {
    if (operator === '+') return new OttlDuration(left.nanos + right.nanos);
    if (operator === '-') return new OttlDuration(left.nanos - right.nanos);
  }
  if (right instanceof OttlTime && operator === '+') return new OttlTime(right.nanos + left.nanos, right.zone);
  throw fault(`cannot compute a duration ${operator} ${describe(right)}`);
}

export function negate(value: OttlValue): OttlValue {
  if (typeof value === 'bigint') return BigInt.asIntN(64, -value);
  if (typeof value === 'number') return -value;
  throw fault(`cannot compute - ${describe(value)}`);
}
