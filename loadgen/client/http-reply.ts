// A reply of OTLP/HTTP, read.
import { statusMessageOf } from '../../src/transport/rpc-status.ts';
import { decompress } from '../h2/compression.ts';
import type { ExportReply } from './client.ts';
import { acceptedReply, failedReply } from './export-reply.ts';
import type { HttpReply } from './reply-reader.ts';

const maxMessageChars = 200;

/** Nothing of the reply's bytes is kept. */
export function readReply({ head, body: bytes }: HttpReply): ExportReply {
  const { status, fields } = head;
  const encoding = fields.get('content-encoding') ?? 'identity';
  const type = fields.get('content-type') ?? '';
  let body: Buffer | null;
  try {
    body = decompress(encoding, bytes);
  } catch {
    body = null;
  }
  const isJson = type.startsWith('application/json');
  if (status === 200) {
    if (body !== null) return acceptedReply(body, isJson);
    return failedReply('TRANSPORT', `the reply is not ${encoding}`);
  }
  const text = body === null ? '' : isJson ? messageOfJson(body) : messageOf(body, type);
  return failedReply(`HTTP ${status}`, text, retryAfterMs(fields.get('retry-after')));
}

/** OTLP: "the response body for all HTTP 4xx and HTTP 5xx responses MUST be a Protobuf-encoded Status message". */
function messageOf(body: Buffer, type: string): string {
  if (type.startsWith('application/x-protobuf')) return oneLine(statusMessageOf(body));
  return oneLine(body.toString('utf8'));
}

function messageOfJson(body: Buffer): string {
  try {
    const status: unknown = JSON.parse(body.toString('utf8'));
    if (typeof status === 'object' && status !== null && 'message' in status) return oneLine(String(status.message));
  } catch {
    // Whatever it is, it is shown as it came.
  }
  return oneLine(body.toString('utf8'));
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, maxMessageChars);

/** RFC 9110 10.2.3: "Retry-After = HTTP-date / delay-seconds" */
function retryAfterMs(value: string | undefined): number | null {
  if (value === undefined) return null;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}
