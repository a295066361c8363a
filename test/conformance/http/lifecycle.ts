// Connections: how they begin, go on and end; clients that are slow, silent or gone; draining under load.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { type TestContext, test } from 'node:test';
import type { HttpLimits } from '../../../src/transport/http1/http-server.ts';
import {
  type CreateServer,
  expectGood,
  headOf,
  type RawClient,
  rawClient,
  startHttpBench,
  times,
} from './http-bench.ts';

/** Limits of which one is short. */
const limited = (own: Partial<HttpLimits>): { limits: Partial<HttpLimits> } => ({ limits: own });
const timed = (own: Partial<HttpLimits['times']>): { limits: Partial<HttpLimits> } =>
  limited({ times: { ...times, ...own } });

export function lifecycleTests(create: CreateServer): void {
  test('a connection that sends nothing, or half a head however steadily, is closed after the time for heads', async (t) => {
    const bench = await startHttpBench(t, create, timed({ headerMs: 100 }));
    const silent = await rawClient(t, bench);
    const slow = await rawClient(t, bench);
    slow.write('POST /v1/traces HTTP/1.1\r\n');
    const trickle = setInterval(() => slow.write('X-A: b\r\n'), 10);
    t.after(() => clearInterval(trickle));
    const reply = await slow.reply();
    assert.deepEqual([reply.status, reply.headers.get('connection')], [408, 'close']);
    await Promise.all([silent.closed, slow.closed]);
    clearInterval(trickle);
    assert.equal(bench.server.counters.floods.handshake, 2);
    await expectGood(bench);
  });

  test('so is a connection whose second request comes so', async (t) => {
    const bench = await startHttpBench(t, create, timed({ headerMs: 100 }));
    const client = await rawClient(t, bench);
    client.write(`${headOf(['Content-Length: 2'])}ok`);
    assert.equal((await client.reply()).status, 200);
    const trickle = setInterval(() => client.write('P'), 10);
    t.after(() => clearInterval(trickle));
    await client.closed;
    assert.equal(bench.server.counters.floods.handshake + bench.server.counters.connectionErrors, 1);
  });

  test('an idle connection is closed after the idle time, one with a request under way is not', async (t) => {
    const bench = await startHttpBench(t, create, limited({ idleTimeoutMs: 50 }));
    const idle = await rawClient(t, bench);
    const busy = await rawClient(t, bench);
    bench.method.answer = () => 'later';
    for (const client of [idle, busy]) client.write(`${headOf(['Content-Length: 2'])}ok`);
    await bench.method.handledCount(2);
    bench.method.handled[0].reply(null);
    assert.equal((await idle.reply()).status, 200);
    await idle.closed;
    bench.method.handled[1].reply(null);
    assert.equal((await busy.reply()).status, 200);
  });

  test('a body that stands still is given up, its place is free, and the client is told', async (t) => {
    const bench = await startHttpBench(t, create, limited({ stallTimeoutMs: 50 }));
    for (const head of [headOf(['Content-Length: 100']), headOf(['Transfer-Encoding: chunked'])]) {
      const client = await rawClient(t, bench);
      client.write(head + (head.includes('chunked') ? '5\r\nhalf \r\n' : 'half'));
      const reply = await client.reply();
      assert.deepEqual([reply.status, reply.headers.get('connection')], [408, 'close']);
      assert.equal(bench.method.outstanding(), 0);
      await client.closed;
    }
    assert.equal(bench.server.counters.refused.stalled, 2);
  });

  test('a body that goes on too long is given up too', async (t) => {
    const bench = await startHttpBench(t, create, timed({ requestMs: 100 }));
    const client = await rawClient(t, bench);
    client.write(headOf(['Content-Length: 100000']));
    const trickle = setInterval(() => client.write('x'), 10);
    t.after(() => clearInterval(trickle));
    const reply = await client.reply();
    assert.equal(reply.status, 408);
    assert.match(reply.body.toString(), /was not over in 100 ms/);
    await client.closed;
  });

  test('a client that takes no answers is cut', async (t) => {
    const bench = await startHttpBench(t, create, {
      ...timed({ writeMs: 100 }),
      responseHeaders: { 'x-long': 'x'.repeat(8000) },
    });
    const client = await rawClient(t, bench);
    client.socket.pause();
    const request = `${headOf(['Content-Length: 0'])}`;
    const pump = setInterval(() => client.socket.writableLength < 1 << 20 && client.write(request.repeat(500)), 1);
    t.after(() => clearInterval(pump));
    while (bench.server.counters.floods.unread === 0) await new Promise(setImmediate);
    clearInterval(pump);
    client.socket.destroy();
    await expectGood(bench);
  });

  test('a client that goes away in the middle leaves nothing behind', async (t) => {
    const bench = await startHttpBench(t, create);
    bench.method.answer = () => 'later';
    const parts = [
      headOf(['Content-Length: 100']),
      `${headOf(['Content-Length: 100'])}half`,
      `${headOf(['Transfer-Encoding: chunked'])}5\r\nhalf \r\n`,
      `${headOf(['Content-Length: 5'])}whole`,
      `${headOf(['Content-Length: 5'])}one .${headOf(['Content-Length: 5'])}two`,
    ];
    for (const [i, part] of parts.entries()) {
      const client = await rawClient(t, bench);
      client.write(part);
      while (bench.server.counters.callsNow === 0) await new Promise(setImmediate);
      if (i >= 3) await bench.method.handledCount(i - 2);
      client.vanish();
      while (bench.server.counters.connectionsNow > 0) await new Promise(setImmediate);
      assert.equal(bench.server.counters.callsNow, 0);
    }
    for (const { reply } of bench.method.handled) reply(null);
    assert.equal(bench.server.counters.ok, 0);
    assert.equal(bench.server.counters.cancelled, bench.server.counters.calls);
  });

  test('a client that goes away while it waits for a place gives up its turn', async (t) => {
    const bench = await startHttpBench(t, create);
    bench.method.full = true;
    const client = await rawClient(t, bench);
    client.write(`${headOf(['Content-Length: 200000'])}half`);
    await bench.method.waitingCount(1);
    client.vanish();
    while (bench.server.counters.connectionsNow > 0) await new Promise(setImmediate);
    assert.equal(bench.server.counters.heldBytesNow, 0);
    bench.method.grant(true);
    await new Promise(setImmediate);
    assert.equal(bench.method.outstanding(), 0);
  });

  const garbage: readonly (readonly [what: string, bytes: string, status: number])[] = [
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['HTTP/2 with prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['a length and chunks', headOf(['Content-Length: 3', 'Transfer-Encoding: chunked']), 400],
    ['two lengths', headOf(['Content-Length: 3', 'Content-Length: 4']), 400],
    ['a length that is none', headOf(['Content-Length: -1']), 400],
    ['a space before the colon', headOf(['X-A : b']), 400],
    ['a folded header', headOf(['X-A: b\r\n c']), 400],
    ['a coding behind chunked', headOf(['Transfer-Encoding: chunked, gzip']), 400],
    ['a head that is too large', headOf([`X-A: ${'a'.repeat(20_000)}`]), 431],
    ['chunks that are none', `${headOf(['Transfer-Encoding: chunked'])}zz\r\n`, 400],
    ['no host', 'POST /v1/traces HTTP/1.1\r\nContent-Length: 0\r\n\r\n', 400],
  ];
  for (const [what, bytes, status] of garbage) {
    test(`${what}: refused, and the connection closed`, async (t) => {
      const bench = await startHttpBench(t, create);
      const client = await rawClient(t, bench);
      client.write(Buffer.from(bytes, 'latin1'));
      const reply = await client.reply();
      assert.deepEqual([reply.status, reply.headers.get('connection')], [status, 'close']);
      client.write('more');
      await client.closed;
      assert.equal(bench.method.handled.length, 0);
      await expectGood(bench);
    });
  }

  test('the last answer reaches a client that goes on sending, and reads only then', async (t) => {
    const bench = await startHttpBench(t, create);
    for (const [what, status] of [
      ['garbage\r\n\r\n', 400],
      [headOf([`X-A: ${'a'.repeat(20_000)}`]), 431],
      [`${headOf(['Transfer-Encoding: chunked'])}zz\r\n`, 400],
    ] as const) {
      const client = await rawClient(t, bench);
      client.socket.pause();
      const before = bench.server.counters.connectionErrors + bench.server.counters.floods.headers;
      client.write(what);
      while (bench.server.counters.connectionErrors + bench.server.counters.floods.headers === before) {
        await new Promise(setImmediate);
      }
      for (let i = 0; i < 20; i++) {
        client.write('x'.repeat(5000));
        await new Promise(setImmediate);
      }
      client.socket.resume();
      assert.equal((await client.reply()).status, status);
      await client.closed;
    }
  });

  test('behind the last answer only so much is read', async (t) => {
    const bench = await startHttpBench(t, create, timed({ headerMs: 100 }));
    const endless = await rawClient(t, bench);
    endless.write('garbage\r\n\r\n');
    const pump = setInterval(() => endless.write('x'.repeat(50_000)), 1);
    t.after(() => clearInterval(pump));
    await endless.closed;
    clearInterval(pump);
  });

  /** Half-closed connections are of TCP alone. */
  const plainTest = create.secure === true ? () => undefined : test;
  plainTest('and only for so long', async (t: TestContext) => {
    const bench = await startHttpBench(t, create, timed({ headerMs: 100 }));
    const silent = net.connect({ port: bench.port, host: '127.0.0.1', allowHalfOpen: true });
    t.after(() => silent.destroy());
    silent.on('error', () => undefined);
    silent.write('garbage\r\n\r\n');
    await once(silent, 'readable');
    assert.equal(bench.server.counters.connectionsNow, 1);
    // Its own side stays open.
    while (bench.server.counters.connectionsNow > 0) await new Promise(setImmediate);
  });

  test('a request that is given up while it waits for a place: its client is told, though it goes on sending', async (t) => {
    const bench = await startHttpBench(t, create, timed({ requestMs: 100 }));
    bench.method.full = true;
    const client = await rawClient(t, bench);
    client.socket.pause();
    client.write(`${headOf(['Content-Length: 200000'])}half`);
    await bench.method.waitingCount(1);
    client.write('x'.repeat(150_000));
    while (bench.server.counters.refused.stalled === 0) await new Promise(setImmediate);
    client.write('x'.repeat(40_000));
    while (bench.server.counters.connectionsNow > 0) await new Promise(setImmediate);
    client.socket.resume();
    assert.equal((await client.reply()).status, 408);
    bench.method.grant(false);
  });

  test('an empty line before a request is ignored, wherever it is cut', async (t) => {
    const bench = await startHttpBench(t, create);
    const client = await rawClient(t, bench);
    for (const parts of [
      ['\r\n', ''],
      ['\r', '\n'],
      ['\r\nP', ''],
    ]) {
      client.write(parts[0]);
      for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
      const head = headOf(['Content-Length: 2']);
      client.write(`${parts[1]}${parts[0].endsWith('P') ? head.slice(1) : head}ok`);
      assert.equal((await client.reply()).status, 200);
    }
  });

  test('what comes behind a request that was said to be the last does not change its answer', async (t) => {
    const bench = await startHttpBench(t, create);
    const client = await rawClient(t, bench);
    client.write(`${headOf(['Content-Length: 2', 'Connection: close'])}ok${headOf(['Content-Length: 2'])}no`);
    assert.equal((await client.reply()).status, 200);
    await client.closed;
    assert.deepEqual(
      bench.method.handled.map(({ message }) => message.toString()),
      ['ok'],
    );
  });

  test('garbage behind several requests does not become the answer of one of them', async (t) => {
    const bench = await startHttpBench(t, create);
    const client = await rawClient(t, bench);
    let said = '';
    client.socket.on('data', (chunk) => {
      said += chunk.toString();
    });
    client.write(`${headOf(['Content-Length: 2'])}ok`.repeat(3));
    await bench.method.handledCount(3);
    client.write('garbage\r\n\r\n');
    await client.closed;
    const statuses = [...said.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
    assert.match(statuses.join(' '), /^(200 200 200 400|(200 ?){0,3})$/);
  });

  test('garbage behind a request that is under way does not become its answer', async (t) => {
    const bench = await startHttpBench(t, create);
    bench.method.answer = () => 'later';
    const client = await rawClient(t, bench);
    let said = '';
    client.socket.on('data', (chunk) => {
      said += chunk.toString();
    });
    client.write(`${headOf(['Content-Length: 2'])}ok`);
    await bench.method.handledCount(1);
    client.write('garbage\r\n\r\n');
    await new Promise(setImmediate);
    bench.method.handled[0].reply(null);
    await client.closed;
    // Whether or not the request was answered before the garbage was read.
    assert.match(said, /^(HTTP\/1\.1 200 [\s\S]*HTTP\/1\.1 400 [\s\S]*)?$/);
  });

  test('without keep-alive every answer is the last', async (t) => {
    const bench = await startHttpBench(t, create, { keepAlives: false });
    const client = await rawClient(t, bench);
    client.write(`${headOf(['Content-Length: 2'])}ok`);
    assert.equal((await client.reply()).headers.get('connection'), 'close');
    await client.closed;
  });

  async function busyClients(
    t: TestContext,
    bench: Parameters<typeof rawClient>[1],
    count: number,
  ): Promise<RawClient[]> {
    const clients = await Promise.all(Array.from({ length: count }, () => rawClient(t, bench)));
    for (const client of clients) client.write(`${headOf(['Content-Length: 2'])}ok`);
    return clients;
  }

  test('draining closes idle connections after a while, answers what is under way, and takes no more', async (t) => {
    const bench = await startHttpBench(t, create);
    const idle = await rawClient(t, bench);
    idle.write(`${headOf(['Content-Length: 2'])}ok`);
    assert.equal((await idle.reply()).status, 200);
    bench.method.answer = () => 'later';
    const busy = await busyClients(t, bench, 20);
    // Its body is still on the way.
    const half = await rawClient(t, bench);
    half.write(`${headOf(['Content-Length: 10'])}half `);
    await bench.method.handledCount(21);
    while (bench.server.counters.callsNow < 21) await new Promise(setImmediate);
    const drained = bench.server.drain(60_000);
    await idle.closed;
    await assert.rejects(once(net.connect(bench.port, '127.0.0.1'), 'connect'));
    half.write('whole');
    await bench.method.handledCount(22);
    for (const { reply } of bench.method.handled.slice(1)) reply(null);
    for (const client of [...busy, half]) {
      const reply = await client.reply();
      assert.deepEqual([reply.status, reply.headers.get('connection')], [200, 'close']);
      await client.closed;
    }
    await drained;
  });

  test('a request that comes into a drain on a connection that there was is answered, and told that it was the last', async (t) => {
    const bench = await startHttpBench(t, create);
    const client = await rawClient(t, bench);
    const request = `${headOf(['Content-Length: 2'])}ok`;
    client.write(request);
    assert.notEqual((await client.reply()).headers.get('connection'), 'close');
    // As if it had been sent before, and is read only now.
    const drained = bench.server.drain(60_000, 60_000);
    client.write(request);
    const reply = await client.reply();
    assert.deepEqual([reply.status, reply.headers.get('connection')], [200, 'close']);
    await client.closed;
    await drained;
  });

  test('what is not answered by the deadline of a drain is cut', async (t) => {
    const bench = await startHttpBench(t, create);
    bench.method.answer = () => 'later';
    const [client] = await busyClients(t, bench, 1);
    await bench.method.handledCount(1);
    await bench.server.drain(20);
    await client.closed;
    bench.method.handled[0].reply(null);
  });

  test('close may come twice and before listen, and an address that is taken is said so', async (t) => {
    const bench = await startHttpBench(t, create);
    await bench.server.close();
    await bench.server.close();
    const taken = net.createServer().listen(0, '127.0.0.1');
    t.after(() => taken.close());
    await once(taken, 'listening');
    const { port } = taken.address() as net.AddressInfo;
    const server = create({ listen: { kind: 'tcp', host: '127.0.0.1', port, family: 0 }, routes: new Map() });
    await server.close();
    await assert.rejects(server.listen(), {
      code: 'LISTEN',
      message: /cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/,
    });
  });
}
