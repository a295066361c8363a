// The backend's side of unary gRPC, cheap enough not to be the bottleneck of a run: takes whole messages, answers from a
// template, and does what is asked of it instead.
import { createServer, type Socket } from 'node:net';
import { readShared } from '../../src/transport/http2/socket-reader.ts';
import type { Action } from './action.ts';
import { type Beginning, type MessageService, ServerConnection } from './server-connection.ts';

export interface UnaryServer {
  readonly port: number;
  close(): void;
}

export interface UnaryService {
  /**
   * Serves a plain socket that somebody else accepted; `firstBytes` is all that was read from it. The connection goes on in
   * a socket of its own: the given one closes, and must not be used any more.
   */
  takeSocket(socket: Socket, firstBytes: Buffer): void;
  /** Cuts all connections. */
  close(): void;
}

/** Takes messages as fast as they come; see MessageService. */
export type MessageHandler = (...taken: Parameters<MessageService<Beginning>['take']>) => Action | Promise<Action>;

const atOnce: Beginning = { bytesPerSecond: Number.POSITIVE_INFINITY };

export function createUnaryService<B extends Beginning>(handler: MessageHandler | MessageService<B>): UnaryService {
  if (typeof handler === 'function') return createUnaryService({ begin: () => atOnce, take: handler });
  const connections = new Set<ServerConnection<B>>();
  return {
    takeSocket(accepted, firstBytes) {
      accepted.removeAllListeners('data');
      const socket = readShared(accepted, (bytes, length) => connection.read(bytes, length));
      const connection = new ServerConnection(socket, handler);
      connections.add(connection);
      socket.on('close', () => connections.delete(connection));
      connection.read(firstBytes, firstBytes.length);
    },
    close() {
      for (const connection of connections) connection.cut();
    },
  };
}

const noBytes = Buffer.alloc(0);

/** Listens on `host`; port 0 takes any free one. A connection whose bytes make no sense is closed. */
export function serveUnary<B extends Beginning>(
  host: string,
  port: number,
  handler: MessageHandler | MessageService<B>,
): Promise<UnaryServer> {
  const service = createUnaryService(handler);
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => service.takeSocket(socket, noBytes));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new TypeError('listening without a port');
      resolve({
        port: address.port,
        close() {
          server.close();
          service.close();
        },
      });
    });
  });
}
