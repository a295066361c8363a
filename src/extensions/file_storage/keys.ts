// The records of the store.
//
//   about:  key 1 (one byte)                                          value: JSON, see AboutStore
//   entry:  key 2, length of the owner (1 byte), owner (UTF-8),       value: CRC-32 of the bytes (4), the bytes
//           sequence (6), spans (4), bytes (4), tag (UTF-8),
//           CRC-32 of all of the key before it (4)
//
// Numbers are big endian: keys of one owner ascend with their sequence. All that is known of an entry but its bytes is in its
// key, so that a queue of thousands is listed without reading one value, and a record explains itself wherever it is found.
import { crc32 } from 'node:zlib';
import type { StoredEntry } from '../../component/capabilities.ts';
import { SpanmillError } from '../../errors.ts';

export interface EntryKey extends StoredEntry {
  readonly owner: string;
}

/** What the store says of itself. */
export interface AboutStore {
  /** Of the records above. */
  readonly format: number;
  /** Id of the machine's boot in which it was opened; '' where there is none. */
  readonly boot: string;
  readonly fsync: boolean;
  /** Whether it was closed, and then written to the disk. */
  readonly closed: boolean;
}

export const currentFormat = 1;
export const aboutKey = Buffer.from([1]);
const entryKind = 2;

/** Of a value before the bytes. */
export const valueHeaderBytes = 4;
/** Most bytes of an owner and of a tag: LMDB takes keys of up to 1,978 bytes with its pages of 4 KiB. */
const mostOwnerBytes = 255;
const mostTagBytes = 1024;
const mostEntryBytes = 2 ** 31 - 1 - valueHeaderBytes;
const fixedBytes = 1 + 1 + 6 + 4 + 4 + 4;
const crcBytes = 4;

/** Throws a SpanmillError INTERNAL for what no key can hold. */
export function encodeKey({ owner, key, spans, bytes, tag }: EntryKey): Uint8Array<ArrayBuffer> {
  const ownerBytes = Buffer.byteLength(owner);
  const tagBytes = Buffer.byteLength(tag);
  if (ownerBytes === 0 || ownerBytes > mostOwnerBytes || tagBytes > mostTagBytes || bytes > mostEntryBytes) {
    throw new SpanmillError(
      'INTERNAL',
      `no key for an entry of ${bytes} bytes with an owner of ${ownerBytes} and a tag of ${tagBytes}`,
    );
  }
  // Not of Buffer's pool: it is sent to another thread, and all of the memory under it with it.
  const raw = new Uint8Array(fixedBytes + ownerBytes + tagBytes);
  const to = Buffer.from(raw.buffer);
  let at = writePrefix(to, owner, ownerBytes);
  at = to.writeUIntBE(key, at, 6);
  at = to.writeUInt32BE(spans, at);
  at = to.writeUInt32BE(bytes, at);
  at += to.write(tag, at);
  to.writeUInt32BE(crc32(raw.subarray(0, at)), at);
  return raw;
}

/** null: not the key of an entry, or not what was written. */
export function decodeKey(raw: Uint8Array): EntryKey | null {
  if (raw.length < fixedBytes || raw[0] !== entryKind) return null;
  const from = Buffer.from(raw.buffer, raw.byteOffset, raw.length);
  const end = from.length - crcBytes;
  if (from.readUInt32BE(end) !== crc32(from.subarray(0, end))) return null;
  const sequenceAt = 2 + from[1];
  const tagAt = sequenceAt + 14;
  if (tagAt > end) return null;
  return {
    owner: from.toString('utf8', 2, sequenceAt),
    key: from.readUIntBE(sequenceAt, 6),
    spans: from.readUInt32BE(sequenceAt + 6),
    bytes: from.readUInt32BE(sequenceAt + 10),
    tag: from.toString('utf8', tagAt, end),
  };
}

/** The keys of an owner, from that sequence on, are from `start` and before `end`. */
export function rangeOf(owner: string, sequence = 0): { start: Buffer; end: Buffer } {
  const ownerBytes = Buffer.byteLength(owner);
  const start = Buffer.alloc(2 + ownerBytes + 6);
  const sequenceAt = writePrefix(start, owner, ownerBytes);
  start.writeUIntBE(sequence, sequenceAt, 6);
  // A sequence of six bytes of 255 would take 2^48 appends.
  return { start, end: Buffer.concat([start.subarray(0, sequenceAt), Buffer.alloc(6, 255)]) };
}

function writePrefix(to: Buffer, owner: string, ownerBytes: number): number {
  to[0] = entryKind;
  to[1] = ownerBytes;
  return 2 + to.write(owner, 2);
}

export function decodeAbout(value: Uint8Array): AboutStore | null {
  try {
    const about: unknown = JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.length).toString());
    const { format, boot, fsync, closed } = about as Record<keyof AboutStore, unknown>;
    if (typeof format !== 'number' || typeof boot !== 'string') return null;
    return { format, boot, fsync: fsync === true, closed: closed === true };
  } catch {
    return null;
  }
}
