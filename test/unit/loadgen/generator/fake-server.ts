// What the load is tested with: requests of one byte, and clients that answer when the test says so.
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { ExportClient, ExportReply } from '../../../../loadgen/client/client.ts';
import type { CorpusRequest } from '../../../../loadgen/corpus/corpus.ts';
import { Load, type RequestSource } from '../../../../loadgen/generator/load.ts';

export const ok: ExportReply = { status: 'OK', ok: true, rejectedSpans: 0, message: '', retryDelayMs: null };
export const refused: ExportReply = {
  status: 'UNAVAILABLE',
  ok: false,
  rejectedSpans: 0,
  message: 'busy',
  retryDelayMs: null,
};

/** Requests of so many spans each; `delaysMs` of those that are late. */
export function source(spans: readonly number[], delaysMs: Readonly<Record<number, number>> = {}) {
  let first = 0;
  const requests = spans.map((count, i): CorpusRequest => {
    const request = { start: 0, end: 1, first, spans: count, delayNs: (delaysMs[i] ?? 0) * 1e6 };
    first += count;
    return request;
  });
  const sent: { index: number; round: number; due: number }[] = [];
  const result: RequestSource = {
    requests,
    spans: first,
    body(index, round, due) {
      sent.push({ index, round, due });
      return Buffer.from([index]);
    },
  };
  return { source: result, sent };
}

export interface FakeConnection {
  drop(reason: string): void;
  isUsable: boolean;
  isClosed: boolean;
  /** What was sent on it and has no answer. */
  readonly waiting: ((reply: ExportReply) => void)[];
}

export interface FakeServer {
  readonly waiting: ((reply: ExportReply) => void)[];
  readonly connections: FakeConnection[];
  /** While it is set, connecting fails. */
  isDown: boolean;
  connect(onUnusable: (reason: string) => void): Promise<ExportClient>;
}

/** `capacity`: of each connection. */
export function fakeServer(capacity = Number.POSITIVE_INFINITY): FakeServer {
  const server: FakeServer = {
    waiting: [],
    connections: [],
    isDown: false,
    async connect(onUnusable) {
      if (server.isDown) throw new Error('nothing listens there');
      const connection: FakeConnection = {
        isUsable: true,
        isClosed: false,
        waiting: [],
        drop(reason: string) {
          connection.isUsable = false;
          onUnusable(reason);
        },
      };
      server.connections.push(connection);
      return {
        send(_, done) {
          const answer = (reply: ExportReply): void => {
            connection.waiting.splice(connection.waiting.indexOf(answer), 1);
            done(reply);
          };
          connection.waiting.push(answer);
          server.waiting.push(answer);
        },
        usable: () => connection.isUsable,
        inFlight: () => connection.waiting.length,
        capacity: () => capacity,
        close() {
          connection.isUsable = false;
          connection.isClosed = true;
        },
      };
    },
  };
  return server;
}

export const answerAll = (server: FakeServer, reply: ExportReply): void => {
  for (const answer of server.waiting.splice(0)) answer(reply);
};

export async function until(done: () => boolean): Promise<void> {
  while (!done()) await turn();
}

/** Abandoned after the test. */
export async function opened(
  t: TestContext,
  server: FakeServer,
  requests: RequestSource,
  options: { connections?: number; most?: number } = {},
) {
  const load = await Load.open(requests, {
    connections: options.connections ?? 1,
    maxInFlight: options.most ?? 1000,
    connect: server.connect,
  });
  t.after(() => load.abandon());
  return load;
}

/** Long enough never to matter. */
export const longMs = 60_000;

/** Ends the load as a run does, with a server that answers everything. */
export async function ended(load: Load, server: FakeServer): Promise<void> {
  let isOver = false;
  const over = (async () => {
    await load.stop(longMs);
    await load.flush(longMs);
  })().finally(() => {
    isOver = true;
  });
  while (!isOver) {
    answerAll(server, ok);
    await turn();
  }
  await over;
}
