import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pino } from 'pino';
import type { DeadLetter } from '../../../../src/component/capabilities.ts';
import type { Extension } from '../../../../src/component/extension.ts';
import { createDeadLetter, type DeadLetterOptions } from '../../../../src/extensions/dead_letter/extension.ts';

const root = mkdtempSync(join(tmpdir(), 'spanmill-dead-letter-'));
after(() => {
  rmSync(root, { recursive: true, force: true });
});
let folders = 0;
const place = (): string => join(root, String(folders++));

const block = 4096;
const why = { component: 'otlp/backend', reason: 'invalid_argument', message: 'a span has no name' };
const startMs = Date.UTC(2026, 10, 23, 6, 47, 12, 123);

interface Bench {
  readonly extension: Extension;
  readonly letters: DeadLetter;
  readonly lines: { msg: string; level: number; [field: string]: unknown }[];
  /** Puts a request of so many bytes; its spans are one a byte. */
  put(bytes: number): Promise<boolean>;
  metric(name: string, reason?: string): number;
  pass(ms: number): void;
}

async function start(directory: string, change: Partial<DeadLetterOptions> = {}): Promise<Bench> {
  const lines: Bench['lines'] = [];
  const log = pino({}, { write: (line) => void lines.push(JSON.parse(line)) });
  let nowMs = startMs;
  const extension = createDeadLetter({
    directory,
    createsDirectory: true,
    maxBytes: 1 << 20,
    maxAgeMs: 0,
    whenFull: 'refuse',
    log,
    now: () => nowMs,
    ...change,
  });
  await extension.start();
  const letters = extension.offers?.deadLetter as DeadLetter;
  return {
    extension,
    letters,
    lines,
    put: (bytes) => letters.put([Buffer.alloc(bytes, 1)], bytes, why),
    metric(name, reason) {
      const values = [...(extension.metricValues?.() ?? [])];
      const found = values.find((one) => one.name === `spanmill_dead_letter_${name}` && one.labels.reason === reason);
      assert.ok(found, `no ${name} ${reason}`);
      return found.value;
    },
    pass: (ms) => {
      nowMs += ms;
    },
  };
}

/** A request of that many empty spans: ResourceSpans 1, ScopeSpans 2, Span 2. */
function requestOf(spans: number): Buffer {
  const scope = Buffer.from(Array.from({ length: spans }, () => [0x12, 0]).flat());
  return Buffer.concat([Buffer.from([0x0a, scope.length + 2, 0x12, scope.length]), scope]);
}

const names = (directory: string): string[] => readdirSync(directory).sort();

test('a request becomes a file of its bytes and one that says why, for their owner only', async () => {
  const directory = join(place(), 'below');
  const bench = await start(directory);
  assert.equal(await bench.letters.put([Buffer.from([1, 2]), Buffer.alloc(0), Buffer.from([3])], 2, why), true);
  assert.deepEqual(names(directory), ['20261123T064712.123Z-000001.json', '20261123T064712.123Z-000001.otlp']);
  const [json, otlp] = names(directory).map((name) => join(directory, name));
  assert.deepEqual([...readFileSync(otlp)], [1, 2, 3]);
  assert.deepEqual(JSON.parse(readFileSync(json, 'utf8')), {
    time: '2026-11-23T06:47:12.123Z',
    component: 'otlp/backend',
    reason: 'invalid_argument',
    message: 'a span has no name',
    spans: 2,
    bytes: 3,
  });
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  for (const file of [json, otlp]) assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual([bench.metric('files'), bench.metric('bytes'), bench.metric('put_spans')], [1, 2 * block, 2]);
  await bench.extension.stop();
});

test('many puts at once keep their order in the names, and none is lost', async () => {
  const directory = place();
  const bench = await start(directory);
  const sizes = Array.from({ length: 40 }, (_, i) => i + 1);
  const results = await Promise.all(sizes.map((bytes) => bench.put(bytes)));
  assert.ok(results.every((kept) => kept));
  const files = names(directory).filter((name) => name.endsWith('.otlp'));
  assert.deepEqual(
    files.map((name) => statSync(join(directory, name)).size),
    sizes,
  );
  await bench.extension.stop();
});

test('a full directory refuses, counts and says so; files that were taken away make room again', async () => {
  const directory = place();
  const bench = await start(directory, { maxBytes: 6 * block });
  assert.deepEqual([await bench.put(10), await bench.put(block), await bench.put(block + 1)], [true, true, false]);
  assert.equal(await bench.put(1), true);
  assert.equal(await bench.put(1), false);
  assert.equal(bench.metric('bytes'), 6 * block);
  assert.equal(bench.metric('refused_spans', 'full'), block + 2);
  assert.equal(bench.metric('files'), 3);
  assert.ok(bench.lines.some(({ msg, level }) => level === 50 && /directory is full: spans are lost/.test(msg)));
  for (const name of names(directory).slice(0, 2)) rmSync(join(directory, name));
  bench.pass(1000);
  assert.equal(await bench.put(1), true);
  assert.equal(bench.metric('files'), 3);
  await bench.extension.stop();
});

test('a request that is larger than the whole directory may become is refused, whatever was to happen when full', async () => {
  const directory = place();
  const bench = await start(directory, { maxBytes: 4 * block, whenFull: 'drop_oldest' });
  assert.equal(await bench.put(1), true);
  assert.equal(await bench.put(5 * block), false);
  assert.equal(bench.metric('files'), 1);
  await bench.extension.stop();
});

test('drop_oldest removes as many of the oldest as are needed, and counts them', async () => {
  const directory = place();
  const bench = await start(directory, { maxBytes: 6 * block, whenFull: 'drop_oldest' });
  for (const bytes of [1, 2, 3]) assert.equal(await bench.put(bytes), true);
  assert.equal(await bench.put(3 * block), true);
  const sizes = names(directory)
    .filter((name) => name.endsWith('.otlp'))
    .map((name) => statSync(join(directory, name)).size);
  assert.deepEqual(sizes, [3, 3 * block]);
  assert.deepEqual([bench.metric('removed_files', 'space'), bench.metric('removed_spans', 'space')], [2, 3]);
  assert.equal(names(directory).length, 4, 'their notes are gone, too');
  await bench.extension.stop();
});

test('what an earlier process left counts, goes on in order and is the first to be removed; what it only began is removed', async () => {
  const directory = place();
  const first = await start(directory);
  for (const bytes of [5, 6]) await first.put(bytes);
  await first.extension.stop();
  const name = '20261123T064712.000Z-000009';
  writeFileSync(join(directory, `${name}.otlp.tmp`), 'half');
  writeFileSync(join(directory, `${name}.json`), '{"spans": 3}');
  writeFileSync(join(directory, 'mine.txt'), 'x');
  const second = await start(directory, { maxBytes: 6 * block, whenFull: 'drop_oldest' });
  assert.deepEqual([second.metric('files'), second.metric('bytes')], [2, 4 * block]);
  assert.ok(!names(directory).some((one) => one.startsWith(name)));
  // In the same millisecond as the first process, whose names are not taken over.
  for (const bytes of [7, 8]) assert.equal(await second.put(bytes), true);
  const sizes = names(directory)
    .filter((one) => one.endsWith('.otlp'))
    .map((one) => statSync(join(directory, one)).size);
  assert.deepEqual(sizes, [6, 7, 8]);
  assert.equal(second.metric('removed_spans', 'space'), 5, 'as the note of the removed file said');
  assert.ok(existsSync(join(directory, 'mine.txt')));
  await second.extension.stop();
});

test('one that starts in the same process, as after a reload, leaves alone what the one before it writes', async () => {
  const directory = place();
  const maxBytes = 1 << 28;
  const first = await start(directory, { maxBytes });
  const writing = Promise.all([8 << 20, 9 << 20].map((bytes) => first.put(bytes)));
  const others: Bench[] = [];
  let isWritten = false;
  void writing.then(() => {
    isWritten = true;
  });
  while (!isWritten) others.push(await start(directory, { maxBytes }));
  assert.deepEqual(await writing, [true, true]);
  assert.ok(others.length > 1);
  assert.equal(names(directory).length, 4, 'each with the note beside it');
  await Promise.all([first, ...others].map(({ extension }) => extension.stop()));
});

test('files older than max_age are removed at the start and while it runs', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const directory = place();
  const bench = await start(directory, { maxAgeMs: 1000 });
  await bench.put(1);
  bench.pass(600);
  await bench.put(2);
  bench.pass(600);
  t.mock.timers.tick(1000);
  await bench.put(3);
  assert.deepEqual([bench.metric('files'), bench.metric('removed_files', 'age')], [2, 1]);
  await bench.extension.stop();
  const later = await start(directory, { maxAgeMs: 1000, now: () => startMs + 10_000 });
  assert.equal(later.metric('files'), 0);
  assert.deepEqual(names(directory), []);
  await later.extension.stop();
});

test('a directory that cannot be used stops the start, with a hint', async () => {
  const missing = place();
  await assert.rejects(start(missing, { createsDirectory: false }), {
    code: 'STORAGE',
    message: /cannot be used \(create_directory is false\): ENOENT/,
  });
  mkdirSync(missing);
  const file = join(missing, 'file');
  writeFileSync(file, '');
  await assert.rejects(start(join(file, 'below')), { code: 'STORAGE' });
});

test('what cannot be written is said and counted, leaves nothing behind, and the next put is tried again', async () => {
  const directory = place();
  const bench = await start(directory);
  rmSync(directory, { recursive: true });
  assert.equal(await bench.put(4), false);
  assert.equal(bench.metric('refused_spans', 'error'), 4);
  assert.ok(bench.lines.some(({ msg, level }) => level === 50 && /spans cannot be set aside: ENOENT/.test(msg)));
  mkdirSync(directory);
  assert.equal(await bench.put(4), true);
  assert.deepEqual([bench.metric('files'), bench.metric('bytes')], [1, 2 * block]);
  await bench.extension.stop();
});

test('a full disk is said as such, and nothing of the request stays', async () => {
  const directory = place();
  const bench = await start(directory);
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  // It comes in the middle of writing.
  const segments = {
    reduce: () => 3,
    *[Symbol.iterator]() {
      yield Buffer.from([1]);
      throw full;
    },
  } as unknown as Buffer[];
  assert.equal(await bench.letters.put(segments, 1, why), false);
  assert.deepEqual(names(directory), []);
  assert.ok(bench.lines.some(({ msg }) => /the disk of the dead-letter directory is full/.test(msg)));
  await bench.extension.stop();
});

test('what is put before stop is written; what comes after it is refused', async () => {
  const directory = place();
  const bench = await start(directory);
  const puts = [bench.put(1), bench.put(2)];
  await bench.extension.stop();
  assert.deepEqual(await Promise.all(puts), [true, true]);
  assert.equal(await bench.put(3), false);
  assert.equal(names(directory).length, 4);
});

test('where nobody knows how many spans there are they are counted; what is no request is kept as well', async () => {
  const bench = await start(place());
  const killed = { ...why, reason: 'killed' };
  assert.equal(await bench.letters.put([requestOf(3)], 0, killed), true);
  assert.equal(bench.metric('put_spans'), 3);
  assert.equal(await bench.letters.put([Buffer.from([0x0a, 0xff])], 0, killed), true);
  assert.deepEqual([bench.metric('put_spans'), bench.metric('files')], [3, 2]);
});
