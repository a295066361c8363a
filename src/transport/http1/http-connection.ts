// One HTTP/1.1 connection of a server: what is under way on it, and how it lives and ends. It is looked at now and then
// instead of having timers.
import type * as net from 'node:net';
import type { ConnectionLife } from '../connection-life.ts';
import type { ServerCounters, ServerKeepalive } from '../grpc-server.ts';
import { rawAnswer } from './http-answer.ts';
import type { Exchange } from './http-exchange.ts';

/** Milliseconds. */
export interface ConnectionTimes {
  /** From the first byte of a request, or from the connection's begin, to the end of its head. */
  readonly headerMs: number;
  /** From the end of its head to the end of its body; Infinity: as long as it makes progress. */
  readonly requestMs: number;
  /** For a client to take what it was answered. */
  readonly writeMs: number;
}

/** How long a client that was answered before its request was over may go on sending, and one that was given the last answer. */
const lingerMs = 1000;
/** What is read and forgotten before the connection is cut: of a request that was answered early, and behind the last answer. */
export const mostDiscarded = 256 << 10;

export class HttpConnection implements Pick<ConnectionLife, 'sweep'> {
  readonly socket: net.Socket;
  /** host:port, kept because a closed socket no longer knows it. */
  readonly peer: string;
  readonly life: HttpConnection;
  /** What is not answered yet, or whose body is not over, in the order in which it came. */
  readonly exchanges: Exchange[] = [];
  /** Requests that came. */
  requests = 0;
  /** Every answer from now on is the last. */
  leaving = false;
  /** The last answer was given. */
  isOver = false;
  /** Called now and then while there is no request. */
  onIdle: () => void = () => undefined;

  readonly #times: ConnectionTimes;
  /** `requests` and what had been read when it was first seen idle, and since when it is. */
  #idleAfter = 0;
  #idleSince: number;
  #bytesAtIdle = 0;
  /** Since when a head is on its way; 0: none is. */
  #headSince: number;
  #unread = 0;
  #unreadSince = 0;
  /** When the client had all that it is told, as far as the sweep knows, and what had been read when it was over. */
  #overSince = 0;
  #bytesAtEnd = 0;

  constructor(socket: net.Socket, peer: string, times: ConnectionTimes) {
    const now = performance.now();
    this.socket = socket;
    this.peer = peer;
    this.life = this;
    this.#times = times;
    this.#idleSince = now;
    this.#headSince = now;
  }

  /**
   * No request after those that are under way, or after the next one: HTTP/1.1 has no word for an idle client, and what it has
   * sent and nobody has read yet would get no answer. Where none comes it is closed after `idleMs`.
   */
  sendAway(idleMs: number): void {
    if (this.leaving) return;
    this.leaving = true;
    if (this.exchanges.length > 0) return;
    // What has arrived when the time is over is read first.
    const timer = setTimeout(() => setImmediate(() => this.#endIdle()), idleMs);
    this.socket.once('close', () => clearTimeout(timer));
  }

  #endIdle(): void {
    if (this.exchanges.length === 0) this.finish();
  }

  /** What comes is no HTTP: says so where no other answer is due, and ends. */
  misunderstand(answer: string): void {
    const exchanges = [...this.exchanges];
    // What its client would take for the answer of a request whose body came before must not be sent.
    if (exchanges.some((exchange) => exchange.isBodyOver && exchange.answeredAt === 0)) this.socket.destroy();
    else this.finish(exchanges.some((exchange) => !exchange.isBodyOver && exchange.answeredAt > 0) ? '' : answer);
    for (const exchange of exchanges) exchange.gone();
  }

  /**
   * Ends the connection behind what it was told, and `answer`. RFC 9112 9.6: a server that closes at once while its client
   * sends causes a reset, which can take the last answer with it; "To avoid the TCP reset problem, servers typically close a
   * connection in stages": the writing side, and the other when the client has closed, or after a time.
   */
  finish(answer = ''): void {
    if (this.isOver) return;
    const { socket } = this;
    this.isOver = true;
    this.#overSince = performance.now();
    this.#bytesAtEnd = socket.bytesRead;
    socket.end(answer);
    socket.resume();
  }

  /** What comes behind the last answer. */
  forget(): void {
    if (this.socket.bytesRead - this.#bytesAtEnd > mostDiscarded) this.socket.destroy();
  }

  sweep(now: number, keepalive: ServerKeepalive, counters: ServerCounters): void {
    const { socket } = this;
    if (socket.destroyed) return;
    if (this.#isUnread(now)) {
      counters.floods.unread++;
      socket.destroy();
    } else if (this.isOver) this.#sweepOver(now);
    else if (this.exchanges.length > 0) this.#sweepExchanges(now);
    else this.#sweepIdle(now, keepalive.maxConnectionIdleMs, counters);
  }

  /** Whether the client has taken nothing of its answers for too long. */
  #isUnread(now: number): boolean {
    const unread = this.socket.writableLength;
    if (unread === 0 || unread !== this.#unread) {
      this.#unread = unread;
      this.#unreadSince = now;
      return false;
    }
    return now - this.#unreadSince >= this.#times.writeMs;
  }

  #sweepOver(now: number): void {
    if (this.socket.writableLength > 0) this.#overSince = now;
    else if (now - this.#overSince >= lingerMs) this.socket.destroy();
  }

  #sweepExchanges(now: number): void {
    const { requestMs } = this.#times;
    for (const exchange of [...this.exchanges]) {
      if (exchange.isBodyOver) continue;
      if (exchange.answeredAt > 0) {
        if (now - exchange.answeredAt >= lingerMs) this.socket.destroy();
      } else if (now - exchange.call.bornAt >= requestMs) {
        exchange.call.stall(`the request was not over in ${requestMs} ms`);
      }
    }
  }

  #sweepIdle(now: number, idleMs: number, counters: ServerCounters): void {
    const { bytesRead } = this.socket;
    if (this.#idleAfter !== this.requests) {
      this.#idleAfter = this.requests;
      this.#idleSince = now;
      this.#bytesAtIdle = bytesRead;
      this.#headSince = 0;
    } else if (bytesRead !== this.#bytesAtIdle || this.#headSince !== 0) {
      if (this.#headSince === 0) this.#headSince = now;
      if (now - this.#headSince < this.#times.headerMs) return;
      counters.floods.handshake++;
      this.finish(rawAnswer(408, 'Request Timeout', `the request's head was not over in ${this.#times.headerMs} ms`));
    } else {
      this.onIdle();
      if (now - this.#idleSince >= idleMs) this.finish();
    }
  }
}
