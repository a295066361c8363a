// An OTLP/HTTP server over a test method, and a client that sends what no HTTP client would.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import type { TestContext } from 'node:test';
import * as tls from 'node:tls';
import type { GrpcServer } from '../../../src/transport/grpc-server.ts';
import { defaultHttpLimits, type HttpServerOptions } from '../../../src/transport/http1/http-server.ts';
import { subMessages } from '../../../src/transport/rpc-status.ts';
import { createTestMethod, type TestMethod } from '../grpc/test-method.ts';

export const tracesPath = '/v1/traces';
export const protobuf = { 'content-type': 'application/x-protobuf' };
export const json = { 'content-type': 'application/json' };
export const { times } = defaultHttpLimits;

export interface CreateServer {
  (options: HttpServerOptions): GrpcServer;
  /** It speaks TLS. */
  readonly secure?: boolean;
}

export interface HttpBench {
  readonly server: GrpcServer;
  /** Of requests in protobuf. */
  readonly method: TestMethod;
  /** Of requests in JSON. */
  readonly jsonMethod: TestMethod;
  /** host:port */
  readonly address: string;
  readonly port: number;
  /** Over TLS. */
  readonly secure?: boolean;
  url(path?: string): string;
  post(body: string | Uint8Array<ArrayBuffer>, headers?: Record<string, string>, path?: string): Promise<Response>;
}

export async function startHttpBench(
  t: TestContext,
  create: CreateServer,
  options: Partial<HttpServerOptions> = {},
): Promise<HttpBench> {
  const method = createTestMethod();
  const jsonMethod = createTestMethod();
  const server = create({
    listen: { kind: 'tcp', host: '127.0.0.1', port: 0, family: 0 },
    routes: new Map([[tracesPath, { protobuf: method, json: jsonMethod }]]),
    elsewhere: new Map([['/v1/metrics', 'traces only, no metrics']]),
    ...options,
  });
  await server.listen();
  t.after(async () => {
    await server.close();
    assert.equal(method.outstanding() + jsonMethod.outstanding(), 0, 'a place was not given back');
    assert.deepEqual(
      [server.counters.heldBytesNow, server.counters.callsNow, server.counters.connectionsNow],
      [0, 0, 0],
    );
  });
  const address = server.address();
  const secure = create.secure === true;
  const bench: HttpBench = {
    server,
    method,
    jsonMethod,
    address,
    port: Number(address.split(':').at(-1)),
    secure,
    url: (path = tracesPath) => `http${secure ? 's' : ''}://${address}${path}`,
    post: (body, headers = protobuf, path = tracesPath) => fetch(bench.url(path), { method: 'POST', headers, body }),
  };
  return bench;
}

/** Posts one good request, and sees it arrive. */
export async function expectGood(bench: HttpBench): Promise<void> {
  const response = await bench.post('good');
  assert.equal(response.status, 200);
  assert.equal(bench.method.handled.at(-1)?.message.toString(), 'good');
  await response.arrayBuffer();
}

/** The message of a google.rpc.Status in protobuf. */
export const messageOf = async (response: Response): Promise<string> =>
  Buffer.from(subMessages(new Uint8Array(await response.arrayBuffer()), 2)[0] ?? []).toString();

export interface RawReply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

export interface RawClient {
  readonly socket: net.Socket;
  write(bytes: string | Buffer): void;
  /** Resets the connection. */
  vanish(): void;
  /** The next answer, which needs a Content-Length unless it is a 1xx or a 204. */
  reply(): Promise<RawReply>;
  /** Resolves when the server has closed the connection, or reset it. */
  readonly closed: Promise<unknown>;
}

export async function rawClient(
  t: TestContext,
  bench: Pick<HttpBench, 'port' | 'secure'>,
  path?: string,
): Promise<RawClient> {
  const isSecure = bench.secure === true;
  const where = path === undefined ? { port: bench.port, host: '127.0.0.1' } : { path };
  const plain = net.connect(where);
  const socket = isSecure ? tls.connect({ socket: plain, rejectUnauthorized: false }) : plain;
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  // Not `once`, which rejects when the connection is reset.
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  let bytes = Buffer.alloc(0);
  let changed = (): void => {};
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    changed();
  });
  socket.on('close', () => changed());
  await once(socket, isSecure ? 'secureConnect' : 'connect');
  const take = (): RawReply | null => {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const [line, ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
    const headers = new Map(
      lines.map((text): [string, string] => {
        const colon = text.indexOf(':');
        return [text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim()];
      }),
    );
    const length = Number(headers.get('content-length') ?? 0);
    const from = end + 4;
    if (bytes.length < from + length) return null;
    const body = Buffer.from(bytes.subarray(from, from + length));
    bytes = bytes.subarray(from + length);
    return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(line)?.[1]), headers, body };
  };
  return {
    socket,
    closed,
    write: (what) => void socket.write(what),
    vanish: () => void plain.resetAndDestroy(),
    async reply() {
      for (;;) {
        const found = take();
        if (found !== null) return found;
        assert.ok(!socket.destroyed, `the connection ended after ${JSON.stringify(bytes.toString('latin1'))}`);
        await new Promise<void>((resolve) => {
          changed = resolve;
        });
      }
    },
  };
}

/** A request's head, with what is usual; `lines` come behind it. */
export function headOf(lines: readonly string[] = [], first = `POST ${tracesPath} HTTP/1.1`): string {
  return [first, 'Host: x', 'Content-Type: application/x-protobuf', ...lines, '', ''].join('\r\n');
}
