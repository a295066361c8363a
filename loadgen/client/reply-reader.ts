// The replies of an HTTP/1.1 connection, read as they come, one for each request.
import { Gathered } from '../../src/transport/http1/gathered.ts';
import { ChunkReader } from '../../src/transport/http1/native/chunk-reader.ts';
import { BadRequest } from '../../src/transport/http1/native/request-head.ts';
import { latin1Text } from '../../src/transport/http2/hpack/latin1.ts';
import { BadReply, notHttp, parseReplyHead, type ReplyHead } from './reply-head.ts';

export interface HttpReply {
  readonly head: ReplyHead;
  /** As it came; valid until more is read. */
  readonly body: Buffer;
  /** Why the connection cannot be used after it; '' when it can. */
  readonly lastBecause: string;
}

export const maxReplyBytes = 4 << 20;
/** As node:http. */
const maxHeadBytes = 16 << 10;
/** Of 1xx before a reply; Go's client takes as many. */
const mostInterim = 5;

const none = Buffer.alloc(0);
const emptyLine = Buffer.from('\r\n\r\n');
const start = Buffer.from('HTTP/1.');

/** The last one that any connection read: servers say the same over and over. */
let known: { readonly text: string; readonly head: ReplyHead } | null = null;

function headOf(text: string): ReplyHead {
  if (known?.text !== text) known = { text, head: parseReplyHead(text) };
  return known.head;
}

export class ReplyReader {
  /** Of a reply whose head is whole; else null. */
  #head: ReplyHead | null = null;
  #interim = 0;
  /** The begin of a head. */
  #rest: Buffer = none;
  // The body: what came of it, and what is still to come.
  #gathered: Gathered | null = null;
  #left = 0;
  #chunks: ChunkReader | null = null;
  readonly #gather = (bytes: Buffer, from: number, to: number): void => {
    this.#gathered ??= new Gathered();
    if (this.#gathered.length + to - from > maxReplyBytes) throw tooLarge();
    this.#gathered.add(bytes.subarray(from, to));
  };

  /** Whether a part of a reply has come. */
  get isUnderWay(): boolean {
    return this.#head !== null || this.#interim > 0 || this.#rest.length > 0;
  }

  /** The next bytes, `bytes[0 … length)`, which are not kept. Gives the reply when they end it. Throws a BadReply. */
  read(bytes: Buffer, length: number): HttpReply | null {
    if (this.#rest.length === 0) return this.#run(bytes, length);
    const whole = Buffer.concat([this.#rest, bytes.subarray(0, length)]);
    this.#rest = none;
    return this.#run(whole, whole.length);
  }

  /** The server ended the connection: the reply that this ends, if it does end one. */
  connectionEnded(): HttpReply | null {
    return this.#head?.framing === 'to the end' ? this.#over(this.#head, this.#gathered?.bytes() ?? none, false) : null;
  }

  #run(bytes: Buffer, end: number): HttpReply | null {
    let at = 0;
    while (this.#head === null) {
      const behind = this.#readHead(bytes, at, end);
      if (behind < 0) {
        this.#rest = Buffer.from(bytes.subarray(at, end));
        return null;
      }
      at = behind;
    }
    return this.#readBody(this.#head, bytes, at, end);
  }

  /** Returns where what follows the head begins, -1 when it is not whole. */
  #readHead(bytes: Buffer, at: number, end: number): number {
    const shown = Math.min(start.length, end - at);
    if (start.compare(bytes, at, at + shown, 0, shown) !== 0) throw new BadReply(notHttp);
    const length = bytes.subarray(at, Math.min(end, at + maxHeadBytes)).indexOf(emptyLine);
    if (length < 0) {
      if (end - at >= maxHeadBytes) throw new BadReply(`a reply whose head has more than ${maxHeadBytes} bytes`);
      return -1;
    }
    const head = headOf(latin1Text(bytes, at, at + length));
    if (head.status >= 200) this.#begin(head);
    else {
      // It was not asked for, and what follows is no HTTP/1.1.
      if (head.status === 101) throw new BadReply('the server switched to another protocol');
      if (++this.#interim > mostInterim) throw new BadReply('answers before the reply, without end');
    }
    return at + length + emptyLine.length;
  }

  #begin(head: ReplyHead): void {
    const { framing } = head;
    if (framing === 'chunked') this.#chunks = new ChunkReader();
    else if (framing !== 'to the end') {
      if (framing > maxReplyBytes) throw tooLarge();
      this.#left = framing;
    }
    this.#head = head;
  }

  #readBody(head: ReplyHead, bytes: Buffer, at: number, end: number): HttpReply | null {
    if (this.#chunks !== null) {
      const behind = this.#readChunks(this.#chunks, bytes, at, end);
      return this.#chunks.isOver ? this.#over(head, this.#gathered?.bytes() ?? none, behind < end) : null;
    }
    if (head.framing === 'to the end') {
      this.#gather(bytes, at, end);
      return null;
    }
    const to = Math.min(end, at + this.#left);
    this.#left -= to - at;
    // Most come whole.
    if (this.#left === 0 && this.#gathered === null) {
      return this.#over(head, at === to ? none : bytes.subarray(at, to), to < end);
    }
    this.#gather(bytes, at, to);
    return this.#left === 0 ? this.#over(head, this.#gathered?.bytes() ?? none, to < end) : null;
  }

  #readChunks(chunks: ChunkReader, bytes: Buffer, at: number, end: number): number {
    try {
      return chunks.read(bytes, at, end, this.#gather);
    } catch (error) {
      // Chunks are read alike in requests and replies.
      throw error instanceof BadRequest ? new BadReply(`a malformed reply: ${error.message}`) : error;
    }
  }

  #over(head: ReplyHead, body: Buffer, hasMore: boolean): HttpReply {
    this.#head = null;
    this.#interim = 0;
    this.#gathered = null;
    this.#left = 0;
    this.#chunks = null;
    if (hasMore) return { head, body, lastBecause: 'the server sent more than its reply' };
    return { head, body, lastBecause: head.isLast ? 'the server ended the connection with its reply' : '' };
  }
}

const tooLarge = (): BadReply => new BadReply(`a reply of more than ${maxReplyBytes} bytes`);
