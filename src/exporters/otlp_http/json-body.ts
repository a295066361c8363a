// A batch as OTLP JSON. It is written on the I/O thread, a slice of the batch at a time, so that what else waits there has
// its turn in between.
import { setImmediate } from 'node:timers/promises';
import { toJsonLine } from '../../wire/reference/json.ts';

/** Of protobuf, at least; a ResourceSpans is not divided. Takes about 2 ms. */
const sliceBytes = 64 << 10;
const head = '{"resourceSpans":[';
const tail = ']}';

/** `message` is one ExportTraceServiceRequest. Rejects with an Error on bytes that are not protobuf. */
export async function jsonBody(message: Buffer): Promise<Buffer[]> {
  const parts: Buffer[] = [Buffer.from(head)];
  let from = 0;
  for (const end of sliceEnds(message)) {
    if (from > 0) await setImmediate();
    const line = toJsonLine(message.subarray(from, end));
    from = end;
    // A slice of unknown fields alone is `{}`.
    if (!line.startsWith(head)) continue;
    parts.push(Buffer.from((parts.length > 1 ? ',' : '') + line.slice(head.length, -tail.length)));
  }
  parts.push(Buffer.from(tail));
  return parts;
}

/** Positions between fields of the message, each slice as small as may be. One slice where the fields cannot be followed. */
function sliceEnds(message: Buffer): number[] {
  const ends: number[] = [];
  let from = 0;
  for (let at = 0; at < message.length; ) {
    const next = endOfField(message, at);
    if (next < 0) return [message.length];
    at = next;
    if (at - from >= sliceBytes || at === message.length) {
      ends.push(at);
      from = at;
    }
  }
  return ends;
}

/** -1 for anything but a field with a length: those of a request are such, and others are rare. */
function endOfField(message: Buffer, at: number): number {
  let position = at;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 5 && position < message.length; shift++) {
      const byte = message[position++];
      value += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) return value;
    }
    return -1;
  };
  const tag = varint();
  if (tag < 0 || tag % 8 !== 2) return -1;
  const length = varint();
  return length < 0 || length > message.length - position ? -1 : position + length;
}
