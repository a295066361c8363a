// A document that is made from the code: written, or with --check compared with what stands there.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const current = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
};

/** Writes docs/`name`; with `check`, only compares. The exit code: 1 when they differ. */
export const publish = (name: string, text: string, script: string, check: boolean): number => {
  const path = join(import.meta.dirname, '..', 'docs', name);
  if (!check) {
    writeFileSync(path, text);
    return 0;
  }
  if (current(path) === text) return 0;
  process.stderr.write(`docs/${name} is not what the code says; run: node scripts/${script}\n`);
  return 1;
};
