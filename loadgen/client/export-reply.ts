// What a server answered to an export, read.
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { grpcCode, grpcCodeName } from '../../src/transport/grpc-status.ts';
import { transportFailure } from '../h2/call.ts';
import type { ExportReply } from './client.ts';

/** Nothing of it went out: another connection may send it as though nothing had happened. */
export const notSent = 'NOT SENT';

const accepted: ExportReply = { status: 'OK', ok: true, rejectedSpans: 0, message: '', retryDelayMs: null };

/** Go servers write an empty partial_success with every answer. */
const emptyPartialSuccess = Buffer.of(0x0a, 0x00);
const emptyObject = Buffer.from('{}');

/** The server said OK; `body` is an ExportTraceServiceResponse, in protobuf unless `isJson`. */
export function acceptedReply(body: Buffer, isJson = false): ExportReply {
  if (body.length === 0 || body.equals(isJson ? emptyObject : emptyPartialSuccess)) return accepted;
  try {
    const serializer = isJson ? JsonTraceSerializer : ProtobufTraceSerializer;
    const { partialSuccess } = serializer.deserializeResponse(body);
    const rejectedSpans = Number(partialSuccess?.rejectedSpans ?? 0);
    const message = String(partialSuccess?.errorMessage ?? '');
    return rejectedSpans === 0 && message === '' ? accepted : { ...accepted, rejectedSpans, message };
  } catch (error) {
    const message = `the reply is no ExportTraceServiceResponse: ${error instanceof Error ? error.message : error}`;
    return failedReply('TRANSPORT', message);
  }
}

export const failedReply = (status: string, message: string, retryDelayMs: number | null = null): ExportReply => ({
  status,
  ok: false,
  rejectedSpans: 0,
  message,
  retryDelayMs,
});

/** Of a gRPC call. */
export function grpcReply(code: number, message: string, body: Buffer, retryDelayMs: number | null): ExportReply {
  if (code === grpcCode.OK) return acceptedReply(body);
  if (code === transportFailure.notSent) return failedReply(notSent, message);
  return failedReply(code === transportFailure.unknown ? 'TRANSPORT' : grpcCodeName(code), message, retryDelayMs);
}
