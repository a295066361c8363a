// Requests encoded once, with the places of what must be fresh in every request: ids and times are patched into the bytes.
import { bytesField, fixed64Field, varintField } from './protobuf.ts';

/** Whole numbers become int_value, others double_value. */
type AttributeValue = string | number | boolean;
type Attributes = Readonly<Record<string, AttributeValue>>;

export interface SpanShape {
  readonly name: string;
  /** SpanKind of the OTLP: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly attributes: Attributes;
  /** StatusCode of the OTLP: 0 unset, 1 ok, 2 error. */
  readonly status: number;
}

export interface RequestShape {
  readonly resource: Attributes;
  readonly scope: { readonly name: string; readonly version: string };
  readonly spans: readonly SpanShape[];
}

export interface RequestTemplate {
  /** A gRPC message: five bytes of prefix, then an ExportTraceServiceRequest whose ids and times are zero. */
  readonly message: Buffer;
  readonly spans: number;
  /** For each span two positions in `message`: of its trace id, and of its start time. */
  readonly places: Int32Array;
}

/** From a span's trace id (16 bytes) to its span id and parent id (8 bytes each); from its start time to its end time. */
export const spanIdAfter = 18;
export const parentIdAfter = 28;
export const endTimeAfter = 9;
export const grpcPrefixBytes = 5;

function anyValue(value: AttributeValue): Buffer {
  if (typeof value === 'string') return bytesField(1, value);
  if (typeof value === 'boolean') return varintField(2, value ? 1 : 0);
  if (Number.isSafeInteger(value) && value >= 0) return varintField(3, value);
  const double = Buffer.alloc(8);
  double.writeDoubleLE(value);
  return fixed64Field(4, double);
}

function keyValues(field: number, attributes: Attributes): Buffer {
  const pairs = Object.entries(attributes).map(([key, value]) =>
    bytesField(field, Buffer.concat([bytesField(1, key), bytesField(2, anyValue(value))])),
  );
  return Buffer.concat(pairs);
}

/** Span: trace_id 1, span_id 2, parent_span_id 4, name 5, kind 6, start 7, end 8, attributes 9, status 15 (its code 3). */
function encodeSpan(shape: SpanShape): { readonly bytes: Buffer; readonly startTimeAt: number } {
  const beforeTimes = Buffer.concat([
    bytesField(1, Buffer.alloc(16)),
    bytesField(2, Buffer.alloc(8)),
    bytesField(4, Buffer.alloc(8)),
    bytesField(5, shape.name),
    varintField(6, shape.kind),
  ]);
  const bytes = Buffer.concat([
    beforeTimes,
    fixed64Field(7),
    fixed64Field(8),
    keyValues(9, shape.attributes),
    bytesField(15, varintField(3, shape.status)),
  ]);
  return { bytes, startTimeAt: beforeTimes.length + 1 };
}

/** One resource with one scope. TracesData: resource_spans 1; there resource 1, scope_spans 2; there scope 1, spans 2. */
export function encodeRequest(shape: RequestShape): RequestTemplate {
  const parts = [bytesField(1, Buffer.concat([bytesField(1, shape.scope.name), bytesField(2, shape.scope.version)]))];
  const places = new Int32Array(shape.spans.length * 2);
  let length = parts[0].length;
  shape.spans.forEach((span, i) => {
    const { bytes, startTimeAt } = encodeSpan(span);
    const field = bytesField(2, bytes);
    const bytesAt = length + field.length - bytes.length;
    places[i * 2] = bytesAt + 2;
    places[i * 2 + 1] = bytesAt + startTimeAt;
    parts.push(field);
    length += field.length;
  });
  const resource = bytesField(1, keyValues(1, shape.resource));
  const scopeSpans = bytesField(2, Buffer.concat(parts));
  const request = bytesField(1, Buffer.concat([resource, scopeSpans]));
  const prefix = Buffer.alloc(grpcPrefixBytes);
  prefix.writeUInt32BE(request.length, 1);
  const message = Buffer.concat([prefix, request]);
  // The scope's spans end where the message ends: what stands before them moves all places alike.
  const shift = message.length - length;
  for (let i = 0; i < places.length; i++) places[i] += shift;
  return { message, spans: shape.spans.length, places };
}
