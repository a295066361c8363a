// Calls of the raw client, awaited.
import assert from 'node:assert/strict';
import type { UnaryReply } from '../../../../loadgen/h2/call.ts';
import { connectUnary, type UnaryClient, type UnaryClientOptions } from '../../../../loadgen/h2/client.ts';
import { digest, framed } from '../http2-peer.ts';

export const path = '/test.Service/Call';

/** The reply, once the client has it; the message is spoilt as soon as it was handed over. */
export function call(client: UnaryClient, message: Buffer): Promise<UnaryReply> {
  const mine = Buffer.from(message);
  const reply = new Promise<UnaryReply>((resolve) => client.call(mine, resolve));
  mine.fill(0xee);
  return reply;
}

export async function connected(
  port: number,
  body: (client: UnaryClient) => Promise<void>,
  options: Partial<UnaryClientOptions> = {},
): Promise<void> {
  const client = await connectUnary({ host: '127.0.0.1', port, path, ...options });
  try {
    await body(client);
  } finally {
    client.close();
  }
}

/** Sends `count` messages of about `bytes` at a time to a server that answers with their hash. */
export async function callsArriveWhole(port: number, bytes: number, count: number): Promise<void> {
  await connected(port, async (client) => {
    const messages = Array.from({ length: count }, (_, i) => Buffer.alloc(bytes + i, i + 1));
    const replies = await Promise.all(messages.map((message) => call(client, message)));
    replies.forEach((reply, i) => {
      assert.equal(reply.status, 0, reply.message);
      assert.equal(reply.body.toString(), digest(framed(messages[i])));
    });
    assert.equal(client.inFlight(), 0);
  });
}
