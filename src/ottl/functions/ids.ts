// Ids of traces, spans and profiles.
import { fault } from '../error.ts';
import { describe, OttlId, type OttlValue, type } from '../values.ts';
import { any, converter, type FunctionDefinition } from './define.ts';

function readId(value: OttlValue, kind: OttlId['kind'], size: number): OttlId {
  if (value instanceof Uint8Array && value.length === size) return new OttlId(kind, value);
  if (typeof value === 'string' && value.length === size * 2 && /^[0-9a-fA-F]*$/.test(value)) {
    return new OttlId(kind, new Uint8Array(Buffer.from(value, 'hex')));
  }
  const found = value instanceof Uint8Array ? `${value.length} bytes` : describe(value);
  throw fault(`a ${kind} is made of ${size} bytes or ${size * 2} hex digits, got ${found}`);
}

export const idFunctions: readonly FunctionDefinition[] = [
  converter({
    name: 'TraceID',
    summary: 'The trace id of 16 bytes or 32 hex digits.',
    parameters: [any('value')],
    returns: type.traceId,
    checksConstants: true,
    run: (value) => readId(value, 'trace id', 16),
  }),
  converter({
    name: 'SpanID',
    summary: 'The span id of 8 bytes or 16 hex digits.',
    parameters: [any('value')],
    returns: type.spanId,
    checksConstants: true,
    run: (value) => readId(value, 'span id', 8),
  }),
  converter({
    name: 'ProfileID',
    summary: 'The profile id of 16 bytes or 32 hex digits. No path of a span takes one.',
    parameters: [any('value')],
    returns: type.profileId,
    checksConstants: true,
    examples: [
      { text: 'ProfileID("0102030405060708090A0B0C0D0E0F10")', gives: '0102030405060708090a0b0c0d0e0f10' },
      { text: 'ProfileID(0x01)', fails: 'a profile id is made of 16 bytes or 32 hex digits, got 1 bytes' },
    ],
    run: (value) => readId(value, 'profile id', 16),
  }),
];
