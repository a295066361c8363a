// HTTP/1.1 of our own, for what OTLP needs of it: heads and bodies are read where the socket put them, and bodies go straight
// to their place; answers are templates. node:http costs several times as much for a small request (docs/decisions.md).
// Requests on a connection are served one after another: what a client sends ahead waits, and so does the client.
import type * as net from 'node:net';
import type { GrpcServer } from '../../grpc-server.ts';
import { latin1Text } from '../../http2/hpack/latin1.ts';
import { Outbox } from '../../http2/outbox.ts';
import { readShared } from '../../http2/socket-reader.ts';
import { peerOf } from '../../listener.ts';
import { nodeHttp } from '../../node/http.ts';
import { dateLine } from '../date-line.ts';
import { okBody, rawAnswer } from '../http-answer.ts';
import type { HttpConnection } from '../http-connection.ts';
import { Exchange, type Wire } from '../http-exchange.ts';
import { type Form, type HttpHead, type JudgedRequest, readHead } from '../http-request.ts';
import { createHttpServerOn, type FrontEnd, type FrontHost, type HttpServerOptions } from '../http-server.ts';
import { ChunkReader } from './chunk-reader.ts';
import { BadRequest, type ParsedHead, parseHead } from './request-head.ts';

export const createNativeHttpServer = (options: HttpServerOptions): GrpcServer =>
  createHttpServerOn(createNativeFront, options);

function createNativeFront(host: FrontHost): FrontEnd {
  const templates: Templates = new WeakMap();
  return {
    pauseOnConnect: true,
    accept(accepted) {
      const peer = peerOf(accepted);
      const socket = readShared(accepted, (bytes, length) => connection.read(bytes, length));
      const connection = new NativeConnection(socket, peer, host, templates);
    },
  };
}

/** Of what a client sends before it is its turn, what may wait. */
const mostAhead = 4096;
/** A longer head is read anew each time: between requests a connection holds little. */
const mostKnownBytes = 2048;
const none = Buffer.alloc(0);
const emptyLine = Buffer.from('\r\n\r\n');
const goOn = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');
const [cr, lf] = [0x0d, 0x0a];

/** What a head says; a client that sends the same bytes again has it from before. */
interface KnownHead {
  readonly text: string;
  readonly parsed: ParsedHead;
  readonly head: HttpHead;
  readonly judged: JudgedRequest;
}

/** Answers of 200, by their headers. */
type Templates = WeakMap<readonly string[], { readonly date: string; readonly bytes: Buffer }>;

class NativeConnection implements Wire {
  readonly #host: FrontHost;
  readonly #templates: Templates;
  readonly #socket: net.Socket;
  readonly #outbox: Outbox;
  readonly #connection: HttpConnection;
  readonly #data: (bytes: Buffer, start: number, end: number) => void;
  #known: KnownHead | null = null;
  /** The request that is served now. */
  #exchange: Exchange | null = null;
  #isBodyOver = false;
  #isAnswered = false;
  /** Of a body whose length was announced. */
  #left = 0;
  #chunks: ChunkReader | null = null;
  /** Came, and waits: for the rest of a head, for an answer, for a place. */
  #rest: Buffer = none;
  #held = 0;
  #isPaused = false;
  #isReading = false;
  #isSocketPaused = false;
  /** What came behind the request that is served was thrown away, and so will be what comes: its answer is the last. */
  #isDeaf = false;

  constructor(socket: net.Socket, peer: string, host: FrontHost, templates: Templates) {
    this.#host = host;
    this.#templates = templates;
    this.#socket = socket;
    this.#outbox = new Outbox(socket);
    this.#data = (bytes, start, end) => this.#exchange?.data(bytes, start, end);
    // What a broken socket says is told by its close too.
    socket.on('error', () => undefined);
    socket.on('drain', () => {
      this.#outbox.isFull = false;
      this.#proceed();
    });
    this.#connection = host.opened(socket, peer);
    this.#connection.onIdle = () => {
      this.#known = null;
    };
    socket.on('close', () => this.#keep(none));
  }

  /** The next bytes of the connection, `bytes[0 … length)`, which are not kept. */
  read(bytes: Buffer, length: number): void {
    if (this.#isDeaf || this.#socket.destroyed) return;
    if (this.#connection.isOver) this.#connection.forget();
    else if (this.#rest.length === 0) this.#take(bytes, length);
    else {
      const whole = Buffer.concat([this.#rest, bytes.subarray(0, length)]);
      this.#take(whole, whole.length);
    }
  }

  /** What waited is looked at again. */
  #proceed(): void {
    if (this.#isReading || this.#isDeaf || this.#connection.isOver) return;
    this.#take(this.#rest, this.#rest.length);
  }

  #take(bytes: Buffer, length: number): void {
    this.#isReading = true;
    let at = length;
    try {
      at = this.#run(bytes, length);
    } catch (error) {
      if (!(error instanceof BadRequest)) {
        // A fault of ours: who logs it must hear of it, and what is left of the connection makes no sense any more.
        this.#socket.destroy();
        throw error;
      }
      this.#misunderstand(error);
    } finally {
      this.#isReading = false;
    }
    if (at < length && !this.#connection.isOver) this.#keep(Buffer.from(bytes.subarray(at, length)));
    else if (this.#rest.length > 0) this.#keep(none);
    // As long as it is read, it is seen when its client goes away.
    this.#pauseSocket(this.#rest.length > mostAhead && this.#isStopped());
    if (this.#rest.length > 0) this.#checkBudget();
  }

  #keep(rest: Buffer): void {
    // What is of a body that waits for its place is counted by its exchange.
    const counted = !this.#isPaused ? 0 : this.#chunks === null ? this.#left : rest.length;
    const held = Math.max(0, rest.length - counted);
    this.#host.counters.heldBytesNow += held - this.#held;
    this.#held = held;
    this.#rest = rest;
  }

  #pauseSocket(mustPause: boolean): void {
    if (mustPause === this.#isSocketPaused) return;
    this.#isSocketPaused = mustPause;
    if (mustPause) this.#socket.pause();
    else this.#socket.resume();
  }

  /** What waits is held beside the memory of the methods: beyond the bound of all connections this one waits no longer. */
  #checkBudget(): void {
    const { counters, exchanges } = this.#host;
    if (counters.heldBytesNow <= exchanges.shared.limits.maxHeldBytes) return;
    const exchange = this.#exchange;
    if (exchange !== null && this.#isPaused) exchange.call.refuseOverBudget();
    else if (exchange !== null && this.#isBodyOver) {
      // 9112 9.3.2: a client that sends requests before it is answered has to expect to send the later ones again.
      this.#connection.leaving = true;
      this.#isDeaf = true;
      this.#keep(none);
      this.#pauseSocket(true);
    } else if (this.#outbox.isFull) {
      counters.floods.unread++;
      this.#socket.destroy();
    } else {
      this.#keep(none);
      this.#misunderstand(new BadRequest('too many requests are under way', 503, 'Service Unavailable'));
    }
  }

  /** Whether what comes next has to wait. */
  #isStopped(): boolean {
    return (
      this.#isPaused ||
      this.#connection.isOver ||
      this.#outbox.isFull ||
      (this.#exchange !== null && this.#isBodyOver && !this.#isAnswered)
    );
  }

  /** Returns where it stopped. */
  #run(bytes: Buffer, end: number): number {
    let p = 0;
    while (!this.#isStopped()) {
      if (this.#exchange === null) {
        const behind = this.#readHead(bytes, p, end);
        if (behind < 0) return p;
        p = behind;
      } else if (this.#chunks !== null) {
        if (p === end) return p;
        p = this.#chunks.read(bytes, p, end, this.#data);
        if (this.#chunks.isOver) this.#endBody();
      } else if (this.#left === 0) this.#endBody();
      else {
        if (p === end) return p;
        const to = Math.min(end, p + this.#left);
        this.#left -= to - p;
        this.#exchange.data(bytes, p, to);
        p = to;
      }
      if (this.#socket.destroyed) return end;
    }
    return p;
  }

  #endBody(): void {
    this.#isBodyOver = true;
    this.#exchange?.end();
  }

  /** Begins the request whose head stands at `at`; returns where its body begins, -1 when the head is not whole. */
  #readHead(bytes: Buffer, at: number, end: number): number {
    let from = at;
    // RFC 9112 2.2: "a server … SHOULD ignore at least one empty line (CRLF) received prior to the request-line"
    if (end - from >= 2 && bytes[from] === cr && bytes[from + 1] === lf) from += 2;
    if (from === end || (end - from === 1 && from === at && bytes[from] === cr)) return -1;
    const { maxHeaderBytes } = this.#host;
    const length = bytes.subarray(from, Math.min(end, from + maxHeaderBytes)).indexOf(emptyLine);
    if (length < 0) {
      checkBegin(bytes, from, end);
      if (end - from >= maxHeaderBytes) {
        throw new BadRequest('the head of the request is too large', 431, 'Request Header Fields Too Large');
      }
      return -1;
    }
    this.#connection.requests++;
    this.#begin(this.#headOf(latin1Text(bytes, from, from + length)));
    return from + length + emptyLine.length;
  }

  #headOf(text: string): KnownHead {
    if (this.#known?.text === text) return this.#known;
    const parsed = parseHead(text);
    const head = readHead(parsed.rawHeaders);
    const judged = this.#host.judge(parsed.method, parsed.target, parsed.rawHeaders, head);
    this.#known = { text, parsed, head, judged };
    return this.#known;
  }

  #begin({ parsed, head, judged }: KnownHead): void {
    this.#isBodyOver = false;
    this.#isAnswered = false;
    this.#left = Math.max(0, head.length);
    this.#chunks = parsed.isChunked ? new ChunkReader() : null;
    const asked = this.#host.preflight(parsed.method, parsed.rawHeaders, head);
    if (asked !== null) {
      const { leaving } = this.#connection;
      const isLast = head.length !== 0 || parsed.isLast || leaving || !this.#host.exchanges.keepAlives;
      this.#write(204, asked, none, isLast);
      this.#forgetHead();
      if (isLast) this.#close();
      return;
    }
    const exchange = new Exchange(this.#host.exchanges, this.#connection, this, judged, head);
    this.#exchange = exchange;
    exchange.begin(parsed.wantsContinue);
  }

  #misunderstand({ status, phrase, message }: BadRequest): void {
    const { counters } = this.#host;
    if (status === 431) counters.floods.headers++;
    else if (status < 500) counters.connectionErrors++;
    this.#outbox.flush();
    this.#exchange = null;
    this.#connection.misunderstand(rawAnswer(status, phrase, message));
  }

  // --- Wire ---

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#proceed();
  }

  goOn(): void {
    this.#outbox.put(goOn);
  }

  ok(form: Form, origin: string | undefined, isLast: boolean): void {
    const last = isLast || this.#known?.parsed.isLast === true;
    const headers = this.#host.exchanges.okHeaders(form, origin, last);
    const date = dateLine();
    let template = this.#templates.get(headers);
    if (template?.date !== date) {
      template = { date, bytes: answerBytes(200, headers, Buffer.from(okBody(form))) };
      this.#templates.set(headers, template);
    }
    this.#outbox.put(template.bytes);
    this.#answered(last);
  }

  answer(status: number, headers: readonly string[], body: string | Buffer, isLast: boolean, isWhole: boolean): void {
    const last = isLast || this.#known?.parsed.isLast === true;
    this.#write(status, headers, Buffer.from(body), last);
    this.#isAnswered = true;
    if (isWhole) this.#answered(last);
  }

  end(): void {
    this.#answered(true);
  }

  #write(status: number, headers: readonly string[], body: Buffer, isLast: boolean): void {
    const all = isLast ? [...headers, 'Connection', 'close'] : headers;
    this.#outbox.put(answerBytes(status, all, this.#known?.parsed.method === 'HEAD' ? none : body));
  }

  /** The exchange is over. */
  #answered(isLast: boolean): void {
    this.#isAnswered = true;
    this.#exchange = null;
    this.#forgetHead();
    if (isLast) this.#close();
    else if (this.#rest.length > 0 || this.#isSocketPaused) this.#proceed();
  }

  #forgetHead(): void {
    if (this.#known !== null && this.#known.text.length > mostKnownBytes) this.#known = null;
  }

  #close(): void {
    this.#outbox.flush();
    this.#isDeaf = false;
    this.#isSocketPaused = false;
    this.#connection.finish();
  }
}

/** What cannot become a request need not be waited for: TLS, HTTP/2, and what is no text. */
function checkBegin(bytes: Buffer, from: number, end: number): void {
  for (let p = from; p < Math.min(end, from + 16); p++) {
    const byte = bytes[p];
    if (byte === 0x20) return;
    if (byte < 0x21 || byte > 0x7e) throw new BadRequest('the first line is not that of an HTTP/1.1 request');
  }
}

function answerBytes(status: number, headers: readonly string[], body: Buffer): Buffer {
  let head = `HTTP/1.1 ${status} ${nodeHttp.STATUS_CODES[status] ?? ''}\r\n${dateLine()}`;
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body]);
}
