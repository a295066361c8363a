// The action hash: a value becomes the SHA-256 of its bytes, in hex.
import { hash } from 'node:crypto';
import { contentStart } from '../../wire/any-value.ts';
import type { AttributeTable } from '../../wire/attribute-table.ts';
import type { StageMemory } from '../../wire/stage-memory.ts';
import { valueKind } from '../../wire/value.ts';

const hexLength = 64;
const noBytes = Buffer.alloc(0);
const eightBytes = Buffer.alloc(8);
const oneByte = [Buffer.of(0), Buffer.of(1)];

/**
 * Hashed are the UTF-8 of a string, one byte of a bool, eight bytes, little-endian, of an int or double. Anything else
 * becomes the empty string.
 */
export function hashEntry(table: AttributeTable, memory: StageMemory, entry: number): void {
  const content = contentOf(table, memory, entry);
  if (content === null) {
    table.setEntry(entry, '');
    return;
  }
  const hex = hash('sha256', content, 'hex');
  const at = memory.scratch.take(2 + hexLength);
  const { bytes } = memory.shared;
  bytes[at] = 0x0a; // AnyValue.string_value
  bytes[at + 1] = hexLength;
  for (let i = 0; i < hexLength; i++) bytes[at + 2 + i] = hex.charCodeAt(i);
  table.setEntryEncoded(entry, at, 2 + hexLength);
}

function contentOf(table: AttributeTable, memory: StageMemory, entry: number): Buffer | null {
  const at = table.valueOffset(entry);
  const { buffer } = memory.shared;
  switch (table.kind(entry)) {
    case valueKind.string: {
      const end = at + table.valueLength(entry);
      const from = contentStart(buffer, at);
      return from === end ? noBytes : buffer.subarray(from, end);
    }
    case valueKind.bool:
      return oneByte[table.get(entry) === true ? 1 : 0];
    case valueKind.int:
      eightBytes.writeBigInt64LE(table.get(entry) as bigint);
      return eightBytes;
    case valueKind.double:
      return buffer.subarray(at + 1, at + 9);
    default:
      return null;
  }
}
