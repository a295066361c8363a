// Header blocks of requests to what the sink wants to know of them.
import type { HeaderBlock } from '../../src/transport/http2/header-blocks.ts';
import { createHeadReader, type Fields } from './head-reader.ts';

/** Of one message. The same object for all that have the same headers. */
export interface RequestInfo {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** Of the message: `identity`, `gzip`, `zstd`. */
  readonly encoding: string;
}

/** By the compressed flag of the message that follows. */
export interface RequestHead {
  readonly plain: RequestInfo;
  /** null where the headers name no encoding. */
  readonly compressed: RequestInfo | null;
}

/** What both sides begin with: clients send before they have read any SETTINGS. */
const tableBytes = 4096;

/** Of one connection: takes all blocks of it in order, trailers too. What it returns throws ConnectionError. */
export function createRequestHeads(): (block: HeaderBlock) => RequestHead {
  return createHeadReader(tableBytes, headOf);
}

function headOf(fields: Fields | null): RequestHead {
  const path = fields?.get(':path') ?? '';
  const encoding = fields?.get('grpc-encoding') ?? 'identity';
  return {
    plain: { path, encoding: 'identity' },
    compressed: encoding === 'identity' ? null : { path, encoding },
  };
}
