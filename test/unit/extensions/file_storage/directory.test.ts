// What may be wrong with the directory, and that one process at a time has it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { holderProgram } from './holder.ts';
import { code, create, fill, newFolder, removeFolders, start, withQueue, withStore } from './support.ts';

after(removeFolders);

test('a directory that is not there is an error that says what to do, and is made where that is wanted', async () => {
  const folder = join(newFolder(), 'a', 'b');
  await assert.rejects(
    create(folder).extension.start(),
    code(/a\/b does not exist; create it, or set create_directory/),
  );
  await withStore(folder, async () => {}, { directoryMode: 0o700 });
  assert.equal(statSync(folder).mode & 0o777, 0o700);
});

test('a file in place of the directory, and a directory in place of the data file, are errors', async () => {
  const folder = newFolder();
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await assert.rejects(create(file).extension.start(), code(/file is not a directory/));
  await assert.rejects(create(join(file, 'x'), { directoryMode: 0o700 }).extension.start(), code(/cannot be made/));
  mkdirSync(join(folder, 'spanmill.mdb'));
  await assert.rejects(create(folder).extension.start(), code(/spanmill\.mdb is not a file/));
});

test('a directory that may not be written is an error, and so is a data file', () => {
  const folder = newFolder();
  chmodSync(folder, 0o555);
  // Root may write everywhere: then it is tried as nobody.
  const isRoot = process.getuid?.() === 0;
  const nobody = isRoot ? { uid: 65_534, gid: 65_534 } : {};
  if (isRoot) chmodSync(join(folder, '..'), 0o755);
  const { stderr, status } = spawnSync(process.execPath, [holderProgram, folder], { encoding: 'utf8', ...nobody });
  chmodSync(folder, 0o755);
  assert.equal(status, 1);
  assert.match(stderr, /STORAGE.* cannot be read and written: .*EACCES.*; change its owner or permissions/);
});

async function hold(folder: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [holderProgram, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  assert.equal(String(text), 'held\n');
  return child;
}

test('a directory that another process holds is refused until that process is gone, however it ends', async () => {
  const folder = newFolder();
  const child = await hold(folder);
  await assert.rejects(create(folder).extension.start(), code(/is used by another store/));
  // Killed, it leaves nothing behind that somebody has to clean up.
  child.kill('SIGKILL');
  await once(child, 'exit');
  await withStore(folder, async () => {});
});

test('a start waits for another process to leave the directory, up to the timeout', async () => {
  const folder = newFolder();
  const child = await hold(folder);
  const starting = start(folder, { timeoutMs: 20_000 });
  child.kill('SIGKILL');
  const { extension } = await starting;
  await extension.stop();
});

test('two stores of one process cannot share a directory either', async () => {
  const folder = newFolder();
  await withQueue(folder, async (queue) => {
    await assert.rejects(
      create(folder).extension.start(),
      code(/is used by another store, of this process or another/),
    );
    await assert.rejects(create(join(folder, '.')).extension.start(), code(/is used by another store/));
    // The refused ones have not broken what is there.
    await fill(queue, [1], [100]);
  });
  await withQueue(folder, async (queue) => assert.equal(queue.recovered.length, 1));
});

test('files of others in the directory are left alone, and nothing but the store is added', async () => {
  const folder = newFolder();
  writeFileSync(join(folder, 'exporter_otlp_'), "a Collector's");
  // What a start that was killed leaves behind.
  for (const name of ['spanmill.draft.mdb', 'spanmill.draft.mdb-lock']) writeFileSync(join(folder, name), 'half');
  await withQueue(folder, async (queue) => fill(queue, [1, 2], [5000]));
  await withQueue(folder, async (queue) => assert.equal(queue.recovered.length, 2));
  assert.deepEqual(readdirSync(folder).sort(), [
    'exporter_otlp_',
    'spanmill.lock',
    'spanmill.mdb',
    'spanmill.mdb-lock',
    'spanmill.reserve',
  ]);
});

test('nobody else may read what is stored, in a new store and in one that was written anew', async () => {
  const folder = newFolder();
  for (const title of ['new', 'written anew']) {
    await withQueue(folder, async (queue) => fill(queue, [1], [5000]));
    for (const name of ['spanmill.mdb', 'spanmill.reserve']) {
      assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, `${name}, ${title}`);
    }
  }
});

test('a new data file that was whole when the process ended is used', async () => {
  const folder = newFolder();
  await withQueue(folder, async (queue) => fill(queue, [1, 2], [5000]));
  // As if it had been killed between moving the old one away and putting the new one in its place.
  renameSync(join(folder, 'spanmill.mdb'), join(folder, 'spanmill.next.mdb'));
  await withQueue(folder, async (queue) => assert.equal(queue.recovered.length, 2));
  assert.ok(!existsSync(join(folder, 'spanmill.next.mdb')));
});
