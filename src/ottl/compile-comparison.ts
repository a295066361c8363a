// Comparisons. The common ones (an attribute, a name or a number against a constant) compare bytes or numbers where they
// lie; all others decode both sides. Both ways give the same answers: the tests run them against each other.
import { valueBytes } from '../wire/any-value.ts';
import { spanField } from '../wire/schema.ts';
import type { Value } from '../wire/value.ts';
import { valueKind } from '../wire/value.ts';
import type { CompareOperator } from './ast.ts';
import { compareNumbers, compareValues } from './compare.ts';
import type { CompiledValue, Predicate } from './compile.ts';
import { entryFinder, literalKey } from './compile-path.ts';
import { attributesOf, type ContextName, type Environment } from './environment.ts';
import type { ResolvedComparison, ResolvedValue } from './resolved.ts';
import type { OttlValue } from './values.ts';

const mirrored: Readonly<Record<CompareOperator, CompareOperator>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

export function compileComparison(
  { operator, left, right }: ResolvedComparison,
  env: Environment,
  compile: (value: ResolvedValue) => CompiledValue,
): Predicate {
  const a = compile(left);
  const b = compile(right);
  if (a.isConstant && b.isConstant) {
    const outcome = compareValues(a.get(), b.get(), operator);
    return () => outcome;
  }
  let fast: Predicate | null = null;
  if (b.isConstant) fast = againstConstant(left, operator, b.get(), env);
  else if (a.isConstant) fast = againstConstant(right, mirrored[operator], a.get(), env);
  return fast ?? (() => compareValues(a.get(), b.get(), operator));
}

/** null: there is no short way. */
function againstConstant(
  node: ResolvedValue,
  operator: CompareOperator,
  constant: OttlValue,
  env: Environment,
): Predicate | null {
  if (node.kind === 'math') return durationAgainst(node, operator, constant, env);
  if (node.kind !== 'path') return null;
  const { path, keys } = node;
  if (path.keyed === 'attributes' && keys.length === 1 && literalKey(keys[0]) !== null) {
    return attributeAgainst(path.context, keys[0], operator, constant, env);
  }
  if (keys.length > 0) return null;
  if (path.keyed === 'none' && path.small !== undefined) return smallAgainst(path.small(env), operator, constant);
  if (path.context === 'span' && path.name === 'name' && typeof constant === 'string') {
    return nameAgainst(operator, constant, env);
  }
  return null;
}

function smallAgainst(read: () => number, operator: CompareOperator, constant: OttlValue): Predicate | null {
  if (typeof constant !== 'bigint' && typeof constant !== 'number') return null;
  // Numbers below 2^53 compare with a rounded int as with the int itself.
  const limit = Number(constant);
  switch (operator) {
    case '==':
      return () => read() === limit;
    case '!=':
      return () => read() !== limit;
    default:
      return () => compareNumbers(read(), limit, operator);
  }
}

function nameAgainst(operator: CompareOperator, constant: string, env: Environment): Predicate | null {
  if (operator !== '==' && operator !== '!=') return null;
  const { span } = env.target;
  const bytes = Buffer.from(constant);
  const at = env.target.constant(bytes);
  const { length } = bytes;
  const wanted = operator === '==';
  const { kernel } = span.message.stage;
  return () =>
    (span.nameLength === length && (length === 0 || kernel.equal(span.nameOffset, at, length) !== 0)) === wanted;
}

function attributeAgainst(
  context: ContextName,
  node: ResolvedValue,
  operator: CompareOperator,
  constant: OttlValue,
  env: Environment,
): Predicate | null {
  const key = literalKey(node);
  const find = entryFinder(context, node, () => key, env);
  const table = attributesOf(env, context);
  if (constant === null) {
    const isNil = (): boolean => {
      const entry = find();
      return entry < 0 || table().kind(entry) === valueKind.empty;
    };
    if (operator === '!=') return () => !isNil();
    return operator === '<' || operator === '>' ? () => false : isNil;
  }
  if (typeof constant === 'bigint' || typeof constant === 'number') {
    return numberAgainst(find, table, operator, constant, env.target.span.message.stage.shared.bytes);
  }
  const exact = typeof constant === 'string' || typeof constant === 'boolean' || constant instanceof Uint8Array;
  if (!exact || (operator !== '==' && operator !== '!=')) return null;
  const bytes = valueBytes(constant as Value);
  const at = env.target.constant(bytes);
  const { length } = bytes;
  if (context === 'span' && operator === '==') {
    const { attributes } = env.target.span;
    return () => {
      const entry = find();
      return entry >= 0 && attributes.equalsEncoded(entry, at, length);
    };
  }
  const wanted = operator === '==';
  return () => {
    const entry = find();
    return (entry >= 0 && table().equalsEncoded(entry, at, length)) === wanted;
  };
}

/** An attribute that is an int or a double; all others are only unequal. */
function numberAgainst(
  find: () => number,
  table: ReturnType<typeof attributesOf>,
  operator: CompareOperator,
  constant: bigint | number,
  bytes: Uint8Array,
): Predicate {
  const limit = Number(constant);
  const unequal = operator === '!=';
  // Then the attribute's int is compared as a number only when it is exact as well: see smallInt.
  const exact = typeof constant === 'number' || Number.isSafeInteger(limit);
  return () => {
    const entry = find();
    if (entry < 0) return unequal;
    const attributes = table();
    const kind = attributes.kind(entry);
    if (kind === valueKind.int && exact) {
      const small = smallInt(bytes, attributes.valueOffset(entry), attributes.valueLength(entry));
      if (small >= 0) return compareNumbers(small, limit, operator);
    } else if (kind !== valueKind.double && kind !== valueKind.int) return unequal;
    return compareValues(attributes.get(entry), constant, operator);
  };
}

/** The int of an AnyValue payload (a tag and a varint) of at most 49 bits; -1 when it has more, or is negative. */
function smallInt(bytes: Uint8Array, at: number, length: number): number {
  if (length > 8) return -1;
  let value = 0;
  for (let p = at + length - 1; p > at; p--) value = value * 128 + (bytes[p] & 127);
  return value;
}

/** `end_time_unix_nano - start_time_unix_nano` against an int: the difference of the halves, without bigints. */
function durationAgainst(
  node: ResolvedValue & { kind: 'math' },
  operator: CompareOperator,
  constant: OttlValue,
  env: Environment,
): Predicate | null {
  const isTime = (side: ResolvedValue, name: string): boolean =>
    side.kind === 'path' && side.path.context === 'span' && side.path.name === name;
  const difference =
    node.operator === '-' && isTime(node.left, 'end_time_unix_nano') && isTime(node.right, 'start_time_unix_nano');
  const limit = Number(constant);
  if (!difference || typeof constant !== 'bigint' || !Number.isSafeInteger(limit)) return null;
  const { span } = env.target;
  const { bytes } = span.message.stage.shared;
  return () => {
    const end = span.message.has(spanField.endTimeUnixNano) ? span.message.valueAt(spanField.endTimeUnixNano) : -1;
    const start = span.message.has(spanField.startTimeUnixNano)
      ? span.message.valueAt(spanField.startTimeUnixNano)
      : -1;
    const high = half(bytes, end, 4) - half(bytes, start, 4);
    const low = half(bytes, end, 0) - half(bytes, start, 0);
    // Then the difference is below 2^53 (104 days) and exact.
    if (high > -2_097_152 && high < 2_097_152) return compareNumbers(high * 4_294_967_296 + low, limit, operator);
    return compareValues(BigInt.asIntN(64, span.endTimeUnixNano - span.startTimeUnixNano), constant, operator);
  };
}

/** Four little-endian bytes, `by` behind `at`; 0 for a time that is absent. */
function half(bytes: Uint8Array, at: number, by: number): number {
  if (at < 0) return 0;
  const p = at + by;
  return (bytes[p] | (bytes[p + 1] << 8) | (bytes[p + 2] << 16) | (bytes[p + 3] << 24)) >>> 0;
}
