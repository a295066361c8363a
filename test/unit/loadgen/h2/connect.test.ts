// Why there is no connection, in one line that names the server.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { connectUnary } from '../../../../loadgen/h2/client.ts';
import { SpanmillError } from '../../../../src/errors.ts';
import { frame, frameType, goawayFrame, settingsFrame } from '../../../../src/transport/http2/frames.ts';
import { path } from './unary-calls.ts';

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function problemOf(port: number, connectTimeoutMs = 5000): Promise<string> {
  try {
    (await connectUnary({ host: '127.0.0.1', port, path, connectTimeoutMs })).close();
  } catch (error) {
    assert.ok(error instanceof SpanmillError);
    assert.equal(error.code, 'CONNECT');
    assert.ok(error.message.startsWith(`127.0.0.1:${port}: `), error.message);
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  return 'connected';
}

/** A server that says `bytes` to whoever speaks to it, and then what `then` does. */
async function saying(bytes: Buffer | string, then: (socket: Socket) => void, body: (port: number) => Promise<void>) {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => {
      if (bytes.length > 0) socket.write(bytes);
      then(socket);
    });
  });
  const port = await listening(server);
  try {
    await body(port);
  } finally {
    server.close();
  }
}

test('nothing listens there', async () => {
  const server = createServer();
  const port = await listening(server);
  server.close();
  await once(server, 'close');
  assert.match(await problemOf(port), /nothing listens there \(ECONNREFUSED\)/);
});

test('a name that nobody has', async () => {
  const connecting = connectUnary({ host: 'no-such-host.invalid', port: 4317, path });
  await assert.rejects(connecting, { code: 'CONNECT', message: /^no-such-host\.invalid:4317: its name cannot be/ });
});

test('an HTTP/1.1 server', async () => {
  const server = createHttpServer((_, response) => response.end());
  const port = await listening(server);
  try {
    assert.match(await problemOf(port), /speaks HTTP\/1\.1, and gRPC needs HTTP\/2/);
  } finally {
    server.close();
  }
});

test('a server that speaks TLS', async () => {
  const alert = Buffer.from('15030100020246', 'hex');
  await saying(
    alert,
    (socket) => socket.end(),
    async (port) => assert.match(await problemOf(port), /speaks TLS/),
  );
});

test('servers that say nothing, or something else', async () => {
  const end = (socket: Socket): void => void socket.end();
  await saying('', end, async (port) => assert.match(await problemOf(port), /closed the connection/));
  await saying('SSH-2.0-OpenSSH_9.2\r\n', end, async (port) => assert.match(await problemOf(port), /keep to HTTP\/2/));
  const ping = frame(frameType.ping, 0, 0, Buffer.alloc(8));
  await saying(ping, end, async (port) => assert.match(await problemOf(port), /first frame is not SETTINGS/));
});

test('a server that takes the connection and never speaks', async () => {
  const sockets: Socket[] = [];
  await saying(
    '',
    (socket) => sockets.push(socket),
    async (port) => {
      assert.match(await problemOf(port, 60), /did not begin to speak HTTP\/2 within 60 ms/);
      for (const socket of sockets) socket.destroy();
    },
  );
});

test('a GOAWAY right behind SETTINGS is told after the connection is there', async () => {
  const hello = Buffer.concat([settingsFrame([]), goawayFrame(0, 0, 'full')]);
  await saying(
    hello,
    () => {},
    async (port) => {
      const told = Promise.withResolvers<string>();
      let isThere = false;
      const client = await connectUnary({
        host: '127.0.0.1',
        port,
        path,
        onUnusable: (reason) => told.resolve(`${isThere} ${reason}`),
      });
      isThere = true;
      assert.equal(await told.promise, 'true GOAWAY with code 0 full');
      assert.equal(client.usable(), false);
      client.close();
    },
  );
});

test('a header that cannot be sent is refused before there is a connection', async () => {
  await assert.rejects(connectUnary({ host: '127.0.0.1', port: 9, path, headers: [['x-name', '名']] }), RangeError);
});
