// Sends batches as ExportTraceServiceRequest over unary gRPC and understands the answers.
import type { Logger } from 'pino';
import type { ClientAuthenticator } from '../../component/capabilities.ts';
import { resultOfResponse } from '../../component/export-response.ts';
import type { Batch, Exporter, ExportResult } from '../../component/exporter.ts';
import { statedLimit } from '../../component/stated-limit.ts';
import { SpanmillError } from '../../errors.ts';
import { rateLimited } from '../../lib/rate-limit.ts';
import type { GrpcClient, GrpcReply } from '../../transport/grpc-client.ts';
import { grpcCode, grpcCodeName } from '../../transport/grpc-status.ts';

const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

export interface OtlpExporterOptions {
  /** Makes the client, at the start; may reject. */
  connect(): Promise<GrpcClient>;
  /** null: no credentials but those in `headers`. */
  readonly auth: ClientAuthenticator | null;
  /** As configured. */
  readonly headers: Readonly<Record<string, string>>;
  /** Told to the peer with each call; 0: none. */
  readonly timeoutMs: number;
  readonly log: Logger;
}

export function createOtlpExporter(options: OtlpExporterOptions): Exporter {
  const log = rateLimited(options.log);
  const { auth, timeoutMs } = options;
  const own = lowerCased(options.headers);
  let client: GrpcClient | null = null;
  return {
    start: async () => {
      client ??= await options.connect();
    },
    async export(batch, signal) {
      if (client === null) return { kind: 'retry', reason: 'not_started', message: 'not started', afterMs: 0 };
      let credentials: { readonly headers?: Readonly<Record<string, string>> } = {};
      try {
        if (auth !== null) credentials = { headers: auth.headers(batch.metadata, own) };
      } catch (error) {
        const message = error instanceof SpanmillError ? error.message : String(error);
        return { kind: 'retry', reason: 'no_credentials', message, afterMs: 0 };
      }
      const reply = await client.call(path, batch.segments, { timeoutMs, signal, ...credentials });
      if (auth !== null && reply.code === grpcCode.UNAUTHENTICATED) return unauthenticated(reply);
      if (reply.code !== grpcCode.OK) return resultOfError(reply, batch, signal);
      return await resultOfResponse(reply.body ?? Buffer.alloc(0), 'protobuf', log);
    },
    stop: async () => {
      client?.close();
      client = null;
    },
  };
}

const lowerCased = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

/** What an extension gives changes while the service runs: a token that was replaced a moment ago must cost no spans. */
const unauthenticated = ({ message }: GrpcReply): ExportResult => ({
  kind: 'retry',
  reason: 'unauthenticated',
  message: `UNAUTHENTICATED: ${message}`,
  afterMs: 0,
});

/** OTLP specification, failures: the codes after which a client should try again. */
const retryable: ReadonlySet<number> = new Set([
  grpcCode.CANCELLED,
  grpcCode.DEADLINE_EXCEEDED,
  grpcCode.ABORTED,
  grpcCode.OUT_OF_RANGE,
  grpcCode.UNAVAILABLE,
  grpcCode.DATA_LOSS,
]);

function resultOfError(reply: GrpcReply, batch: Batch, signal: AbortSignal): ExportResult {
  const { code, message, retryDelayMs, bareHttpStatus } = reply;
  if (code === grpcCode.CANCELLED && signal.aborted) {
    const reason = String(signal.reason);
    return { kind: 'retry', reason, message: `the attempt was ended: ${reason}`, afterMs: 0 };
  }
  const name = grpcCodeName(code);
  const reason = name.toLowerCase();
  const text = `${name}: ${message}`;
  // A proxy's limit on bodies (nginx: client_max_body_size, 1 MiB unless set).
  if (bareHttpStatus === 413) return { kind: 'too_large', reason, message: text, limitBytes: 0 };
  // Whether the peer took the spans is not known, and nothing says that it will not.
  if (bareHttpStatus === 0 || bareHttpStatus === 200) return { kind: 'retry', reason, message: text, afterMs: 0 };
  if (code === grpcCode.RESOURCE_EXHAUSTED && retryDelayMs === undefined) {
    // A limit above what was sent means something else.
    const limit = statedLimit(message);
    return { kind: 'too_large', reason, message: text, limitBytes: limit < batch.bytes ? limit : 0 };
  }
  if (code === grpcCode.INVALID_ARGUMENT) return { kind: 'invalid', reason, message: text };
  // "RESOURCE_EXHAUSTED ... only if the server signals that the recovery is possible" with RetryInfo.
  if (retryable.has(code) || code === grpcCode.RESOURCE_EXHAUSTED) {
    return { kind: 'retry', reason, message: text, afterMs: retryDelayMs ?? 0 };
  }
  return { kind: 'refused', reason, message: text };
}
