// OTLP JSON in, as receivers must read it: lowerCamelCase and snake_case names, unknown names ignored, null as absent,
// integers as number or decimal string, enums by number or name, doubles as number or string.
import { SpanmillError } from '../../errors.ts';
import { maxDepth } from '../schema.ts';
import { type Fields, initialValue } from './codec.ts';
import type { ExportTraceServiceRequest } from './messages.ts';
import { type FieldPlan, type MessagePlan, requestPlan } from './plan.ts';

/** Throws a SpanmillError OTLP_JSON that says where (`resourceSpans[0].scopeSpans[1]…`) and what is wrong. */
export function readJson(text: string): ExportTraceServiceRequest {
  let json: unknown;
  try {
    json = parse(text);
  } catch (error) {
    throw new SpanmillError('OTLP_JSON', `not JSON: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  return readMessage(requestPlan(), json, '', 0) as unknown as ExportTraceServiceRequest;
}

/** JSON.parse, but integers that a double cannot hold become bigint. */
function parse(text: string): unknown {
  // A reviver costs several times the parsing, and OTLP writes its large integers as strings: hardly ever needed.
  if (!/[[:,\s]-?\d{16}/.test(text)) return JSON.parse(text);
  const exact = (_key: string, value: unknown, context?: { source?: string }): unknown => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
    return context?.source !== undefined && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
  };
  return JSON.parse(text, exact);
}

function fail(path: string, expected: string, found: unknown): never {
  const shown = typeof found === 'bigint' ? String(found) : JSON.stringify(found);
  const short = shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
  throw new SpanmillError('OTLP_JSON', `${path === '' ? 'the body' : path}: expected ${expected}, found ${short}`);
}

function readMessage(plan: MessagePlan, json: unknown, path: string, depth: number): Fields {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) fail(path, 'an object', json);
  if (depth > maxDepth) {
    throw new SpanmillError('OTLP_JSON', `more than ${maxDepth} messages are nested inside one another`);
  }
  const members = json as Fields;
  const plain: Fields = {};
  const oneofs = new Set<string>();
  for (const field of plan.fields) {
    const name = Object.hasOwn(members, field.name) ? field.name : field.snakeName;
    const value = Object.hasOwn(members, name) ? members[name] : null;
    if (value === null) {
      if (field.repeated) plain[field.name] = [];
      else if (field.oneof === null && field.message === null) plain[field.name] = initialValue(field);
      continue;
    }
    const at = path === '' ? name : `${path}.${name}`;
    if (field.oneof !== null) {
      if (oneofs.has(field.oneof)) fail(path, `one member of "${field.oneof}"`, json);
      oneofs.add(field.oneof);
    }
    plain[field.name] = field.repeated ? readList(field, value, at, depth) : readValue(field, value, at, depth);
  }
  return plain;
}

function readList(field: FieldPlan, json: unknown, path: string, depth: number): unknown[] {
  if (!Array.isArray(json)) fail(path, 'an array', json);
  return json.map((item, index) => readValue(field, item, `${path}[${index}]`, depth));
}

function readValue(field: FieldPlan, json: unknown, path: string, depth: number): unknown {
  switch (field.kind) {
    case 'message':
      return readMessage(field.message as MessagePlan, json, path, depth + 1);
    case 'string':
      return typeof json === 'string' ? json : fail(path, 'a string', json);
    case 'bool':
      return typeof json === 'boolean' ? json : fail(path, 'true or false', json);
    case 'double':
      return readDouble(json, path);
    case 'int64':
      return readInteger(json, path, -(2n ** 63n), 2n ** 63n - 1n);
    case 'fixed64':
      return readInteger(json, path, 0n, 2n ** 64n - 1n);
    case 'int32':
      return Number(readInteger(json, path, -(2n ** 31n), 2n ** 31n - 1n));
    case 'uint32':
      return Number(readInteger(json, path, 0n, 2n ** 32n - 1n));
    case 'enum':
      return readEnum(field, json, path);
    case 'hexId':
      return readHexId(field, json, path);
    case 'bytes':
      return readBase64(json, path);
  }
}

function readInteger(json: unknown, path: string, least: bigint, most: bigint): bigint {
  let value: bigint | undefined;
  if (typeof json === 'bigint') value = json;
  else if (typeof json === 'number' && Number.isInteger(json)) value = BigInt(json);
  else if (typeof json === 'string' && /^-?\d{1,20}$/.test(json)) value = BigInt(json);
  if (value === undefined || value < least || value > most) fail(path, `an integer from ${least} to ${most}`, json);
  return value;
}

function readDouble(json: unknown, path: string): number {
  if (typeof json === 'number') return json;
  if (typeof json === 'bigint') return Number(json);
  if (json === 'NaN') return Number.NaN;
  if (json === 'Infinity') return Number.POSITIVE_INFINITY;
  if (json === '-Infinity') return Number.NEGATIVE_INFINITY;
  if (typeof json === 'string' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(json)) return Number(json);
  return fail(path, 'a number', json);
}

function readEnum(field: FieldPlan, json: unknown, path: string): number {
  if (typeof json === 'string') {
    return Object.hasOwn(field.enumValues, json)
      ? (field.enumValues[json] as number)
      : fail(path, `a number or one of ${Object.keys(field.enumValues).join(', ')}`, json);
  }
  return Number(readInteger(json, path, -(2n ** 31n), 2n ** 31n - 1n));
}

/** An id of zeroes is no id: it reads as empty, as in the Collector. */
function readHexId(field: FieldPlan, json: unknown, path: string): Uint8Array {
  if (json === '') return new Uint8Array(0);
  if (typeof json !== 'string' || json.length !== 2 * field.idLength || !/^[0-9a-fA-F]*$/.test(json)) {
    fail(path, `${2 * field.idLength} hexadecimal digits`, json);
  }
  return /^0*$/.test(json) ? new Uint8Array(0) : Uint8Array.from(Buffer.from(json, 'hex'));
}

/** Padding may be absent. */
function readBase64(json: unknown, path: string): Uint8Array {
  if (
    typeof json !== 'string' ||
    !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(json)
  ) {
    fail(path, 'standard base64', json);
  }
  return Uint8Array.from(Buffer.from(json, 'base64'));
}
