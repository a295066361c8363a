// Requests as protobuf: known fields ascending, defaults left out. Field numbers stand in the tags: number * 8 + wire type.
import { ByteWriter, mark, varintBytes } from './byte-writer.ts';
import { type Encoding, type Frame, flagsOf, freshKind, type Level, linkFlags } from './encoding.ts';
import type {
  Attributes,
  EventShape,
  FreshText,
  LinkShape,
  ResourceShape,
  ScopeShape,
  SpanShape,
  Value,
} from './shape.ts';

const len = 2;
const fixed64 = 1;
const varint = 0;
const fixed32 = 5;
const tag = (field: number, type: number): number => field * 8 + type;

const idBytes = { trace: 16, span: 8 } as const;
const timeBytes = 8;
const mostVarintBytes = 10;

/** From a span's start to its ids; from its start time to its end time; from a link's trace id to its span id. */
export const protobufPlaces = { traceId: 2, spanId: 20, endAfterStart: 9, linkSpanId: 18 } as const;

/** Bytes of a field with a length, when its text is ASCII. */
const sized = (length: number): number => 1 + varintBytes(length) + length;

/** Bytes of an AnyValue whose texts are ASCII. */
function expectedValue(value: Value): number {
  if (typeof value === 'string') return sized(value.length);
  if (typeof value === 'boolean') return 2;
  if (typeof value === 'number') return 1 + (value >= 0 && value < 2 ** 31 ? varintBytes(value) : mostVarintBytes);
  if (value instanceof Uint8Array) return sized(value.length);
  if (value instanceof Map) return sized(expectedPairs(value));
  if ('double' in value) return 1 + timeBytes;
  if ('parts' in value) return sized(expectedFresh(value));
  return sized(expectedItems(value as readonly Value[]));
}

function expectedItems(values: readonly Value[]): number {
  let bytes = 0;
  for (const item of values) bytes += sized(expectedValue(item));
  return bytes;
}

const expectedPair = (key: string, value: Value): number => sized(key.length) + sized(expectedValue(value));

function expectedPairs(pairs: Iterable<readonly [string, Value]>): number {
  let bytes = 0;
  for (const [key, value] of pairs) bytes += sized(expectedPair(key, value));
  return bytes;
}

function expectedFresh(text: FreshText): number {
  let length = 0;
  for (const part of text.parts) length += part.length;
  return length;
}

function writeFresh(to: ByteWriter, text: FreshText): void {
  const expected = expectedFresh(text);
  const start = to.open(expected);
  for (const part of text.parts) {
    if (typeof part === 'string') {
      to.text(part);
    } else {
      to.mark(freshKind(mark.freshText, part), part.length, part.slot);
      to.fill(0x30, part.length);
    }
  }
  to.close(start, expected);
}

/** AnyValue: string_value 1, bool_value 2, int_value 3, double_value 4, array_value 5, kvlist_value 6, bytes_value 7. */
function writeValue(to: ByteWriter, value: Value): void {
  if (typeof value === 'string') {
    to.byte(tag(1, len));
    to.string(value);
  } else if (typeof value === 'boolean') {
    to.byte(tag(2, varint));
    to.byte(value ? 1 : 0);
  } else if (typeof value === 'number') {
    to.byte(tag(3, varint));
    to.varint(value);
  } else if (value instanceof Uint8Array) {
    to.byte(tag(7, len));
    to.varint(value.length);
    to.copy(value);
  } else if (value instanceof Map) {
    to.byte(tag(6, len));
    const expected = expectedPairs(value);
    const start = to.open(expected);
    for (const [key, item] of value) writePair(to, 1, key, item);
    to.close(start, expected);
  } else if ('double' in value) {
    to.byte(tag(4, fixed64));
    to.double(value.double);
  } else if ('parts' in value) {
    to.byte(tag(1, len));
    writeFresh(to, value);
  } else {
    writeList(to, value as readonly Value[]);
  }
}

/** ArrayValue: values 1. */
function writeList(to: ByteWriter, values: readonly Value[]): void {
  to.byte(tag(5, len));
  const expected = expectedItems(values);
  const start = to.open(expected);
  for (const item of values) {
    const itemBytes = expectedValue(item);
    to.byte(tag(1, len));
    const itemStart = to.open(itemBytes);
    writeValue(to, item);
    to.close(itemStart, itemBytes);
  }
  to.close(start, expected);
}

/** KeyValue: key 1, value 2. */
function writePair(to: ByteWriter, field: number, key: string, value: Value): void {
  const expected = expectedValue(value);
  const expectedAll = sized(key.length) + sized(expected);
  to.byte(tag(field, len));
  const start = to.open(expectedAll);
  writeText(to, 1, key);
  to.byte(tag(2, len));
  const valueStart = to.open(expected);
  writeValue(to, value);
  to.close(valueStart, expected);
  to.close(start, expectedAll);
}

function writeAttributes(to: ByteWriter, field: number, attributes: Attributes): void {
  for (const [key, value] of attributes) writePair(to, field, key, value);
}

function writeText(to: ByteWriter, field: number, text: string): void {
  if (text === '') return;
  to.byte(tag(field, len));
  to.string(text);
}

function writeId(to: ByteWriter, field: number, bytes: number): void {
  to.byte(tag(field, len));
  to.byte(bytes);
  to.fill(0, bytes);
}

/** Event: time_unix_nano 1, name 2, attributes 3. */
function writeEvent(to: ByteWriter, event: EventShape, index: number): void {
  const expected = 1 + timeBytes + sized(event.name.length) + expectedPairs(event.attributes);
  to.byte(tag(11, len));
  const start = to.open(expected);
  to.byte(tag(1, fixed64));
  to.mark(mark.eventTime, index, 0);
  to.fill(0, timeBytes);
  writeText(to, 2, event.name);
  writeAttributes(to, 3, event.attributes);
  to.close(start, expected);
}

/** Link: trace_id 1, span_id 2, attributes 4, flags 6. */
function writeLink(to: ByteWriter, span: SpanShape, link: LinkShape, index: number): void {
  const expected = sized(idBytes.trace) + sized(idBytes.span) + expectedPairs(link.attributes) + 5;
  to.byte(tag(13, len));
  const start = to.open(expected);
  to.byte(tag(1, len));
  to.byte(idBytes.trace);
  to.mark(mark.linkIds, index, 0);
  to.fill(0, idBytes.trace);
  writeId(to, 2, idBytes.span);
  writeAttributes(to, 4, link.attributes);
  to.byte(tag(6, fixed32));
  to.fixed32(linkFlags(span, link));
  to.close(start, expected);
}

/** Status: message 2, code 3. It is there even when it is empty, as SDKs and Collector write it. */
function writeStatus(to: ByteWriter, { code, message }: SpanShape['status']): void {
  to.byte(tag(15, len));
  const start = to.open(message.length);
  writeText(to, 2, message);
  if (code !== 0) {
    to.byte(tag(3, varint));
    to.varint(code);
  }
  to.close(start, message.length);
}

/**
 * Span: trace_id 1, span_id 2, trace_state 3, parent_span_id 4, name 5, kind 6, start_time_unix_nano 7,
 * end_time_unix_nano 8, attributes 9, events 11, links 13, status 15, flags 16.
 */
function writeSpan(to: ByteWriter, span: SpanShape): void {
  writeId(to, 1, idBytes.trace);
  writeId(to, 2, idBytes.span);
  writeText(to, 3, span.traceState);
  if (span.parent !== null) {
    to.byte(tag(4, len));
    to.byte(idBytes.span);
    to.mark(mark.parentId, 0, 0);
    to.fill(0, idBytes.span);
  }
  if (typeof span.name === 'string') {
    writeText(to, 5, span.name);
  } else {
    to.byte(tag(5, len));
    writeFresh(to, span.name);
  }
  if (span.kind !== 0) {
    to.byte(tag(6, varint));
    to.varint(span.kind);
  }
  to.byte(tag(7, fixed64));
  to.mark(mark.startTime, 0, 0);
  to.fill(0, timeBytes);
  to.byte(tag(8, fixed64));
  to.fill(0, timeBytes);
  writeAttributes(to, 9, span.attributes);
  for (let i = 0; i < span.events.length; i++) writeEvent(to, span.events[i], i);
  for (let i = 0; i < span.links.length; i++) writeLink(to, span, span.links[i], i);
  writeStatus(to, span.status);
  to.varint(tag(16, fixed32));
  to.fixed32(flagsOf(span));
}

function bytesOf(write: (to: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return Uint8Array.prototype.slice.call(writer.bytes, 0, writer.at);
}

/** A message in field 1, and a schema URL in field 3, as ResourceSpans and ScopeSpans have them. */
function frameOf(schemaUrl: string, writeHead: (to: ByteWriter) => void): Frame {
  const head = bytesOf((to) => {
    to.byte(tag(1, len));
    const start = to.open(0);
    writeHead(to);
    to.close(start, 0);
  });
  return { head, tail: bytesOf((to) => writeText(to, 3, schemaUrl)) };
}

/** Resource: attributes 1. */
function resourceFrame(resource: ResourceShape): Frame {
  return frameOf(resource.schemaUrl, (to) => writeAttributes(to, 1, resource.attributes));
}

/** InstrumentationScope: name 1, version 2, attributes 3. */
function scopeFrame(scope: ScopeShape): Frame {
  return frameOf(scope.schemaUrl, (to) => {
    writeText(to, 1, scope.name);
    writeText(to, 2, scope.version);
    writeAttributes(to, 3, scope.attributes);
  });
}

/** ExportTraceServiceRequest: resource_spans 1; ResourceSpans: scope_spans 2; ScopeSpans: spans 2. */
function writeItem(to: Uint8Array, at: number, level: Level, _index: number, length: number): number {
  let next = at;
  to[next++] = tag(level === 'resource' ? 1 : 2, len);
  let rest = length;
  for (; rest > 127; rest >>>= 7) to[next++] = (rest & 127) | 128;
  to[next++] = rest;
  return next;
}

const nothing = new Uint8Array(0);

export const protobufEncoding: Encoding = {
  writeSpan,
  request: { head: nothing, tail: nothing },
  resourceFrame,
  scopeFrame,
  itemBytes: (_index, length) => 1 + varintBytes(length),
  writeItem,
  timeRadix: 2 ** 32,
};
