// The reference codec: protobufjs by reflection over proto/. For JSON and the debug exporter, and the oracle of the tests;
// never on the hot path. What it decodes to is in messages.ts.
import protobuf from 'protobufjs';
import type { ExportTraceServiceRequest } from './messages.ts';
import { type FieldPlan, type MessagePlan, requestPlan } from './plan.ts';

/** A message as protobufjs decodes it: only what was on the wire is an own property. */
export type Fields = Record<string, unknown>;

/**
 * Decodes one ExportTraceServiceRequest (TracesData has the same encoding); nothing of the result shares memory with
 * `bytes`. Text that is not UTF-8 gets U+FFFD; fields that occur several times follow protobuf's rules. Throws an Error on
 * bytes that are not protobuf.
 */
export function decodeRequest(bytes: Uint8Array): ExportTraceServiceRequest {
  return toPlain(requestPlan(), decodeMessage(bytes)) as unknown as ExportTraceServiceRequest;
}

/** Known fields ascending by number, defaults left out, unknown fields after them. */
export function encodeRequest(request: ExportTraceServiceRequest): Uint8Array {
  const plan = requestPlan();
  return plan.type.encode(fromPlain(plan, request as unknown as Fields)).finish();
}

/** The first half of decodeRequest, for what reads the message once and at once: bytes fields are views of `bytes`. */
export function decodeMessage(bytes: Uint8Array): Fields {
  const reader = protobuf.Reader.create(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  reader.discardUnknown = false;
  // The Collector forwards text that is not UTF-8; one such attribute must not cost the request.
  reader.stringVerify = reader.string;
  return requestPlan().type.decode(reader) as unknown as Fields;
}

/** The 64 bits of a protobufjs Long (any object of two halves). */
export function longToBigInt(value: unknown, kind: 'int64' | 'fixed64'): bigint {
  const { low, high } = value as { low: number; high: number };
  return (BigInt(kind === 'int64' ? high | 0 : high >>> 0) << 32n) | BigInt(low >>> 0);
}

function toPlain(plan: MessagePlan, message: Fields): Fields {
  const plain: Fields = {};
  for (const field of plan.fields) {
    const present = Object.hasOwn(message, field.name);
    const value = message[field.name];
    if (field.repeated) {
      plain[field.name] = present ? (value as unknown[]).map((item) => toPlainValue(field, item)) : [];
    } else if (present) {
      plain[field.name] = toPlainValue(field, value);
    } else if (field.oneof === null && field.message === null) {
      plain[field.name] = initialValue(field);
    }
  }
  const unknown = message.$unknowns;
  if (Array.isArray(unknown)) plain.unknownFields = unknown.map((bytes: Uint8Array) => Uint8Array.from(bytes));
  return plain;
}

/** The default of a scalar field, in the form of messages.ts. */
export function initialValue(field: FieldPlan): unknown {
  switch (field.kind) {
    case 'string':
      return '';
    case 'bytes':
    case 'hexId':
      return new Uint8Array(0);
    case 'int64':
    case 'fixed64':
      return 0n;
    case 'bool':
      return false;
    default:
      return 0;
  }
}

function toPlainValue(field: FieldPlan, value: unknown): unknown {
  switch (field.kind) {
    case 'message':
      return toPlain(field.message as MessagePlan, value as Fields);
    case 'int64':
    case 'fixed64':
      return longToBigInt(value, field.kind);
    case 'bytes':
    case 'hexId':
      return Uint8Array.from(value as Uint8Array);
    default:
      return value;
  }
}

function fromPlain(plan: MessagePlan, plain: Fields): protobuf.Message {
  const properties: Fields = {};
  for (const field of plan.fields) {
    const value = plain[field.name];
    if (value === undefined) continue;
    properties[field.name] = field.repeated
      ? (value as unknown[]).map((item) => fromPlainValue(field, item))
      : fromPlainValue(field, value);
  }
  const message = plan.type.create(properties);
  if (plain.unknownFields !== undefined) Object.assign(message, { $unknowns: plain.unknownFields });
  return message;
}

function fromPlainValue(field: FieldPlan, value: unknown): unknown {
  switch (field.kind) {
    case 'message':
      return fromPlain(field.message as MessagePlan, value as Fields);
    case 'int64':
    case 'fixed64': {
      const bits = value as bigint;
      return {
        low: Number(BigInt.asIntN(32, bits)),
        high: Number(BigInt.asIntN(32, bits >> 32n)),
        unsigned: field.kind === 'fixed64',
      };
    }
    default:
      return value;
  }
}
