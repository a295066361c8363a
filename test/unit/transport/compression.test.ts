import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { createInflater, deflate, type Encoding, type InflateResult } from '../../../src/transport/compression.ts';

const inflate = (limitBytes: number, encoding: Encoding, input: Buffer): Promise<InflateResult> =>
  new Promise((done) => createInflater(limitBytes, 1).inflate(null, { encoding, input, begin: () => true, done }));

test('what is compressed comes out again, also at exactly the limit', async () => {
  for (const encoding of ['gzip', 'zstd'] as const) {
    for (const size of [0, 1, 1000, 70_000]) {
      const bytes = Buffer.alloc(size, 'spans and ');
      const result = await inflate(size, encoding, await deflate(encoding, [bytes])).catch(() => null);
      // Node takes no limit of 0; a server's limit is never that small.
      if (size === 0) continue;
      assert.ok(result?.kind === 'ok' && result.bytes.equals(bytes), `${encoding} ${size}`);
    }
  }
});

test('every encoding gives its input back at every level, and levels out of range are the nearest one', async () => {
  const original = { gzip: zlib.gunzipSync, zstd: zlib.zstdDecompressSync, deflate: zlib.inflateSync };
  const text = Array.from({ length: 9000 }, (_, i) => `span ${(i * 7919) % 10_007} of GET /api`).join();
  const input = Buffer.from(text);
  for (const encoding of ['gzip', 'zstd', 'deflate'] as const) {
    const sizes = new Map<number, number>();
    for (const level of [-2, -1, 0, 1, 6, 9, 11, 99]) {
      const packed = await deflate(encoding, [input], { level });
      assert.ok(original[encoding](packed).equals(input), `${encoding} ${level}`);
      sizes.set(level, packed.length);
    }
    assert.equal(sizes.get(0), sizes.get(1), encoding);
    assert.equal(sizes.get(-1), sizes.get(1), encoding);
    assert.equal(sizes.get(99), sizes.get(11), encoding);
    assert.ok((sizes.get(11) ?? 0) < (sizes.get(1) ?? 0), encoding);
    if (encoding !== 'zstd') assert.ok((sizes.get(-2) ?? 0) > (sizes.get(1) ?? 0), encoding);
  }
});

test('the parts of a message are compressed as one, large and small, many and none', async () => {
  const part = (size: number, i: number): Buffer => Buffer.alloc(size, `part ${i} `);
  const messages = [
    [],
    [part(300_000, 0), part(200_000, 1), part(3, 2)],
    Array.from({ length: 500 }, (_, i) => part(i, i)),
  ];
  for (const [encoding, original] of [
    ['gzip', zlib.gunzipSync],
    ['zstd', zlib.zstdDecompressSync],
    ['deflate', zlib.inflateSync],
  ] as const) {
    for (const parts of messages) {
      assert.ok(original(await deflate(encoding, parts)).equals(Buffer.concat(parts)), encoding);
    }
  }
});

test('one byte above the limit is too large', async () => {
  for (const encoding of ['gzip', 'zstd'] as const) {
    const packed = await deflate(encoding, [Buffer.alloc(70_001)]);
    assert.equal((await inflate(70_000, encoding, packed)).kind, 'too_large', encoding);
  }
});

test('a gzip trailer that lies about the size costs nothing but its own request', async () => {
  const packed = zlib.gzipSync(Buffer.alloc(1000, 1));
  packed.writeUInt32LE(0xffffffff, packed.length - 4);
  assert.equal((await inflate(1 << 20, 'gzip', packed)).kind, 'corrupt');
  packed.writeUInt32LE(1, packed.length - 4);
  assert.equal((await inflate(1 << 20, 'gzip', packed)).kind, 'corrupt');
});

test('no more run at a time than allowed, all of them end, in order of arrival', async () => {
  const inflater = createInflater(1 << 20, 2);
  const packed = zlib.gzipSync(Buffer.alloc(100_000));
  const order: number[] = [];
  await Promise.all(
    Array.from(
      { length: 20 },
      (_, i) =>
        new Promise<void>((resolve) => {
          const done = (result: InflateResult): void => {
            assert.equal(result.kind, 'ok');
            order.push(i);
            resolve();
          };
          inflater.inflate('one', { encoding: 'gzip', input: packed, begin: () => true, done });
        }),
    ),
  );
  assert.equal(order.length, 20);
  // With two at a time neighbours may change places, no others.
  for (const [at, i] of order.entries()) assert.ok(Math.abs(at - i) <= 2, order.join(' '));
});

test('compressed bytes may be read from shared memory', async () => {
  const memory = Buffer.from(new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true }).buffer);
  memory.write('spans '.repeat(1000), 100);
  for (const encoding of ['gzip', 'zstd'] as const) {
    const result = await inflate(1 << 20, encoding, await deflate(encoding, [memory.subarray(100, 6100)]));
    assert.ok(result.kind === 'ok' && result.bytes.equals(memory.subarray(100, 6100)));
  }
});

test('owners take turns, however much one of them has waiting', async () => {
  const inflater = createInflater(1 << 20, 1);
  const input = zlib.gzipSync(Buffer.alloc(1000));
  const order: string[] = [];
  const all: Promise<void>[] = [];
  const inflate = (owner: string, name: string): void => {
    all.push(
      new Promise((resolve) => {
        const done = (): void => {
          order.push(name);
          resolve();
        };
        inflater.inflate(owner, { encoding: 'gzip', input, begin: () => true, done });
      }),
    );
  };
  for (let i = 0; i < 5; i++) inflate('many', `many ${i}`);
  inflate('one', 'one 0');
  inflate('other', 'other 0');
  inflate('one', 'one 1');
  await Promise.all(all);
  assert.deepEqual(order, ['many 0', 'many 1', 'one 0', 'other 0', 'many 2', 'one 1', 'many 3', 'many 4']);
});

test('what nobody wants any more is not decompressed, and is told so', async () => {
  const inflater = createInflater(1 << 20, 1);
  const input = zlib.gzipSync(Buffer.alloc(1000));
  const results: string[] = [];
  let isWanted = true;
  await new Promise<void>((resolve) => {
    for (let i = 0; i < 1000; i++) {
      const done = ({ kind }: InflateResult): void => void results.push(kind);
      inflater.inflate('gone', { encoding: 'gzip', input, begin: () => isWanted, done });
    }
    isWanted = false;
    inflater.inflate('good', { encoding: 'gzip', input, begin: () => true, done: () => resolve() });
  });
  assert.deepEqual([results.length, new Set(results.slice(0, 999))], [1000, new Set(['dropped'])]);
  assert.equal(results[999], 'ok', 'the one that ran was wanted when it began');
});
