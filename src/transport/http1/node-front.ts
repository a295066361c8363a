// HTTP/1.1 read by node:http: its server never listens, it parses the connections that it is given.
import type * as http from 'node:http';
import type * as net from 'node:net';
import { countChunk } from '../chunk-garbage.ts';
import type { GrpcServer, ServerCounters } from '../grpc-server.ts';
import { peerOf } from '../listener.ts';
import { nodeHttp } from '../node/http.ts';
import { okBody, rawAnswer } from './http-answer.ts';
import type { HttpConnection } from './http-connection.ts';
import { Exchange, type ExchangeHost, type Wire } from './http-exchange.ts';
import { type Form, readHead } from './http-request.ts';
import { createHttpServerOn, type FrontEnd, type FrontHost, type HttpServerOptions } from './http-server.ts';

interface OwnSocket extends net.Socket {
  [connectionOf]?: HttpConnection;
  [unsentOf]?: number;
}
interface OwnRequest extends http.IncomingMessage {
  [exchangeOf]?: Exchange;
}
/** A socket's connection and a request's exchange, so that one listener function serves all of them. */
const connectionOf: unique symbol = Symbol('connection');
const exchangeOf: unique symbol = Symbol('exchange');
/** How many responses node:http still keeps: it sends them one after the other, later than it is given them. */
const unsentOf: unique symbol = Symbol('unsent');

export const createNodeHttpServer = (options: HttpServerOptions): GrpcServer =>
  createHttpServerOn(createNodeFront, options);

class NodeWire implements Wire {
  readonly #host: ExchangeHost;
  readonly #request: http.IncomingMessage;
  readonly #response: http.ServerResponse;

  constructor(host: ExchangeHost, request: http.IncomingMessage, response: http.ServerResponse) {
    this.#host = host;
    this.#request = request;
    this.#response = response;
  }

  pause(): void {
    this.#request.pause();
  }
  resume(): void {
    this.#request.resume();
  }
  goOn(): void {
    this.#response.writeContinue();
  }
  ok(form: Form, origin: string | undefined, isLast: boolean): void {
    if (this.#response.destroyed) return;
    this.#response.writeHead(200, this.#host.okHeaders(form, origin, isLast) as string[]);
    this.#response.end(okBody(form));
  }
  answer(status: number, headers: readonly string[], body: string | Buffer, isLast: boolean, isWhole: boolean): void {
    if (this.#response.destroyed) return;
    this.#response.writeHead(status, isLast ? [...headers, 'Connection', 'close'] : (headers as string[]));
    if (isWhole) this.#response.end(body);
    else this.#response.write(body);
  }
  end(): void {
    this.#response.end();
  }
}

function createNodeFront(host: FrontHost): FrontEnd {
  const { exchanges } = host;
  const take = (request: OwnRequest, response: http.ServerResponse, wantsContinue: boolean): void => {
    const socket = request.socket as OwnSocket;
    const connection = socket[connectionOf];
    if (connection === undefined || connection.isOver) return;
    connection.requests++;
    socket[unsentOf] = (socket[unsentOf] ?? 0) + 1;
    response.on('close', () => {
      socket[unsentOf] = (socket[unsentOf] ?? 0) - 1;
    });
    const { rawHeaders, method = '', url = '' } = request;
    const head = readHead(rawHeaders);
    const wire = new NodeWire(exchanges, request, response);
    const asked = host.preflight(method, rawHeaders, head);
    if (asked !== null) {
      wire.answer(204, asked, '', connection.leaving || !exchanges.keepAlives, true);
      return;
    }
    const exchange = new Exchange(exchanges, connection, wire, host.judge(method, url, rawHeaders, head), head);
    request[exchangeOf] = exchange;
    exchange.begin(wantsContinue);
    request.on('data', onData);
    request.on('end', onEnd);
  };

  const parser = nodeHttp.createServer({
    maxHeaderSize: host.maxHeaderBytes,
    keepAliveTimeout: 0,
    headersTimeout: 0,
    requestTimeout: 0,
  });
  parser.on('request', (request, response) => take(request, response, false));
  parser.on('checkContinue', (request, response) => take(request, response, true));
  parser.on('clientError', (error, socket) => misunderstood(error, socket as OwnSocket, host.counters));
  return {
    pauseOnConnect: false,
    accept(socket: OwnSocket) {
      socket[connectionOf] = host.opened(socket, peerOf(socket));
      parser.emit('connection', socket);
    },
  };
}

function onData(this: OwnRequest, chunk: Buffer): void {
  countChunk(chunk.length);
  this[exchangeOf]?.data(chunk, 0, chunk.length);
}
function onEnd(this: OwnRequest): void {
  this[exchangeOf]?.end();
}

/** What came is no HTTP, or too much of it; or the socket failed. */
function misunderstood(error: NodeJS.ErrnoException, socket: OwnSocket, counters: ServerCounters): void {
  const connection = socket[connectionOf];
  const code = error.code ?? '';
  // More than the one request that is answered now; its client said itself that there would be none.
  if (code === 'HPE_CLOSED_CONNECTION' && connection !== undefined) return;
  if (connection?.isOver === true && code.startsWith('HPE_')) {
    connection.forget();
    return;
  }
  // Of the request in which the parser stopped none is due.
  const due = (socket[unsentOf] ?? 0) - (connection?.exchanges.some((exchange) => !exchange.isBodyOver) ? 1 : 0);
  if (connection === undefined || !code.startsWith('HPE_') || !socket.writable || due > 0) {
    socket.destroy();
    return;
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    counters.floods.headers++;
    connection.misunderstand(rawAnswer(431, 'Request Header Fields Too Large', 'the head of the request is too large'));
  } else {
    counters.connectionErrors++;
    connection.misunderstand(rawAnswer(400, 'Bad Request', `not a valid HTTP/1.1 request: ${error.message}`));
  }
}
