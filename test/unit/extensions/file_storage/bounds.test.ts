// Bounds: of the store, of what waits for the disk, of the file, of the disk.
import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { StoredEntry } from '../../../../src/component/capabilities.ts';
import { type FullDiskReport, fullDiskProgram, limitLifter } from './full-disk.ts';
import { restartProgram } from './full-disk-restart.ts';
import { bytesOf, code, errorLevel, fill, metric, newFolder, removeFolders, verify, withQueue } from './support.ts';

after(removeFolders);

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);

test('what would exceed max_size is refused, which is logged once and counted, until something is removed', async () => {
  const folder = newFolder();
  // Ten entries, each with 4 KiB beside its own.
  const maxBytes = 10 * (100_000 + 4096);
  await withQueue(
    folder,
    async (queue, { extension, lines }) => {
      const entries = await fill(queue, range(0, 9), [100_000]);
      // What is on its way counts as well.
      const [tenth, eleventh] = await Promise.allSettled([
        queue.append([bytesOf(9, 100_000)], 10, '9'),
        queue.append([bytesOf(10, 1)], 11, '10'),
      ]);
      assert.equal(tenth.status, 'fulfilled');
      assert.equal(eleventh.status, 'rejected');
      await assert.rejects(
        queue.append([bytesOf(10, 1)], 11, '10'),
        code(/11 spans of exporter test .* max_size, 1040960 bytes/),
      );
      assert.equal(metric(extension, 'failed_writes'), 2);
      assert.equal(lines.filter(({ level }) => level === errorLevel).length, 1);
      await queue.remove(entries.slice(0, 1));
      const [next] = await fill(queue, [11], [100_000]);
      assert.deepEqual(await verify(queue, [next]), [11]);
    },
    { maxBytes },
  );
  // What an earlier process left counts from the start.
  await withQueue(folder, (queue) => assert.rejects(queue.append([bytesOf(1, 1)], 1, ''), code(/max_size/)), {
    maxBytes,
  });
});

test('more than 64 MiB on the way to the disk is refused, and nothing of what was taken is lost', async () => {
  await withQueue(newFolder(), async (queue) => {
    const block = bytesOf(1, 4 * 2 ** 20);
    const results = await Promise.allSettled(range(0, 20).map(() => queue.append([block], 1, '')));
    const taken = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    assert.equal(taken.length, 15);
    for (const one of results) if (one.status === 'rejected') code(/does not keep up/)(one.reason);
    for (const entry of taken) assert.ok((await queue.read(entry)).equals(block));
    // One entry is never too large by itself.
    const [huge] = await fill(queue, [3], [70 * 2 ** 20]);
    assert.deepEqual(await verify(queue, [huge]), [3]);
  });
});

test('the file stays as small as what is in it while a hundred times as much passes through', async () => {
  const folder = newFolder();
  const file = join(folder, 'spanmill.mdb');
  await withQueue(folder, async (queue, { extension }) => {
    const waiting: StoredEntry[] = [];
    let seed = 0;
    const pass = async (count: number): Promise<void> => {
      const lengths = range(0, 10).map((n) => 1000 + (((seed + n) * 7919) % 60_000));
      waiting.push(...(await fill(queue, range(seed, seed + count), lengths)));
      seed += count;
    };
    // About 3 MB wait all the time.
    await pass(100);
    const turn = async (): Promise<void> => {
      await pass(10);
      // Not quite in order, as with several exports at a time.
      const gone = waiting.splice(0, 12);
      waiting.unshift(...gone.splice(3, 2));
      await queue.remove(gone);
    };
    for (let n = 0; n < 100; n++) await turn();
    const settled = statSync(file).size;
    for (let n = 0; n < 900; n++) await turn();
    const { size } = statSync(file);
    assert.ok(size < 1.3 * settled, `${settled} bytes became ${size}`);
    const held = waiting.reduce((sum, { bytes }) => sum + bytes + 4096, 0);
    assert.ok(size < 2 * held, `${size} bytes of file for ${held}`);
    assert.equal(metric(extension, 'file_bytes'), size);
    await verify(queue, waiting);
  });
});

test('a file that became large is small again after the next start', async () => {
  const folder = newFolder();
  const file = join(folder, 'spanmill.mdb');
  await withQueue(folder, async (queue) => {
    const entries = await fill(queue, range(0, 40), [500_000]);
    await queue.remove(entries.slice(1));
  });
  const before = statSync(file).size;
  await withQueue(folder, async (queue) => assert.deepEqual(await verify(queue, queue.recovered), [0]));
  assert.ok(before > 20_000_000 && statSync(file).size < 1_000_000, `${before} bytes became ${statSync(file).size}`);
});

/** Ways to run a program where little space is left, each with what it cannot do. */
const smallDisks = [
  ['unshare', '--user', '--map-root-user', '--mount'],
  ['unshare', '--mount'],
];

/** null: this machine lets nobody mount one. */
function onSmallDisk(folder: string, ...args: readonly string[]): SpawnSyncReturns<string> | null {
  const script = 'mount -t tmpfs -o size=8m tmpfs "$0" && exec "$@"';
  const program = [process.execPath, ...args, folder];
  for (const [command, ...options] of smallDisks) {
    const probe = spawnSync(command, [...options, 'sh', '-c', script, folder, 'true']);
    if (probe.status !== 0) continue;
    return spawnSync(command, [...options, 'sh', '-c', script, folder, ...program], {
      encoding: 'utf8',
      timeout: 60_000,
    });
  }
  return null;
}

function reportOf({ stdout, stderr, status }: SpawnSyncReturns<string>): FullDiskReport {
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  // LMDB itself says something at each attempt that fails: so these are few.
  const said = stderr.split('\n').filter((line) => line !== '');
  assert.deepEqual(
    said.filter((line) => !line.startsWith('mdb_page_')),
    [],
  );
  assert.ok(said.length < 60, stderr);
  return JSON.parse(stdout) as FullDiskReport;
}

test('a full disk refuses, says so once, and takes entries again when some were removed', (t) => {
  const run = onSmallDisk(newFolder(), fullDiskProgram, 'disk');
  if (run === null) {
    t.diagnostic('NOT RUN on a full disk: this machine lets nobody mount a small one (unshare). See the next test.');
    return;
  }
  const report = reportOf(run);
  assert.ok(report.taken > 20, `${report.taken} entries on 8 MiB`);
  assert.ok(report.rounds >= 5);
  // A line when the trouble begins in each round, at most; 40 refusals each.
  assert.equal(report.errorLines, 1);
  assert.ok(report.refused > 30);
});

for (const how of ['killed', 'closed']) {
  test(`a store that was ${how} opens again on a disk without a free block, with all that it holds`, (t) => {
    const run = onSmallDisk(newFolder(), restartProgram, how);
    if (run === null) {
      t.diagnostic('NOT RUN: this machine lets nobody mount a small disk (unshare).');
      return;
    }
    assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`);
  });
}

test('a file that may not grow refuses, says so once, and takes entries again when it may', (t) => {
  const command = [
    'sh',
    '-c',
    'ulimit -S -f 8192 && exec "$0" "$@"',
    process.execPath,
    fullDiskProgram,
    'limit',
    newFolder(),
  ];
  const [lifter, ...options] = limitLifter.version;
  if (spawnSync(lifter, options).status !== 0) {
    t.diagnostic('NOT RUN: this machine has no prlimit, which lifts the limit of a running process.');
    return;
  }
  const report = reportOf(spawnSync(command[0], command.slice(1), { encoding: 'utf8', timeout: 60_000 }));
  assert.ok(report.taken > 10, `${report.taken} entries under the limit`);
  assert.equal(report.errorLines, 1);
});
