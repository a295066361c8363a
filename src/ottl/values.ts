// What an OTTL expression can give: attribute values, and the kinds that only exist while a rule runs.
import type { Value } from '../wire/value.ts';

/** A moment. `nanos`: since the Unix epoch, signed, any size (Go's time.Time reaches further than int64). */
export class OttlTime {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** `nanos` fits an int64. */
export class OttlDuration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = BigInt.asIntN(64, nanos);
  }
}

/** A trace id (16 bytes) or span id (8 bytes); all zero when the span has none. */
export class OttlId {
  readonly kind: 'trace id' | 'span id';
  readonly bytes: Uint8Array;
  constructor(kind: 'trace id' | 'span id', bytes: Uint8Array) {
    this.kind = kind;
    this.bytes = bytes;
  }
}

/** What can only be handed on whole: the status of a span, its events, its links. */
export class OttlWhole {
  readonly kind: 'status' | 'events' | 'links';
  /** The code of a status; how many events or links. */
  readonly number: number;
  /** Of a status. */
  readonly message: string;
  constructor(kind: 'status' | 'events' | 'links', number: number, message = '') {
    this.kind = kind;
    this.number = number;
    this.message = message;
  }
}

export type OttlList = readonly OttlValue[];
export type OttlMap = ReadonlyMap<string, OttlValue>;
export type OttlValue =
  | null
  | string
  | boolean
  | bigint
  | number
  | Uint8Array
  | OttlTime
  | OttlDuration
  | OttlId
  | OttlWhole
  | OttlList
  | OttlMap;

/** Computes a value for the item that the views show. Throws OttlFault. */
export type Getter<T = OttlValue> = () => T;
export type Setter = (value: OttlValue) => void;

/** Types as a set of bits, so that "a string or nil" is one number. */
export const type = {
  nil: 1,
  bool: 2,
  int: 4,
  double: 8,
  string: 16,
  bytes: 32,
  list: 64,
  map: 128,
  time: 256,
  duration: 512,
  traceId: 1024,
  spanId: 2048,
  status: 4096,
  items: 8192,
} as const;
export type TypeSet = number;
export const anyType: TypeSet = 16383;
/** What an attribute may hold. */
export const attributeType: TypeSet =
  type.nil | type.bool | type.int | type.double | type.string | type.bytes | type.list | type.map;

const typeNames: readonly (readonly [number, string])[] = [
  [type.nil, 'nil'],
  [type.bool, 'a bool'],
  [type.int, 'an int'],
  [type.double, 'a double'],
  [type.string, 'a string'],
  [type.bytes, 'bytes'],
  [type.list, 'a list'],
  [type.map, 'a map'],
  [type.time, 'a time'],
  [type.duration, 'a duration'],
  [type.traceId, 'a trace id'],
  [type.spanId, 'a span id'],
  [type.status, 'a status'],
  [type.items, 'events or links'],
];

/** `int`, `double`: without articles, for tables. */
export function typeNamesOf(set: TypeSet): string[] {
  return typeNames.filter(([bit]) => (set & bit) !== 0).map(([, name]) => name.replace(/^an? /, ''));
}

/** `an int or a double`. */
export function describeTypes(set: TypeSet): string {
  if (set === anyType) return 'any value';
  const names = typeNames.filter(([bit]) => (set & bit) !== 0).map(([, name]) => name);
  const last = names.pop() ?? 'nothing';
  return names.length === 0 ? last : `${names.join(', ')} or ${last}`;
}

export function typeOf(value: OttlValue): TypeSet {
  switch (typeof value) {
    case 'string':
      return type.string;
    case 'boolean':
      return type.bool;
    case 'bigint':
      return type.int;
    case 'number':
      return type.double;
  }
  if (value === null) return type.nil;
  if (value instanceof Uint8Array) return type.bytes;
  if (value instanceof Map) return type.map;
  if (Array.isArray(value)) return type.list;
  if (value instanceof OttlTime) return type.time;
  if (value instanceof OttlDuration) return type.duration;
  if (value instanceof OttlId) return value.kind === 'trace id' ? type.traceId : type.spanId;
  return (value as OttlWhole).kind === 'status' ? type.status : type.items;
}

/** For messages: `an int`. Never shows the value, which may be private. */
export function describe(value: OttlValue): string {
  return describeTypes(typeOf(value));
}

/** Whether the value can stand in an attribute (a list or map may still hold something that cannot). */
export function isAttributeValue(value: OttlValue): value is Value {
  if ((typeOf(value) & attributeType) === 0) return false;
  if (Array.isArray(value)) return value.every(isAttributeValue);
  if (value instanceof Map) return [...value.values()].every(isAttributeValue);
  return true;
}
