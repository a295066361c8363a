// Header blocks of replies, the first ones and trailers alike, to what they say of a call. Most are the same bytes again.

import { decodeGrpcMessage } from '../../src/transport/grpc-status.ts';
import { ConnectionError } from '../../src/transport/http2/connection-error.ts';
import { errorCode } from '../../src/transport/http2/frames.ts';
import type { HeaderBlock } from '../../src/transport/http2/header-blocks.ts';
import { CompressionError, HpackDecoder } from '../../src/transport/http2/hpack/decoder.ts';
import { KnownHeads } from '../../src/transport/http2/known-heads.ts';
import { retryDelayOf } from '../../src/transport/rpc-status.ts';
import { largestHeaderBlock } from './control.ts';

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
  const decoder = new HpackDecoder(0, largestHeaderBlock);
  const known = new KnownHeads<ReplyHead>();
  return ({ bytes, start, end }) => {
    const { version } = decoder;
    const found = known.find(bytes, start, end, version);
    if (found !== null) return found;
    const head = headOf(decode(decoder, bytes, start, end));
    if (decoder.version === version) known.add(bytes, start, end, version, head);
    return head;
  };
}

function decode(decoder: HpackDecoder, bytes: Buffer, start: number, end: number): Map<string, string> {
  try {
    const fields = decoder.decode(bytes, start, end);
    if (fields !== null) return new Map(fields.map(({ name, value }) => [name, value]));
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error;
    throw new ConnectionError(errorCode.compressionError, error.message);
  }
  throw new ConnectionError(errorCode.enhanceYourCalm, `more than ${largestHeaderBlock} bytes of headers`);
}

function headOf(fields: Map<string, string>): ReplyHead {
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
