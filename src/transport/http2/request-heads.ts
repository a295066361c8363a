// Header blocks of a connection to what they mean for a call.
import type { UnaryMethod } from '../grpc-server.ts';
import { type RequestHead, requestHead } from '../request-head.ts';
import { decodeBlock } from './decode-block.ts';
import type { HeaderBlock } from './header-blocks.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import type { HeaderField } from './hpack/static-table.ts';
import { KnownHeads } from './known-heads.ts';
import { malformedTrailer, requestFields } from './request-fields.ts';

/** What a header block opens. */
export type Opening =
  | { readonly kind: 'request'; readonly head: RequestHead; readonly contentLength: number }
  | { readonly kind: 'malformed'; readonly why: string }
  | { readonly kind: 'too_large' };

export interface RequestHeadsOptions {
  readonly routes: ReadonlyMap<string, UnaryMethod>;
  readonly includeMetadata: boolean;
  /** Our SETTINGS_HEADER_TABLE_SIZE. */
  readonly tableBytes: number;
  /** Our SETTINGS_MAX_HEADER_LIST_SIZE. */
  readonly maxHeaderBytes: number;
}

const tooLarge: Opening = { kind: 'too_large' };
const noFields: readonly HeaderField[] = [];

export class RequestHeads {
  readonly #options: RequestHeadsOptions;
  readonly #decoder: HpackDecoder;
  readonly #known = new KnownHeads<Opening>();

  constructor(options: RequestHeadsOptions) {
    this.#options = options;
    this.#decoder = new HpackDecoder(options.tableBytes, options.maxHeaderBytes);
  }

  /** Of a new stream. Every block has to pass, also of streams that are refused. Throws ConnectionError. */
  open(block: HeaderBlock): Opening {
    const { bytes, start, end } = block;
    const { version } = this.#decoder;
    const known = this.#known.find(bytes, start, end, version);
    if (known !== null) return known;
    const fields = decodeBlock(this.#decoder, block);
    if (fields === null) return tooLarge;
    const found = requestFields(fields);
    if (found.kind === 'malformed') return found;
    const { routes, includeMetadata } = this.#options;
    const head = requestHead(routes, found.headers, includeMetadata ? fields : noFields);
    const opening: Opening = { kind: 'request', head, contentLength: found.contentLength };
    if (this.#decoder.version === version) this.#known.add(bytes, start, end, version, opening);
    return opening;
  }

  /** Of a stream that is open already. '' when they are well-formed, else why not. Throws ConnectionError. */
  trailers(block: HeaderBlock): string {
    const fields = decodeBlock(this.#decoder, block);
    return fields === null ? 'trailers too large' : malformedTrailer(fields);
  }
}
