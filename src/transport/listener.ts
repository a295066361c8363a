// Where a server listens: TCP, unix sockets, TLS with ALPN. What it accepts goes to one function. A unix socket is made with
// the permissions that the umask leaves, and removed when the server is closed.
import * as dns from 'node:dns/promises';
import { lstat, unlink } from 'node:fs/promises';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { SpanmillError } from '../errors.ts';
import type { ListenTarget } from './grpc-server.ts';
import { type BoundSockets, ListeningSocket, type SocketOwner } from './listening-socket.ts';
import type { ServerTls } from './tls/server-tls.ts';

const listenBacklog = 4096;

export interface Listener {
  /** Resolves when connections can come. Rejects with a SpanmillError LISTEN, or AUTH for files of TLS. */
  listen(target: ListenTarget): Promise<void>;
  /** Accepts no more; resolves when all accepted sockets are closed. */
  close(): Promise<void>;
  /** `127.0.0.1:4317`, or the path of the socket; '' when it does not listen. */
  address(): string;
}

export interface ListenerOptions {
  /** undefined: plain text. */
  readonly tls: ServerTls | undefined;
  /** What is spoken over TLS, for ALPN. Who does not ask for h2 by name is turned away from it. Default: h2. */
  readonly protocol?: 'h2' | 'http/1.1';
  /** The socket's error event has a listener. Over TLS: its handshake is done, and agreed on the protocol. */
  accept(socket: net.Socket): void;
  /** An accept failed (no file descriptors), or a TLS handshake. */
  failed(): void;
  /** Of TLS. */
  readonly handshakeTimeoutMs: number;
  /** Plain sockets are given to `accept` without reading from them. */
  readonly pauseOnConnect: boolean;
  /** More at a time are closed at once, those with a handshake under way counted too. Default: no limit. */
  readonly maxConnections?: number;
  /** Where servers before this one left the sockets that this one goes on with, and this one leaves its own. */
  readonly sockets?: BoundSockets | undefined;
}

export function createListener(options: ListenerOptions): Listener {
  const { tls: secure, protocol = 'h2', sockets = alone() } = options;
  let owner: SocketOwner | null = null;
  let socket: ListeningSocket | null = null;
  return {
    async listen(target) {
      const where = target.kind === 'unix' ? shownSocket(target.path) : `${target.host}:${target.port}`;
      try {
        await secure?.start();
        owner = secure === undefined ? plainOwner(options) : tlsOwner(options, secure);
        const at = target.kind === 'unix' ? { path: target.path } : await tcpOptions(target);
        const key = at.port === 0 ? `${sockets.id} ${protocol} ${where}` : (at.path ?? `${at.host ?? ''}:${at.port}`);
        socket = await ListeningSocket.take(key, owner, sockets, (server) => listenOn(server, at));
      } catch (error) {
        secure?.stop();
        if (error instanceof SpanmillError) throw error;
        const reason = error instanceof Error ? error.message : String(error);
        throw new SpanmillError('LISTEN', `cannot listen on ${where}: ${reason}`, { cause: error });
      }
    },
    close: async () => {
      secure?.stop();
      if (owner !== null) await socket?.release(owner);
    },
    address: () => (owner === null || socket === null ? '' : textOf(socket.addressFor(owner))),
  };
}

/** Nobody comes before or after it. */
const alone = (): BoundSockets => ({ bound: new Map(), id: '', mayFollow: () => false });
const mostOf = ({ maxConnections = Number.POSITIVE_INFINITY }: ListenerOptions): number => maxConnections;

const plainOwner = (options: ListenerOptions): SocketOwner => ({
  pauseOnConnect: options.pauseOnConnect,
  maxConnections: mostOf(options),
  accept: (socket) => take(socket, options),
  failed: options.failed,
});

/** "This event can also be explicitly emitted by users to inject connections into the TLS server" (node:tls, 'connection'). */
function tlsOwner(options: ListenerOptions, secure: ServerTls): SocketOwner {
  const server = tlsServer(options, secure);
  return {
    pauseOnConnect: false,
    maxConnections: mostOf(options),
    accept: (socket) => void server.emit('connection', socket),
    failed: options.failed,
  };
}

/** Does not listen itself. */
function tlsServer(options: ListenerOptions, secure: ServerTls): tls.Server {
  const { protocol = 'h2', handshakeTimeoutMs: handshakeTimeout } = options;
  // Who can only do HTTP/1.0 says so (curl --http1.0), and is answered.
  const ALPNProtocols = protocol === 'h2' ? [protocol] : [protocol, 'http/1.0'];
  const server = tls.createServer({ ...secure.options(), ALPNProtocols, handshakeTimeout }, (socket) => {
    // HTTP/1.1 is what a client without ALPN speaks.
    if (socket.alpnProtocol === protocol || protocol !== 'h2') take(socket, options);
    else socket.destroy();
  });
  // Connections that there are go on with what they agreed on.
  secure.onChange((changed) => server.setSecureContext(changed));
  server.on('tlsClientError', (_error: Error, socket: tls.TLSSocket) => {
    // After its timeout Node leaves the socket open.
    socket.destroy();
    options.failed();
  });
  return server;
}

function take(socket: net.Socket, options: ListenerOptions): void {
  // First of all: a socket that is already broken must not throw.
  // What it says is told by its close. TLS leaves one open whose client renegotiates again and again (CLIENT_RENEG_LIMIT).
  socket.on('error', () => socket.destroy());
  socket.setNoDelay(true);
  options.accept(socket);
}

async function listenOn(server: net.Server, at: net.ListenOptions): Promise<void> {
  try {
    await bind(server, at);
  } catch (error) {
    const { path } = at;
    if (path === undefined) throw error;
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || !(await isAbandoned(path))) throw error;
    await unlink(path);
    await bind(server, at);
  }
}

/** Whether it is a socket on which nobody listens: a process that was killed leaves its own. A file is never that. */
async function isAbandoned(path: string): Promise<boolean> {
  // Nothing is left of one that is in no file system.
  if (path.startsWith('\0')) return false;
  if (!(await lstat(path)).isSocket()) return false;
  return new Promise((resolve) => {
    const probe = net.connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}

async function bind(server: net.Server, options: net.ListenOptions): Promise<void> {
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

/** As it is configured (endpoint.ts, socketName). */
const shownSocket = (path: string): string => path.replace(/^\0/, '@');

function textOf(address: ReturnType<net.Server['address']>): string {
  if (address === null) return '';
  if (typeof address === 'string') return shownSocket(address);
  return hostPort(address.address, address.port);
}

const hostPort = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/** host:port of the other end; '' for a unix socket. A closed socket no longer knows it. */
export const peerOf = (socket: net.Socket): string =>
  socket.remoteAddress === undefined ? '' : hostPort(socket.remoteAddress, socket.remotePort ?? 0);
