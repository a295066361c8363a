// What an OTTL expression can give: attribute values, and the kinds that only exist while a rule runs.

/** How clocks are set somewhere. `seconds`: since the Unix epoch, whole. */
export interface TimeZone {
  /** Seconds that they are ahead of UTC. */
  offsetAt(seconds: number): number;
  /** The abbreviation, such as CEST; empty when there is none. */
  nameAt(seconds: number): string;
}

export const utc: TimeZone = { offsetAt: () => 0, nameAt: () => 'UTC' };

/**
 * A moment. `nanos`: since the Unix epoch, signed, any size (Go's time.Time reaches further than int64). `zone`: in which it is
 * written, and asked for its hour; times are the same when the moment is.
 */
export class OttlTime {
  readonly nanos: bigint;
  readonly zone: TimeZone;
  constructor(nanos: bigint, zone: TimeZone = utc) {
    this.nanos = nanos;
    this.zone = zone;
  }
}

/** `nanos` fits an int64. */
export class OttlDuration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = BigInt.asIntN(64, nanos);
  }
}

export type IdKind = 'trace id' | 'span id' | 'profile id';

/** Of 16 bytes, a span id of 8; all zero when the span has none. */
export class OttlId {
  readonly kind: IdKind;
  readonly bytes: Uint8Array;
  constructor(kind: IdKind, bytes: Uint8Array) {
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
  profileId: 16384,
} as const;
export type TypeSet = number;
export const anyType: TypeSet = 32767;
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
  [type.profileId, 'a profile id'],
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
  if (value instanceof OttlId) return idTypes[value.kind];
  return (value as OttlWhole).kind === 'status' ? type.status : type.items;
}

const idTypes: Readonly<Record<IdKind, TypeSet>> = {
  'trace id': type.traceId,
  'span id': type.spanId,
  'profile id': type.profileId,
};

/** For messages: `an int`. Never shows the value, which may be private. */
export function describe(value: OttlValue): string {
  return describeTypes(typeOf(value));
}

/** What an attribute cannot hold: `a time`, `a list with a time in it`, `a value nested so deep`; null when it can hold the value. */
export function attributeFlaw(value: OttlValue): string | null {
  const flaw = flawOf(value, attributeDepth);
  if (flaw === null || flaw === tooDeep) return flaw;
  const own = describe(value);
  return own === flaw ? own : `${own} with ${flaw} in it`;
}

const tooDeep = 'a value nested so deep';
/** A request nested more than 100 messages deep is refused, here and elsewhere; the value of an event's attribute is the sixth. */
const attributeDepth = 94;
/** Messages for a level: the entries, one, its value; the values, one. */
const mapDepth = 3;
const listDepth = 2;

function flawOf(value: OttlValue, room: number): string | null {
  const isNested = typeof value === 'object' && value !== null;
  if (isNested && (typeOf(value) & attributeType) === 0) return describe(value);
  if (room < 0) return tooDeep;
  if (!isNested || value instanceof Uint8Array) return null;
  if (value instanceof Map) {
    for (const item of (value as OttlMap).values()) {
      const flaw = flawOf(item, room - mapDepth);
      if (flaw !== null) return flaw;
    }
    return null;
  }
  const list = value as OttlList;
  for (let i = 0; i < list.length; i++) {
    const flaw = flawOf(list[i], room - listDepth);
    if (flaw !== null) return flaw;
  }
  return null;
}
