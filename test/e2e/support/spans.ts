// Requests whose spans carry a number of their own as span id, and the reader that finds those ids again.
import { bytesField, fixed64Field, varintField } from './protobuf.ts';

export interface SpanRequest {
  /** An ExportTraceServiceRequest. */
  readonly message: Buffer;
  /** Span ids in hexadecimal, in order. */
  readonly ids: readonly string[];
}

export interface RequestShape {
  /** Bytes of an attribute that every span carries; 0: none. */
  readonly padding?: number;
  readonly resource?: Readonly<Record<string, string>>;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Which trace a span is of, by its own number, which is also its id. Default: one of its own. */
  trace?(span: number): number;
}

export interface SpanSource {
  /** A request of so many spans that no other request of this source has. */
  request(spans: number, shape?: RequestShape): SpanRequest;
}

const keyValue = (field: number, key: string, value: string): Buffer =>
  bytesField(field, Buffer.concat([bytesField(1, key), bytesField(2, bytesField(1, value))]));

const keyValues = (field: number, values: Readonly<Record<string, string>>): Buffer =>
  Buffer.concat(Object.entries(values).map(([key, value]) => keyValue(field, key, value)));

/** Resource spans with one scope, around fields that are spans already. */
export function requestOf(spans: readonly Uint8Array[], resource: Readonly<Record<string, string>>): Buffer {
  const scope = bytesField(1, bytesField(1, 'e2e'));
  const scopeSpans = bytesField(2, Buffer.concat([scope, ...spans.map((span) => bytesField(2, span))]));
  return bytesField(1, Buffer.concat([bytesField(1, keyValues(1, resource)), scopeSpans]));
}

export function createSpanSource(): SpanSource {
  let last = 0;
  return {
    request(spans, shape = {}) {
      const ids: string[] = [];
      const attributes = keyValues(9, { ...shape.attributes, ...padding(shape.padding ?? 0) });
      const encoded = Array.from({ length: spans }, () => {
        const id = Buffer.alloc(8);
        const trace = Buffer.alloc(8);
        id.writeBigUInt64BE(BigInt(++last));
        trace.writeBigUInt64BE(BigInt(shape.trace?.(last) ?? last));
        ids.push(id.toString('hex'));
        return Buffer.concat([
          bytesField(1, Buffer.concat([Buffer.from('e2e test'), trace])),
          bytesField(2, id),
          bytesField(5, 'GET /'),
          varintField(6, 2),
          fixed64Field(7, Buffer.from('0102030405060708', 'hex')),
          fixed64Field(8, Buffer.from('0202030405060708', 'hex')),
          attributes,
        ]);
      });
      return { message: requestOf(encoded, shape.resource ?? { 'service.name': 'shop' }), ids };
    },
  };
}

const padding = (bytes: number): Record<string, string> => (bytes === 0 ? {} : { padding: 'x'.repeat(bytes) });

/** Ids of all spans of an ExportTraceServiceRequest, in order. Throws on bytes that are not protobuf. */
export function idsOf(message: Uint8Array): string[] {
  const ids: string[] = [];
  const buffer = Buffer.from(message.buffer, message.byteOffset, message.length);
  for (const [resourceAt, resourceEnd] of parts(buffer, 0, buffer.length, 1)) {
    for (const [scopeAt, scopeEnd] of parts(buffer, resourceAt, resourceEnd, 2)) {
      for (const [spanAt, spanEnd] of parts(buffer, scopeAt, scopeEnd, 2)) {
        const [id = [0, 0]] = parts(buffer, spanAt, spanEnd, 2);
        ids.push(buffer.toString('hex', id[0], id[1]));
      }
    }
  }
  return ids;
}

/** Where the length-delimited fields of this number lie. */
function parts(bytes: Buffer, start: number, end: number, wanted: number): [number, number][] {
  const found: [number, number][] = [];
  let at = start;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes.readUInt8(at++);
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < end) {
    const tag = varint();
    const wire = tag % 8;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint();
      if ((tag - 2) / 8 === wanted) found.push([at, at + length]);
      at += length;
    } else throw new RangeError(`wire type ${wire} at ${at}`);
    if (at > end) throw new RangeError(`a field ends at ${at}, its message at ${end}`);
  }
  return found;
}
