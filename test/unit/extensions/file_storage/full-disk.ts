// A program that uses a store on a disk that is soon full: `disk` removes what it stored to go on, `limit` lifts the limit of a
// file's size that it was started with. Prints a report, and fails when something else happens than should.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import type { StoredEntry, StoredQueue } from '../../../../src/component/capabilities.ts';
import { bytesOf, errorLevel, fill, type Line, verify, withQueue } from './support.ts';

export const fullDiskProgram = import.meta.filename;

/** Lifts the limit of a running process; asks for its version. */
export const limitLifter = {
  lift: (pid: number): string[] => ['prlimit', '--pid', String(pid), '--fsize=unlimited:'],
  version: ['prlimit', '--version'],
};

export interface FullDiskReport {
  /** Entries until the disk was full for the first time. */
  readonly taken: number;
  readonly refused: number;
  readonly rounds: number;
  readonly errorLines: number;
}

const length = 150_000;
let seed = 0;

/** Stores entries until one is refused. */
async function fillUp(queue: StoredQueue): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = [];
  for (let n = 0; n < 1000; n++) {
    try {
      entries.push(...(await fill(queue, [seed++], [length])));
    } catch (error) {
      assert.match(String(error), /no space left on the device/);
      return entries;
    }
  }
  assert.fail('the disk is never full');
}

async function refusals(queue: StoredQueue): Promise<number> {
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => queue.append([bytesOf(0, length)], 1, '')));
  return results.filter(({ status }) => status === 'rejected').length;
}

async function fillDisk(queue: StoredQueue, lines: readonly Line[]): Promise<FullDiskReport> {
  let entries = await fillUp(queue);
  const taken = entries.length;
  let refused = await refusals(queue);
  let rounds = 0;
  for (const part of [0.2, 0.5, 1, 0.1, 1]) {
    const gone = entries.splice(0, Math.ceil(entries.length * part));
    await queue.remove(gone);
    const added = await fillUp(queue);
    assert.ok(added.length > 0, `nothing fits after ${gone.length} entries were removed`);
    entries = [...entries, ...added];
    await verify(queue, entries);
    refused += await refusals(queue);
    rounds++;
  }
  return { taken, refused, rounds, errorLines: lines.filter(({ level }) => level === errorLevel).length };
}

async function meetLimit(queue: StoredQueue, lines: readonly Line[]): Promise<FullDiskReport> {
  const entries = await fillUp(queue);
  const refused = await refusals(queue);
  await verify(queue, entries);
  // A removal may need the file to grow as well; it is done when it can.
  const removed = queue.remove(entries.slice(0, 3));
  const [command, ...options] = limitLifter.lift(process.pid);
  const { status, stderr } = spawnSync(command, options, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  await removed;
  const added = await fill(
    queue,
    Array.from({ length: 20 }, () => seed++),
    [length],
  );
  await verify(queue, [...entries.slice(3), ...added]);
  return {
    taken: entries.length,
    refused,
    rounds: 1,
    errorLines: lines.filter(({ level }) => level === errorLevel).length,
  };
}

if (import.meta.main) {
  const [, , what, folder] = process.argv;
  await withQueue(folder, async (queue, { lines }) => {
    const report = await (what === 'disk' ? fillDisk : meetLimit)(queue, lines);
    process.stdout.write(JSON.stringify(report));
  });
}
