import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { createFreshFiles, type FreshFiles, unusable } from '../../../src/transport/fresh-files.ts';
import { type Folder, makeFolder } from './tls/certificates.ts';

interface Rig {
  readonly files: FreshFiles<string>;
  readonly values: string[];
  readonly lines: Record<string, unknown>[];
  /** Resolves when so many values came, or so many lines. */
  value(count: number): Promise<void>;
  line(count: number): Promise<void>;
}

/** `broken` is no value. */
function watch(t: TestContext, paths: Readonly<Record<string, string>>, intervalMs = 5): Rig {
  const values: string[] = [];
  const lines: Record<string, unknown>[] = [];
  let watchers: { reached(): boolean; resolve(): void }[] = [];
  const look = (): void => {
    for (const one of watchers) if (one.reached()) one.resolve();
    watchers = watchers.filter((one) => !one.reached());
  };
  const until = (reached: () => boolean): Promise<void> =>
    reached() ? Promise.resolve() : new Promise((resolve) => watchers.push({ reached, resolve }));
  const log = pino(
    {},
    {
      write(line: string) {
        lines.push(JSON.parse(line));
        look();
      },
    },
  );
  const files = createFreshFiles<string>({
    files: paths,
    intervalMs,
    parse(texts) {
      const all = Object.values(texts).join('|');
      if (all.includes('broken')) throw unusable('file', 'is broken');
      return all;
    },
    changed(value) {
      values.push(value);
      look();
    },
    log,
  });
  // Looking at files keeps no process alive.
  const alive = setInterval(() => undefined, 1000);
  t.after(() => {
    clearInterval(alive);
    files.stop();
  });
  return {
    files,
    values,
    lines,
    value: (count) => until(() => values.length >= count),
    line: (count) => until(() => lines.length >= count),
  };
}

const one = (folder: Folder): Record<string, string> => ({ file: folder.path('file') });

test('a file is read at the start, and again when it was written to', async (t) => {
  const folder = makeFolder(t);
  folder.write('file', 'first');
  const rig = watch(t, one(folder));
  assert.equal(await rig.files.start(), 'first');
  folder.write('file', 'second');
  await rig.value(1);
  assert.deepEqual(rig.values, ['second']);
  assert.deepEqual([rig.files.reloads, rig.files.failures], [1, 0]);
});

test('a change that leaves size and times as they were is seen when it follows close behind', async (t) => {
  const folder = makeFolder(t);
  const path = folder.write('file', 'first');
  const past = new Date(Date.now() - 1000);
  utimesSync(path, past, past);
  const rig = watch(t, one(folder));
  await rig.files.start();
  writeFileSync(path, 'other');
  utimesSync(path, past, past);
  await rig.value(1);
  assert.deepEqual(rig.values, ['other']);
});

test('a file that is replaced, or reached through a link that changes, is read', async (t) => {
  const folder = makeFolder(t);
  folder.write('v1', 'one');
  folder.write('v2', 'two');
  folder.write('v3', 'three');
  symlinkSync(folder.path('v1'), folder.path('file'));
  const rig = watch(t, one(folder));
  assert.equal(await rig.files.start(), 'one');
  // As Kubernetes does: another link is moved over it.
  symlinkSync(folder.path('v2'), folder.path('next'));
  renameSync(folder.path('next'), folder.path('file'));
  await rig.value(1);
  renameSync(folder.path('v3'), folder.path('file'));
  await rig.value(2);
  assert.deepEqual(rig.values, ['two', 'three']);
});

test('what makes no sense or is gone leaves what was known, is logged and counted, and is used when it is right again', async (t) => {
  const folder = makeFolder(t);
  folder.write('file', 'first');
  const rig = watch(t, one(folder));
  await rig.files.start();
  folder.write('file', 'broken');
  await rig.line(1);
  assert.equal(rig.lines[0].level, 50);
  assert.match(String(rig.lines[0].problem), /file is broken/);
  rmSync(folder.path('file'));
  await rig.line(2);
  assert.match(String(rig.lines[1].problem), /file cannot be read: ENOENT/);
  assert.deepEqual(rig.values, []);
  assert.ok(rig.files.failures >= 2);
  folder.write('file', 'again');
  await rig.value(1);
  assert.deepEqual(rig.values, ['again']);
  // A trouble that lasts is no flood of lines.
  assert.ok(rig.lines.filter(({ level }) => level === 50).length <= 2);
});

test('a start without the file, with something that is no file, or with one that is too large names field and file', async (t) => {
  const folder = makeFolder(t);
  await assert.rejects(watch(t, one(folder)).files.start(), {
    code: 'AUTH',
    message: `file cannot be read: ENOENT: no such file or directory, stat '${folder.path('file')}'`,
  });
  const dir = { folder: folder.path('.') };
  await assert.rejects(watch(t, dir).files.start(), {
    code: 'AUTH',
    message: /^folder cannot be read: .* is no file$/,
  });
  execFileSync('mkfifo', [folder.path('pipe')]);
  const pipe = { pipe: folder.path('pipe') };
  await assert.rejects(watch(t, pipe).files.start(), { code: 'AUTH', message: /^pipe cannot be read: .* is no file$/ });
  writeFileSync(folder.path('large'), '');
  truncateSync(folder.path('large'), 17 << 20);
  const large = { large: folder.path('large') };
  await assert.rejects(watch(t, large).files.start(), { code: 'AUTH', message: /more than 16777216 bytes/ });
});

test('without an interval nothing is looked at again', async (t) => {
  const folder = makeFolder(t);
  folder.write('file', 'first');
  const rig = watch(t, one(folder), 0);
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  await rig.files.start();
  assert.equal(timers(), before);
});
