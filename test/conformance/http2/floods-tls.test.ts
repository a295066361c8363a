// The same floods over TLS, and those that only TLS has.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { after, describe, type TestContext, test } from 'node:test';
import * as tls from 'node:tls';
import type { BenchOptions } from '../grpc/server-bench.ts';
import { selfSigned } from '../support/certificates.ts';
import { peers, programOf } from '../support/peers.ts';
import { besideGoodClient, bytesInUse, startFloodBench } from './flood-bench.ts';
import { floodTests } from './floods.ts';
import { ours } from './servers.ts';
import { slowFloodTests } from './slow-floods.ts';

const connections = 200;
const handshakeTimeoutMs = 300;
/** For both ends of a handshake that is not over. */
const mostBytesEach = 64 << 10;

const openssl = programOf(peers.openssl);
const over: BenchOptions =
  openssl === null ? {} : { tls: { ...(await selfSigned({ after }, openssl, '127.0.0.1')), maxVersion: 'TLSv1.3' } };

describe('floods over TLS', { skip: openssl === null && peers.openssl.reason }, () => {
  floodTests(ours, true, over);
  slowFloodTests(ours, true, over);

  for (const [what, bytes] of [
    ['begin with nothing', () => Buffer.alloc(0)],
    ['stop in the middle of the first message', (hello: Buffer) => hello.subarray(0, 100)],
    ['stop after the first message', (hello: Buffer) => hello],
    ['are no TLS', () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
    ['announce a message of 16 KiB and send it byte by byte', () => Buffer.from([22, 3, 1, 0x3f, 0xff, 1])],
  ] as const) {
    test(`handshakes that ${what}`, { timeout: 60_000 }, async (t) => {
      const bench = await startFloodBench(t, ours, { limits: { handshakeTimeoutMs }, ...over });
      const before = bytesInUse();
      const hello = await clientHello();
      const sockets = await Promise.all(Array.from({ length: connections }, () => connect(t, bench.port)));
      const ended = sockets.map((socket) => new Promise((resolve) => socket.on('close', resolve)));
      const flood = async (): Promise<void> => {
        for (const socket of sockets) socket.write(bytes(hello));
        const grown = bytesInUse() - before;
        assert.ok(grown < connections * mostBytesEach, `${grown} more bytes are in use`);
        // Whoever goes on sending does not get more time.
        const trickle = setInterval(() => {
          if (what.includes('byte by byte')) for (const socket of sockets) socket.write(Buffer.of(0));
        }, 20);
        await Promise.all(ended);
        clearInterval(trickle);
      };
      await besideGoodClient(t, bench, flood());
    });
  }

  test('handshakes without end, one connection after the other', { timeout: 60_000 }, async (t) => {
    const bench = await startFloodBench(t, ours, over);
    const before = bytesInUse();
    const flood = async (): Promise<void> => {
      for (let round = 0; round < 20; round++) {
        await Promise.all(
          Array.from({ length: 20 }, async () => {
            const socket = secure(t, bench.port);
            await once(socket, 'secureConnect');
            socket.destroy();
          }),
        );
      }
    };
    await besideGoodClient(t, bench, flood());
    const grown = bytesInUse() - before;
    assert.ok(grown < 8 << 20, `${grown} more bytes are in use`);
  });

  test('a client that renegotiates again and again is cut', { timeout: 60_000 }, async (t) => {
    const bench = await startFloodBench(t, ours, over);
    const socket = secure(t, bench.port, 'TLSv1.2');
    const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    await once(socket, 'secureConnect');
    let renegotiated = 0;
    const flood = async (): Promise<void> => {
      const again = (): void => {
        socket.renegotiate({}, (error) => {
          if (error !== null) return;
          renegotiated++;
          again();
        });
      };
      again();
      await ended;
    };
    await besideGoodClient(t, bench, flood());
    assert.ok(renegotiated <= tls.CLIENT_RENEG_LIMIT, `${renegotiated} times`);
  });
});

async function connect(t: TestContext, port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => undefined).resume();
  await once(socket, 'connect');
  return socket;
}

function secure(t: TestContext, port: number, maxVersion: tls.SecureVersion = 'TLSv1.3'): tls.TLSSocket {
  const options = { port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'], maxVersion };
  const socket = tls.connect(options);
  t.after(() => socket.destroy());
  socket.on('error', () => undefined).resume();
  return socket;
}

/** What a real client says first. */
async function clientHello(): Promise<Buffer> {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = tls.connect({ port: (server.address() as net.AddressInfo).port, ALPNProtocols: ['h2'] });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}
