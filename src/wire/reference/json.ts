// OTLP JSON out: protobuf's JSON mapping with OTLP's changes. Ids are hex, enums are numbers, 64-bit integers decimal
// strings. As in the Collector, default values are left out, but for the messages that every span, attribute and group
// has (`status`, `value`, `resource`, `scope`), which are written even when empty.
import { decodeMessage, type Fields, longToBigInt } from './codec.ts';
import { type FieldPlan, type MessagePlan, requestPlan } from './plan.ts';

/**
 * One ExportTraceServiceRequest as one line of OTLP JSON, without the line's end. Unknown fields have no place in JSON and
 * are left out. Throws an Error on bytes that are not protobuf.
 */
export function toJsonLine(bytes: Uint8Array): string {
  return messageText(requestPlan(), decodeMessage(bytes));
}

const noFields: Fields = {};

function messageText(plan: MessagePlan, message: Fields): string {
  let text = '';
  for (const field of plan.fields) {
    const value = fieldText(field, message);
    if (value !== '') text += `${text === '' ? '' : ','}"${field.name}":${value}`;
  }
  return `{${text}}`;
}

/** The value's text; '' when the field is left out. */
function fieldText(field: FieldPlan, message: Fields): string {
  const present = Object.hasOwn(message, field.name);
  if (field.oneof !== null) return present ? valueText(field, message[field.name]) : '';
  if (field.repeated) {
    if (!present) return '';
    let items = '';
    for (const item of message[field.name] as unknown[]) items += (items === '' ? '' : ',') + valueText(field, item);
    return items === '' ? '' : `[${items}]`;
  }
  if (field.message !== null) return messageText(field.message, present ? (message[field.name] as Fields) : noFields);
  // protobufjs leaves a scalar of a default value out of the message; an id of zeroes is no id (W3C Trace Context).
  if (!present || (field.kind === 'hexId' && isZero(message[field.name] as Uint8Array))) return '';
  return valueText(field, message[field.name]);
}

function valueText(field: FieldPlan, value: unknown): string {
  switch (field.kind) {
    case 'message':
      return messageText(field.message as MessagePlan, value as Fields);
    case 'string':
      return JSON.stringify(value);
    case 'hexId':
      return `"${(value as Buffer).toString('hex')}"`;
    case 'bytes':
      return `"${(value as Buffer).toString('base64')}"`;
    case 'int64':
    case 'fixed64':
      return `"${longToBigInt(value, field.kind)}"`;
    case 'double':
      return doubleText(value as number);
    default:
      return String(value);
  }
}

function doubleText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? '-0' : String(value);
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
