// Header blocks of replies, the first ones and trailers alike, to what they say of a call.
import { decodeGrpcMessage } from '../../src/transport/grpc-status.ts';
import { ConnectionError } from '../../src/transport/http2/connection-error.ts';
import { errorCode } from '../../src/transport/http2/frames.ts';
import type { HeaderBlock } from '../../src/transport/http2/header-blocks.ts';
import { retryDelayOf } from '../../src/transport/rpc-status.ts';
import { largestHeaderBlock } from './control.ts';
import { createHeadReader, type Fields } from './head-reader.ts';

export interface ReplyHead {
  /** NaN: none, as in trailers. */
  readonly httpStatus: number;
  /** -1: none. */
  readonly grpcStatus: number;
  readonly message: string;
  /** grpc-encoding. */
  readonly encoding: string;
  /** Of RetryInfo. */
  readonly retryDelayMs: number | null;
}

export type ReadReplyHead = (block: HeaderBlock) => ReplyHead;

/** Of a connection whose SETTINGS_HEADER_TABLE_SIZE is 0. What it returns throws ConnectionError. */
export function createReplyHeads(): ReadReplyHead {
  return createHeadReader(0, headOf);
}

function headOf(fields: Fields | null): ReplyHead {
  if (fields === null) {
    throw new ConnectionError(errorCode.enhanceYourCalm, `more than ${largestHeaderBlock} bytes of headers`);
  }
  const status = fields.get('grpc-status');
  const details = fields.get('grpc-status-details-bin');
  return {
    httpStatus: Number(fields.get(':status') ?? Number.NaN),
    grpcStatus: status === undefined ? -1 : /^\d{1,9}$/.test(status) ? Number(status) : 2,
    message: decodeGrpcMessage(fields.get('grpc-message') ?? ''),
    encoding: fields.get('grpc-encoding') ?? 'identity',
    retryDelayMs: details === undefined ? null : (retryDelayOf(Buffer.from(details, 'base64')) ?? null),
  };
}
