// Servers for tests of what sends requests over HTTP/1.1: proper ones, and ones that write what they like.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import * as net from 'node:net';
import type { TestContext } from 'node:test';

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface HttpServer {
  readonly port: number;
  readonly url: string;
  /** Requests that came whole, in order. */
  readonly seen: readonly Seen[];
  /** Connections that were opened. */
  connections(): number;
  readonly server: Server;
}

/** `n`: of the request, from 0. */
export type Handler = (response: ServerResponse, seen: Seen, n: number) => void;

export async function startHttp(t: TestContext, handle: Handler, server: Server = createServer()): Promise<HttpServer> {
  const seen: Seen[] = [];
  let connections = 0;
  server.on('connection', () => {
    connections++;
  });
  server.on('request', async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      // A request that was cut off in its middle is none.
      return;
    }
    const { method = '', url = '', headers } = request;
    const one: Seen = { method, url, headers, body: Buffer.concat(chunks) };
    seen.push(one);
    handle(response, one, seen.length - 1);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as net.AddressInfo;
  return { port, url: `http://127.0.0.1:${port}`, seen, connections: () => connections, server };
}

export interface RawServer {
  readonly port: number;
  readonly url: string;
  connections(): number;
}

/** `take` gets each connection with its number, from 0. */
export async function startRaw(t: TestContext, take: (socket: net.Socket, n: number) => void): Promise<RawServer> {
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    take(socket, connections++);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as net.AddressInfo;
  return { port, url: `http://127.0.0.1:${port}`, connections: () => connections };
}

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
