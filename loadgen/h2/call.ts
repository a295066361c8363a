// One unary call of the client: what of its request is still to be sent, and its reply as it comes.
import { codeOfHttpStatus, grpcCode } from '../../src/transport/grpc-status.ts';
import { decompress } from './compression.ts';
import type { ReplyHead } from './reply-head.ts';

/** Instead of a gRPC status, of a call that has none from the server. */
export const transportFailure = {
  /** Whether the server took the call is not known. */
  unknown: -1,
  /** The connection was gone before anything of the call went out. */
  notSent: -2,
} as const;

/** `status`: the gRPC status, or one of `transportFailure`. */
export interface UnaryReply {
  readonly status: number;
  readonly message: string;
  /** The reply message, decompressed; empty when there was none. */
  readonly body: Buffer;
  /** Of RetryInfo. */
  readonly retryDelayMs: number | null;
}

export interface Call {
  readonly done: (reply: UnaryReply) => void;
  /** Of performance.now(); 0 where calls have no deadline. */
  readonly startedAt: number;
  /** Bytes of the request with its prefix, and how many of them are sent. */
  readonly total: number;
  sent: number;
  /** The message from its byte `restFrom` on. */
  rest: Buffer;
  restFrom: number;
  /** Whether `rest` is to be given back. */
  isCopy: boolean;
  /** 0: it waits for its turn. */
  stream: number;
  /** What the server's stream window still allows; may be negative after SETTINGS made it smaller. */
  window: number;
  /** The reply's first headers. */
  head: ReplyHead | null;
  replyBytes: number;
  replyParts: Buffer[] | null;
  ended: boolean;
}

/** Compressed-Flag(8) Message-Length(32)   (PROTOCOL-HTTP2.md) */
export const prefixBytes = 5;
export const noBytes: Buffer = Buffer.alloc(0);
/** The usual reply. */
const accepted: UnaryReply = { status: grpcCode.OK, message: '', body: noBytes, retryDelayMs: null };

export const failure = (status: number, message: string, retryDelayMs: number | null = null): UnaryReply => ({
  status,
  message,
  body: noBytes,
  retryDelayMs,
});

/** Keeps a part of the reply. */
export function addReplyBytes(call: Call, bytes: Buffer, start: number, end: number): void {
  // The usual reply is an empty message in one piece: of that nothing need be kept.
  const isWholeAndEmpty =
    call.replyBytes === 0 && end - start === prefixBytes && bytes[start] === 0 && bytes.readUInt32BE(start + 1) === 0;
  call.replyBytes += end - start;
  if (isWholeAndEmpty) return;
  call.replyParts ??= [];
  call.replyParts.push(Buffer.from(bytes.subarray(start, end)));
}

/** The stream ended, with `trailer` unless it is null. */
export function replyOf(call: Call, trailer: ReplyHead | null): UnaryReply {
  if (trailer === null || trailer.grpcStatus < 0) {
    const httpStatus = call.head?.httpStatus ?? trailer?.httpStatus ?? 200;
    if (httpStatus === 200 || Number.isNaN(httpStatus))
      return failure(transportFailure.unknown, 'the stream ended without a grpc-status');
    return failure(codeOfHttpStatus(httpStatus), `HTTP status ${httpStatus} without a grpc-status`);
  }
  const { grpcStatus, message, retryDelayMs } = trailer;
  if (grpcStatus !== grpcCode.OK) return failure(grpcStatus, message, retryDelayMs);
  if (call.replyBytes < prefixBytes) return failure(grpcCode.INTERNAL, 'status OK without a reply message');
  if (call.replyParts === null) return call.replyBytes === prefixBytes ? accepted : twoMessages;
  return messageOf(Buffer.concat(call.replyParts), call.head?.encoding ?? 'identity');
}

const twoMessages = failure(grpcCode.INTERNAL, 'the reply is not one message');

function messageOf(bytes: Buffer, encoding: string): UnaryReply {
  if (bytes.readUInt32BE(1) !== bytes.length - prefixBytes) return twoMessages;
  const message = bytes.subarray(prefixBytes);
  if (bytes[0] === 0) return { status: grpcCode.OK, message: '', body: message, retryDelayMs: null };
  try {
    const body = decompress(encoding, message);
    if (body !== null) return { status: grpcCode.OK, message: '', body, retryDelayMs: null };
    return failure(grpcCode.INTERNAL, `the reply has an unknown encoding: ${encoding}`);
  } catch (error) {
    return failure(
      grpcCode.INTERNAL,
      `the reply is not ${encoding}: ${error instanceof Error ? error.message : error}`,
    );
  }
}
