// Bodies: whole, in pieces, chunked, compressed, corrupt, too large, one after another, and without a place for them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { grpcCode } from '../../../src/transport/grpc-status.ts';
import { judgedAfterMs } from '../../../src/transport/slow-calls.ts';
import {
  type CreateServer,
  expectGood,
  headOf,
  json,
  messageOf,
  protobuf,
  rawClient,
  startHttpBench,
  tracesPath,
} from './http-bench.ts';

const content = Buffer.from('spans, and spans again. '.repeat(1000));
const compressed = {
  gzip: zlib.gzipSync(content),
  zstd: zlib.zstdCompressSync(content),
  deflate: zlib.deflateSync(content),
  zlib: zlib.deflateSync(content),
};
type Coding = keyof typeof compressed;
const codings = Object.keys(compressed) as Coding[];

/** Bytes as chunks of `size`. */
function chunked(bytes: Buffer, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

export function bodyTests(create: CreateServer): void {
  test('a body that comes byte by byte arrives whole', async (t) => {
    const bench = await startHttpBench(t, create);
    const client = await rawClient(t, bench);
    client.socket.setNoDelay(true);
    const request = Buffer.from(`${headOf(['Content-Length: 12'])}twelve bytes`);
    for (const byte of request) {
      client.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    assert.equal((await client.reply()).status, 200);
    assert.equal(bench.method.handled[0].message.toString(), 'twelve bytes');
  });

  test('requests one after another, and several at once, share a connection and are answered in order', async (t) => {
    const bench = await startHttpBench(t, create);
    const client = await rawClient(t, bench);
    const request = (body: string): string => `${headOf([`Content-Length: ${body.length}`])}${body}`;
    for (const body of ['one', 'two']) {
      client.write(request(body));
      assert.equal((await client.reply()).status, 200);
    }
    bench.method.answer = (message) => (message.toString() === 'bad' ? { code: 3, message: 'bad' } : null);
    client.write(request('three') + request('bad') + request('') + request('four'));
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await client.reply()).status);
    assert.deepEqual(statuses, [200, 400, 200, 200]);
    const bodies = bench.method.handled.map(({ message }) => message.toString());
    assert.deepEqual(bodies, ['one', 'two', 'three', 'bad', '', 'four']);
    assert.equal(bench.server.counters.connections, 1);
  });

  for (const size of [1, 1000, 1 << 20]) {
    test(`a chunked body arrives whole, in chunks of ${size} bytes`, async (t) => {
      const bench = await startHttpBench(t, create);
      const client = await rawClient(t, bench);
      client.write(headOf(['Transfer-Encoding: chunked']));
      client.write(chunked(content, size));
      assert.equal((await client.reply()).status, 200);
      assert.ok(bench.method.handled[0].message.equals(content));
      client.write(`${headOf(['Content-Length: 5'])}again`);
      assert.equal((await client.reply()).status, 200);
    });
  }

  test('an empty chunked body is a request without spans', async (t) => {
    const bench = await startHttpBench(t, create);
    const client = await rawClient(t, bench);
    client.write(`${headOf(['Transfer-Encoding: chunked'])}0\r\n\r\n`);
    assert.equal((await client.reply()).status, 200);
    assert.equal(bench.method.handled[0].message.length, 0);
  });

  for (const coding of codings) {
    test(`a body in ${coding} arrives decompressed, with a length and chunked`, async (t) => {
      const bench = await startHttpBench(t, create);
      const headers = { ...protobuf, 'content-encoding': coding };
      assert.equal((await bench.post(new Uint8Array(compressed[coding]), headers)).status, 200);
      const client = await rawClient(t, bench);
      client.write(headOf(['Transfer-Encoding: chunked', `Content-Encoding: ${coding.toUpperCase()}`]));
      client.write(chunked(compressed[coding], 7));
      assert.equal((await client.reply()).status, 200);
      for (const { message } of bench.method.handled) assert.ok(message.equals(content));
      assert.equal(bench.method.handled.length, 2);
    });

    test(`a corrupt body in ${coding} is refused in the encoding of the request, and the next one is taken`, async (t) => {
      const bench = await startHttpBench(t, create);
      const whole = compressed[coding];
      for (const wrong of [
        whole.subarray(0, whole.length - 9),
        Buffer.from('not compressed at all'),
        Buffer.alloc(0),
      ]) {
        const response = await bench.post(new Uint8Array(wrong), { ...protobuf, 'content-encoding': coding });
        assert.equal(response.status, 400);
        assert.match(await messageOf(response), /failed to decompress/);
      }
      const text = await bench.post('{}', { ...json, 'content-encoding': coding });
      assert.equal(text.status, 400);
      const said = (await text.json()) as { code: number; message: string };
      assert.equal(said.code, grpcCode.INVALID_ARGUMENT);
      assert.match(said.message, /failed to decompress/);
      assert.equal(bench.server.counters.refused.decompression, 4);
      await expectGood(bench);
    });
  }

  test('identity is no compression; others, and several, are refused by name', async (t) => {
    const bench = await startHttpBench(t, create, { encodings: ['', 'gzip'] });
    assert.equal((await bench.post('x', { ...protobuf, 'content-encoding': 'identity' })).status, 200);
    for (const coding of ['zstd', 'snappy', 'br', 'gzip, gzip', 'constructor']) {
      const response = await bench.post('x', { ...protobuf, 'content-encoding': coding });
      assert.equal(response.status, 400, coding);
      const expected = `unsupported Content-Encoding: ${coding}; supported are none, gzip`;
      assert.equal(await messageOf(response), expected);
    }
    assert.equal(bench.server.counters.refused.encoding, 5);
    const strict = await startHttpBench(t, create, { encodings: ['gzip'] });
    assert.equal((await strict.post('x')).status, 400);
  });

  const bombLimits = { limits: { maxBodyBytes: 1 << 20, maxHeldBytes: 4 << 20 } };

  for (const coding of ['gzip', 'zstd', 'deflate'] as const) {
    test(`a bomb in ${coding} ends at the limit`, async (t) => {
      const bench = await startHttpBench(t, create, bombLimits);
      const zeroes = Buffer.alloc(50 << 20);
      const bomb =
        coding === 'gzip'
          ? zlib.gzipSync(zeroes)
          : coding === 'zstd'
            ? zlib.zstdCompressSync(zeroes)
            : zlib.deflateSync(zeroes);
      const response = await bench.post(new Uint8Array(bomb), { ...protobuf, 'content-encoding': coding });
      assert.equal(response.status, 413);
      assert.match(await messageOf(response), /after decompression larger than max 1048576/);
      assert.equal(bench.server.counters.refused.too_large, 1);
      await expectGood(bench);
    });
  }

  test('a body of the largest size is taken, one of a byte more is refused before it comes', async (t) => {
    const bench = await startHttpBench(t, create, { limits: { maxBodyBytes: 100_000 } });
    assert.equal((await bench.post(new Uint8Array(100_000))).status, 200);
    const client = await rawClient(t, bench);
    client.write(headOf(['Content-Length: 100001']));
    const reply = await client.reply();
    assert.deepEqual([reply.status, reply.headers.get('connection')], [413, 'close']);
    assert.match(reply.body.toString(), /received message larger than max \(100001 vs. 100000\)/);
    await client.closed;
    assert.deepEqual(bench.method.refusals, ['too_large']);
  });

  test('a chunked body is refused where it becomes too large', async (t) => {
    const bench = await startHttpBench(t, create, { limits: { maxBodyBytes: 100_000 } });
    const client = await rawClient(t, bench);
    client.write(headOf(['Transfer-Encoding: chunked']));
    client.write(chunked(Buffer.alloc(100_001), 10_000));
    assert.equal((await client.reply()).status, 413);
    await client.closed;
  });

  test('the largest size of a method of its own is minded', async (t) => {
    const bench = await startHttpBench(t, create);
    Object.assign(bench.jsonMethod, { maxMessageBytes: 10 });
    assert.equal((await bench.post('12345678901', json)).status, 413);
    assert.equal(
      (await bench.post(new Uint8Array(zlib.gzipSync('12345678901')), { ...json, 'content-encoding': 'gzip' })).status,
      413,
    );
    assert.equal((await bench.post('1234567890', json)).status, 200);
  });

  test('a client that asks is told to go on, but not with a request that is refused anyway', async (t) => {
    const bench = await startHttpBench(t, create, { limits: { maxBodyBytes: 1000 } });
    const client = await rawClient(t, bench);
    client.write(headOf(['Expect: 100-continue', 'Content-Length: 4']));
    assert.equal((await client.reply()).status, 100);
    client.write('body');
    assert.equal((await client.reply()).status, 200);
    for (const [status, head] of [
      [413, headOf(['Expect: 100-continue', 'Content-Length: 1001'])],
      [404, headOf(['Expect: 100-continue', 'Content-Length: 4'], 'POST /x HTTP/1.1')],
      [415, `POST ${tracesPath} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`],
    ] as const) {
      const other = await rawClient(t, bench);
      other.write(head);
      const reply = await other.reply();
      assert.deepEqual([reply.status, reply.headers.get('connection')], [status, 'close']);
      await other.closed;
    }
  });

  test('a request without a place waits, and is taken when there is one', async (t) => {
    const bench = await startHttpBench(t, create);
    bench.method.full = true;
    const kinds = [
      bench.post('with a length'),
      bench.post(new Uint8Array(compressed.gzip), { ...protobuf, 'content-encoding': 'gzip' }),
      bench.post(new Uint8Array(300_000).fill(7)),
    ];
    await bench.method.waitingCount(3);
    const client = await rawClient(t, bench);
    client.write(headOf(['Transfer-Encoding: chunked']));
    client.write(chunked(content, 5000));
    await bench.method.waitingCount(4);
    assert.ok(bench.server.counters.heldBytesNow > 0);
    bench.method.full = false;
    bench.method.grant(true);
    for (const response of await Promise.all(kinds)) assert.equal(response.status, 200);
    assert.equal((await client.reply()).status, 200);
    const lengths = bench.method.handled.map(({ message }) => message.length).sort((a, b) => a - b);
    assert.deepEqual(
      lengths,
      [13, content.length, content.length, 300_000].sort((a, b) => a - b),
    );
  });

  test('a request that gets no place is refused for now, whatever its kind, and the connection goes on', async (t) => {
    const bench = await startHttpBench(t, create);
    bench.method.full = true;
    bench.method.refuseWaiting();
    const headers = { ...protobuf, 'content-encoding': 'gzip' };
    for (const response of [await bench.post('small'), await bench.post(new Uint8Array(compressed.gzip), headers)]) {
      assert.deepEqual([response.status, response.headers.get('retry-after')], [429, '2']);
      assert.equal(await messageOf(response), 'no space left');
    }
    const client = await rawClient(t, bench);
    for (let i = 0; i < 3; i++) {
      client.write(headOf(['Transfer-Encoding: chunked']));
      client.write(chunked(content, 5000));
      assert.equal((await client.reply()).status, 429);
    }
    assert.equal(bench.server.counters.refused.over_budget, 5);
    assert.equal(bench.server.counters.heldBytesNow, 0);
  });

  test('what waits for a place is bounded over all connections', async (t) => {
    const bench = await startHttpBench(t, create, { limits: { maxBodyBytes: 100_000, maxHeldBytes: 300_000 } });
    bench.method.full = true;
    const refused: number[] = [];
    const sevenRefused = Promise.withResolvers<void>();
    const posts = Array.from({ length: 10 }, async () => {
      const { status } = await bench.post(new Uint8Array(100_000));
      if (status === 429 && refused.push(status) === 7) sevenRefused.resolve();
      return status;
    });
    await Promise.all([bench.method.waitingCount(3), sevenRefused.promise]);
    bench.method.full = false;
    bench.method.grant(true);
    const taken = (await Promise.all(posts)).filter((status) => status === 200);
    assert.deepEqual([taken.length, refused.length], [3, 7]);
  });

  test('chunked bodies are bounded over all connections: the slowest gives way', async (t) => {
    const bench = await startHttpBench(t, create, { limits: { maxBodyBytes: 100_000, maxHeldBytes: 200_000 } });
    const slow = await rawClient(t, bench);
    slow.write(headOf(['Transfer-Encoding: chunked']));
    slow.write(`1\r\nx\r\n`);
    const others = await Promise.all(
      Array.from({ length: 11 }, async () => {
        const client = await rawClient(t, bench);
        client.write(headOf(['Transfer-Encoding: chunked']));
        client.write(chunked(Buffer.alloc(16_000), 16_000).subarray(0, -5));
        return client;
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, judgedAfterMs + 20));
    const last = await rawClient(t, bench);
    last.write(headOf(['Transfer-Encoding: chunked']));
    last.write(chunked(Buffer.alloc(16_000), 16_000));
    const [gone, taken] = await Promise.all([slow.reply(), last.reply()]);
    assert.deepEqual([gone.status, taken.status], [429, 200]);
    for (const client of others) client.write('0\r\n\r\n');
    for (const client of others) assert.equal((await client.reply()).status, 200);
    assert.equal(bench.server.counters.refused.too_slow, 1);
  });
}
