// AnyValue payloads <-> JavaScript values. Reads only bytes that the kernel has validated.
import type { SharedMemory, TextBuffer } from './memory.ts';
import type { Value, ValueKind } from './value.ts';
import { varintSize, writeVarint } from './varint.ts';

/** A double and its bytes, in the order of the machine, which is that of the wire everywhere that Node runs on. */
const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);

const tag = { string: 0x0a, bool: 0x10, int: 0x18, double: 0x21, array: 0x2a, kvlist: 0x32, bytes: 0x3a } as const;

/** The kind of an AnyValue by its first byte. A field that this build does not know counts as empty. */
export function kindAt(bytes: Uint8Array, at: number, length: number): ValueKind {
  if (length === 0) return 0;
  const field = bytes[at] >> 3;
  return (field >= 1 && field <= 7 ? field : 0) as ValueKind;
}

/** Where the content of a string or of bytes begins, whose payload is at `at`; it ends where the payload ends. */
export function contentStart(bytes: Uint8Array, at: number): number {
  let p = at + 1;
  while (bytes[p] > 127) p++;
  return p + 1;
}

/** Position and length of the content of a string whose payload is at `at`. */
export function stringContent(bytes: Uint8Array, at: number): { readonly at: number; readonly length: number } {
  position = at + 1;
  const length = readLength(bytes);
  return { at: position, length };
}

/** Where a reader stands. One a thread: the functions below are not re-entered. */
let position = 0;

function readLength(bytes: Uint8Array): number {
  let b = bytes[position++];
  if (b < 128) return b;
  let n = b & 127;
  let unit = 128;
  do {
    b = bytes[position++];
    n += (b & 127) * unit;
    unit *= 128;
  } while (b > 127);
  return n;
}

/** A varint as int64. */
export function readInt64(bytes: Uint8Array, at: number): bigint {
  let p = at;
  let low = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const b = bytes[p++];
    low |= (b & 127) << shift;
    if (b < 128) return BigInt(low);
  }
  let value = BigInt(low);
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const b = bytes[p++];
    value |= BigInt(b & 127) << shift;
    if (b < 128) break;
  }
  return BigInt.asIntN(64, value);
}

/** Eight little-endian bytes as an unsigned 64-bit number. */
export function readFixed64(bytes: Uint8Array, at: number): bigint {
  const low = (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
  const high = (bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24)) >>> 0;
  return (BigInt(high) << 32n) | BigInt(low);
}

export function readDouble(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) doubleBytes[i] = bytes[at + i];
  return double[0];
}

/** Decodes the AnyValue payload at `at`. */
export function decodeValue(shared: SharedMemory, at: number, length: number): Value {
  const { bytes, buffer } = shared;
  const end = at + length;
  switch (kindAt(bytes, at, length)) {
    case 1: {
      position = at + 1;
      const n = readLength(bytes);
      return buffer.utf8Slice(position, position + n);
    }
    case 2:
      return readInt64(bytes, at + 1) !== 0n;
    case 3:
      return readInt64(bytes, at + 1);
    case 4:
      return readDouble(bytes, at + 1);
    case 5:
      position = at + 1;
      readLength(bytes);
      return decodeList(shared, position, end);
    case 6:
      position = at + 1;
      readLength(bytes);
      return decodeMap(shared, position, end);
    case 7: {
      position = at + 1;
      const n = readLength(bytes);
      return bytes.slice(position, position + n);
    }
    default:
      return null;
  }
}

/** Steps over the field at `position`; true when it was `tagByte` with a length, which then is read. */
function enterField(bytes: Uint8Array, tagByte: number): boolean {
  const first = bytes[position];
  if (first === tagByte) {
    position++;
    return true;
  }
  const fieldTag = readLength(bytes);
  switch (fieldTag & 7) {
    case 0:
      while (bytes[position++] > 127);
      break;
    case 1:
      position += 8;
      break;
    case 2: {
      const n = readLength(bytes);
      position += n;
      break;
    }
    default:
      position += 4;
  }
  return false;
}

function decodeList(shared: SharedMemory, from: number, end: number): Value[] {
  const list: Value[] = [];
  let p = from;
  while (p < end) {
    position = p;
    if (enterField(shared.bytes, 0x0a)) {
      const n = readLength(shared.bytes);
      const at = position;
      list.push(decodeValue(shared, at, n));
      p = at + n;
    } else p = position;
  }
  return list;
}

/** Of a key that occurs twice the first value counts, as in every look-up of the Collector. */
function decodeMap(shared: SharedMemory, from: number, end: number): Map<string, Value> {
  const map = new Map<string, Value>();
  let p = from;
  while (p < end) {
    position = p;
    if (!enterField(shared.bytes, 0x0a)) {
      p = position;
      continue;
    }
    const n = readLength(shared.bytes);
    const stop = position + n;
    let key = '';
    let value: Value = null;
    let q = position;
    while (q < stop) {
      position = q;
      const field = shared.bytes[q];
      if (!enterField(shared.bytes, field === 0x0a ? 0x0a : 0x12)) {
        q = position;
        continue;
      }
      const size = readLength(shared.bytes);
      const at = position;
      if (field === 0x0a) key = shared.buffer.utf8Slice(at, at + size);
      else value = decodeValue(shared, at, size);
      q = at + size;
    }
    if (!map.has(key)) map.set(key, value);
    p = stop;
  }
  return map;
}

// --- encoding --------------------------------------------------------------------------------------------------------

/** Bytes of an int64 as a varint. */
export function int64Size(value: bigint): number {
  let rest = BigInt.asUintN(64, value);
  let n = 1;
  while (rest > 127n) {
    rest >>= 7n;
    n++;
  }
  return n;
}

/** Writes an int64 as a varint; returns the end. */
export function writeInt64(bytes: Uint8Array, at: number, value: bigint): number {
  let rest = BigInt.asUintN(64, value);
  let p = at;
  while (rest > 127n) {
    bytes[p++] = Number(rest & 127n) | 128;
    rest >>= 7n;
  }
  bytes[p++] = Number(rest);
  return p;
}

/** Where values are written to. */
type Place = Pick<SharedMemory, 'bytes' | 'buffer'>;

function withLength(n: number): number {
  return 1 + varintSize(n) + n;
}

/**
 * What `measure` found of the texts, lists and maps of a value, each before those that it holds: bytes of the text, or of all
 * items. Written in the same order, so that nothing is measured twice however deep it lies.
 */
const sizes: number[] = [];
const mostSizesKept = 65_536;
let measured = 0;
let written = 0;

/** Bytes of the AnyValue payload of `value`. */
export function encodedSize(value: Value): number {
  measured = 0;
  return measure(value);
}

function measure(value: Value): number {
  switch (typeof value) {
    case 'string':
      return withLength(measureText(value));
    case 'boolean':
      return 2;
    case 'bigint':
      return 1 + int64Size(value);
    case 'number':
      return 9;
  }
  if (value === null) return 0;
  if (value instanceof Uint8Array) return withLength(value.length);
  const own = measured++;
  let size = 0;
  if (value instanceof Map) {
    for (const [key, item] of value as ReadonlyMap<string, Value>) {
      const entry = measured++;
      sizes[entry] = withLength(measureText(key)) + measureItem(item);
      size += withLength(sizes[entry]);
    }
  } else {
    for (const item of value as readonly Value[]) size += measureItem(item);
  }
  sizes[own] = size;
  return withLength(size);
}

function measureText(text: string): number {
  const n = Buffer.byteLength(text);
  sizes[measured++] = n;
  return n;
}

/** As a field of a list or entry. */
function measureItem(value: Value): number {
  const own = measured++;
  sizes[own] = measure(value);
  return withLength(sizes[own]);
}

/** Writes the AnyValue payload of `value`; returns the end. */
export function encodeValue(shared: Place, at: number, value: Value): number {
  encodedSize(value);
  return encodeMeasured(shared, at, value);
}

/** As encodeValue, of the value that `encodedSize` was asked for last. */
export function encodeMeasured(shared: Place, at: number, value: Value): number {
  written = 0;
  const end = write(shared, at, value);
  if (sizes.length > mostSizesKept) sizes.length = 0;
  return end;
}

function write(shared: Place, at: number, value: Value): number {
  const { bytes } = shared;
  switch (typeof value) {
    case 'string':
      bytes[at] = tag.string;
      return writeText(shared, at + 1, value);
    case 'boolean':
      bytes[at] = tag.bool;
      bytes[at + 1] = value ? 1 : 0;
      return at + 2;
    case 'bigint':
      bytes[at] = tag.int;
      return writeInt64(bytes, at + 1, value);
    case 'number':
      bytes[at] = tag.double;
      double[0] = value;
      for (let i = 0; i < 8; i++) bytes[at + 1 + i] = doubleBytes[i];
      return at + 9;
  }
  if (value === null) return at;
  if (value instanceof Uint8Array) {
    bytes[at] = tag.bytes;
    const p = writeVarint(bytes, at + 1, value.length);
    bytes.set(value, p);
    return p + value.length;
  }
  bytes[at] = value instanceof Map ? tag.kvlist : tag.array;
  let p = writeVarint(bytes, at + 1, sizes[written++]);
  if (value instanceof Map) {
    for (const [key, item] of value as ReadonlyMap<string, Value>) {
      bytes[p] = 0x0a;
      p = writeVarint(bytes, p + 1, sizes[written++]);
      bytes[p] = 0x0a;
      p = writeItem(shared, writeText(shared, p + 1, key), 0x12, item);
    }
  } else {
    for (const item of value as readonly Value[]) p = writeItem(shared, p, 0x0a, item);
  }
  return p;
}

function writeItem(shared: Place, at: number, tagByte: number, value: Value): number {
  shared.bytes[at] = tagByte;
  return write(shared, writeVarint(shared.bytes, at + 1, sizes[written++]), value);
}

/** Length and UTF-8 of a text that was measured; returns the end. Lone surrogates become U+FFFD. */
function writeText(shared: Place, at: number, text: string): number {
  const n = sizes[written++];
  return writeUtf8(shared, writeVarint(shared.bytes, at, n), text, n);
}

/** UTF-8 of a text, which has so many bytes; returns the end. */
export function writeUtf8({ buffer }: Place, at: number, text: string, length: number): number {
  if (length === text.length) buffer.latin1Write(text, at, length);
  else buffer.utf8Write(text, at, length);
  return at + length;
}

/** The AnyValue payload of `value` in bytes of its own. */
export function valueBytes(value: Value): Uint8Array {
  const buffer = Buffer.alloc(encodedSize(value));
  const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
  encodeValue({ bytes, buffer: buffer as unknown as TextBuffer }, 0, value);
  return bytes;
}
