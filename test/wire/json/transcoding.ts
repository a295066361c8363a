// Transcodes in memory of the test's own, with guards around the result.
import assert from 'node:assert/strict';
import { protobufRoom, Transcoder } from '../../../src/wire/json/transcode.ts';

const guard = 64;

/** The protobuf form; null when `room` was too little. Throws what the transcoder throws. */
export function transcode(json: string | Uint8Array, room?: number): Uint8Array | null {
  const source = typeof json === 'string' ? Buffer.from(json) : json;
  const space = room ?? protobufRoom(source.length);
  // What stands behind the document must not be read as a part of it.
  const memory = new Uint8Array(guard + source.length + guard + space + guard).fill(0x22);
  memory.set(source, guard);
  const at = guard + source.length + guard;
  memory.fill(0xee, at);
  const size = new Transcoder(memory).run(guard, source.length, at, space);
  assert.ok(
    memory.subarray(at + space).every((byte) => byte === 0xee),
    'it wrote behind its room',
  );
  assert.ok(
    memory.subarray(0, guard).every((byte) => byte === 0x22),
    'it wrote before the document',
  );
  assert.deepEqual(Buffer.from(memory.subarray(guard, guard + source.length)), Buffer.from(source));
  return size < 0 ? null : Uint8Array.from(memory.subarray(at, at + size));
}
