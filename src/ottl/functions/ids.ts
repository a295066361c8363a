// Ids of traces, spans and profiles.
import { fault } from '../error.ts';
import { OttlId, type } from '../values.ts';
import { bytesLike, converter, type FunctionDefinition } from './define.ts';

function readId(bytes: Uint8Array | null, kind: OttlId['kind'], size: number): OttlId {
  if (bytes?.length === size) return new OttlId(kind, new Uint8Array(bytes));
  const digits = bytes?.length === size * 2 ? Buffer.from(bytes).toString('latin1') : '';
  if (/^[0-9a-fA-F]+$/.test(digits)) return new OttlId(kind, new Uint8Array(Buffer.from(digits, 'hex')));
  const found = bytes === null ? 'nil' : digits === '' ? `${bytes.length} bytes` : 'something else';
  throw fault(`a ${kind} is made of ${size} bytes or ${size * 2} hex digits, got ${found}`);
}

export const idFunctions: readonly FunctionDefinition[] = [
  converter({
    name: 'TraceID',
    summary: 'The trace id of 16 bytes or 32 hex digits.',
    examples: [
      { text: 'TraceID("0102030405060708090a0b0c0d0e0f10") == trace_id', gives: 'true' },
      { text: 'TraceID(0xff)', fails: 'a trace id is made of 16 bytes or 32 hex digits, got 1 bytes' },
    ],
    parameters: [bytesLike('value')],
    returns: type.traceId,
    checksConstants: true,
    run: (value) => readId(value, 'trace id', 16),
  }),
  converter({
    name: 'SpanID',
    summary: 'The span id of 8 bytes or 16 hex digits; a number is 8 bytes, big-endian.',
    examples: [
      { text: 'SpanID("1112131415161718")', gives: '1112131415161718' },
      { text: 'SpanID(255)', gives: '00000000000000ff' },
    ],
    parameters: [bytesLike('value')],
    returns: type.spanId,
    checksConstants: true,
    run: (value) => readId(value, 'span id', 8),
  }),
  converter({
    name: 'ProfileID',
    summary: 'The profile id of 16 bytes or 32 hex digits. No path of a span takes one.',
    parameters: [bytesLike('value')],
    returns: type.profileId,
    checksConstants: true,
    examples: [
      { text: 'ProfileID("0102030405060708090A0B0C0D0E0F10")', gives: '0102030405060708090a0b0c0d0e0f10' },
      { text: 'ProfileID(0x01)', fails: 'a profile id is made of 16 bytes or 32 hex digits, got 1 bytes' },
    ],
    run: (value) => readId(value, 'profile id', 16),
  }),
];
