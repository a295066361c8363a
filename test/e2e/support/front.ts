// What stands before a backend: a relay of bytes whose connections, or whose address, can be taken away.
import { once } from 'node:events';
import * as net from 'node:net';
import type { TestContext } from 'node:test';

/** The backend answers faster than this; then nothing is under way any more. */
const quietMs = 300;

export interface Front {
  readonly port: number;
  /** Connections that there ever were. */
  connections(): number;
  /** What its connections bring is read no more and nothing comes back, and nobody is told. New ones are served. */
  vanish(): void;
  /**
   * Connections are refused until `comeBack`. Those that there are end when all that the backend has got whole is answered, so
   * that nobody has to ask again for what it has.
   */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
}

interface Pair {
  readonly socket: net.Socket;
  readonly backend: net.Socket;
}

export async function startFront(t: TestContext, backendPort: number): Promise<Front> {
  const pairs = new Set<Pair>();
  const sockets = new Set<net.Socket>();
  let server: net.Server | null = null;
  let port = 0;
  let connections = 0;

  function relay(socket: net.Socket): void {
    connections++;
    const backend = net.connect(backendPort, '127.0.0.1');
    const pair = { socket, backend };
    pairs.add(pair);
    for (const [one, other] of [
      [socket, backend],
      [backend, socket],
    ]) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        sockets.delete(one);
        if (pairs.delete(pair)) other.destroy();
      });
    }
    socket.pipe(backend).pipe(socket);
  }

  async function listen(): Promise<void> {
    server = net.createServer(relay);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as net.AddressInfo).port;
  }

  await listen();
  t.after(() => {
    server?.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port,
    connections: () => connections,
    vanish() {
      for (const pair of pairs) {
        const { socket, backend } = pair;
        pairs.delete(pair);
        socket.unpipe(backend);
        backend.unpipe(socket);
        socket.pause();
        backend.destroy();
      }
    },
    async goAway() {
      server?.close();
      const ending = [...pairs];
      for (const { socket, backend } of ending) {
        socket.unpipe(backend);
        socket.pause();
      }
      const answered = (): number => ending.reduce((bytes, { backend }) => bytes + backend.bytesRead, 0);
      for (let before = -1; before !== answered(); await new Promise((resolve) => setTimeout(resolve, quietMs))) {
        before = answered();
      }
      for (const { socket } of ending) socket.destroy();
    },
    comeBack: listen,
  };
}
