// Header blocks of requests to what the sink wants to know of them. Most are the same bytes again.
import { ConnectionError } from '../../src/transport/http2/connection-error.ts';
import { errorCode } from '../../src/transport/http2/frames.ts';
import type { HeaderBlock } from '../../src/transport/http2/header-blocks.ts';
import { CompressionError, HpackDecoder } from '../../src/transport/http2/hpack/decoder.ts';
import { KnownHeads } from '../../src/transport/http2/known-heads.ts';
import { largestHeaderBlock } from './control.ts';

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
  const decoder = new HpackDecoder(tableBytes, largestHeaderBlock);
  const known = new KnownHeads<RequestHead>();
  return ({ bytes, start, end }) => {
    const { version } = decoder;
    const found = known.find(bytes, start, end, version);
    if (found !== null) return found;
    const head = headOf(decode(decoder, bytes, start, end));
    if (decoder.version === version) known.add(bytes, start, end, version, head);
    return head;
  };
}

function decode(decoder: HpackDecoder, bytes: Buffer, start: number, end: number): ReadonlyMap<string, string> {
  try {
    const fields = decoder.decode(bytes, start, end) ?? [];
    return new Map(fields.map(({ name, value }) => [name, value]));
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error;
    throw new ConnectionError(errorCode.compressionError, error.message);
  }
}

function headOf(fields: ReadonlyMap<string, string>): RequestHead {
  const path = fields.get(':path') ?? '';
  const encoding = fields.get('grpc-encoding') ?? 'identity';
  return {
    plain: { path, encoding: 'identity' },
    compressed: encoding === 'identity' ? null : { path, encoding },
  };
}
