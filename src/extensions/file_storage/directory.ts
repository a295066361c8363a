// The directory of a store: made and checked, held by one process alone, and the names of the files in it.
import { constants, type Stats } from 'node:fs';
import { access, mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { SpanmillError } from '../../errors.ts';

export interface StorePaths {
  readonly directory: string;
  readonly data: string;
  /** A new data file that is not whole yet. */
  readonly draft: string;
  /** A new data file that is whole, and takes the place of `data`. */
  readonly next: string;
  /** Only takes space; see ThreadOptions.reservePath. */
  readonly reserve: string;
  readonly lock: string;
}

export const pathsOf = (directory: string): StorePaths => ({
  directory,
  data: join(directory, 'spanmill.mdb'),
  draft: join(directory, 'spanmill.draft.mdb'),
  next: join(directory, 'spanmill.next.mdb'),
  reserve: join(directory, 'spanmill.reserve'),
  lock: join(directory, 'spanmill.lock'),
});

const storageError = (message: string, cause?: unknown): SpanmillError =>
  new SpanmillError('STORAGE', message, { cause });
const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException).code);
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export async function exists(path: string): Promise<boolean> {
  return (await statOf(path)) !== null;
}

async function statOf(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw storageError(`${path} cannot be looked at: ${textOf(error)}`, error);
  }
}

/** `mode`: of directories that are made; null: none is made. Rejects with a SpanmillError STORAGE. */
export async function prepareDirectory(directory: string, mode: number | null): Promise<void> {
  if (mode !== null) {
    try {
      await mkdir(directory, { recursive: true, mode });
    } catch (error) {
      throw storageError(`the directory ${directory} cannot be made: ${textOf(error)}`, error);
    }
  }
  const found = await statOf(directory);
  if (found === null) {
    throw storageError(`the directory ${directory} does not exist; create it, or set create_directory: true`);
  }
  if (!found.isDirectory()) throw storageError(`${directory} is not a directory`);
  const { R_OK, W_OK, X_OK } = constants;
  const { data } = pathsOf(directory);
  await checkAccess(directory, R_OK | W_OK | X_OK);
  const file = await statOf(data);
  if (file === null) return;
  if (!file.isFile()) throw storageError(`${data} is not a file`);
  await checkAccess(data, R_OK | W_OK);
}

async function checkAccess(path: string, mode: number): Promise<void> {
  try {
    await access(path, mode);
  } catch (error) {
    throw storageError(`${path} cannot be read and written: ${textOf(error)}; change its owner or permissions`, error);
  }
}

/** A directory that this process holds. */
export interface Hold {
  release(): void;
}

/**
 * Holds the directory for this process alone, as long as it lives: the system ends the lock with the process, however that ends,
 * and the lock is the file's, so that it holds between containers that share a volume. It is SQLite's lock on an empty database;
 * Node has no other way to lock a file. Waits up to `timeoutMs` for another that holds it. Rejects with a SpanmillError STORAGE.
 */
export async function holdDirectory({ directory, lock }: StorePaths, timeoutMs: number): Promise<Hold> {
  const untilMs = performance.now() + timeoutMs;
  // Loaded only where there is a store.
  const { DatabaseSync: Database } = await import('node:sqlite');
  const openLock = (): DatabaseSync => new Database(lock, { timeout: 0 });
  for (;;) {
    const held = tryHold(openLock, directory);
    if (held !== null) return held;
    if (performance.now() >= untilMs) {
      throw storageError(
        `the directory ${directory} is used by another store, of this process or another; each needs its own directory`,
      );
    }
    await wait(Math.min(50, Math.max(1, untilMs - performance.now())));
  }
}

/** SQLite's result code for a lock that another has. */
const sqliteBusy = 5;

/** null: another has it. */
function tryHold(openLock: () => DatabaseSync, directory: string): Hold | null {
  let database: DatabaseSync | null = null;
  try {
    database = openLock();
    // A full disk has no room for a journal; nothing is written that would need one.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if ((error as { errcode?: unknown }).errcode === sqliteBusy) return null;
    throw storageError(`the directory ${directory} cannot be locked: ${textOf(error)}`, error);
  }
  const held = database;
  return { release: () => held.close() };
}

/** Of a disk with less, a start needs some: for lock tables, and for the first commits. */
const shortBytes = 2 ** 20;

/** On a disk that is full the reserve is given up: what it keeps free is needed now. */
export async function useReserve({ directory, reserve }: StorePaths): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize < shortBytes) await rm(reserve, { force: true });
}

/** Removes what an earlier process began and did not end, and puts in place what it had made whole. */
export async function tidy(paths: StorePaths): Promise<void> {
  await removeData(paths.draft);
  if (await exists(paths.next)) {
    if (await exists(paths.data)) await removeData(paths.next);
    else await rename(paths.next, paths.data);
  }
}

/** A data file with the lock table that LMDB keeps beside it. */
export async function removeData(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(`${path}-lock`, { force: true });
}

/** Moves the data file away under a name that is free, and returns it. */
export async function setAside({ data }: StorePaths, nowMs: number): Promise<string> {
  let atMs = nowMs;
  const name = (): string => `${data}.${new Date(atMs).toISOString().replaceAll(':', '-')}.backup`;
  while (await exists(name())) atMs++;
  await rename(data, name());
  await rm(`${data}-lock`, { force: true });
  return name();
}

/** The draft becomes what it is a draft of, and the disk knows. */
export async function finishDraft({ draft, next, directory }: StorePaths): Promise<void> {
  await rename(draft, next);
  await rm(`${draft}-lock`, { force: true });
  await syncDirectory(directory);
}
export async function useNext({ next, data, directory }: StorePaths): Promise<void> {
  await rename(next, data);
  await rm(`${data}-lock`, { force: true });
  await syncDirectory(directory);
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
