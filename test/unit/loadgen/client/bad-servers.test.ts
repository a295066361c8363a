// The HTTP client against servers that write what they like.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { ClientOptions, ExportClient } from '../../../../loadgen/client/client.ts';
import { notSent } from '../../../../loadgen/client/export-reply.ts';
import { clientFor, okReply, pattern, send } from './exports.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

/** Calls `requested` with each connection when a part of a request has come. */
async function rawServer(t: TestContext, requested: (socket: Socket) => void, connected = (_: Socket): void => {}) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', () => requested(socket));
    connected(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

/** Resolves when the connection is over, however it ended. */
async function gone(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

interface Peer {
  readonly client: ExportClient;
  /** Why the client takes no more. */
  readonly lost: Promise<string>;
}

async function clientOf(t: TestContext, port: number, more: Partial<ClientOptions> = {}): Promise<Peer> {
  const lost = Promise.withResolvers<string>();
  const onUnusable = (reason: string): void => lost.resolve(reason);
  const client = await clientFor(t, 'native', port, { protocol: 'http/protobuf', onUnusable, ...more });
  return { client, lost: lost.promise };
}

const body = 'HTTP/1.1 200 OK\r\n';
const closed = /^the server closed the connection in the middle of its reply$/;

const failing: readonly (readonly [name: string, act: (socket: Socket) => void, message: RegExp])[] = [
  ['garbage', (socket) => socket.write('\x16\x03\x01'), /^the server does not speak HTTP\/1\.1$/],
  [
    'two lengths',
    (socket) => socket.write(`${body}content-length: 1\r\ncontent-length: 2\r\n\r\n`),
    /there are two of/,
  ],
  ['no reply', (socket) => socket.end(), /^the server closed the connection$/],
  ['half a head', (socket) => socket.end(body), closed],
  ['half a body', (socket) => socket.end(`${body}content-length: 9\r\n\r\nabc`), closed],
  ['chunks without the last', (socket) => socket.end(`${body}transfer-encoding: chunked\r\n\r\n1\r\na\r\n`), closed],
  ['an answer before the reply alone', (socket) => socket.end('HTTP/1.1 100 Continue\r\n\r\n'), closed],
  ['a reset', (socket) => socket.resetAndDestroy(), /ECONNRESET/],
  ['a head without end', endless(`${body}x: `), /^a reply whose head has more than 16384 bytes$/],
  ['a body without end', endless(`${body}\r\n`), /^a reply of more than 4194304 bytes$/],
  ['a chunk without end', endless(`${body}transfer-encoding: chunked\r\n\r\nffffffff\r\n`), /more than 4194304 bytes$/],
  ['fields without end', endless(body, 'x: 1\r\n'), /^a reply whose head has more than 16384 bytes$/],
];

/** Writes `begin`, and then more as long as it is read. */
function endless(begin: string, part = 'x'.repeat(1000)): (socket: Socket) => void {
  const many = part.repeat(64);
  return (socket) => {
    socket.write(begin);
    const go = (): void => {
      while (!socket.destroyed && socket.write(many));
    };
    socket.on('drain', go);
    go();
  };
}

for (const [name, act, message] of failing) {
  test(`what a bad server makes of a request fails it once, ends the connection, and is told: ${name}`, async (t) => {
    const { port, sockets } = await rawServer(t, act);
    const { client, lost } = await clientOf(t, port);
    const replies = await Promise.all([send(client, pattern(10)), send(client, pattern(10))]);
    assert.deepEqual(
      replies.map(({ status }) => status),
      ['TRANSPORT', notSent],
    );
    for (const reply of replies) assert.match(reply.message, message);
    assert.match(await lost, message);
    assert.deepEqual([client.usable(), client.inFlight()], [false, 0]);
    assert.equal((await send(client, pattern(10))).status, notSent);
    await gone(sockets[0]);
  });
}

test('a reply that ends with the connection is read, and is the last', async (t) => {
  const { port } = await rawServer(t, (socket) => {
    socket.write('HTTP/1.0 503 Busy\r\nretry-after: 3\r\n\r\nto');
    socket.end('o much');
  });
  const { client, lost } = await clientOf(t, port);
  const [first, second] = await Promise.all([send(client, pattern(10)), send(client, pattern(10))]);
  const busy = { status: 'HTTP 503', ok: false, rejectedSpans: 0, message: 'too much', retryDelayMs: 3000 };
  assert.deepEqual(first, busy);
  assert.equal(second.status, notSent);
  assert.match(await lost, /ended the connection with its reply/);
});

test('a reply shorter than what comes is taken as it says it is, and nothing is asked of that server again', async (t) => {
  const { port } = await rawServer(t, (socket) => socket.write(`${ok}and more`));
  const { client, lost } = await clientOf(t, port);
  const [first, second] = await Promise.all([send(client, pattern(10)), send(client, pattern(10))]);
  assert.deepEqual(first, okReply);
  assert.deepEqual([second.status, second.message], [notSent, 'the server sent more than its reply']);
  assert.match(await lost, /more than its reply/);
});

test('a reply without a request is told, and is not taken for that of the next request', async (t) => {
  const talks = await rawServer(
    t,
    () => {},
    (socket) => socket.write(ok),
  );
  const { client, lost } = await clientOf(t, talks.port);
  assert.match(await lost, /^the server sent a reply that no request asked for$/);
  assert.equal((await send(client, pattern(10))).status, notSent);

  const greets = await rawServer(
    t,
    () => {},
    (socket) => socket.write('220 mail.example ESMTP\r\n'),
  );
  assert.match(await (await clientOf(t, greets.port)).lost, /^the server does not speak HTTP\/1\.1$/);
});

test('a length that never comes is a request whose time passes', async (t) => {
  const { port } = await rawServer(t, (socket) => socket.write(`${body}content-length: 9\r\n\r\nabc`));
  const { client, lost } = await clientOf(t, port, { timeoutMs: 200 });
  assert.equal((await send(client, pattern(10))).status, 'DEADLINE_EXCEEDED');
  assert.match(await lost, /^no reply within 200 ms$/);
});

test('a reply before the request was read counts, and its connection ends', async (t) => {
  const connected = (socket: Socket): void => {
    socket.pause();
    socket.write('HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 3\r\n\r\nbig');
  };
  const { port, sockets } = await rawServer(
    t,
    () => {},
    (socket) => {
      // Not before the request has begun.
      socket.once('data', () => connected(socket));
    },
  );
  const { client, lost } = await clientOf(t, port);
  const reply = await send(client, pattern(16 << 20));
  assert.deepEqual([reply.status, reply.message], ['HTTP 413', 'big']);
  await lost;
  // Read again, it sees that the rest does not come.
  sockets[0].resume();
  await gone(sockets[0]);
  assert.ok(sockets[0].bytesRead < 16 << 20, `${sockets[0].bytesRead} bytes`);
});

test('fields that are given take the place of the usual ones, and a path that is none is refused', async (t) => {
  const heads: string[] = [];
  const { port } = await rawServer(
    t,
    (socket) => socket.write(ok),
    (socket) => socket.on('data', (chunk: Buffer) => heads.push(chunk.toString('latin1'))),
  );
  const headers = [
    ['User-Agent', 'mine'],
    ['x-name', 'größe'],
  ] as const;
  const { client } = await clientOf(t, port, { headers });
  assert.deepEqual(await send(client, Buffer.from('abc')), okReply);
  const wanted = [
    'POST /v1/traces HTTP/1.1',
    `host: 127.0.0.1:${port}`,
    'content-type: application/x-protobuf',
    'user-agent: mine',
    'accept-encoding: gzip, zstd',
    'connection: keep-alive',
    'x-name: größe',
    'content-length: 3',
    '',
    'abc',
  ];
  assert.deepEqual(heads, [wanted.join('\r\n')]);
  const endpoint = { host: '127.0.0.1', port, path: '/a b\r\nx: 1', tls: false };
  await assert.rejects(clientOf(t, port, { endpoint }), { code: 'USAGE', message: /^not a path: [^\n]*$/ });
});

test('small requests one after another keep their time each, under one timer', async (t) => {
  let requests = 0;
  const { port } = await rawServer(t, (socket) => {
    requests++;
    if (requests < 4) setTimeout(() => socket.write(ok), 150);
  });
  const { client } = await clientOf(t, port, { timeoutMs: 250 });
  for (let i = 0; i < 3; i++) assert.deepEqual(await send(client, pattern(10)), okReply);
  const begun = performance.now();
  assert.equal((await send(client, pattern(10))).status, 'DEADLINE_EXCEEDED');
  const took = performance.now() - begun;
  assert.ok(took > 240, `${took} ms`);
});
