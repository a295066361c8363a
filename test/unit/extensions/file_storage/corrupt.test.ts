// A store that is not what was written, in any way: the service starts, what can be read is right, and what is lost is said.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pino } from 'pino';
import type { StoredQueue } from '../../../../src/component/capabilities.ts';
import { pathsOf } from '../../../../src/extensions/file_storage/directory.ts';
import { openEnvironment } from '../../../../src/extensions/file_storage/environment.ts';
import { aboutKey } from '../../../../src/extensions/file_storage/keys.ts';
import { restore } from '../../../../src/extensions/file_storage/restore.ts';
import {
  bytesOf,
  code,
  create,
  errorLevel,
  fill,
  type Line,
  metric,
  newFolder,
  removeFolders,
  verify,
  withQueue,
} from './support.ts';

after(removeFolders);

const fuzzRounds = 25;
const seeds = Array.from({ length: 60 }, (_, n) => n);
const lengths = [100, 3000, 50, 20_000, 1500, 90_000];
const dataFile = (folder: string): string => join(folder, 'spanmill.mdb');
const backups = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.backup'));
const loss = (lines: readonly Line[]): Line | undefined =>
  lines.find(({ msg }) => msg.startsWith('the store is corrupt'));

/** A folder with a closed store of `seeds`. */
async function filled(): Promise<string> {
  const folder = newFolder();
  await withQueue(folder, (queue) => fill(queue, seeds, lengths));
  return folder;
}

async function works(queue: StoredQueue): Promise<void> {
  const entries = await fill(queue, [1000, 1001, 1002], [10, 100_000, 2000]);
  await queue.remove(entries.slice(0, 1));
  assert.deepEqual(await verify(queue, entries.slice(1)), [1001, 1002]);
}

test('a data file of another kind is set aside whole, and a new store is begun', async () => {
  for (const content of ['not a store', '', randomBytes(50_000), Buffer.alloc(20_000)]) {
    const folder = newFolder();
    writeFileSync(dataFile(folder), content);
    await withQueue(folder, async (queue, { lines }) => {
      assert.deepEqual(queue.recovered, []);
      await works(queue);
      // An empty file is a store that nothing was written to yet.
      if (content.length === 0) return;
      assert.equal(loss(lines)?.level, errorLevel);
      const [name] = backups(folder);
      assert.equal(loss(lines)?.backup, join(folder, name));
      assert.match(name, /^spanmill\.mdb\.\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z\.backup$/);
      assert.deepEqual(readFileSync(join(folder, name)), Buffer.from(content));
    });
    await withQueue(folder, async (queue) => assert.equal(queue.recovered.length, 2));
  }
});

test('a value that is not what was stored is left out at the start, and what it held is said', async () => {
  const folder = await filled();
  const content = readFileSync(dataFile(folder));
  // Seed 5 has 90,000 bytes.
  const at = content.indexOf(bytesOf(5, 90_000).subarray(40_000, 40_100));
  assert.ok(at > 0);
  content[at] ^= 1;
  writeFileSync(dataFile(folder), content);
  await withQueue(folder, async (queue, { lines, extension }) => {
    assert.deepEqual(
      await verify(queue, queue.recovered),
      seeds.filter((seed) => seed !== 5),
    );
    assert.deepEqual(loss(lines)?.lost_at_least, { entries: 1, spans: 6, bytes: 90_000 });
    assert.deepEqual(readFileSync(join(folder, backups(folder)[0])), content);
    assert.equal(metric(extension, 'entries'), 59);
    await works(queue);
  });
});

test('a value that changes while the store is open is reported when it is read, with what it held', async () => {
  const folder = newFolder();
  await withQueue(folder, async (queue, { extension }) => {
    const [damaged, other] = await fill(queue, [3, 4], [60_000]);
    const at = readFileSync(dataFile(folder)).indexOf(bytesOf(3, 60_000).subarray(0, 100));
    assert.ok(at > 0);
    const file = openSync(dataFile(folder), 'r+');
    writeSync(file, Buffer.alloc(100), 0, 100, at);
    closeSync(file);
    await assert.rejects(
      queue.read(damaged),
      code(/cannot give back 4 spans of exporter test \(60000 bytes\): its checksum does not match/),
    );
    assert.equal(metric(extension, 'failed_reads'), 1);
    assert.deepEqual(await verify(queue, [other]), [4]);
    await queue.remove([damaged]);
    await works(queue);
  });
});

test('a page that is lost costs what is on it, and nothing before or behind', async () => {
  const folder = newFolder();
  const many = Array.from({ length: 2000 }, (_, n) => n);
  await withQueue(folder, (queue) => fill(queue, many, [100]));
  const at = readFileSync(dataFile(folder)).indexOf(bytesOf(1000, 100));
  assert.ok(at > 0);
  // As a disk that mixed up its sectors gives it back.
  overwrite(dataFile(folder), at - (at % pageBytes), Buffer.alloc(pageBytes, 255));
  await withQueue(folder, async (queue, { lines }) => {
    const saved = await verify(queue, queue.recovered);
    assert.ok(saved.length > 1950, `${saved.length} of 2000`);
    assert.ok(saved.includes(0) && !saved.includes(1000) && saved.includes(1999));
    const lost = loss(lines)?.lost_at_least as { entries: number };
    assert.equal(lost.entries, 2000 - saved.length);
    await works(queue);
  });
});

test('a store of a newer version is neither used nor touched', async () => {
  const folder = newFolder();
  const env = openEnvironment(dataFile(folder), { readOnly: false, fsync: false });
  env.putSync(aboutKey, Buffer.from('{"format":2,"boot":""}'));
  await env.close();
  const before = readFileSync(dataFile(folder));
  await assert.rejects(create(folder).extension.start(), code(/cannot be examined: .*newer version \(format 2\)/));
  assert.deepEqual(readFileSync(dataFile(folder)), before);
  assert.deepEqual(backups(folder), []);
});

describe('which stores are written anew at the start', () => {
  const boot = 'boot 1';
  const cases = [
    { title: 'closed, small', about: { closed: true }, limit: 10_000_000, anew: true },
    { title: 'closed, large', about: { closed: true }, limit: 1000, anew: false },
    { title: 'killed, large', about: { closed: false }, limit: 1000, anew: false },
    { title: 'killed, large, before a power cut', about: { closed: false, boot: 'boot 0' }, limit: 1000, anew: true },
    { title: 'closed, large, before a power cut', about: { closed: true, boot: 'boot 0' }, limit: 1000, anew: false },
    {
      title: 'killed, large, before a power cut, with fsync',
      about: { closed: false, boot: 'boot 0', fsync: true },
      limit: 1000,
      anew: false,
    },
    { title: 'of an unknown boot', about: { closed: false, boot: '' }, limit: 1000, anew: true, boot: '' },
  ];
  for (const { title, about, limit, anew, boot: now = boot } of cases) {
    test(title, async () => {
      const folder = await filled();
      const env = openEnvironment(dataFile(folder), { readOnly: false, fsync: false });
      env.putSync(aboutKey, Buffer.from(JSON.stringify({ format: 1, boot, fsync: false, ...about })));
      await env.close();
      const { ino } = statSync(dataFile(folder));
      const { stored, owners } = await restore({
        paths: pathsOf(folder),
        fsync: false,
        boot: now,
        carryUpToBytes: limit,
        log: pino({ level: 'silent' }),
        now: Date.now,
      });
      assert.equal(stored.entries, seeds.length);
      assert.deepEqual(owners, { 'exporter test': seeds.length });
      assert.equal(statSync(dataFile(folder)).ino !== ino, anew);
      await withQueue(folder, async (queue) => assert.deepEqual(await verify(queue, queue.recovered), seeds));
    });
  }
});

type Damage = (file: string, size: number, random: () => number) => void;

function overwrite(file: string, at: number, bytes: Uint8Array): void {
  const handle = openSync(file, 'r+');
  writeSync(handle, bytes, 0, bytes.length, at);
  closeSync(handle);
}

const pageBytes = 4096;
const damages: Readonly<Record<string, Damage>> = {
  'cut short': (file, size, random) => truncateSync(file, Math.floor(size * random())),
  'cut by a page': (file, size, random) => truncateSync(file, size - pageBytes * (1 + Math.floor(random() * 8))),
  'random bytes in the header': (file, _, random) => overwrite(file, Math.floor(random() * 8000), randomBytes(64)),
  'both headers lost': (file) => overwrite(file, 0, Buffer.alloc(2 * pageBytes)),
  'a page of zeros': (file, size, random) =>
    overwrite(file, pageBytes * Math.floor((random() * size) / pageBytes), Buffer.alloc(pageBytes)),
  'many pages of zeros': (file, size, random) => {
    const pages = Math.floor(size / pageBytes);
    const from = 2 + Math.floor(random() * (pages - 2));
    overwrite(file, from * pageBytes, Buffer.alloc((pages - from) * pageBytes));
  },
  'random bytes': (file, size, random) => overwrite(file, Math.floor(random() * (size - 600)), randomBytes(600)),
  'bits flipped': (file, size, random) => {
    const content = readFileSync(file);
    for (let n = 0; n < 200; n++) content[Math.floor(random() * size)] ^= 1 << Math.floor(random() * 8);
    writeFileSync(file, content);
  },
  'pages exchanged': (file, size, random) => {
    const content = readFileSync(file);
    const at = (): number => pageBytes * (2 + Math.floor(random() * (size / pageBytes - 2)));
    const [a, b] = [at(), at()];
    overwrite(file, a, content.subarray(b, b + pageBytes));
    overwrite(file, b, content.subarray(a, a + pageBytes));
  },
  'page headers of noise': (file, size, random) => {
    for (let n = 0; n < 5; n++) overwrite(file, pageBytes * Math.floor((random() * size) / pageBytes), randomBytes(24));
  },
};

/** Numbers from 0 to 1 that follow from the seed, so that a failure can be had again. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

test(`whatever is broken, the process goes on, and each entry is right or reported (${fuzzRounds} stores)`, async (t) => {
  const original = await filled();
  const names = Object.keys(damages);
  const base = Number(process.env.SPANMILL_FUZZ_SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`SPANMILL_FUZZ_SEED=${base}`);
  const totals = { right: 0, reported: 0, setAside: 0 };
  await Promise.all(
    [0, 1].map(async (half) => {
      for (let round = half; round < fuzzRounds; round += 2) {
        const name = names[round % names.length];
        const folder = newFolder();
        copyFileSync(dataFile(original), dataFile(folder));
        damages[name](dataFile(folder), statSync(dataFile(folder)).size, randomFrom(base + round));
        const seen = await useDamaged(folder).catch((error: unknown) => {
          throw new Error(`round ${round}, ${name}, SPANMILL_FUZZ_SEED=${base}`, { cause: error });
        });
        totals.right += seen.right;
        totals.reported += seen.reported;
        totals.setAside += seen.isSetAside ? 1 : 0;
      }
    }),
  );
  t.diagnostic(JSON.stringify(totals));
  assert.ok(totals.right > 0 && totals.setAside > 0, JSON.stringify(totals));
});

async function useDamaged(folder: string): Promise<{ right: number; reported: number; isSetAside: boolean }> {
  const first = await withQueue(folder, async (queue, { lines }) => {
    const results = await Promise.allSettled(queue.recovered.map((entry) => verify(queue, [entry])));
    for (const one of results) if (one.status === 'rejected') code(/cannot give back/)(one.reason);
    const right = results.filter(({ status }) => status === 'fulfilled').length;
    const isSetAside = loss(lines) !== undefined;
    assert.equal(backups(folder).length, isSetAside ? 1 : 0);
    if (queue.recovered.length < seeds.length) assert.ok(isSetAside, 'entries are missing, and nothing was said');
    await works(queue);
    return { right, reported: results.length - right, isSetAside };
  });
  // What it made of it is a whole store.
  await withQueue(folder, async (queue, { lines }) => {
    assert.equal(loss(lines), undefined);
    assert.equal(queue.recovered.length, first.right + first.reported + 2);
  });
  assert.ok(!existsSync(pathsOf(folder).draft));
  return first;
}
