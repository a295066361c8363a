import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox, type OutboxBlocks } from '../../../../src/transport/http2/outbox.ts';
import { createFakeSocket } from './fake-socket.ts';

const blockBytes = 16 << 10;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function create() {
  const fake = createFakeSocket();
  return { fake, outbox: new Outbox(fake.socket) };
}

test('what is put in one turn goes out in one write at its end', async () => {
  const { fake, outbox } = create();
  outbox.put(Buffer.from('one '));
  const at = outbox.reserve(4);
  outbox.block.write('two ', at);
  outbox.put(Buffer.from('three'));
  assert.equal(fake.writes.length, 0);
  await turn();
  assert.deepEqual(fake.texts(), ['one two three']);
  await turn();
  assert.equal(fake.writes.length, 1);
});

test('each turn has its write, and so has each outbox', async () => {
  const made = [create(), create()];
  for (const text of ['a', 'b']) {
    for (const { outbox } of made) outbox.put(Buffer.from(text));
    await turn();
  }
  for (const { fake } of made) assert.deepEqual(fake.texts(), ['a', 'b']);
});

test('a flush writes at once, and nothing twice', async () => {
  const { fake, outbox } = create();
  outbox.put(Buffer.from('a'));
  outbox.flush();
  outbox.flush();
  outbox.put(Buffer.from('b'));
  await turn();
  assert.deepEqual(fake.texts(), ['a', 'b']);
});

test('more than a block is put in as many as it takes, in order', async () => {
  const { fake, outbox } = create();
  const bytes = Buffer.from(Array.from({ length: 5 * blockBytes + 77 }, (_, i) => i % 251));
  outbox.put(Buffer.from('begin'));
  outbox.put(bytes);
  outbox.put(Buffer.from('end'));
  await turn();
  assert.deepEqual(fake.written(), Buffer.concat([Buffer.from('begin'), bytes, Buffer.from('end')]));
});

test('a part that does not fit the block goes into the next one whole', async () => {
  const { fake, outbox } = create();
  outbox.put(Buffer.alloc(blockBytes - 3, 'a'));
  const at = outbox.reserve(4);
  assert.equal(at, 0);
  outbox.block.write('bbbb', at);
  await turn();
  assert.deepEqual(
    fake.writes.map(({ length }) => length),
    [blockBytes - 3, 4],
  );
});

test('a block that the socket has taken is used again', async () => {
  const { fake, outbox } = create();
  outbox.put(Buffer.from('a'));
  await turn();
  outbox.put(Buffer.from('b'));
  await turn();
  assert.equal(fake.writes[0].buffer, fake.writes[1].buffer);
});

test('a block that the socket still refers to is left alone by all connections', async () => {
  const slow = create();
  slow.fake.isSlow = true;
  const texts = Array.from({ length: 20 }, (_, i) => `slow ${i}`);
  for (const text of texts) {
    slow.outbox.put(Buffer.from(text));
    await turn();
  }
  for (let i = 0; i < 100; i++) {
    const { outbox } = create();
    outbox.put(Buffer.alloc(blockBytes, 'x'));
    await turn();
  }
  assert.deepEqual(slow.fake.writes.map(String), texts);
  // Also once it has been read: the socket keeps what it was given until then, and who else knows.
  slow.fake.drain();
  slow.outbox.put(Buffer.alloc(blockBytes, 'y'));
  await turn();
  assert.deepEqual(slow.fake.writes.slice(0, -1).map(String), texts);
});

test('what a socket no longer takes is dropped', async () => {
  const { fake, outbox } = create();
  outbox.put(Buffer.from('a'));
  fake.socket.destroy();
  await turn();
  assert.equal(fake.writes.length, 0);
});

test('it is full when its client leaves more than 64 KiB unread, and says so at the next block', () => {
  const { fake, outbox } = create();
  fake.isSlow = true;
  for (let blocks = 0; blocks < 5; blocks++) {
    assert.equal(outbox.isFull, false, `${blocks} blocks`);
    outbox.put(Buffer.alloc(blockBytes));
  }
  outbox.flush();
  assert.equal(outbox.isFull, true);
});

test('a part of a buffer is put, also one of several blocks', async () => {
  const { fake, outbox } = create();
  const bytes = Buffer.from(Array.from({ length: 3 * blockBytes }, (_, i) => i % 251));
  outbox.put(bytes, 100, 2 * blockBytes + 7);
  outbox.put(bytes, 5, 5);
  outbox.put(bytes, 1, 3);
  await turn();
  assert.deepEqual(fake.written(), Buffer.concat([bytes.subarray(100, 2 * blockBytes + 7), bytes.subarray(1, 3)]));
});

function bulk(): {
  readonly blocks: OutboxBlocks;
  readonly outbox: Outbox;
  readonly fake: ReturnType<typeof createFakeSocket>;
} {
  const blocks = { bytes: 1000, spares: [], sparesKept: 3, maxUnreadBytes: 3500, isBulk: true };
  const fake = createFakeSocket();
  return { blocks, fake, outbox: new Outbox(fake.socket, blocks) };
}

test('bulk: blocks have the length that was asked for, and are used again when the socket has taken them', () => {
  const { blocks, fake, outbox } = bulk();
  fake.isSlow = true;
  for (const fill of [1, 2, 3]) outbox.put(Buffer.alloc(1000, fill));
  outbox.flush();
  assert.equal(blocks.spares.length, 0);
  assert.deepEqual(
    fake.writes.map((bytes) => [bytes.length, bytes[0], bytes[999]]),
    [1, 2, 3].map((fill) => [1000, fill, fill]),
  );
  const lent = fake.writes.map(({ buffer }) => buffer);
  fake.isSlow = false;
  fake.drain();
  outbox.put(Buffer.alloc(10, 4));
  outbox.flush();
  // All three and the one of the last write, of which three are kept.
  assert.deepEqual(
    blocks.spares.map(({ buffer }) => buffer),
    lent,
  );
  outbox.put(Buffer.alloc(10, 5));
  outbox.flush();
  assert.ok(lent.includes(fake.writes[4].buffer));
});

test('bulk: a block of which the socket still has a part is not used again', () => {
  const { blocks, fake, outbox } = bulk();
  fake.isSlow = true;
  for (const fill of [1, 2, 3]) {
    outbox.put(Buffer.alloc(1000, fill));
    outbox.flush();
  }
  const { socket } = fake;
  // The first is taken, and half of the second.
  Object.assign(socket, { writableLength: 1500 });
  outbox.put(Buffer.alloc(1000, 4));
  outbox.flush();
  assert.deepEqual(
    blocks.spares.map((block) => block[0]),
    [1],
  );
  for (const fill of [5, 6]) outbox.put(Buffer.alloc(1000, fill));
  outbox.flush();
  assert.deepEqual(
    [1, 2, 3].map((i) => fake.writes[i][0]),
    [2, 3, 4],
  );
});

test('bulk: it is full beyond its own bound', () => {
  const { fake, outbox } = bulk();
  fake.isSlow = true;
  for (const isFull of [false, false, false, true]) {
    outbox.put(Buffer.alloc(1000));
    outbox.flush();
    assert.equal(outbox.isFull, isFull);
  }
});
