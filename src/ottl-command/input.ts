// The spans that a rule is tried on: a file in any form that `spanmill replay` reads, or less than a request.
import { readFile } from 'node:fs/promises';
import { SpanmillError } from '../errors.ts';
import { type Request, requestsOf } from '../replay/requests.ts';
import { exampleRequest } from './example-span.ts';

/** `file`: null: the example span; `-`: `stdin`. Throws a SpanmillError that says what cannot be read. */
export async function readSpans(file: string | null, stdin: () => Promise<Buffer>): Promise<Request[]> {
  if (file === null) return requestsOf(Buffer.from(JSON.stringify(exampleRequest)));
  return requestsOf(asRequest(file === '-' ? await stdin() : await bytesOf(file)));
}

async function bytesOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new SpanmillError('STORAGE', `it cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** What is less than a request, by the keys that tell it, and what of a request it lacks. */
const lesser = [
  { keys: ['scopeSpans', 'scope_spans'], head: '{"resourceSpans":[', tail: ']}' },
  { keys: ['spans'], head: '{"resourceSpans":[{"scopeSpans":[', tail: ']}]}' },
  {
    keys: ['name', 'traceId', 'trace_id', 'spanId', 'span_id', 'attributes'],
    head: '{"resourceSpans":[{"scopeSpans":[{"spans":[',
    tail: ']}]}]}',
  },
] as const;

/** The text itself stays as it is, so that no number in it loses a digit. */
function asRequest(bytes: Buffer): Buffer {
  const keys = keysOf(bytes);
  if (keys.has('resourceSpans') || keys.has('resource_spans')) return bytes;
  const found = lesser.find((form) => form.keys.some((key) => keys.has(key)));
  return found === undefined ? bytes : Buffer.concat([Buffer.from(found.head), bytes, Buffer.from(found.tail)]);
}

/** Of the one JSON object that the bytes are; else none. */
function keysOf(bytes: Buffer): ReadonlySet<string> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return new Set(typeof value === 'object' && value !== null ? Object.keys(value) : []);
  } catch {
    return new Set();
  }
}
