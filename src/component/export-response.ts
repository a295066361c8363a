// What the answer to an export says once the peer has said yes: an ExportTraceServiceResponse, in either encoding.
import type { RateLimitedLog } from '../lib/rate-limit.ts';
import type { ExportResult } from './exporter.ts';

export type ResponseFormat = 'protobuf' | 'json';

/** Go servers write an empty partial_success with every answer. */
const emptyPartialSuccess = Buffer.of(0x0a, 0x00);

/**
 * accepted or partial. A response that cannot be read counts as accepted, for the peer has said yes; that, and a message
 * without rejected spans, goes to the log.
 */
export async function resultOfResponse(
  body: Buffer,
  format: ResponseFormat,
  log: RateLimitedLog,
): Promise<ExportResult> {
  if (body.length === 0 || body.equals(emptyPartialSuccess)) return { kind: 'accepted' };
  let partial: PartialSuccess | null | undefined;
  try {
    partial = format === 'json' ? partialOfJson(body) : await partialOfProtobuf(body);
  } catch (error) {
    warnOfAnswer(log, `its answer cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return { kind: 'accepted' };
  }
  const rejected = partial?.rejectedSpans;
  const rejectedSpans = typeof rejected === 'number' || typeof rejected === 'string' ? Number(rejected) : 0;
  const message = typeof partial?.errorMessage === 'string' ? partial.errorMessage : '';
  // An int64 below zero arrives from protobuf as a number near 2^64: nonsense, and nothing to subtract.
  if (rejectedSpans > 0 && Number.isSafeInteger(rejectedSpans)) return { kind: 'partial', rejectedSpans, message };
  if (message !== '') warnOfAnswer(log, message);
  return { kind: 'accepted' };
}

/** The peer accepted, but there is something to say of its answer. */
export function warnOfAnswer(log: RateLimitedLog, said: string): void {
  log.warn('partial success', { peer: said }, 'the peer accepted all spans with a warning');
}

interface PartialSuccess {
  readonly rejectedSpans?: unknown;
  readonly errorMessage?: unknown;
}

async function partialOfProtobuf(body: Buffer): Promise<PartialSuccess | undefined> {
  // Loaded for the first answer that says something: most services never meet one, and it takes 7 MB.
  const { ProtobufTraceSerializer } = await import('@opentelemetry/otlp-transformer');
  return ProtobufTraceSerializer.deserializeResponse(body).partialSuccess;
}

function partialOfJson(body: Buffer): PartialSuccess | null | undefined {
  const response: unknown = JSON.parse(body.toString('utf8'));
  if (typeof response !== 'object' || response === null) throw new Error('not an object');
  return 'partialSuccess' in response ? (response.partialSuccess as PartialSuccess | null) : undefined;
}
