// One request and its answer on a connection of the agent.
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { nodeHttp } from '../node/http.ts';
import { isLostConnection, requestProblem } from './problem.ts';

export interface HttpAnswer {
  readonly kind: 'answer';
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Up to `ExchangeLimits.maxAnswerBytes`, as it came. */
  readonly body: Buffer;
  /** False: the body was longer, slower or cut off; its end is missing. */
  readonly isWhole: boolean;
  /** Where the request was sent in the end, for people; '' where that is the client's target. */
  readonly redirectedTo: string;
}

/** There is no answer. `message` has no credentials in it. */
export interface HttpFailure {
  readonly kind: 'failed';
  /**
   * ended: by the signal, or the client was closed. unavailable: the server cannot be reached, or went away, or what it sent
   * is no HTTP. unsendable: the same request can never be sent. redirect: to where it is not sent.
   */
  readonly why: 'ended' | 'unavailable' | 'unsendable' | 'redirect';
  readonly message: string;
  /** The connection had served before and ended without a byte of an answer: another may do. */
  readonly wasStale: boolean;
}

export type HttpReply = HttpAnswer | HttpFailure;

export interface ExchangeLimits {
  readonly connectTimeoutMs: number;
  readonly maxAnswerBytes: number;
  /** From the answer's head to the end of its body: the head says all that matters. */
  readonly bodyTimeoutMs: number;
}

export const failure = (why: HttpFailure['why'], message: string, wasStale = false): HttpFailure => ({
  kind: 'failed',
  why,
  message,
  wasStale,
});

/** An exchange under way. */
export interface Exchange {
  /** Never rejects. Settles when nothing reads the request's body any more. */
  readonly reply: Promise<HttpReply>;
  /** Ends it; the reply is `ended` with this message, unless its head has come. */
  end(message: string): void;
}

/** Throws where the request cannot be made at all: characters that a header may not have. */
export function startExchange(options: RequestOptions, parts: readonly Buffer[], limits: ExchangeLimits): Exchange {
  const outgoing = nodeHttp.request(options);
  const course = new Course(outgoing, limits);
  for (const part of parts) if (part.length > 0) outgoing.write(part);
  outgoing.end();
  return course;
}

/** Of 1xx; Go's client takes as many. */
const mostInterim = 5;

class Course implements Exchange {
  readonly reply: Promise<HttpReply>;
  readonly #outgoing: ClientRequest;
  readonly #limits: ExchangeLimits;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #interim = 0;
  #answer: IncomingMessage | null = null;
  #error: Error | null = null;
  #ended = '';
  #isCut = false;
  #timer: NodeJS.Timeout | undefined;
  #resolve: (reply: HttpReply) => void = () => undefined;

  constructor(outgoing: ClientRequest, limits: ExchangeLimits) {
    this.#outgoing = outgoing;
    this.#limits = limits;
    this.reply = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    outgoing.on('socket', (socket) => {
      if (!socket.connecting) return;
      const { connectTimeoutMs } = limits;
      this.#timer = setTimeout(() => {
        outgoing.destroy(new Error(`no connection within ${connectTimeoutMs} ms`));
      }, connectTimeoutMs);
      socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => clearTimeout(this.#timer));
    });
    outgoing.on('information', () => {
      if (++this.#interim > mostInterim) outgoing.destroy(new Error('answers before the answer, without end'));
    });
    outgoing.on('response', (answer) => this.#read(answer));
    outgoing.on('error', (error) => {
      this.#error ??= error;
    });
    // Comes after the socket's own close, or when the socket was given back: nothing is read from the body then.
    outgoing.on('close', () => this.#settle());
  }

  end(message: string): void {
    if (this.#ended === '') this.#ended = message;
    const { socket } = this.#outgoing;
    this.#outgoing.destroy();
    // One that waits for a connection has written nothing, and is not told when it is destroyed.
    if (socket === null || socket === undefined) this.#settle();
  }

  #read(answer: IncomingMessage): void {
    clearTimeout(this.#timer);
    this.#answer = answer;
    const cut = (): void => {
      this.#isCut = true;
      this.#outgoing.destroy();
    };
    this.#timer = setTimeout(cut, this.#limits.bodyTimeoutMs);
    answer.on('data', (chunk: Buffer) => {
      const room = this.#limits.maxAnswerBytes - this.#bytes;
      if (room > 0) this.#chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
      this.#bytes += chunk.length;
      if (chunk.length > room) cut();
    });
    // Cut off by the server; `complete` tells.
    answer.on('error', () => undefined);
    answer.on('end', () => {
      // The server has said all it will; what is not sent by now nobody will read.
      if (!this.#outgoing.writableFinished) this.#outgoing.destroy();
    });
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#resolve(this.#replyOf());
  }

  #replyOf(): HttpReply {
    const answer = this.#answer;
    if (answer !== null) {
      const body = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
      const isWhole = answer.complete && !this.#isCut && this.#bytes === body.length;
      return {
        kind: 'answer',
        status: answer.statusCode ?? 0,
        headers: answer.headers,
        body,
        isWhole,
        redirectedTo: '',
      };
    }
    if (this.#ended !== '') return failure('ended', this.#ended);
    const error = this.#error;
    if (error === null) return failure('unavailable', 'the server switched to another protocol');
    return failure('unavailable', requestProblem(error), this.#outgoing.reusedSocket && isLostConnection(error));
  }
}
