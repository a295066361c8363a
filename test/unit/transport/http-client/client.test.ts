// The client against real servers, good and bad.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  createHttpClient,
  type HttpClient,
  type HttpClientOptions,
} from '../../../../src/transport/http-client/client.ts';
import type { HttpReply } from '../../../../src/transport/http-client/exchange.ts';
import { parseHttpTarget } from '../../../../src/transport/http-client/target.ts';
import { closedPort, startHttp, startRaw } from './servers.ts';

const never = new AbortController().signal;
const body = Buffer.from('a body');

function clientFor(t: TestContext, url: string, more: Partial<HttpClientOptions> = {}): HttpClient {
  const target = parseHttpTarget(url);
  assert.ok(target);
  const client = createHttpClient(target, {
    tls: {},
    maxConnections: 0,
    maxIdleConnections: 100,
    idleTimeoutMs: 90_000,
    keepAlive: true,
    proxyUrl: '',
    env: {},
    ...more,
  });
  t.after(() => client.close());
  return client;
}

const post = (client: HttpClient, parts: readonly Buffer[] = [body], signal = never): Promise<HttpReply> =>
  client.post(parts, { headers: { 'content-type': 'text/plain' }, signal });

/** Status and body of an answer; fails on none. */
function answerOf(reply: HttpReply): [status: number, body: string, isWhole: boolean] {
  assert.equal(reply.kind, 'answer', JSON.stringify(reply));
  return reply.kind === 'answer' ? [reply.status, reply.body.toString(), reply.isWhole] : [0, '', false];
}

/** Why there is no answer; fails on one. */
function failureOf(reply: HttpReply): [why: string, message: string] {
  assert.equal(reply.kind, 'failed', JSON.stringify(reply));
  return reply.kind === 'failed' ? [reply.why, reply.message] : ['', ''];
}

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

test('the parts arrive as one body of known length, also from shared memory, and connections are kept', async (t) => {
  const server = await startHttp(t, (response) => response.end('ok'));
  const client = clientFor(t, `${server.url}/v1/traces?x=1`);
  const shared = Buffer.from(new SharedArrayBuffer(200_000)).fill('s');
  const parts = [Buffer.from('one'), Buffer.alloc(0), shared.subarray(10, 190_010), Buffer.from('three')];
  for (let i = 0; i < 5; i++) assert.deepEqual(answerOf(await post(client, parts)), [200, 'ok', true]);
  assert.equal(server.connections(), 1);
  const [{ method, url, headers, body: received }] = server.seen;
  assert.deepEqual([method, url, headers['content-type']], ['POST', '/v1/traces?x=1', 'text/plain']);
  assert.equal(headers.host, `127.0.0.1:${server.port}`);
  assert.equal(headers['content-length'], '190008');
  assert.equal(headers['transfer-encoding'], undefined);
  assert.ok(received.equals(Buffer.concat(parts)));
});

test('an empty body is sent as one', async (t) => {
  const server = await startHttp(t, (response) => response.end());
  assert.deepEqual(answerOf(await post(clientFor(t, server.url), [])), [200, '', true]);
  assert.equal(server.seen[0].headers['content-length'], '0');
});

test('without keep-alive each request has its own connection', async (t) => {
  const server = await startHttp(t, (response) => response.end('ok'));
  const client = clientFor(t, server.url, { keepAlive: false });
  for (let i = 0; i < 3; i++) answerOf(await post(client));
  assert.equal(server.connections(), 3);
  assert.equal(server.seen[0].headers.connection, 'close');
});

test('no more connections are open than allowed, and no more are kept than allowed', async (t) => {
  const server = await startHttp(t, (response) => setImmediate(() => response.end('ok')));
  const two = clientFor(t, server.url, { maxConnections: 2 });
  for (const reply of await Promise.all(Array.from({ length: 20 }, () => post(two)))) answerOf(reply);
  assert.equal(server.connections(), 2);
  const one = clientFor(t, server.url, { maxIdleConnections: 1 });
  for (const reply of await Promise.all(Array.from({ length: 5 }, () => post(one)))) answerOf(reply);
  assert.equal(server.connections(), 7);
  for (const reply of await Promise.all(Array.from({ length: 2 }, () => post(one)))) answerOf(reply);
  assert.equal(server.connections(), 8, 'one was kept, the other is new');
});

test('a connection without requests is closed after its time', async (t) => {
  const closed = Promise.withResolvers<void>();
  const server = await startHttp(t, (response) => response.end('ok'));
  server.server.on('connection', (socket: Socket) => socket.on('close', () => closed.resolve()));
  answerOf(await post(clientFor(t, server.url, { idleTimeoutMs: 50 })));
  await closed.promise;
});

test('a unix socket is reached', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'spanmill-http-'));
  const path = join(folder, 's');
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end(`${request.url} ${request.headers.host}`));
  }).listen(path);
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  assert.deepEqual(answerOf(await post(clientFor(t, `unix://${path}`))), [200, '/ localhost', true]);
  const gone = failureOf(await post(clientFor(t, `unix://${path}x`)));
  assert.equal(gone[0], 'unavailable');
  assert.match(gone[1], /ENOENT/);
});

test('credentials of the URL are sent, and not shown', async (t) => {
  const server = await startHttp(t, (response) => response.end('ok'));
  answerOf(await post(clientFor(t, `http://me:p%40ss@127.0.0.1:${server.port}`)));
  assert.equal(server.seen[0].headers.authorization, `Basic ${Buffer.from('me:p@ss').toString('base64')}`);
  const [, message] = failureOf(await post(clientFor(t, `http://me:hidden@127.0.0.1:${await closedPort()}`)));
  assert.doesNotMatch(message, /hidden/);
});

test('a server that is not there, and a name that does not resolve, are told as such', async (t) => {
  const refused = failureOf(await post(clientFor(t, `http://127.0.0.1:${await closedPort()}`)));
  assert.equal(refused[0], 'unavailable');
  assert.match(refused[1], /ECONNREFUSED/);
  const unknown = failureOf(await post(clientFor(t, 'http://no-such-name.invalid')));
  assert.equal(unknown[0], 'unavailable');
  assert.match(unknown[1], /the name cannot be resolved.*no-such-name\.invalid/);
});

test('something else than HTTP/1.1 is told as such', async (t) => {
  for (const answer of [
    'SSH-2.0-OpenSSH_9\r\n',
    'HTTP/9.9 200 OK\r\n\r\n',
    '\0\0\x12\x04\0\0\0\0\0',
    'HTTP/1.1 200 OK\r\nx',
  ]) {
    const server = await startRaw(t, (socket) => socket.end(answer, 'latin1'));
    const [why, message] = failureOf(await post(clientFor(t, server.url)));
    assert.equal(why, 'unavailable', message);
    if (!answer.startsWith('HTTP/1.1')) assert.match(message, /does not speak HTTP\/1\.1 \(HPE_/);
  }
  const plain = await startRaw(t, (socket) => socket.end(ok));
  assert.match(failureOf(await post(clientFor(t, `https://127.0.0.1:${plain.port}`)))[1], /does not speak TLS/);
});

test('a head that never ends is not read for ever', async (t) => {
  const server = await startRaw(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const more = (): void => {
      while (socket.writable && socket.write(`x-filler: ${'y'.repeat(1000)}\r\n`));
    };
    socket.on('drain', more);
    more();
  });
  assert.match(failureOf(await post(clientFor(t, server.url)))[1], /HPE_HEADER_OVERFLOW/);
});

test('an unexpected switch of protocols is a failure', async (t) => {
  const server = await startRaw(t, (socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'),
  );
  assert.deepEqual(failureOf(await post(clientFor(t, server.url))), [
    'unavailable',
    'the server switched to another protocol',
  ]);
});

test('interim answers are passed over', async (t) => {
  const server = await startRaw(t, (socket) => {
    socket.once('data', () =>
      socket.write(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n${ok}`),
    );
  });
  assert.deepEqual(answerOf(await post(clientFor(t, server.url))), [200, 'ok', true]);
});

test('interim answers without end are given up', async (t) => {
  const server = await startRaw(t, (socket) => {
    const more = (): void => {
      while (socket.writable && socket.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(100)));
    };
    socket.on('drain', more);
    more();
  });
  const [why, message] = failureOf(await post(clientFor(t, server.url)));
  assert.deepEqual([why, message], ['unavailable', 'answers before the answer, without end']);
});

test('once a reply has settled nothing reads its request any more', async (t) => {
  for (const end of ['signal', 'answer', 'too long an answer', 'reset', 'slow answer']) {
    const memory = Buffer.from(new SharedArrayBuffer(32 << 20)).fill('a');
    const controller = new AbortController();
    const peer = Promise.withResolvers<Socket>();
    const server = await startRaw(t, (socket) => {
      socket.once('readable', () => {
        socket.read(10);
        if (end === 'signal') controller.abort('timeout');
        else if (end === 'answer') socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
        else if (end === 'too long an answer') socket.write(`HTTP/1.1 200 OK\r\n\r\n${'y'.repeat(100_000)}`);
        else if (end === 'slow answer') socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ny');
        else if (end === 'reset') socket.resetAndDestroy();
        peer.resolve(socket);
      });
    });
    const client = clientFor(t, server.url, { limits: { bodyTimeoutMs: 50 } });
    await post(client, [memory.subarray(0, 20 << 20), memory.subarray(20 << 20)], controller.signal);
    memory.fill('Z');
    const socket = await peer.promise;
    let isRead = false;
    if (!socket.destroyed) for await (const chunk of socket) isRead ||= (chunk as Buffer).includes('Z');
    assert.equal(isRead, false, end);
  }
});

for (const reason of ['timeout', 'shutdown']) {
  test(`a server that never answers is left when the signal comes: ${reason}`, async (t) => {
    const controller = new AbortController();
    const closed = Promise.withResolvers<void>();
    const server = await startRaw(t, (socket) => {
      socket.once('data', () => controller.abort(reason));
      socket.once('close', () => closed.resolve());
    });
    const client = clientFor(t, server.url);
    assert.deepEqual(failureOf(await post(client, [body], controller.signal)), ['ended', reason]);
    await closed.promise;
    assert.deepEqual(failureOf(await post(client, [body], controller.signal)), ['ended', reason]);
    assert.equal(server.connections(), 1);
  });
}

test('a request that waits for a connection ends with its signal, and the next one goes on', async (t) => {
  const held: (() => void)[] = [];
  const server = await startHttp(t, (response) => void held.push(() => response.end('ok')));
  const client = clientFor(t, server.url, { maxConnections: 1 });
  const first = post(client);
  while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const controller = new AbortController();
  const second = post(client, [body], controller.signal);
  const third = post(client);
  controller.abort('timeout');
  assert.deepEqual(failureOf(await second), ['ended', 'timeout']);
  held[0]();
  answerOf(await first);
  while (held.length < 2) await new Promise((resolve) => setImmediate(resolve));
  held[1]();
  answerOf(await third);
  assert.equal(server.seen.length, 2);
});

test('closing ends what is under way, and nothing is sent any more', async (t) => {
  const server = await startRaw(t, (socket) => socket.once('data', () => client.close()));
  const client = clientFor(t, server.url);
  assert.deepEqual(failureOf(await post(client)), ['ended', 'the client is closed']);
  assert.deepEqual(failureOf(await post(client)), ['ended', 'the client is closed']);
  client.close();
  assert.equal(server.connections(), 1);
});

test('a connection that cannot be made in time is given up', async (t) => {
  const silent = await startRaw(t, () => undefined);
  const stuck = clientFor(t, `https://127.0.0.1:${silent.port}`, { limits: { connectTimeoutMs: 50 } });
  assert.deepEqual(failureOf(await post(stuck)), ['unavailable', 'no connection within 50 ms']);
});

test('no more of an answer is read than its bound, and its status counts', async (t) => {
  const written = Promise.withResolvers<number>();
  const server = await startRaw(t, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 503 Busy\r\ncontent-length: 100000000\r\n\r\n');
      const chunk = Buffer.alloc(65_536, 'x');
      const more = (): void => {
        while (socket.writable && socket.bytesWritten < 100_000_000 && socket.write(chunk));
      };
      socket.on('drain', more);
      more();
    });
    socket.on('close', () => written.resolve(socket.bytesWritten));
  });
  const [status, text, isWhole] = answerOf(await post(clientFor(t, server.url)));
  assert.deepEqual([status, text.length, isWhole], [503, 65_536, false]);
  assert.ok((await written.promise) < 20_000_000, 'the connection is cut');
});

test('an answer of exactly the bound is whole', async (t) => {
  const server = await startHttp(t, (response) => response.end(Buffer.alloc(65_536, 'x')));
  const [, text, isWhole] = answerOf(await post(clientFor(t, server.url)));
  assert.deepEqual([text.length, isWhole], [65_536, true]);
});

test('an answer whose body is slow, or cut off, is its status and what came', async (t) => {
  const slow = await startRaw(t, (socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc')),
  );
  const impatient = clientFor(t, slow.url, { limits: { bodyTimeoutMs: 50 } });
  assert.deepEqual(answerOf(await post(impatient)), [200, 'abc', false]);
  const cut = await startRaw(t, (socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 429 Slow down\r\ncontent-length: 10\r\nretry-after: 3\r\n\r\nabc')),
  );
  const reply = await post(clientFor(t, cut.url));
  assert.deepEqual(answerOf(reply), [429, 'abc', false]);
  assert.equal(reply.kind === 'answer' && reply.headers['retry-after'], '3');
});

test('an answer before the request was read is understood, and the rest is not sent', async (t) => {
  const large = Buffer.alloc(64 << 20, 'x');
  for (const [name, connection] of [
    ['closes', 'close'],
    ['reads no more', 'keep-alive'],
  ]) {
    let read = 0;
    const server = await startRaw(t, (socket) => {
      socket.once('data', (chunk: Buffer) => {
        read += chunk.length;
        socket.pause();
        socket.write(`HTTP/1.1 413 Too Large\r\nconnection: ${connection}\r\ncontent-length: 8\r\n\r\ntoo much`);
        if (connection === 'close') socket.destroySoon();
      });
    });
    const client = clientFor(t, server.url);
    assert.deepEqual(answerOf(await post(client, [large])), [413, 'too much', true], name);
    assert.ok(read < large.length / 2);
    assert.deepEqual(answerOf(await post(client, [large])), [413, 'too much', true], `${name}, again`);
    assert.equal(server.connections(), 2, 'a connection with half a request on it is not used again');
  }
});

test('a kept connection that the server closes under the next request is replaced at once', async (t) => {
  let requests = 0;
  const server = await startRaw(t, (socket, n) => {
    socket.on('data', () => {
      requests++;
      // The second request of the first connection meets its end.
      if (n === 0 && requests === 2) socket.resetAndDestroy();
      else socket.write(ok);
    });
  });
  const client = clientFor(t, server.url);
  assert.deepEqual(answerOf(await post(client)), [200, 'ok', true]);
  assert.deepEqual(answerOf(await post(client)), [200, 'ok', true]);
  assert.deepEqual([server.connections(), requests], [2, 3]);
});

test('a new connection that the server closes is not replaced: retrying is for who knows how long to wait', async (t) => {
  const server = await startRaw(t, (socket) => socket.once('data', () => socket.resetAndDestroy()));
  const [why] = failureOf(await post(clientFor(t, server.url)));
  assert.deepEqual([why, server.connections()], ['unavailable', 1]);
});

test('a restarted server costs one attempt, not one for each connection that was kept', async (t) => {
  let down = false;
  let lost = 0;
  const server = await startRaw(t, (socket) => {
    const old = !down;
    socket.on('data', () => {
      if (old && down) {
        lost++;
        socket.resetAndDestroy();
      } else socket.write(ok);
    });
  });
  const client = clientFor(t, server.url);
  await Promise.all(Array.from({ length: 5 }, () => post(client)));
  assert.equal(server.connections(), 5);
  down = true;
  assert.deepEqual(answerOf(await post(client)), [200, 'ok', true]);
  assert.deepEqual([lost, server.connections()], [1, 6]);
});

test('307 and 308 are followed on the same host with the body, a few times', async (t) => {
  const server = await startHttp(t, (response, { url }) => {
    const hop = Number(url.slice(1) || 0);
    if (hop < 3) response.writeHead(hop % 2 === 0 ? 307 : 308, { location: `/${hop + 1}` }).end('moved');
    else response.end('here');
  });
  const reply = await post(clientFor(t, server.url));
  assert.deepEqual(answerOf(reply), [200, 'here', true]);
  assert.equal(reply.kind === 'answer' && reply.redirectedTo, `${server.url}/3`);
  assert.deepEqual(
    server.seen.map(({ method, body: received }) => `${method} ${received}`),
    Array(4).fill('POST a body'),
  );
  const loop = await startHttp(t, (response) => response.writeHead(308, { location: '/' }).end());
  assert.deepEqual(failureOf(await post(clientFor(t, loop.url))), ['redirect', 'more than 5 redirects']);
  assert.equal(loop.seen.length, 6);
});

test('a redirect elsewhere is not followed', async (t) => {
  const other = await startHttp(t, (response) => response.end());
  const location = `http://localhost:${other.port}/x?key=hidden`;
  const server = await startHttp(t, (response) => response.writeHead(307, { location }).end());
  const [why, message] = failureOf(await post(clientFor(t, server.url)));
  assert.equal(why, 'redirect');
  assert.match(message, /^HTTP 307: a redirect to another host, http:\/\/localhost:\d+\/x: name it/);
  assert.equal(other.seen.length, 0);
});

test('a header that cannot be sent is told, without its value', async (t) => {
  const server = await startHttp(t, (response) => response.end());
  const client = clientFor(t, server.url);
  const reply = await client.post([body], { headers: { authorization: 'Bearer hidden\n' }, signal: never });
  const [why, message] = failureOf(reply);
  assert.equal(why, 'unsendable');
  assert.match(message, /authorization/);
  assert.doesNotMatch(message, /hidden/);
  assert.equal(server.seen.length, 0);
});

test('a thousand requests at once are each answered with their own answer', async (t) => {
  const server = await startHttp(t, (response, { body: received }) => response.end(received));
  const client = clientFor(t, server.url, { maxConnections: 20 });
  const replies = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => post(client, [Buffer.from(`request ${i}`)])),
  );
  for (const [i, reply] of replies.entries()) assert.deepEqual(answerOf(reply), [200, `request ${i}`, true]);
  assert.equal(server.connections(), 20);
});
