// A process that stores and removes as fast as it can is killed at any moment: what it was told is true afterwards.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { newFolder, removeFolders, verify, withQueue } from './support.ts';
import { writerProgram } from './writer.ts';

after(removeFolders);

/** More for a longer look: SPANMILL_KILLS=1000. */
const kills = Number(process.env.SPANMILL_KILLS ?? 12);

/** What a process said before it was killed. */
interface Said {
  /** Seed -> key of entries that it was told are stored. */
  readonly stored: Map<number, number>;
  /** Keys that it asked to have removed, and those of which it was told that they are. */
  readonly asked: Set<number>;
  readonly removed: Set<number>;
}

async function runAndKill(
  folder: string,
  firstSeed: number,
  fsync: boolean,
  afterMs: number,
  atStart: boolean,
): Promise<Said> {
  const child = spawn(process.execPath, [writerProgram, folder, String(firstSeed), String(fsync)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  const begun = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      if (text.includes('\n')) resolve();
    });
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on('close', (_, signal) => resolve(signal)));
  if (!atStart) await Promise.race([begun, ended]);
  await wait(afterMs);
  child.kill('SIGKILL');
  assert.equal(await ended, 'SIGKILL');
  const said: Said = { stored: new Map(), asked: new Set(), removed: new Set() };
  // A line that was cut short was not said.
  for (const line of text.split('\n').slice(0, -1)) {
    const [what, key, seed] = line.split(' ');
    if (what === 'stored') said.stored.set(Number(seed), Number(key));
    else if (what === 'asked') said.asked.add(Number(key));
    else if (what === 'removed') said.removed.add(Number(key));
  }
  return said;
}

test(`nothing that was acknowledged is lost, and nothing comes back, over ${kills} kills`, async (t) => {
  const folder = newFolder();
  /** Seed -> key of all that must be there. */
  let expected = new Map<number, number>();
  const totals = { stored: 0, removed: 0, unacknowledged: 0 };
  for (let round = 0; round < kills; round++) {
    // A third of them while it starts and takes over what is there, the others while it writes.
    const atStart = round % 3 === 2;
    const afterMs = Math.random() * (atStart ? 500 : 250);
    const { stored, asked, removed } = await runAndKill(
      folder,
      (round + 1) * 1_000_000,
      round % 2 === 1,
      afterMs,
      atStart,
    );
    const before = new Map([...expected, ...stored]);
    await withQueue(folder, async (queue, { lines }) => {
      const found = new Map(queue.recovered.map(({ key, tag }) => [Number(tag), key]));
      const seeds = await verify(queue, queue.recovered);
      assert.deepEqual(
        seeds,
        seeds.toSorted((a, b) => a - b),
        'they are not in order',
      );
      for (const [seed, key] of before) {
        if (removed.has(key)) assert.ok(!found.has(seed), `entry ${key} came back`);
        else if (!asked.has(key)) assert.equal(found.get(seed), key, `entry ${key} was lost`);
      }
      totals.stored += stored.size;
      totals.removed += removed.size;
      totals.unacknowledged += [...found.keys()].filter((seed) => !before.has(seed)).length;
      assert.ok(!lines.some(({ msg }) => msg.includes('corrupt')), JSON.stringify(lines));
      expected = found;
    });
  }
  t.diagnostic(JSON.stringify(totals));
  assert.ok(totals.stored > kills && totals.removed > 0, JSON.stringify(totals));
});
