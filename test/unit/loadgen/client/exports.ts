// Exports through a client, awaited.

import type { TestContext } from 'node:test';
import {
  type ClientKind,
  type ClientOptions,
  connect,
  type ExportClient,
  type ExportReply,
} from '../../../../loadgen/client/client.ts';

export const noTls: ClientOptions['tls'] = {
  ca: null,
  cert: null,
  key: null,
  serverName: null,
  insecureSkipVerify: false,
};

export function optionsFor(port: number, more: Partial<ClientOptions> = {}): ClientOptions {
  return {
    endpoint: { host: '127.0.0.1', port, path: '', tls: false },
    protocol: 'grpc',
    compression: 'none',
    headers: [],
    tls: noTls,
    timeoutMs: 10_000,
    onUnusable: () => {},
    ...more,
  };
}

/** Closed after the test. */
export async function clientFor(
  t: TestContext,
  kind: ClientKind,
  port: number,
  more: Partial<ClientOptions> = {},
): Promise<ExportClient> {
  const client = await connect(kind, optionsFor(port, more));
  t.after(() => client.close());
  return client;
}

/** The reply, once the client has it; the body is spoilt as soon as it was handed over. */
export function send(client: ExportClient, body: Uint8Array): Promise<ExportReply> {
  const mine = Buffer.from(body);
  const reply = new Promise<ExportReply>((resolve) => client.send(mine, resolve));
  mine.fill(0xee);
  return reply;
}

export const okReply: ExportReply = { status: 'OK', ok: true, rejectedSpans: 0, message: '', retryDelayMs: null };

/** Bytes of which no two neighbours are alike, different for each `seed`. */
export const pattern = (length: number, seed = 0): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) + seed) % 251));
