// Where a server listens: TCP, unix sockets, TLS with ALPN h2. What it accepts goes to one function.
import * as dns from 'node:dns/promises';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { SpanmillError } from '../errors.ts';
import type { ListenTarget } from './grpc-server.ts';

const listenBacklog = 4096;

export interface Listener {
  /** Resolves when connections can come. Rejects with a SpanmillError LISTEN. */
  listen(target: ListenTarget): Promise<void>;
  /** Accepts no more; resolves when all accepted sockets are closed. */
  close(): Promise<void>;
  /** `127.0.0.1:4317`, or the path of the socket; '' when it does not listen. */
  address(): string;
}

export interface ListenerOptions {
  /** As for node:tls; undefined: plain text. */
  readonly tls: tls.TlsOptions | undefined;
  /** The socket's error event has a listener. Over TLS: its handshake is done, and agreed on h2. */
  accept(socket: net.Socket): void;
  /** An accept failed (no file descriptors), or a TLS handshake. */
  failed(): void;
  /** Of TLS. */
  readonly handshakeTimeoutMs: number;
  /** Plain sockets are given to `accept` without reading from them. */
  readonly pauseOnConnect: boolean;
}

// What a broken socket says is told by its close too.
function ignore(): void {}

export function createListener(options: ListenerOptions): Listener {
  const handshakeTimeout = options.handshakeTimeoutMs;
  const server =
    options.tls === undefined
      ? net.createServer({ pauseOnConnect: options.pauseOnConnect }, (socket) => take(socket))
      : tls.createServer({ ...options.tls, ALPNProtocols: ['h2'], handshakeTimeout }, (socket) => {
          if (socket.alpnProtocol === 'h2') take(socket);
          else socket.destroy();
        });
  const take = (socket: net.Socket): void => {
    // First of all: a socket that is already broken must not throw.
    socket.on('error', ignore);
    socket.setNoDelay(true);
    options.accept(socket);
  };
  server.on('tlsClientError', (_error: Error, socket: tls.TLSSocket) => {
    // After its timeout Node leaves the socket open.
    socket.destroy();
    options.failed();
  });
  return {
    async listen(target) {
      const where = target.kind === 'unix' ? target.path : `${target.host}:${target.port}`;
      try {
        await listenOn(server, target);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new SpanmillError('LISTEN', `cannot listen on ${where}: ${reason}`, { cause: error });
      }
      // Once it listens, what it reports are failed accepts: those connections are lost, no more.
      server.on('error', options.failed);
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
    address: () => (server.listening ? addressOf(server) : ''),
  };
}

async function listenOn(server: net.Server, target: ListenTarget): Promise<void> {
  const options = target.kind === 'unix' ? { path: target.path } : await tcpOptions(target);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...options, backlog: listenBacklog }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function tcpOptions(target: ListenTarget & { kind: 'tcp' }): Promise<net.ListenOptions> {
  const { port, family } = target;
  if (target.host === '') return { port, ...(family === 4 ? { host: '0.0.0.0' } : {}) };
  // As Go does: of a name's addresses the first IPv4 one.
  const found = await dns.lookup(target.host, { family, order: 'ipv4first' });
  return { port, host: found.address };
}

function addressOf(server: net.Server): string {
  const address = server.address();
  if (address === null) return '';
  if (typeof address === 'string') return address;
  return hostPort(address.address, address.port);
}

const hostPort = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/** host:port of the other end; '' for a unix socket. A closed socket no longer knows it. */
export const peerOf = (socket: net.Socket): string =>
  socket.remoteAddress === undefined ? '' : hostPort(socket.remoteAddress, socket.remotePort ?? 0);
