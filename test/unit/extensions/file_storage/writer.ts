// A program that stores and removes as fast as it can, and says what it was told, until it is killed.
import type { StoredEntry } from '../../../../src/component/capabilities.ts';
import { sayLine } from '../../../../src/extensions/file_storage/say-line.ts';
import { fill, withQueue } from './support.ts';

export const writerProgram = import.meta.filename;

const lengths = [20, 1000, 5000, 214_000, 3000, 60_000, 0];
const mostHeld = 40;

if (import.meta.main) {
  const [, , folder, firstSeed, fsync] = process.argv;
  await withQueue(
    folder,
    async (queue) => {
      const held: StoredEntry[] = [...queue.recovered];
      let seed = Number(firstSeed);
      sayLine('begun');
      for (;;) {
        const seeds = Array.from({ length: 1 + (seed % 9) }, () => seed++);
        const appends = fill(queue, seeds, lengths).then((entries) => {
          for (const { key, tag } of entries) sayLine(`stored ${key} ${tag}`);
          held.push(...entries);
        });
        const gone = held.splice(0, Math.max(0, held.length - mostHeld));
        for (const { key } of gone) sayLine(`asked ${key}`);
        await queue.remove(gone);
        for (const { key } of gone) sayLine(`removed ${key}`);
        await appends;
      }
    },
    { fsync: fsync === 'true' },
  );
}
