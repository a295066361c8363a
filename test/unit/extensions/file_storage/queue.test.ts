import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  bytesOf,
  code,
  create,
  fill,
  metric,
  newFolder,
  removeFolders,
  verify,
  withQueue,
  withStore,
} from './support.ts';

after(removeFolders);

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);
const lengths = [0, 1, 3, 1000, 2037, 4096, 70_000, 214_016];

test('entries come back after a restart: in order, whole, with their spans and tags', async () => {
  const folder = newFolder();
  await withQueue(folder, async (queue) => {
    assert.deepEqual(queue.recovered, []);
    const entries = await fill(queue, range(0, 40), lengths);
    assert.deepEqual(
      entries.map(({ key }) => key),
      range(1, 41),
    );
    assert.deepEqual(await verify(queue, entries), range(0, 40));
  });
  await withQueue(folder, async (queue, { lines }) => {
    assert.deepEqual(await verify(queue, queue.recovered), range(0, 40));
    assert.ok(lines.some((line) => line.entries === 40 && line.owners !== undefined));
    const [next] = await fill(queue, [40], [5]);
    assert.equal(next.key, 41);
  });
});

test('segments are one entry, and may be changed once append has returned', async () => {
  await withQueue(newFolder(), async (queue) => {
    // As in the service: views over memory that threads share.
    const shared = Buffer.from(new SharedArrayBuffer(300_000));
    bytesOf(7, 300_000).copy(shared);
    const append = queue.append(
      [shared.subarray(0, 100_000), shared.subarray(100_000, 100_001), shared.subarray(100_001)],
      3,
      '',
    );
    shared.fill(0);
    const entry = await append;
    assert.equal(entry.bytes, 300_000);
    assert.ok((await queue.read(entry)).equals(bytesOf(7, 300_000)));
  });
});

test('removed entries do not come back, and those that are unknown or removed already are ignored', async () => {
  const folder = newFolder();
  await withQueue(folder, async (queue, { extension }) => {
    const entries = await fill(queue, range(0, 20), lengths);
    await queue.remove(entries.filter(({ key }) => key % 2 === 0));
    await queue.remove([...entries.slice(0, 2), { key: 999, spans: 1, bytes: 1, tag: '' }]);
    await queue.remove([]);
    await assert.rejects(queue.read(entries[1]), code(/has no entry 2/));
    assert.equal(metric(extension, 'entries'), 9);
    assert.equal(
      metric(extension, 'bytes'),
      entries.filter(({ key }) => key % 2 === 1 && key > 1).reduce((sum, { bytes }) => sum + bytes, 0),
    );
  });
  await withQueue(folder, async (queue, { extension }) => {
    assert.deepEqual(
      await verify(queue, queue.recovered),
      range(1, 10).map((n) => 2 * n),
    );
    assert.equal(metric(extension, 'entries'), 9);
    assert.equal(
      metric(extension, 'spans'),
      range(1, 10).reduce((sum, n) => sum + 2 * n + 1, 0),
    );
    await queue.remove(queue.recovered);
    assert.equal(metric(extension, 'entries'), 0);
    assert.equal(metric(extension, 'bytes'), 0);
  });
});

test('owners share a store and see their own entries only', async () => {
  const folder = newFolder();
  // One is the beginning of another, and one is as long as can be.
  const owners = ['exporter otlp', 'exporter otlp/a', 'exporter otlp/ab', 'é'.repeat(127)];
  await withStore(folder, async ({ storage }) => {
    const queues = await Promise.all(owners.map((owner) => storage.open(owner)));
    for (const [at, queue] of queues.entries()) await fill(queue, range(at * 10, at * 10 + 3), [50_000]);
  });
  await withStore(folder, async ({ storage, extension }) => {
    assert.equal(metric(extension, 'entries'), 12);
    for (const [at, owner] of owners.entries()) {
      const queue = await storage.open(owner);
      assert.deepEqual(await verify(queue, queue.recovered), range(at * 10, at * 10 + 3));
    }
    await assert.rejects(storage.open(owners[0]), code(/open already/));
  });
});

test('a queue that was closed can be opened again with what is in it', async () => {
  await withStore(newFolder(), async ({ storage }) => {
    const queue = await storage.open('exporter a');
    const appended = queue.append([bytesOf(3, 9000)], 4, '3');
    await queue.close();
    await queue.close();
    await appended;
    await assert.rejects(queue.append([bytesOf(4, 10)], 5, '4'), code(/is closed/));
    const again = await storage.open('exporter a');
    assert.deepEqual(await verify(again, again.recovered), [3]);
  });
});

test('what is asked in one turn of the event loop shares a commit, and is answered in order', async () => {
  await withQueue(newFolder(), async (queue) => {
    const order: string[] = [];
    const note = (name: string) => (): void => void order.push(name);
    const first = queue.append([bytesOf(0, 100)], 1, '0').then(note('append'));
    const [second] = await Promise.all([fill(queue, [1], [200_000]), first]);
    const read = queue.read(second[0]).then(note('read'));
    const removed = queue.remove(second).then(note('remove'));
    await Promise.all([read, removed]);
    assert.equal(order[0], 'append');
    assert.deepEqual(order.toSorted(), ['append', 'read', 'remove']);
  });
});

test('tens of thousands of entries are listed, though the thread tells them in several answers', async () => {
  const folder = newFolder();
  const count = 41_000;
  await withQueue(folder, async (queue) => {
    for (let at = 0; at < count; at += 1000) {
      await Promise.all(Array.from({ length: 1000 }, () => queue.append([Buffer.of(1)], 2, 'tag')));
    }
    await queue.remove([{ key: 20_000, spans: 2, bytes: 1, tag: 'tag' }]);
  });
  await withQueue(folder, async (queue) => {
    const keys = queue.recovered.map(({ key }) => key);
    const expected = Array.from({ length: count }, (_, at) => at + 1).filter((key) => key !== 20_000);
    assert.deepEqual(keys, expected);
    assert.equal((await queue.append([Buffer.of(1)], 1, '')).key, count + 1);
  });
});

test('an entry larger than any buffer is stored, and hundreds of small ones at once', async () => {
  const folder = newFolder();
  await withQueue(folder, async (queue) => {
    const [large] = await fill(queue, [5], [30 * 2 ** 20 + 3]);
    assert.deepEqual(await verify(queue, [large]), [5]);
    await queue.remove([large]);
    const many = await fill(queue, range(0, 3000), [417]);
    assert.deepEqual(await verify(queue, many.slice(-50)), range(2950, 3000));
  });
  await withQueue(folder, async (queue) => {
    assert.equal(queue.recovered.length, 3000);
    assert.deepEqual(await verify(queue, queue.recovered.slice(0, 100)), range(0, 100));
  });
});

test('stop waits for what is under way; then and before the start every call is refused', async () => {
  const folder = newFolder();
  const { extension, storage } = create(folder);
  await assert.rejects(storage.open('exporter a'), code(/is not open/));
  await extension.stop();
  await extension.start();
  const queue = await storage.open('exporter a');
  const entry = await queue.append([bytesOf(1, 10)], 2, '1');
  const late = fill(queue, range(2, 30), [150_000]);
  await extension.stop();
  await extension.stop();
  assert.equal((await late).length, 28);
  await assert.rejects(queue.append([bytesOf(2, 10)], 1, ''), code(/closed/));
  await assert.rejects(queue.read(entry), code(/closed/));
  await assert.rejects(queue.remove([entry]), code(/closed/));
  await assert.rejects(storage.open('exporter b'), code(/is not open/));
  assert.deepEqual([...(extension.metricValues?.() ?? [])], []);
  await withStore(folder, async (again) => {
    const recovered = await again.storage.open('exporter a');
    assert.equal(recovered.recovered.length, 29);
  });
});

test('what waits for the disk is waited for when a store is written with fsync', async () => {
  const folder = newFolder();
  await withQueue(
    folder,
    async (queue) => {
      const entries = await fill(queue, range(0, 10), [1000, 100_000]);
      await queue.remove(entries.slice(0, 5));
    },
    { fsync: true },
  );
  await withQueue(folder, async (queue) => assert.deepEqual(await verify(queue, queue.recovered), range(5, 10)));
});

test('a data file that somebody removes under the store takes nothing any more, and says so', async () => {
  const folder = newFolder();
  await withQueue(folder, async (queue) => {
    await fill(queue, [1], [1000]);
    rmSync(join(folder, 'spanmill.mdb'));
    await assert.rejects(queue.append([bytesOf(2, 1000)], 1, ''), code(/no such file/));
  });
  await withQueue(folder, async (queue) => assert.deepEqual(queue.recovered, []));
});

test('an owner that is closing may be opened again at once: the next queue has what the one before was still told', async () => {
  await withStore(newFolder(), async ({ storage }) => {
    const before = await storage.open('exporter otlp');
    await assert.rejects(storage.open('exporter otlp'), { code: 'STORAGE', message: /open already/ });
    const appended = before.append([Buffer.from('late')], 1, '');
    const closed = before.close();
    const next = await storage.open('exporter otlp');
    assert.equal((await appended).key, next.recovered.at(-1)?.key);
    await closed;
    await next.close();
  });
});
