// Answers of a server in bytes.
import { type GrpcStatus, grpcCode, statusFields } from '../../src/transport/grpc-status.ts';
import { defaultMaxFrame, flag, frame, frameType } from '../../src/transport/http2/frames.ts';
import { encodeHeaders } from '../../src/transport/http2/hpack/encoder.ts';
import { retryInfoStatus } from '../../src/transport/rpc-status.ts';
import type { Action } from './action.ts';

/** An answer as it is sent; `content` is null where the headers say all. */
export interface Answer {
  readonly head: Buffer;
  readonly content: Buffer | null;
  readonly trailers: Buffer;
}

const responseFields = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
] as const;
const noBytes = Buffer.alloc(0);
const okHead = encodeHeaders(responseFields);
const okTrailers = encodeHeaders([['grpc-status', String(grpcCode.OK)]]);

const okAnswer = (message: Buffer): Answer => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return { head: okHead, content: Buffer.concat([prefix, message]), trailers: okTrailers };
};

/** With an empty message. */
export const usualAnswer = okAnswer(noBytes);

export function answerOf(action: Action & { readonly kind: 'partial' | 'status' }): Answer {
  if (action.kind === 'partial') return okAnswer(partialSuccess(action.rejected, action.message));
  const { code, message, retryDelayMs } = action;
  const status: GrpcStatus =
    retryDelayMs === undefined ? { code, message } : retryInfoStatus(code, message, retryDelayMs);
  return { head: encodeHeaders([...responseFields, ...statusFields(status)]), content: null, trailers: noBytes };
}

/**
 *   ExportTraceServiceResponse  1 ExportTracePartialSuccess partial_success
 *   ExportTracePartialSuccess   1 int64 rejected_spans   2 string error_message
 */
export function partialSuccess(rejected: number, message: string): Buffer {
  const text = Buffer.from(message, 'utf8');
  const inner = Buffer.concat([Buffer.of(0x08, ...varint(rejected), 0x12, ...varint(text.length)), text]);
  return Buffer.concat([Buffer.of(0x0a, ...varint(inner.length)), inner]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

/** Its frames on a stream. */
export function framesOf(stream: number, { head, content, trailers }: Answer): Buffer[] {
  const last = flag.endHeaders | flag.endStream;
  if (content === null) return [frame(frameType.headers, last, stream, head)];
  const frames = [frame(frameType.headers, flag.endHeaders, stream, head)];
  // As large as any client takes them.
  for (let at = 0; at < content.length; at += defaultMaxFrame) {
    frames.push(frame(frameType.data, 0, stream, content.subarray(at, at + defaultMaxFrame)));
  }
  frames.push(frame(frameType.headers, last, stream, trailers));
  return frames;
}

export const usualContentBytes = usualAnswer.content?.length ?? 0;
const usualFrames = framesOf(1, usualAnswer);
/** The usual answer, whole, for stream 1. */
export const usualReply: Buffer = Buffer.concat(usualFrames);
/** Where the stream stands in each of its frames. */
export const usualStreamsAt: readonly number[] = usualFrames.map(
  (_, i) => 5 + usualFrames.slice(0, i).reduce((sum, { length }) => sum + length, 0),
);
