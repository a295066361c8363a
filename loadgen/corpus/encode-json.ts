// Requests as OTLP JSON: lowerCamelCase names, hex ids, times of 19 digits and 64-bit integers as strings, enums as numbers.
import { ByteWriter, mark } from './byte-writer.ts';
import { type Encoding, type Frame, flagsOf, freshKind, linkFlags } from './encoding.ts';
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

const digit0 = 0x30;
const comma = 0x2c;
const quote = 0x22;
const traceDigits = 32;
const spanDigits = 16;
const timeDigits = 19;

const beforeTraceId = '{"traceId":"';
const beforeSpanId = '","spanId":"';
const beforeParentId = '","parentSpanId":"';
const beforeStart = ',"startTimeUnixNano":"';
const beforeEnd = '","endTimeUnixNano":"';

/** From a span's start to its ids; from its start time to its end time; from a link's trace id to its span id. */
export const jsonPlaces = {
  traceId: beforeTraceId.length,
  spanId: beforeTraceId.length + traceDigits + beforeSpanId.length,
  endAfterStart: timeDigits + beforeEnd.length,
  linkSpanId: traceDigits + beforeSpanId.length,
} as const;

/** The text without its quotes; JSON.stringify escapes lone surrogates, so that all of it is UTF-8. */
const inner = (text: string): string => JSON.stringify(text).slice(1, -1);

function doubleText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? '-0' : String(value);
}

function writeFresh(to: ByteWriter, text: FreshText): void {
  to.byte(quote);
  for (const part of text.parts) {
    if (typeof part === 'string') {
      to.text(inner(part));
    } else {
      to.mark(freshKind(mark.freshText, part), part.length, part.slot);
      to.fill(digit0, part.length);
    }
  }
  to.byte(quote);
}

function writeText(to: ByteWriter, text: string | FreshText): void {
  if (typeof text === 'string') to.text(JSON.stringify(text));
  else writeFresh(to, text);
}

/** AnyValue: an object of one member. */
function writeValue(to: ByteWriter, value: Value): void {
  if (typeof value === 'string') {
    to.text('{"stringValue":');
    to.text(JSON.stringify(value));
  } else if (typeof value === 'boolean') {
    to.text(value ? '{"boolValue":true' : '{"boolValue":false');
  } else if (typeof value === 'number') {
    to.text(`{"intValue":"${value}"`);
  } else if (value instanceof Uint8Array) {
    to.text(`{"bytesValue":"${Buffer.from(value).toString('base64')}"`);
  } else if (value instanceof Map) {
    to.text('{"kvlistValue":{"values":');
    writePairs(to, value);
    to.text('}');
  } else if ('double' in value) {
    to.text(`{"doubleValue":${doubleText(value.double)}`);
  } else if ('parts' in value) {
    to.text('{"stringValue":');
    writeFresh(to, value);
  } else {
    to.text('{"arrayValue":{"values":');
    writeList(to, value as readonly Value[], writeValue);
    to.text('}');
  }
  to.text('}');
}

function writeList<T>(
  to: ByteWriter,
  items: Iterable<T>,
  writeOne: (to: ByteWriter, item: T, index: number) => void,
): void {
  to.text('[');
  let index = 0;
  for (const item of items) {
    if (index > 0) to.byte(comma);
    writeOne(to, item, index++);
  }
  to.text(']');
}

function writePair(to: ByteWriter, [key, value]: readonly [string, Value]): void {
  to.text('{"key":');
  to.text(JSON.stringify(key));
  to.text(',"value":');
  writeValue(to, value);
  to.text('}');
}

const writePairs = (to: ByteWriter, pairs: Iterable<readonly [string, Value]>): void => writeList(to, pairs, writePair);

function writeAttributes(to: ByteWriter, attributes: Attributes): void {
  if (attributes.length === 0) return;
  to.text(',"attributes":');
  writePairs(to, attributes);
}

function writeEvent(to: ByteWriter, event: EventShape, index: number): void {
  to.text('{"timeUnixNano":"');
  to.mark(mark.eventTime, index, 0);
  to.fill(digit0, timeDigits);
  to.text('","name":');
  writeText(to, event.name);
  writeAttributes(to, event.attributes);
  to.text('}');
}

function writeLink(to: ByteWriter, span: SpanShape, link: LinkShape, index: number): void {
  to.text(beforeTraceId);
  to.mark(mark.linkIds, index, 0);
  to.fill(digit0, traceDigits);
  to.text(beforeSpanId);
  to.fill(digit0, spanDigits);
  to.byte(quote);
  writeAttributes(to, link.attributes);
  to.text(`,"flags":${linkFlags(span, link)}}`);
}

function writeStatus(to: ByteWriter, { code, message }: SpanShape['status']): void {
  to.text(',"status":{');
  if (message !== '') to.text(`"message":${JSON.stringify(message)}`);
  if (message !== '' && code !== 0) to.byte(comma);
  if (code !== 0) to.text(`"code":${code}`);
  to.text('}');
}

function writeSpan(to: ByteWriter, span: SpanShape): void {
  to.text(beforeTraceId);
  to.fill(digit0, traceDigits);
  to.text(beforeSpanId);
  to.fill(digit0, spanDigits);
  if (span.parent !== null) {
    to.text(beforeParentId);
    to.mark(mark.parentId, 0, 0);
    to.fill(digit0, spanDigits);
  }
  to.text(span.traceState === '' ? '"' : `","traceState":${JSON.stringify(span.traceState)}`);
  to.text(',"name":');
  writeText(to, span.name);
  to.text(`,"kind":${span.kind}${beforeStart}`);
  to.mark(mark.startTime, 0, 0);
  to.fill(digit0, timeDigits);
  to.text(beforeEnd);
  to.fill(digit0, timeDigits);
  to.byte(quote);
  writeAttributes(to, span.attributes);
  if (span.events.length > 0) {
    to.text(',"events":');
    writeList(to, span.events, writeEvent);
  }
  if (span.links.length > 0) {
    to.text(',"links":');
    writeList(to, span.links, (_to, link, index) => writeLink(to, span, link, index));
  }
  writeStatus(to, span.status);
  to.text(`,"flags":${flagsOf(span)}}`);
}

/** An object of which the list `items` is the last member but for the schema URL. */
function frameOf(schemaUrl: string, items: string, writeFirst: (to: ByteWriter) => void): Frame {
  const writer = new ByteWriter();
  writeFirst(writer);
  writer.text(`,"${items}":[`);
  const head = Uint8Array.prototype.slice.call(writer.bytes, 0, writer.at);
  return { head, tail: Buffer.from(schemaUrl === '' ? ']}' : `],"schemaUrl":${JSON.stringify(schemaUrl)}}`) };
}

function resourceFrame(resource: ResourceShape): Frame {
  return frameOf(resource.schemaUrl, 'scopeSpans', (to) => {
    to.text('{"resource":{"attributes":');
    writePairs(to, resource.attributes);
    to.text('}');
  });
}

function scopeFrame(scope: ScopeShape): Frame {
  return frameOf(scope.schemaUrl, 'spans', (to) => {
    to.text(`{"scope":{"name":${JSON.stringify(scope.name)},"version":${JSON.stringify(scope.version)}`);
    writeAttributes(to, scope.attributes);
    to.text('}');
  });
}

export const jsonEncoding: Encoding = {
  writeSpan,
  request: { head: Buffer.from('{"resourceSpans":['), tail: Buffer.from(']}') },
  resourceFrame,
  scopeFrame,
  itemBytes: (index) => (index === 0 ? 0 : 1),
  writeItem(to, at, _level, index) {
    if (index === 0) return at;
    to[at] = comma;
    return at + 1;
  },
  timeRadix: 1e9,
};
