// OTLP/HTTP over node:http: one keep-alive connection, one request on it at a time.
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { compress } from '../h2/compression.ts';
import { createMessageBuffers } from '../h2/message-buffers.ts';
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
import { maxReplyBytes, readReply } from './http-reply.ts';
import { headersOf, socketTarget } from './target.ts';

const defaultPath = '/v1/traces';

/** As `connect` in client.ts; resolves when the socket is open. */
export async function connectHttp(options: ClientOptions): Promise<ExportClient> {
  const target = socketTarget(options);
  const headers = requestHeaders(options, target);
  const socket = await open(target);
  return new HttpClient(options, headers, socket);
}

function open(target: SocketTarget): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = openSocket(target, 'http/1.1', null);
    const fail = (why: string, cause?: unknown): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(connectError(target, why, cause));
    };
    const timer = setTimeout(() => fail(`no connection within ${defaultConnectTimeoutMs} ms`), defaultConnectTimeoutMs);
    const failed = (error: Error): void => fail(socketProblem(error), error);
    const closed = (): void => fail('the server closed the connection');
    socket.once('error', failed);
    socket.once('close', closed);
    onceOpen(socket, () => {
      clearTimeout(timer);
      socket.off('error', failed);
      socket.off('close', closed);
      resolve(socket);
    });
  });
}

function requestHeaders(options: ClientOptions, target: SocketTarget): Record<string, string> {
  const { compression, protocol } = options;
  return {
    host: authorityOf(target),
    'content-type': protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
    'user-agent': 'spanload',
    'accept-encoding': 'gzip, zstd',
    ...(compression === 'none' ? {} : { 'content-encoding': compression }),
    ...Object.fromEntries(headersOf(options)),
  };
}

interface Exchange {
  readonly body: Buffer;
  /** What is to be given back when `body` is not needed any more. */
  readonly copy: Buffer | null;
  readonly done: (reply: ExportReply) => void;
}

/** Of all connections. */
const copies = createMessageBuffers();

class HttpClient implements ExportClient {
  readonly #options: ClientOptions;
  readonly #headers: Record<string, string>;
  readonly #socket: Socket;
  readonly #agent: Agent;
  /** In order; the first is under way. */
  readonly #exchanges: Exchange[] = [];
  /** Why no more is taken; empty while it is. */
  #refusal = '';
  #isClosed = false;
  #deadline: NodeJS.Timeout | undefined;

  constructor(options: ClientOptions, headers: Record<string, string>, socket: Socket) {
    this.#options = options;
    this.#headers = headers;
    this.#socket = socket;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1 });
    // It never needs another one: when the socket ends, so does this client.
    this.#agent.createConnection = () => socket;
    socket.on('error', (error) => this.#end(socketProblem(error)));
    socket.on('close', () => this.#end('the server closed the connection'));
    // Also while it is idle: node:http tells its agent, not us.
    socket.on('end', () => this.#end('the server closed the connection'));
    socket.resume();
  }

  send(body: Buffer, done: (reply: ExportReply) => void): void {
    if (this.#refusal !== '') {
      process.nextTick(done, failedReply(notSent, this.#refusal));
      return;
    }
    const { compression } = this.#options;
    const isCopied = compression === 'none';
    const copy = isCopied ? copies.take(body.length) : null;
    if (copy !== null) body.copy(copy);
    const message = copy === null ? compress(compression, body) : copy.subarray(0, body.length);
    this.#exchanges.push({ body: message, copy, done });
    if (this.#exchanges.length === 1) this.#begin(this.#exchanges[0]);
  }

  usable(): boolean {
    return this.#refusal === '';
  }

  inFlight(): number {
    return this.#exchanges.length;
  }

  /** RFC 9112 9.3.2 has pipelining, of which servers and this client make no use. */
  capacity(): number {
    return 1;
  }

  close(): void {
    this.#isClosed = true;
    // Those under way are told from the socket's close event.
    this.#socket.destroy();
    if (this.#refusal === '') this.#refusal = 'the client is closed';
  }

  #begin(exchange: Exchange): void {
    const { timeoutMs } = this.#options;
    clearTimeout(this.#deadline);
    if (timeoutMs > 0) this.#deadline = setTimeout(() => this.#timeIsOver(exchange), Math.max(1, Math.ceil(timeoutMs)));
    const outgoing = request({
      agent: this.#agent,
      method: 'POST',
      path: this.#options.endpoint.path === '' ? defaultPath : this.#options.endpoint.path,
      headers: { ...this.#headers, 'content-length': exchange.body.length },
    });
    outgoing.on('error', (error) => this.#broken(exchange, requestProblem(error)));
    outgoing.on('response', (response) => this.#collect(exchange, outgoing, response));
    outgoing.end(exchange.body);
  }

  #collect(exchange: Exchange, outgoing: ClientRequest, response: IncomingMessage): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxReplyBytes) this.#broken(exchange, `a reply of more than ${maxReplyBytes} bytes`);
      else chunks.push(chunk);
    });
    response.on('error', (error) => this.#broken(exchange, requestProblem(error)));
    response.on('end', () => {
      // Else the socket may still refer to it.
      const isFree = outgoing.writableFinished;
      const reply = readReply(response, Buffer.concat(chunks));
      if (!outgoing.shouldKeepAlive) this.#refuse('the server ended the connection with its reply');
      // Once node:http has given the socket back to the agent.
      process.nextTick(() => this.#finish(exchange, reply, isFree));
    });
  }

  /** The connection cannot be used on: where one reply ends is not known. */
  #broken(exchange: Exchange, why: string): void {
    this.#refuse(why);
    this.#finish(exchange, failedReply('TRANSPORT', why), false);
    this.#socket.destroy();
  }

  #finish(exchange: Exchange, reply: ExportReply, isFree: boolean): void {
    const at = this.#exchanges.indexOf(exchange);
    if (at < 0) return;
    this.#exchanges.splice(at, 1);
    if (at === 0) clearTimeout(this.#deadline);
    if (isFree && exchange.copy !== null) copies.give(exchange.copy);
    const [next] = this.#exchanges;
    if (at === 0 && next !== undefined && this.#refusal === '') this.#begin(next);
    exchange.done(reply);
    if (this.#refusal !== '' && this.#exchanges.length === 0) this.#socket.destroySoon();
  }

  /** No more is taken; what is under way may yet end well, what waits is not sent. */
  #refuse(reason: string): void {
    if (this.#refusal !== '') return;
    this.#refusal = reason;
    for (const exchange of this.#exchanges.slice(1)) this.#finish(exchange, failedReply(notSent, reason), true);
    if (!this.#isClosed) setImmediate(() => this.#options.onUnusable(reason));
  }

  #end(reason: string): void {
    clearTimeout(this.#deadline);
    this.#refuse(reason);
    this.#agent.destroy();
    // The one under way hears of it from node:http, unless it has never had the socket.
    setImmediate(() => {
      const [exchange] = this.#exchanges;
      if (exchange !== undefined) this.#finish(exchange, failedReply('TRANSPORT', reason), false);
    });
  }

  #timeIsOver(exchange: Exchange): void {
    if (exchange !== this.#exchanges[0]) return;
    const over = failedReply('DEADLINE_EXCEEDED', `no reply within ${this.#options.timeoutMs} ms`);
    // Its reply may still come, and would be taken for that of the next one.
    this.#refuse(over.message);
    this.#finish(exchange, over, false);
    this.#socket.destroy();
  }
}

/** What node:http's error means for a user. */
function requestProblem(error: Error): string {
  const code = 'code' in error ? String(error.code) : '';
  if (code.startsWith('HPE_')) return `the server does not speak HTTP/1.1 (${code})`;
  if (code === 'ECONNRESET' && error.message === 'socket hang up') return 'the server closed the connection';
  return socketProblem(error);
}
