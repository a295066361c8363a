// A document that is made from the code: written, or with --check compared with what stands there.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const docs = join(import.meta.dirname, '..', 'docs');

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
  const path = join(docs, name);
  if (!check) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return 0;
  }
  if (current(path) === text) return 0;
  process.stderr.write(`docs/${name} is not what the code says; run: node scripts/${script}\n`);
  return 1;
};

/** As publish, for several; what else there is in docs/`folder` goes, or with `check` is a difference. */
export const publishAll = (
  pages: ReadonlyMap<string, string>,
  folder: string,
  script: string,
  check: boolean,
): number => {
  const codes = [...pages].map(([name, text]) => publish(name, text, script, check));
  const there = readdirSync(join(docs, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`);
  for (const name of there.filter((one) => !pages.has(one))) {
    if (!check) rmSync(join(docs, name));
    else {
      process.stderr.write(`docs/${name} is of nothing that there is; run: node scripts/${script}\n`);
      codes.push(1);
    }
  }
  return Math.max(...codes);
};
