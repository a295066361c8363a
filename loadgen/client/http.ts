// OTLP/HTTP on a bare socket, cheap enough not to be the bottleneck of a run: one keep-alive connection, one request on it at a
// time. The head of all requests is made once, and goes out with the body in one write.
import type { Socket } from 'node:net';
import { SpanmillError } from '../../src/errors.ts';
import { Outbox } from '../../src/transport/http2/outbox.ts';
import { compress } from '../h2/compression.ts';
import { requestBlocks } from '../h2/control.ts';
import {
  authorityOf,
  connectError,
  defaultConnectTimeoutMs,
  onceOpen,
  openSocket,
  type SocketTarget,
  socketProblem,
} from '../h2/open-socket.ts';
import type { ClientOptions, ExportClient, ExportReply } from './client.ts';
import { failedReply, notSent } from './export-reply.ts';
import { readReply } from './http-reply.ts';
import { BadReply } from './reply-head.ts';
import { type HttpReply, ReplyReader } from './reply-reader.ts';
import { headersOf, socketTarget } from './target.ts';

const defaultPath = '/v1/traces';
const closedByServer = 'the server closed the connection';
/** Node knows no longer timers. */
const longestTimerMs = 2 ** 31 - 1;

/** As `connect` in client.ts; resolves when the socket is open. */
export async function connectHttp(options: ClientOptions): Promise<ExportClient> {
  const target = socketTarget(options);
  const head = requestHead(options, target);
  return new Promise((resolve, reject) => {
    const client: HttpClient = new HttpClient(options, target, head, (problem) => {
      if (problem === null) resolve(client);
      else reject(problem);
    });
  });
}

/** All of it up to the value of its last field, content-length. */
function requestHead(options: ClientOptions, target: SocketTarget): Buffer {
  const { compression, protocol } = options;
  const path = options.endpoint.path === '' ? defaultPath : options.endpoint.path;
  if (!/^[\x21-\x7e]+$/.test(path)) throw new SpanmillError('USAGE', `not a path: ${JSON.stringify(path)}`);
  // A field that is given takes the place of the client's own.
  const fields = new Map([
    ['host', authorityOf(target)],
    ['content-type', protocol === 'http/json' ? 'application/json' : 'application/x-protobuf'],
    ['user-agent', 'spanload'],
    ['accept-encoding', 'gzip, zstd'],
    ...(compression === 'none' ? [] : [['content-encoding', compression] as const]),
    // Servers of HTTP/1.0 close it otherwise.
    ['connection', 'keep-alive'],
    ...headersOf(options),
  ]);
  const lines = [...fields].map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}content-length: `, 'latin1');
}

type Done = (reply: ExportReply) => void;

/** Waits for those before it. */
interface Waiting {
  readonly body: Buffer;
  readonly done: Done;
}

class HttpClient implements ExportClient {
  readonly #options: ClientOptions;
  readonly #target: SocketTarget;
  readonly #head: Buffer;
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  readonly #reader = new ReplyReader();
  /** Null once it was told. */
  #opened: ((problem: SpanmillError | null) => void) | null;
  readonly #connectTimer: NodeJS.Timeout;
  /** Of the request that is under way; null when none is. */
  #done: Done | null = null;
  #begunAt = 0;
  readonly #waiting: Waiting[] = [];
  /** Why no more is taken; empty while it is. */
  #refusal = '';
  #isClosed = false;
  #deadline: NodeJS.Timeout | undefined;

  constructor(
    options: ClientOptions,
    target: SocketTarget,
    head: Buffer,
    opened: (problem: SpanmillError | null) => void,
  ) {
    this.#options = options;
    this.#target = target;
    this.#head = head;
    this.#opened = opened;
    const socket = openSocket(target, 'http/1.1', (bytes, length) => this.#read(bytes, length));
    this.#socket = socket;
    this.#outbox = new Outbox(socket, requestBlocks);
    const tooLate = `no connection within ${defaultConnectTimeoutMs} ms`;
    this.#connectTimer = setTimeout(() => this.#broken(tooLate), defaultConnectTimeoutMs);
    onceOpen(socket, () => {
      clearTimeout(this.#connectTimer);
      this.#opened?.(null);
      this.#opened = null;
    });
    socket.on('error', (error) => this.#broken(socketProblem(error), error));
    socket.on('end', () => this.#ended());
    socket.on('close', () => this.#ended());
  }

  send(body: Buffer, done: Done): void {
    if (this.#refusal !== '') {
      process.nextTick(done, failedReply(notSent, this.#refusal));
      return;
    }
    const message = compress(this.#options.compression, body);
    if (this.#done === null) this.#begin(message, done);
    else this.#waiting.push({ body: message === body ? Buffer.from(body) : message, done });
  }

  usable(): boolean {
    return this.#refusal === '';
  }

  inFlight(): number {
    return this.#waiting.length + (this.#done === null ? 0 : 1);
  }

  /** RFC 9112 9.3.2 has pipelining, of which servers and this client make no use. */
  capacity(): number {
    return 1;
  }

  close(): void {
    this.#isClosed = true;
    this.#refuse('the client is closed');
    // The one under way is told from the socket's close event.
    this.#socket.destroy();
  }

  #begin(body: Buffer, done: Done): void {
    const { timeoutMs } = this.#options;
    this.#done = done;
    if (timeoutMs > 0) {
      this.#begunAt = performance.now();
      if (this.#deadline === undefined) this.#armDeadline(timeoutMs);
    }
    const outbox = this.#outbox;
    const head = this.#head;
    const length = `${body.length}\r\n\r\n`;
    const at = outbox.reserve(head.length + length.length);
    outbox.block.set(head, at);
    outbox.block.write(length, at + head.length, 'latin1');
    outbox.put(body);
  }

  #read(bytes: Buffer, length: number): void {
    // What comes after the last reply is nobody's.
    if (this.#refusal !== '' && this.#done === null) return;
    let reply: HttpReply | null;
    try {
      reply = this.#reader.read(bytes, length);
    } catch (error) {
      if (!(error instanceof BadReply)) throw error;
      this.#broken(error.message, error);
      return;
    }
    if (this.#done === null) this.#broken('the server sent a reply that no request asked for');
    else if (reply !== null) this.#replied(reply);
  }

  #replied(reply: HttpReply): void {
    const result = readReply(reply);
    if (reply.lastBecause !== '') this.#refuse(reply.lastBecause);
    this.#finish(result);
    if (this.#refusal === '') return;
    // The server has said all that it will: what is not sent by now nobody will read.
    if (this.#socket.writableLength > 0) this.#socket.destroy();
    else this.#socket.destroySoon();
  }

  /** Of the request under way; the next one begins. */
  #finish(reply: ExportReply): void {
    const done = this.#done;
    if (done === null) return;
    this.#done = null;
    const next = this.#refusal === '' ? this.#waiting.shift() : undefined;
    if (next !== undefined) this.#begin(next.body, next.done);
    done(reply);
  }

  /** No more is taken; what waits is not sent. */
  #refuse(reason: string): void {
    if (this.#refusal !== '') return;
    this.#refusal = reason;
    for (const { done } of this.#waiting.splice(0)) done(failedReply(notSent, reason));
    if (!this.#isClosed) setImmediate(() => this.#options.onUnusable(reason));
  }

  /** The server ended the connection, and perhaps its reply with it. */
  #ended(): void {
    const reply = this.#done === null ? null : this.#reader.connectionEnded();
    if (reply !== null) this.#replied(reply);
    else this.#broken(this.#reader.isUnderWay ? `${closedByServer} in the middle of its reply` : closedByServer);
  }

  /** The connection is gone or cannot be used on: where one reply ends is not known. */
  #broken(reason: string, cause?: unknown): void {
    clearTimeout(this.#connectTimer);
    clearTimeout(this.#deadline);
    this.#socket.destroy();
    const opened = this.#opened;
    if (opened !== null) {
      this.#opened = null;
      this.#refusal = reason;
      opened(connectError(this.#target, reason, cause));
      return;
    }
    this.#refuse(reason);
    this.#finish(failedReply('TRANSPORT', this.#refusal));
  }

  /** One timer for all requests: most are long over when it rings. */
  #armDeadline(ms: number): void {
    this.#deadline = setTimeout(() => this.#look(), Math.min(longestTimerMs, Math.max(1, Math.ceil(ms))));
  }

  #look(): void {
    this.#deadline = undefined;
    if (this.#done === null) return;
    const { timeoutMs } = this.#options;
    const leftMs = this.#begunAt + timeoutMs - performance.now();
    if (leftMs > 0) {
      this.#armDeadline(leftMs);
      return;
    }
    const over = failedReply('DEADLINE_EXCEEDED', `no reply within ${timeoutMs} ms`);
    // Its reply may still come, and would be taken for that of the next one.
    this.#refuse(over.message);
    this.#finish(over);
    this.#socket.destroy();
  }
}
