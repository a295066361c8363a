// OTLP/gRPC over frames of our own.
import { connectUnary } from '../h2/client.ts';
import type { ClientOptions, ExportClient } from './client.ts';
import { grpcReply } from './export-reply.ts';
import { exportPath, headersOf, socketTarget } from './target.ts';

/** As `connect` in client.ts. */
export async function connectGrpc(options: ClientOptions): Promise<ExportClient> {
  const { compression, timeoutMs, onUnusable } = options;
  const client = await connectUnary({
    ...socketTarget(options),
    path: exportPath,
    headers: headersOf(options),
    compression,
    timeoutMs,
    onUnusable,
  });
  return {
    send(body, done) {
      client.call(body, (reply) => done(grpcReply(reply.status, reply.message, reply.body, reply.retryDelayMs)));
    },
    usable: () => client.usable(),
    inFlight: () => client.inFlight(),
    // What it allows may come to be more than nothing.
    capacity: () => Math.max(1, client.capacity()),
    close: () => client.close(),
  };
}
