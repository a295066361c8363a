// What the parts of the client suite share.
import * as net from 'node:net';
import type { TestContext } from 'node:test';
import type { GrpcClient, GrpcClientOptions } from '../../../src/transport/grpc-client.ts';

export type CreateClient = (options: GrpcClientOptions) => GrpcClient;

/** A client that is closed after the test. Reconnects quickly. */
export function clientFor(
  t: TestContext,
  create: CreateClient,
  port: number,
  options: Partial<GrpcClientOptions> = {},
): GrpcClient {
  const client = create({
    endpoint: `127.0.0.1:${port}`,
    backoff: { baseMs: 20, maxMs: 50 },
    ...options,
  });
  t.after(() => client.close());
  return client;
}

/** A port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
