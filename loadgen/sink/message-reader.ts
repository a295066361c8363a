// Where the fields of a protobuf message lie: read in place, nothing decoded. Meaning is compared field by field on top of
// it (same-value.ts, compare-span.ts).

/** `at`: its tag; `from` to `to`: its content, without the length where it has one. A varint's content is the varint. */
export interface Field {
  readonly number: number;
  /** 0 varint, 1 fixed64, 2 with a length, 5 fixed32. */
  readonly type: number;
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** Where `readVarint` stands after its number. One a thread: the functions here are not re-entered. */
let position = 0;

/** A varint of up to 10 bytes as a number: exact below 2^53. */
function readVarint(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  let factor = 1;
  for (let p = at; p < end && p < at + 10; p++) {
    const byte = bytes[p];
    value += (byte & 127) * factor;
    if (byte < 128) {
      position = p + 1;
      return value;
    }
    factor *= 128;
  }
  throw new RangeError('varint past its end');
}

/**
 * The fields of the message from `start` to `end`, as they come; those with the tag `except` are stepped over. Throws a
 * RangeError on bytes that are not protobuf.
 */
export function readFields(bytes: Uint8Array, start: number, end: number, except = 0): Field[] {
  const fields: Field[] = [];
  let at = start;
  while (at < end) {
    const tag = readVarint(bytes, at, end);
    const number = Math.floor(tag / 8);
    if (number === 0 || tag >= 2 ** 32) throw new RangeError(`tag ${tag}`);
    const type = tag % 8;
    let from = position;
    if (type === 2) {
      const length = readVarint(bytes, from, end);
      from = position;
      position += length;
    } else if (type === 0) readVarint(bytes, from, end);
    else if (type === 1) position += 8;
    else if (type === 5) position += 4;
    else throw new RangeError(`wire type ${type}`);
    if (position > end) throw new RangeError('field past its end');
    if (tag !== except) fields.push({ number, type, at, from, to: position });
    at = position;
  }
  return fields;
}

/** Calls `take` with where the content lies of each field with this tag, whose wire type is 2. Throws as readFields. */
export function eachWithTag(
  bytes: Uint8Array,
  start: number,
  end: number,
  wanted: number,
  take: (from: number, to: number) => void,
): void {
  let at = start;
  while (at < end) {
    const tag = readVarint(bytes, at, end);
    const type = tag % 8;
    if (type === 2) {
      const length = readVarint(bytes, position, end);
      at = position + length;
      if (tag === wanted && at <= end) take(position, at);
    } else if (type === 0) {
      readVarint(bytes, position, end);
      at = position;
    } else at = position + (type === 1 ? 8 : 4);
    if (at > end) throw new RangeError('field past its end');
  }
}

/** The last field of this number and wire type, which counts where a scalar occurs twice; null: none. */
export function lastField(fields: readonly Field[], number: number, type: number): Field | null {
  for (let i = fields.length - 1; i >= 0; i--) {
    if (fields[i].number === number && fields[i].type === type) return fields[i];
  }
  return null;
}

/** The 64 bits of a varint; null is the default, 0. */
export function int64Of(bytes: Uint8Array, field: Field | null): bigint {
  let value = 0n;
  if (field === null) return value;
  for (let p = field.to - 1; p >= field.from; p--) value = (value << 7n) | BigInt(bytes[p] & 127);
  return BigInt.asIntN(64, value);
}

/** The low 32 bits of a varint, signed, as enums are read; null is the default, 0. */
export function int32Of(bytes: Uint8Array, field: Field | null): number {
  let value = 0;
  if (field === null) return value;
  for (let p = field.from, shift = 0; p < field.to && shift < 32; p++, shift += 7) value |= (bytes[p] & 127) << shift;
  return value;
}

/** A native call costs as much as a loop over so many bytes. */
const shortBytes = 64;

export function isSame(a: Buffer, at: number, b: Buffer, from: number, length: number): boolean {
  if (length > shortBytes) return a.compare(b, from, from + length, at, at + length) === 0;
  for (let i = 0; i < length; i++) if (a[at + i] !== b[from + i]) return false;
  return true;
}

export function sameBytes(a: Buffer, aFrom: number, aTo: number, b: Buffer, bFrom: number, bTo: number): boolean {
  return aTo - aFrom === bTo - bFrom && isSame(a, aFrom, b, bFrom, aTo - aFrom);
}
