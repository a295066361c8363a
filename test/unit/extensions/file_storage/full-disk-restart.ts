// A program that fills a disk with a store and whatever else, and opens the store again there: `killed` while it was open, or
// `closed` before the rest of the disk was filled. Fails when an entry is not there, or not what was stored.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { StoredEntry, StoredQueue } from '../../../../src/component/capabilities.ts';
import { errorLevel, fill, verify, withQueue } from './support.ts';

export const restartProgram = import.meta.filename;

const length = 150_000;

/** Stores entries until one is refused. */
async function fillUp(queue: StoredQueue): Promise<number> {
  for (let seed = 0; seed < 1000; seed++) {
    try {
      await fill(queue, [seed], [length]);
    } catch (error) {
      assert.match(String(error), /no space left on the device/);
      return seed;
    }
  }
  assert.fail('the disk is never full');
}

/** Not one block is free afterwards. */
function fillRest(path: string): void {
  const file = openSync(path, 'w');
  for (const block of [65_536, 1]) {
    try {
      for (;;) writeSync(file, Buffer.alloc(block));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  }
  closeSync(file);
}

async function openAgain(folder: string, rest: string, taken: number): Promise<void> {
  await withQueue(folder, async (queue, { lines }) => {
    assert.deepEqual(
      lines.filter(({ level }) => level >= errorLevel),
      [],
    );
    assert.deepEqual(
      await verify(queue, queue.recovered),
      Array.from({ length: taken }, (_, seed) => seed),
    );
    const [first, ...others]: readonly StoredEntry[] = queue.recovered;
    rmSync(rest);
    await queue.remove([first]);
    await queue.remove(others);
    await fill(queue, [taken], [length]);
  });
  await withQueue(folder, async (queue) => assert.deepEqual(await verify(queue, queue.recovered), [taken]));
}

if (import.meta.main) {
  const [, , what, folder] = process.argv;
  if (what === 'fill') {
    await withQueue(folder, async (queue) => {
      process.stdout.write(String(await fillUp(queue)), () => process.kill(process.pid, 'SIGKILL'));
      await new Promise(() => setInterval(() => {}, 1000));
    });
  }
  let taken = 0;
  if (what === 'closed') taken = await withQueue(folder, fillUp);
  else {
    const filled = spawnSync(process.execPath, [restartProgram, 'fill', folder], { encoding: 'utf8' });
    assert.equal(filled.signal, 'SIGKILL', filled.stderr);
    taken = Number(filled.stdout);
  }
  assert.ok(taken > 20, `${taken} entries`);
  const rest = join(folder, 'rest');
  fillRest(rest);
  await openAgain(folder, rest, taken);
  process.stdout.write(JSON.stringify({ taken }));
}
