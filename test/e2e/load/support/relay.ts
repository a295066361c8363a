// A relay of bytes between spanload and its sink, which keeps what goes to the sink.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface Relay {
  readonly port: number;
  /** All that was sent to the target, connection after connection. */
  bytes(): Buffer;
  connections(): number;
}

export async function startRelay(t: TestContext, targetPort: number): Promise<Relay> {
  const sent: Buffer[][] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket, other: Socket): void => {
    sockets.add(socket);
    // Whatever ends one side ends the other: both are of this machine.
    socket.on('error', () => other.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
    socket.pipe(other);
  };
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    const chunks: Buffer[] = [];
    sent.push(chunks);
    client.on('data', (chunk: Buffer) => chunks.push(chunk));
    keep(client, target);
    keep(target, client);
  });
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    bytes: () => Buffer.concat(sent.flat()),
    connections: () => sent.length,
  };
}
