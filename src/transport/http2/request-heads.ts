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
  | {
      readonly kind: 'request';
      readonly head: RequestHead;
      readonly contentLength: number;
      readonly expectsContinue: boolean;
    }
  | { readonly kind: 'malformed'; readonly why: string }
  | { readonly kind: 'too_large' };

export interface RequestHeadsOptions {
  readonly routes: ReadonlyMap<string, UnaryMethod>;
  readonly includeMetadata: boolean;
  /** Whether an authenticator will want to see the fields. */
  readonly isGuarded: boolean;
  /** Our SETTINGS_HEADER_TABLE_SIZE. */
  readonly tableBytes: number;
  /** Our SETTINGS_MAX_HEADER_LIST_SIZE. */
  readonly maxHeaderBytes: number;
}

/** nghttp2, and so grpc-js, never lets a credential into the table, and a signed token takes a kilobyte. */
const longestGuarded = 4096;
/** A block that is longer is kept of clients only that were welcome: others shall not take memory. */
const longestOfStrangers = 512;

const tooLarge: Opening = { kind: 'too_large' };
const noFields: readonly HeaderField[] = [];

export class RequestHeads {
  readonly #options: RequestHeadsOptions;
  readonly #decoder: HpackDecoder;
  readonly #known: KnownHeads<Opening>;
  /** Of a long block; it waits for what the authenticator says. */
  #unjudged: Opening | null = null;

  constructor(options: RequestHeadsOptions) {
    this.#options = options;
    this.#known = options.isGuarded ? new KnownHeads(longestGuarded) : new KnownHeads();
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
    const { routes, includeMetadata, isGuarded } = this.#options;
    const head = requestHead(routes, found.headers, fields, includeMetadata, isGuarded ? fields : noFields);
    const { contentLength, expectsContinue } = found;
    const opening: Opening = { kind: 'request', head, contentLength, expectsContinue };
    if (this.#decoder.version !== version) return opening;
    if (isGuarded && end - start > longestOfStrangers) this.#unjudged = opening;
    else this.#known.add(bytes, start, end, version, opening);
    return opening;
  }

  /** The authenticator has seen what `open` has just given for the block. */
  judged({ bytes, start, end }: HeaderBlock, opening: Opening): void {
    if (this.#unjudged !== opening) return;
    this.#unjudged = null;
    if (opening.kind !== 'request' || opening.head.welcomedIn < 0) return;
    this.#known.add(bytes, start, end, this.#decoder.version, opening);
  }

  /** Of a stream that is open already. '' when they are well-formed, else why not. Throws ConnectionError. */
  trailers(block: HeaderBlock): string {
    const fields = decodeBlock(this.#decoder, block);
    return fields === null ? 'trailers too large' : malformedTrailer(fields);
  }
}
