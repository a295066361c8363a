// What the transport itself answers to a call, and why; the reason is a label of counters.
import type { InflateResult } from './compression.ts';
import type { RefusalReason } from './grpc-server.ts';
import { type GrpcStatus, grpcCode } from './grpc-status.ts';

export interface CallRefusal {
  readonly reason: RefusalReason;
  readonly status: GrpcStatus;
  /** Absent: 200, the status says it. */
  readonly httpStatus?: number;
}

const tooLargeMessage = (message: string): CallRefusal => ({
  reason: 'too_large',
  status: { code: grpcCode.RESOURCE_EXHAUSTED, message },
});

/** Bytes that the client announced, and the most that is taken. */
export const tooLarge = (announced: number, largest: number): CallRefusal =>
  tooLargeMessage(`received message larger than max (${announced} vs. ${largest})`);

/** The bytes are not those of one message. */
export const badFraming = (message: string): CallRefusal => ({
  reason: 'framing',
  status: { code: grpcCode.INTERNAL, message },
});

/** Nothing, or too little, came for too long. */
export const stalled = (message: string): CallRefusal => ({
  reason: 'stalled',
  status: { code: grpcCode.DEADLINE_EXCEEDED, message },
});

export const pastDeadline: CallRefusal = {
  reason: 'deadline',
  status: { code: grpcCode.DEADLINE_EXCEEDED, message: 'the deadline passed before the request was taken' },
};

export const shuttingDown: CallRefusal = {
  reason: 'shutdown',
  status: { code: grpcCode.UNAVAILABLE, message: 'the server is shutting down' },
};

/** What was decompressed, or why it is not taken; null: nobody wants it any more. `largest`: bytes. */
export function inflatedBytes(result: InflateResult, largest: number): Buffer | CallRefusal | null {
  if (result.kind === 'dropped') return null;
  if (result.kind === 'too_large' || (result.kind === 'ok' && result.bytes.length > largest)) {
    return tooLargeMessage(`received message after decompression larger than max ${largest}`);
  }
  if (result.kind === 'ok') return result.bytes;
  const message = `failed to decompress the received message: ${result.message}`;
  return { reason: 'decompression', status: { code: grpcCode.INTERNAL, message } };
}
