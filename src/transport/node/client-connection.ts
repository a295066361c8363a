// The client's one connection: connects when a call needs it, backs off when that fails, replaces it after GOAWAY.
import * as http2 from 'node:http2';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { authorityOf, type Endpoint } from '../endpoint.ts';
import type { Backoff, ClientKeepalive } from '../grpc-client.ts';
import { type ClientTls, tlsConnectOptions } from '../tls/client-tls.ts';
import { openTunnel, type Tunnel } from './proxy-tunnel.ts';

export interface Link {
  readonly session: http2.ClientHttp2Session;
  readonly socket: net.Socket;
  /** Calls under way; counted by who makes them. */
  streamsNow: number;
  /** New calls take another connection; who makes the calls cuts this one when the last is over. */
  isLeft: boolean;
  leave(): void;
}

export interface ConnectionOptions {
  readonly endpoint: Endpoint & { readonly kind: 'tcp' | 'unix' };
  /** null: plain text. */
  readonly tls: ClientTls | null;
  readonly authority: string;
  /** URL of a proxy that makes tunnels; null: none is needed. */
  readonly proxy: string | null;
  readonly keepalive: ClientKeepalive | null;
  readonly backoff: Backoff;
  readonly connectTimeoutMs: number;
}

/** Told once: a link to use, or why there is none. */
export type Waiter = (link: Link | null, problem: string) => void;

export interface ClientConnection {
  /**
   * Calls back with a link, at once where one is open. While backing off it tells the last problem at once, unless
   * `waitForReady`: then only success (or close) is told. Returns a function that forgets the waiter.
   */
  acquire(waitForReady: boolean, waiter: Waiter): () => void;
  close(): void;
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting'; readonly way: Tunnel }
  | { readonly kind: 'ready'; readonly link: Link }
  | { readonly kind: 'backoff'; readonly until: number; readonly problem: string }
  | { readonly kind: 'closed' };

// Replies are a few bytes, but an error message may be long.
const replyWindowBytes = 256 << 10;

export function createClientConnection(options: ConnectionOptions): ClientConnection {
  const waiters = new Map<Waiter, boolean>();
  let state: State = { kind: 'idle' };
  let failures = 0;
  let keepaliveTimeMs = options.keepalive?.timeMs ?? 0;
  let retryTimer: NodeJS.Timeout | undefined;
  const links = new Set<Link>();

  const tell = (link: Link | null, problem: string): void => {
    for (const [waiter, waitsForReady] of waiters) {
      if (link === null && waitsForReady && state.kind !== 'closed') continue;
      waiters.delete(waiter);
      waiter(link, problem);
    }
  };

  const failed = (problem: string): void => {
    const { baseMs, multiplier, jitter, maxMs } = options.backoff;
    const delayMs = Math.min(maxMs, baseMs * multiplier ** failures++) * (1 - jitter + Math.random() * 2 * jitter);
    state = { kind: 'backoff', until: performance.now() + delayMs, problem };
    tell(null, problem);
    if (waiters.size > 0) retryLater();
  };

  /** Those that wait for ready need somebody to try again. */
  const retryLater = (): void => {
    if (state.kind !== 'backoff') return;
    clearTimeout(retryTimer);
    retryTimer = setTimeout(connect, Math.max(1, state.until - performance.now()));
  };

  const connect = (): void => {
    if (state.kind === 'closed' || state.kind === 'connecting' || state.kind === 'ready') return;
    clearTimeout(retryTimer);
    const { proxy, endpoint, connectTimeoutMs } = options;
    if (proxy === null || endpoint.kind === 'unix') {
      begin(openSocket(options, null), connectTimeoutMs);
      return;
    }
    const startedAt = performance.now();
    const tunnel = openTunnel(proxy, authorityOf(endpoint), (socket, problem) => {
      clearTimeout(timer);
      if (state !== attempt) socket?.destroy();
      else if (socket === null) failed(problem);
      else begin(openSocket(options, socket), Math.max(1, connectTimeoutMs - (performance.now() - startedAt)));
    });
    const timer = setTimeout(() => {
      tunnel.destroy();
      if (state === attempt) failed(`no way through the proxy within ${connectTimeoutMs} ms`);
    }, connectTimeoutMs);
    const giveUp = (): void => {
      clearTimeout(timer);
      tunnel.destroy();
    };
    const attempt: State = { kind: 'connecting', way: { destroy: giveUp } };
    state = attempt;
  };

  /** HTTP/2 on a socket that is open, or will be. */
  const begin = (socket: net.Socket, withinMs: number): void => {
    const attempt: State = { kind: 'connecting', way: socket };
    state = attempt;
    const session = http2.connect(options.tls === null ? 'http://localhost' : 'https://localhost', {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: replyWindowBytes },
      maxSessionMemory: 64,
    });
    const link: Link = {
      session,
      socket,
      streamsNow: 0,
      isLeft: false,
      leave() {
        link.isLeft = true;
        if (state.kind === 'ready' && state.link === link) state = { kind: 'idle' };
      },
    };
    let problem = `no connection to ${options.authority} within ${options.connectTimeoutMs} ms`;
    const timer = setTimeout(() => session.destroy(), withinMs);
    const broken = (error: Error): void => {
      problem = `${options.authority}: ${error.message}`;
    };
    session.on('error', broken);
    socket.on('error', (error) => {
      broken(error);
      // After a TLS alert Node ends the session but leaves the socket open, and tells nobody.
      socket.destroy();
    });
    // Ready is when the server's SETTINGS came: whatever else listens there does not send them.
    session.once('remoteSettings', () => {
      clearTimeout(timer);
      if (state !== attempt) {
        session.destroy();
        return;
      }
      failures = 0;
      state = { kind: 'ready', link };
      links.add(link);
      watch(link);
      tell(link, '');
    });
    let over = false;
    const ended = (): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      links.delete(link);
      session.destroy();
      socket.destroy();
      if (state === attempt) failed(problem);
      else if (state.kind === 'ready' && state.link === link) state = { kind: 'idle' };
    };
    session.once('close', ended);
    socket.once('close', ended);
  };

  const watch = (link: Link): void => {
    const { session, socket } = link;
    session.on('goaway', (code, _lastStream, data) => {
      // New calls take a new connection; those under way go on here, where the server still answers them.
      if (state.kind === 'ready' && state.link === link) state = { kind: 'idle' };
      const tooManyPings = code === http2.constants.NGHTTP2_ENHANCE_YOUR_CALM && String(data) === 'too_many_pings';
      // grpc/proposal A8: "the client should double its keepalive time"
      if (tooManyPings) keepaliveTimeMs *= 2;
    });
    const { keepalive } = options;
    if (keepalive === null || keepaliveTimeMs <= 0) return;
    let bytesRead = 0;
    let deadline: NodeJS.Timeout | undefined;
    const timer = setInterval(() => {
      const quiet = socket.bytesRead === bytesRead;
      bytesRead = socket.bytesRead;
      // One that is not answered yet is not asked again.
      if (session.destroyed || !quiet || deadline !== undefined) return;
      if (link.streamsNow === 0 && !keepalive.permitWithoutStream) return;
      deadline = setTimeout(() => session.destroy(new Error('keepalive ping was not answered')), keepalive.timeoutMs);
      const answered = (): void => {
        clearTimeout(deadline);
        deadline = undefined;
      };
      if (!session.ping(answered)) answered();
    }, keepaliveTimeMs);
    timer.unref();
    session.once('close', () => {
      clearInterval(timer);
      clearTimeout(deadline);
    });
  };

  return {
    acquire(waitForReady, waiter) {
      if (state.kind === 'ready' && (state.link.session.closed || state.link.session.destroyed))
        state = { kind: 'idle' };
      if (state.kind === 'ready') {
        waiter(state.link, '');
        return () => undefined;
      }
      if (state.kind === 'closed' || (state.kind === 'backoff' && !waitForReady && performance.now() < state.until)) {
        waiter(null, state.kind === 'closed' ? 'the client is closed' : state.problem);
        return () => undefined;
      }
      waiters.set(waiter, waitForReady);
      if (state.kind === 'backoff' && performance.now() < state.until) retryLater();
      else connect();
      return () => waiters.delete(waiter);
    },
    close() {
      if (state.kind === 'closed') return;
      const { kind } = state;
      const connecting = kind === 'connecting' ? state.way : null;
      state = { kind: 'closed' };
      clearTimeout(retryTimer);
      connecting?.destroy();
      for (const link of links) link.session.destroy();
      tell(null, 'the client is closed');
    },
  };
}

/** `tunnel`: on which the target is reached already; null: it is not. */
function openSocket({ endpoint, tls: secure }: ConnectionOptions, tunnel: net.Socket | null): net.Socket {
  const address = endpoint.kind === 'unix' ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port };
  if (secure === null) return tunnel ?? net.connect({ ...address, noDelay: true });
  const where = tunnel === null ? address : { socket: tunnel };
  const host = endpoint.kind === 'tcp' ? endpoint.host : 'localhost';
  return tls.connect({ ...where, ALPNProtocols: ['h2'], ...tlsConnectOptions(secure, host) });
}
