// Sends batches as ExportTraceServiceRequest over unary gRPC and understands the answers.
import type { Logger } from 'pino';
import type { Exporter, ExportResult } from '../../component/types.ts';
import { rateLimited } from '../../lib/rate-limit.ts';
import type { GrpcClient, GrpcReply } from '../../transport/grpc-client.ts';
import { grpcCode, grpcCodeName } from '../../transport/grpc-status.ts';

const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

export interface OtlpExporterOptions {
  /** Makes the client, at the start; may reject. */
  connect(): Promise<GrpcClient>;
  /** Told to the peer with each call; 0: none. */
  readonly timeoutMs: number;
  readonly log: Logger;
}

export function createOtlpExporter(options: OtlpExporterOptions): Exporter {
  const log = rateLimited(options.log);
  let client: GrpcClient | null = null;
  return {
    start: async () => {
      client ??= await options.connect();
    },
    async export(batch, signal) {
      if (client === null) return { kind: 'retry', reason: 'not_started', message: 'not started', afterMs: 0 };
      const reply = await client.call(path, batch.segments, { timeoutMs: options.timeoutMs, signal });
      if (reply.code !== grpcCode.OK) return resultOfError(reply, signal);
      if (reply.body === null || reply.body.length === 0) return { kind: 'accepted' };
      const result = await resultOfBody(reply.body);
      if (result.kind === 'accepted' && result.warning !== '') {
        log.warn('partial success', { peer: result.warning }, 'the peer accepted all spans with a warning');
      }
      return result.kind === 'accepted' ? { kind: 'accepted' } : result;
    },
    stop: async () => {
      client?.close();
      client = null;
    },
  };
}

/** OTLP specification, failures: the codes after which a client should try again. */
const retryable: ReadonlySet<number> = new Set([
  grpcCode.CANCELLED,
  grpcCode.DEADLINE_EXCEEDED,
  grpcCode.ABORTED,
  grpcCode.OUT_OF_RANGE,
  grpcCode.UNAVAILABLE,
  grpcCode.DATA_LOSS,
]);

function resultOfError({ code, message, retryDelayMs }: GrpcReply, signal: AbortSignal): ExportResult {
  if (code === grpcCode.CANCELLED && signal.aborted) {
    const reason = String(signal.reason);
    return { kind: 'retry', reason, message: `the attempt was ended: ${reason}`, afterMs: 0 };
  }
  const name = grpcCodeName(code);
  const reason = name.toLowerCase();
  const text = `${name}: ${message}`;
  // "RESOURCE_EXHAUSTED ... only if the server signals that the recovery is possible" with RetryInfo.
  if (retryable.has(code) || (code === grpcCode.RESOURCE_EXHAUSTED && retryDelayMs !== undefined)) {
    return { kind: 'retry', reason, message: text, afterMs: retryDelayMs ?? 0 };
  }
  return { kind: 'refused', reason, message: text };
}

type Answer =
  | { readonly kind: 'accepted'; readonly warning: string }
  | { readonly kind: 'partial'; readonly rejectedSpans: number; readonly message: string };

/** What an ExportTraceServiceResponse says. "OK" counts for all spans where the message itself cannot be read. */
async function resultOfBody(body: Buffer): Promise<Answer> {
  // Loaded for the first answer that says something: most services never meet one, and it takes 7 MB.
  const { ProtobufTraceSerializer } = await import('@opentelemetry/otlp-transformer');
  let partial: { rejectedSpans?: unknown; errorMessage?: string } | undefined;
  try {
    partial = ProtobufTraceSerializer.deserializeResponse(body).partialSuccess;
  } catch (error) {
    return { kind: 'accepted', warning: `its answer cannot be read: ${String(error)}` };
  }
  const rejectedSpans = Number(partial?.rejectedSpans ?? 0);
  const message = partial?.errorMessage ?? '';
  // An int64 below zero arrives as a number beyond 2^63: nonsense, and nothing to subtract.
  if (rejectedSpans > 0 && rejectedSpans < 2 ** 63) return { kind: 'partial', rejectedSpans, message };
  return { kind: 'accepted', warning: message };
}
