// What a client may send, in bytes, legal or not: built from numbers alone, so that a length, a flag or a stream can lie.
import {
  errorCode,
  flag,
  frame,
  frameHeaderBytes,
  frameType,
  writeFrameHeader,
} from '../../../src/transport/http2/frames.ts';
import { exportPath } from '../grpc/test-method.ts';

export type Field = readonly [name: string, value: string];

/** A frame whose header announces `length`, whatever the payload's is. */
export function lyingFrame(type: number, flags: number, stream: number, payload: Uint8Array, length: number): Buffer {
  const bytes = Buffer.alloc(frameHeaderBytes + payload.length);
  writeFrameHeader(bytes, 0, length, type, flags, stream);
  bytes.set(payload, frameHeaderBytes);
  return bytes;
}

/** RFC 7541 5.1. `first`: the bits above the prefix. */
export function hpackInteger(first: number, prefixBits: number, value: number): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Buffer.of(first | value);
  const bytes = [first | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

const hpackText = (text: string): Buffer => {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([hpackInteger(0, 7, bytes.length), bytes]);
};

/** A literal with a literal name: 0x00 without indexing, 0x10 never indexed, 0x40 to be kept in the dynamic table. */
export const literal = (name: string, value: string, first: 0x00 | 0x10 | 0x40 = 0x00): Buffer =>
  Buffer.concat([Buffer.of(first), hpackText(name), hpackText(value)]);

/** A field of a table, by its index: 62 is the newest of the dynamic table. */
export const indexed = (index: number): Buffer => hpackInteger(0x80, 7, index);

export const literals = (fields: readonly Field[]): Buffer =>
  Buffer.concat(fields.map(([name, value]) => literal(name, value)));

/** What a gRPC client's request has at least; `changes` replaces values, or leaves out a field (null), the rest goes behind. */
export function requestFields(
  changes: Readonly<Record<string, string | null>> = {},
  more: readonly Field[] = [],
): Field[] {
  const fields: Field[] = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', exportPath],
    [':authority', '127.0.0.1'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ];
  const kept = fields.flatMap(([name, value]): Field[] => {
    const change = changes[name];
    return change === null ? [] : [[name, change ?? value]];
  });
  return [...kept, ...more];
}

export interface HeadersShape {
  readonly endStream?: boolean;
  /** Bytes of padding; absent: no PADDED flag. */
  readonly padding?: number;
  /** Stream it depends on and weight; absent: no PRIORITY flag. */
  readonly priority?: readonly [dependsOn: number, weight: number];
  /** Where the block is cut into HEADERS and CONTINUATION frames, as parts of its length between 0 and 1. */
  readonly cuts?: readonly number[];
}

/** HEADERS, and CONTINUATION for each further part of the block. */
export function headersFrames(stream: number, block: Buffer, shape: HeadersShape = {}): Buffer[] {
  const { endStream = false, padding, priority, cuts = [] } = shape;
  const ends = [...cuts.map((part) => Math.floor(part * block.length)).sort((a, b) => a - b), block.length];
  const parts = ends.map((end, i) => block.subarray(i === 0 ? 0 : ends[i - 1], end));
  let flags = (endStream ? flag.endStream : 0) | (parts.length === 1 ? flag.endHeaders : 0);
  const before: Buffer[] = [];
  if (padding !== undefined) {
    flags |= flag.padded;
    before.push(Buffer.of(padding));
  }
  if (priority !== undefined) {
    flags |= flag.priority;
    before.push(prioritySpec(...priority));
  }
  const payload = Buffer.concat([...before, parts[0], Buffer.alloc(padding ?? 0)]);
  const rest = parts.slice(1).map((part, i) => {
    const last = i === parts.length - 2;
    return frame(frameType.continuation, last ? flag.endHeaders : 0, stream, part);
  });
  return [frame(frameType.headers, flags, stream, payload), ...rest];
}

function prioritySpec(dependsOn: number, weight: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(dependsOn, 0);
  bytes[4] = weight;
  return bytes;
}

/** One HEADERS frame, or more where `shape` cuts it, that begins a call. */
export const requestHeaders = (
  stream: number,
  fields: readonly Field[] = requestFields(),
  shape: HeadersShape = {},
): Buffer => Buffer.concat(headersFrames(stream, literals(fields), shape));

export function dataFrame(stream: number, payload: Uint8Array, endStream = false, padding?: number): Buffer {
  const end = endStream ? flag.endStream : 0;
  if (padding === undefined) return frame(frameType.data, end, stream, payload);
  return frame(
    frameType.data,
    end | flag.padded,
    stream,
    Buffer.concat([Buffer.of(padding), payload, Buffer.alloc(padding)]),
  );
}

/** A whole call in two frames. */
export const wholeCall = (stream: number, body: Uint8Array, fields?: readonly Field[]): Buffer =>
  Buffer.concat([requestHeaders(stream, fields), dataFrame(stream, body, true)]);

export const priorityFrame = (stream: number, dependsOn: number, weight: number): Buffer =>
  frame(frameType.priority, 0, stream, prioritySpec(dependsOn, weight));

/** `opaque`: what comes back in the answer, 32 bits of it. */
export function pingFrame(opaque: number, flags = 0): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(opaque >>> 0, 4);
  return frame(frameType.ping, flags, 0, payload);
}

/** The name of an error code as RFC 9113 section 7 has it, in camel case; the number where it has none. */
export function codeName(code: number): string {
  const found = Object.entries(errorCode).find(([, number]) => number === code);
  return found?.[0] ?? `code ${code}`;
}
