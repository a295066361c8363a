// A real @grpc/grpc-js server for the client suite; what it answers is told by the test, what it saw is kept.
import type { TestContext } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { exportPath } from './test-method.ts';

export interface Seen {
  readonly message: Buffer;
  readonly metadata: grpc.Metadata;
  readonly deadline: grpc.Deadline;
  readonly host: string;
  readonly cancelled: Promise<void>;
}

export interface JsAnswer {
  readonly code: number;
  readonly message: string;
  readonly details?: Uint8Array;
}

export interface JsServer {
  readonly port: number;
  readonly seen: Seen[];
  /** The status of an error, the bytes of a response, or never. */
  answer: (seen: Seen) => JsAnswer | Buffer | 'never';
  seenCount(count: number): Promise<void>;
  /** GOAWAY, and resolves when the connections are closed. */
  shutDown(): Promise<void>;
  /** Cuts all connections. */
  kill(): void;
}

const same = (bytes: Buffer): Buffer => bytes;

export async function startJsServer(t: TestContext, where = '127.0.0.1:0'): Promise<JsServer> {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 });
  let watchers: { count: number; resolve: () => void }[] = [];
  const seen: Seen[] = [];
  server.register(
    exportPath,
    (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
      const cancelled = new Promise<void>((resolve) => call.on('cancelled', resolve));
      const one = {
        message: call.request,
        metadata: call.metadata,
        deadline: call.getDeadline(),
        host: call.getHost(),
        cancelled,
      };
      seen.push(one);
      const answer = js.answer(one);
      if (Buffer.isBuffer(answer)) callback(null, answer);
      else if (answer !== 'never') {
        const metadata = new grpc.Metadata();
        if (answer.details !== undefined) metadata.set('grpc-status-details-bin', Buffer.from(answer.details));
        callback({ code: answer.code, details: answer.message, metadata });
      }
      const reached = watchers.filter((watcher) => seen.length >= watcher.count);
      watchers = watchers.filter((watcher) => !reached.includes(watcher));
      for (const watcher of reached) watcher.resolve();
    },
    same,
    same,
    'unary',
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(where, grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  t.after(() => server.forceShutdown());
  const js: JsServer = {
    port,
    seen,
    answer: () => Buffer.alloc(0),
    seenCount: (count) =>
      seen.length >= count ? Promise.resolve() : new Promise((resolve) => watchers.push({ count, resolve })),
    shutDown: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    kill: () => server.forceShutdown(),
  };
  return js;
}
