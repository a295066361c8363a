import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import pino from 'pino';
import { watchFiles } from '../../../src/control/watch-files.ts';

interface Watched {
  readonly folder: string;
  files: string[];
  /** Resolves at the next change. */
  next(): Promise<void>;
  changes(): number;
  refresh(): void;
}

function watched(t: TestContext, pollMs = 60_000): Watched {
  const folder = mkdtempSync(join(tmpdir(), 'spanmill-watch-'));
  let changes = 0;
  let waiting: (() => void)[] = [];
  const state: Watched = {
    folder,
    files: [join(folder, 'a.yaml')],
    next: () => new Promise((resolve) => waiting.push(resolve)),
    changes: () => changes,
    refresh() {},
  };
  writeFileSync(state.files[0], 'one');
  const watch = watchFiles({
    files: () => state.files,
    changed() {
      changes++;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    log: pino({ level: 'silent' }),
    quietMs: 30,
    pollMs,
  });
  state.refresh = () => watch.refresh();
  t.after(() => {
    watch.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return state;
}

test('a file that is written in several steps has changed once', async (t) => {
  const state = watched(t);
  const changed = state.next();
  for (let i = 0; i < 5; i++) writeFileSync(state.files[0], `step ${i}`);
  await changed;
  const again = state.next();
  writeFileSync(state.files[0], 'another time');
  await again;
  assert.equal(state.changes(), 2);
});

test('a file that another one is renamed over has changed, again and again', async (t) => {
  const state = watched(t);
  for (let i = 0; i < 3; i++) {
    const changed = state.next();
    writeFileSync(join(state.folder, 'tmp'), `version ${i}`);
    renameSync(join(state.folder, 'tmp'), state.files[0]);
    await changed;
  }
  assert.equal(state.changes(), 3);
});

test('a file that goes and comes back has changed', async (t) => {
  const state = watched(t);
  const gone = state.next();
  unlinkSync(state.files[0]);
  await gone;
  const back = state.next();
  writeFileSync(state.files[0], 'back');
  await back;
});

test('a link on the way to the file that turns is a change, and so is a write behind it', async (t) => {
  const state = watched(t);
  const put = (name: string): void => {
    mkdirSync(join(state.folder, name));
    writeFileSync(join(state.folder, name, 'a.yaml'), name);
  };
  const linked = state.next();
  put('..1');
  symlinkSync('..1', join(state.folder, '..data'));
  symlinkSync('..data/a.yaml', join(state.folder, 'new'));
  renameSync(join(state.folder, 'new'), state.files[0]);
  await linked;
  const turned = state.next();
  put('..2');
  symlinkSync('..2', join(state.folder, '..tmp'));
  renameSync(join(state.folder, '..tmp'), join(state.folder, '..data'));
  await turned;
  const written = state.next();
  writeFileSync(join(state.folder, '..2', 'a.yaml'), 'in place');
  await written;
});

test('another file in the same folder is nobody’s business', async (t) => {
  const state = watched(t);
  for (let i = 0; i < 10; i++) writeFileSync(join(state.folder, `other-${i}`), 'x');
  const changed = state.next();
  writeFileSync(state.files[0], 'x');
  await changed;
  assert.equal(state.changes(), 1);
});

test('a folder that is replaced is noticed by looking now and then', async (t) => {
  const state = watched(t, 50);
  const folder = join(state.folder, 'conf');
  const make = (text: string): void => {
    mkdirSync(`${folder}.new`);
    writeFileSync(join(`${folder}.new`, 'b.yaml'), text);
    rmSync(folder, { recursive: true, force: true });
    renameSync(`${folder}.new`, folder);
  };
  const there = state.next();
  state.files.push(join(folder, 'b.yaml'));
  state.refresh();
  make('one');
  await there;
  for (let i = 0; i < 3; i++) {
    const changed = state.next();
    make(`version ${i}`);
    await changed;
  }
});

test('what changes between a change and its reading is another change', async (t) => {
  const state = watched(t);
  const first = state.next();
  writeFileSync(state.files[0], 'one more');
  await first;
  // Whoever reads has read, and says so, when the file is another already.
  const second = state.next();
  writeFileSync(state.files[0], 'and another');
  state.refresh();
  await second;
  assert.equal(state.changes(), 2);
});

test('a file that is named from now on is watched, and naming it is no change', async (t) => {
  const state = watched(t);
  const other = join(state.folder, 'other.yaml');
  writeFileSync(other, 'x');
  state.files = [...state.files, other];
  state.refresh();
  const changed = state.next();
  writeFileSync(other, 'xx');
  await changed;
  assert.equal(state.changes(), 1);
});
