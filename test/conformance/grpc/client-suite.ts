// All that a gRPC client of this project has to do, whatever is under it, against a real @grpc/grpc-js server.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { retryInfoStatus } from '../../../src/transport/rpc-status.ts';
import { type CreateClient, clientFor, freePort } from './client-bench.ts';
import { proxyTests } from './client-wire.ts';
import { type JsServer, startJsServer } from './js-server.ts';
import { pattern } from './server-bench.ts';
import { exportPath } from './test-method.ts';

export function clientSuite(name: string, create: CreateClient): void {
  describe(name, () => {
    describe('calls', () => callTests(create));
    describe('ends', () => endTests(create));
    describe('connections', () => connectionTests(create));
    describe('odd peers', () => proxyTests(create));
  });
}

function callTests(create: CreateClient): void {
  test('the segments arrive as one message, and the response comes back', async (t) => {
    const server = await startJsServer(t);
    server.answer = () => Buffer.from('partial success');
    const segments = [pattern(10), Buffer.alloc(0), pattern(70_000), pattern(3)];
    const reply = await clientFor(t, create, server.port).call(exportPath, segments);
    assert.deepEqual(reply, { code: 0, message: '', retryDelayMs: undefined, body: Buffer.from('partial success') });
    assert.ok(server.seen[0].message.equals(Buffer.concat(segments)));
  });

  test('segments may lie in shared memory and be changed as soon as the call has settled', async (t) => {
    const server = await startJsServer(t);
    const client = clientFor(t, create, server.port);
    const memory = Buffer.from(new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true }).buffer);
    for (const size of [0, 1, 1000, 300_000, 3_500_000]) {
      const message = pattern(size);
      message.copy(memory, 77);
      const half = 77 + (size >> 1);
      const reply = await client.call(exportPath, [memory.subarray(77, half), memory.subarray(half, 77 + size)]);
      memory.fill(0xee);
      assert.equal(reply.code, 0, reply.message);
      assert.ok(server.seen.at(-1)?.message.equals(message), `${size} bytes`);
    }
  });

  test('every status code comes back with its message, whatever is in it', async (t) => {
    const server = await startJsServer(t);
    const client = clientFor(t, create, server.port);
    for (let code = 1; code <= 16; code++) {
      const message = ['naïve — 100 % 😀', 'line\nbreak', '', '%41 is not A'][code % 4];
      server.answer = () => ({ code, message });
      const reply = await client.call(exportPath, [pattern(9)]);
      assert.deepEqual(reply, { code, message, retryDelayMs: undefined, body: null });
    }
  });

  test('the delay of RetryInfo is read', async (t) => {
    const server = await startJsServer(t);
    const client = clientFor(t, create, server.port);
    for (const delayMs of [0, 1, 2750, 3_600_000]) {
      server.answer = () => ({ ...retryInfoStatus(8, 'later', delayMs) });
      const reply = await client.call(exportPath, [pattern(9)]);
      assert.deepEqual([reply.code, reply.retryDelayMs], [8, delayMs]);
    }
    server.answer = () => ({ code: 8, message: 'garbage', details: Buffer.from([0xff, 0xff, 0xff]) });
    assert.equal((await client.call(exportPath, [pattern(9)])).retryDelayMs, undefined);
  });

  test('headers, authority and user agent are sent; the protocol’s own headers cannot be set', async (t) => {
    const server = await startJsServer(t);
    const headers = { 'X-Tenant': 'one', authorization: 'Bearer x', 'grpc-timeout': '1n', ':path': '/x' };
    const options = { headers, authority: 'traces.example', userAgent: 'spanmill/9.9' };
    const reply = await clientFor(t, create, server.port, options).call(exportPath, [pattern(9)]);
    assert.equal(reply.code, 0, reply.message);
    const { metadata, host } = server.seen[0];
    assert.deepEqual(metadata.get('x-tenant'), ['one']);
    assert.deepEqual(metadata.get('authorization'), ['Bearer x']);
    assert.match(String(metadata.get('user-agent')[0]), /^spanmill\/9\.9/);
    assert.equal(host, 'traces.example');
  });

  test('gzip is understood by the server', async (t) => {
    const server = await startJsServer(t);
    const client = clientFor(t, create, server.port, { compression: 'gzip' });
    const message = Buffer.alloc(300_000, 'spans ');
    const reply = await client.call(exportPath, [message.subarray(0, 1000), message.subarray(1000)]);
    assert.equal(reply.code, 0, reply.message);
    assert.ok(server.seen[0].message.equals(message));
  });

  test('a response above the bound is RESOURCE_EXHAUSTED, one of exactly the bound is taken', async (t) => {
    const server = await startJsServer(t);
    const client = clientFor(t, create, server.port, { maxReplyBytes: 100_000 });
    server.answer = () => pattern(100_000);
    assert.equal((await client.call(exportPath, [pattern(9)])).body?.length, 100_000);
    server.answer = () => pattern(100_001);
    assert.equal((await client.call(exportPath, [pattern(9)])).code, 8);
    server.answer = () => Buffer.alloc(0);
    assert.equal((await client.call(exportPath, [pattern(9)])).code, 0);
  });

  test('500 calls at once are each answered with their own response', async (t) => {
    const server = await startJsServer(t);
    server.answer = ({ message }) => message;
    const client = clientFor(t, create, server.port);
    const messages = Array.from({ length: 500 }, (_, i) => Buffer.from(`message ${i}`));
    const replies = await Promise.all(messages.map((message) => client.call(exportPath, [message])));
    for (const [i, reply] of replies.entries()) assert.equal(String(reply.body), `message ${i}`);
  });
}

function endTests(create: CreateClient): void {
  test('the deadline is told to the server and ends the call', async (t) => {
    const server = await startJsServer(t);
    server.answer = () => 'never';
    const started = Date.now();
    const reply = await clientFor(t, create, server.port).call(exportPath, [pattern(9)], { timeoutMs: 200 });
    assert.equal(reply.code, 4);
    assert.ok(Date.now() - started >= 190);
    const deadline = Number(server.seen[0].deadline);
    assert.ok(deadline > started && deadline <= started + 1000, `deadline ${deadline - started} ms from the start`);
    await server.seen[0].cancelled;
  });

  test('an aborted call is CANCELLED, here and at the server', async (t) => {
    const server = await startJsServer(t);
    server.answer = () => 'never';
    const client = clientFor(t, create, server.port);
    const abort = new AbortController();
    const pending = client.call(exportPath, [pattern(200_000)], { signal: abort.signal, timeoutMs: 30_000 });
    await server.seenCount(1);
    abort.abort();
    assert.equal((await pending).code, 1);
    await server.seen[0].cancelled;
    const after = await client.call(exportPath, [pattern(9)], { signal: abort.signal });
    assert.equal(after.code, 1);
    assert.equal(server.seen.length, 1, 'a call that was over before it began reached the server');
  });

  test('closing the client cancels what is under way and refuses what comes', async (t) => {
    const server = await startJsServer(t);
    server.answer = () => 'never';
    const client = clientFor(t, create, server.port);
    const pending = client.call(exportPath, [pattern(9)]);
    await server.seenCount(1);
    client.close();
    client.close();
    assert.equal((await pending).code, 1);
    assert.equal((await client.call(exportPath, [pattern(9)])).code, 1);
  });
}

function connectionTests(create: CreateClient): void {
  test('where nothing listens calls are UNAVAILABLE at once, and work when something does', async (t) => {
    const port = await freePort();
    const client = clientFor(t, create, port);
    for (let i = 0; i < 3; i++) {
      const reply = await client.call(exportPath, [pattern(9)], { timeoutMs: 10_000 });
      assert.equal(reply.code, 14, reply.message);
      assert.match(reply.message, /ECONNREFUSED/);
    }
    await startJsServer(t, `127.0.0.1:${port}`);
    let code = 14;
    const giveUpAt = Date.now() + 10_000;
    while (code === 14 && Date.now() < giveUpAt) code = (await client.call(exportPath, [pattern(9)])).code;
    assert.equal(code, 0);
  });

  test('with wait_for_ready a call waits for the server, or for its deadline', async (t) => {
    const port = await freePort();
    const client = clientFor(t, create, port, { waitForReady: true });
    assert.equal((await client.call(exportPath, [pattern(9)], { timeoutMs: 100 })).code, 4);
    const pending = client.call(exportPath, [pattern(9)], { timeoutMs: 20_000 });
    await startJsServer(t, `127.0.0.1:${port}`);
    assert.equal((await pending).code, 0);
  });

  test('after GOAWAY new calls take a new connection while the old one finishes', async (t) => {
    const first = await startJsServer(t);
    const client = clientFor(t, create, first.port, { waitForReady: true });
    first.answer = () => 'never';
    const old = client.call(exportPath, [pattern(9)], { timeoutMs: 1000 });
    await first.seenCount(1);
    const down = first.shutDown();
    const second = await startSecond(t, first.port);
    // Until GOAWAY has arrived the old connection may still refuse calls.
    let code = 14;
    for (let i = 0; i < 1000 && code === 14; i++) code = (await client.call(exportPath, [pattern(9)])).code;
    assert.equal(code, 0);
    assert.equal(second.seen.length, 1);
    assert.equal((await old).code, 4, 'the call on the old connection was ended by something else than its deadline');
    await down;
  });

  test('a unix socket is an endpoint', async (t) => {
    const socket = path.join(os.tmpdir(), `spanmill-${randomUUID()}.sock`);
    t.after(() => rm(socket, { force: true }));
    const server = await startJsServer(t, `unix:${socket}`);
    const client = clientFor(t, create, 0, { endpoint: `unix://${socket}` });
    const reply = await client.call(exportPath, [pattern(9)]);
    assert.equal(reply.code, 0, reply.message);
    assert.equal(server.seen.length, 1);
  });

  test('http:// before the endpoint is plain text even where TLS is configured', async (t) => {
    const server = await startJsServer(t);
    const client = clientFor(t, create, 0, { endpoint: `http://127.0.0.1:${server.port}`, tls: {} });
    assert.equal((await client.call(exportPath, [pattern(9)])).code, 0);
  });

  test('https:// before the endpoint does not talk to a server without TLS', async (t) => {
    const server = await startJsServer(t);
    const client = clientFor(t, create, 0, { endpoint: `https://127.0.0.1:${server.port}`, connectTimeoutMs: 2000 });
    const reply = await client.call(exportPath, [pattern(9)], { timeoutMs: 10_000 });
    assert.equal(reply.code, 14);
    assert.equal(server.seen.length, 0);
  });
}

/** The port was just given up: binding may take another try or two. */
async function startSecond(t: TestContext, port: number): Promise<JsServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startJsServer(t, `127.0.0.1:${port}`);
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
