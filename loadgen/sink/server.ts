// The backend of a run: OTLP/gRPC and OTLP/HTTP on one port, told apart by what a connection begins with.
import { createServer, type Socket } from 'node:net';
import { SpanmillError } from '../../src/errors.ts';
import { createGrpcService } from './grpc.ts';
import { createHttpService } from './http.ts';
import { createIntake, type IntakeCounters, type IntakeOptions } from './intake.ts';

export interface SinkServer {
  readonly port: number;
  counters(): IntakeCounters;
  /** Resolves when all answers that --fault delays were given. */
  answered(): Promise<void>;
  /** Cuts all connections. */
  close(): void;
}

/** HTTP/2's connection preface; no method of HTTP/1 begins like it. */
const http2Start = Buffer.from('PRI');

/** Waits that end with the server: nobody is answered then any more. */
function createRests() {
  const timers = new Set<NodeJS.Timeout>();
  let whenOver: (() => void)[] = [];
  return {
    rest: (ms: number): Promise<void> =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          timers.delete(timer);
          resolve();
          if (timers.size > 0) return;
          for (const over of whenOver) setImmediate(over);
          whenOver = [];
        }, ms);
        timers.add(timer);
      }),
    over: (): Promise<void> =>
      timers.size === 0 ? Promise.resolve() : new Promise((resolve) => whenOver.push(() => resolve())),
    clear(): void {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}

/** Calls `go` with the first bytes of a connection, at least as many as tell; the socket is paused then. */
function readFirst(socket: Socket, go: (bytes: Buffer) => void): void {
  let first: Buffer = Buffer.alloc(0);
  const read = (chunk: Buffer): void => {
    first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
    if (first.length < http2Start.length && http2Start.indexOf(first) === 0) return;
    socket.removeListener('data', read);
    socket.pause();
    // Whoever takes the connection over does so when this read is over.
    process.nextTick(() => {
      if (!socket.destroyed) go(first);
    });
  };
  socket.on('data', read);
}

/** Port 0 takes any free one. Throws a SpanmillError LISTEN. */
export function serveSink(host: string, port: number, options: IntakeOptions): Promise<SinkServer> {
  const intake = createIntake(options);
  const { rest, over, clear } = createRests();
  const grpc = createGrpcService(intake, rest);
  const http = createHttpService(intake, rest);
  /** Those that speak HTTP/1, or have not said yet what they speak. A server that does not listen keeps no list. */
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    const ignore = () => socket.destroy();
    socket.on('error', ignore);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    readFirst(socket, (bytes) => {
      socket.removeListener('error', ignore);
      if (bytes.indexOf(http2Start) === 0) grpc.takeSocket(socket, bytes);
      else {
        socket.unshift(bytes);
        http.emit('connection', socket);
        socket.resume();
      }
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new SpanmillError('LISTEN', `cannot listen on ${host}:${port}: ${cause.message}`, { cause }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new TypeError('listening without a port');
      resolve({
        port: address.port,
        counters: intake.counters,
        answered: over,
        close() {
          server.close();
          clear();
          for (const socket of sockets) socket.destroy();
          grpc.close();
        },
      });
    });
  });
}
