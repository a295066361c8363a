// Stores in directories of their own, entries whose bytes follow from a number, and a log that can be read.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Storage, StoredEntry, StoredQueue } from '../../../../src/component/capabilities.ts';
import type { Extension } from '../../../../src/component/extension.ts';
import { createFileStorage, type FileStorageOptions } from '../../../../src/extensions/file_storage/extension.ts';

/** Made when it is needed: the programs that tests start and kill need none. */
let root = '';
let folders = 0;
export function newFolder(): string {
  if (root === '') root = mkdtempSync(join(tmpdir(), 'spanmill-storage-'));
  return mkdtempSync(join(root, `${folders++}-`));
}
export const removeFolders = (): void => rmSync(root, { recursive: true, force: true });

/** A line of the log. */
export interface Line {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}
export const errorLevel = 50;

export interface Opened {
  readonly extension: Extension;
  readonly storage: Storage;
  readonly lines: Line[];
}

export function create(directory: string, options: Partial<FileStorageOptions> = {}): Opened {
  const lines: Line[] = [];
  const extension = createFileStorage({
    directory,
    directoryMode: null,
    timeoutMs: 0,
    maxBytes: 0,
    fsync: false,
    compactsOnStart: false,
    log: pino({ level: 'trace' }, { write: (text: string) => void lines.push(JSON.parse(text) as Line) }),
    ...options,
  });
  const storage = extension.offers?.storage;
  assert.ok(storage);
  return { extension, storage, lines };
}

export async function start(directory: string, options: Partial<FileStorageOptions> = {}): Promise<Opened> {
  const opened = create(directory, options);
  await opened.extension.start();
  return opened;
}

/** Opens a store for one test, and closes it whatever becomes of the test. */
export async function withStore<T>(
  directory: string,
  use: (opened: Opened) => Promise<T>,
  options: Partial<FileStorageOptions> = {},
): Promise<T> {
  const opened = await start(directory, options);
  try {
    return await use(opened);
  } finally {
    await opened.extension.stop();
  }
}

/** As withStore, with the queue of one owner. */
export const withQueue = <T>(
  directory: string,
  use: (queue: StoredQueue, opened: Opened) => Promise<T>,
  options: Partial<FileStorageOptions> = {},
): Promise<T> =>
  withStore(directory, async (opened) => use(await opened.storage.open('exporter test'), opened), options);

/** Bytes that follow from `seed`, and differ from those of any other. */
export function bytesOf(seed: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = (seed + 1) * 2_654_435_761;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes.writeInt32LE(state, at);
  }
  for (; at < length; at++) bytes[at] = seed;
  return bytes;
}

export const code = (expected: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Error && 'code' in error);
  assert.equal(error.code, 'STORAGE', error.stack);
  assert.match(error.message, expected);
  return true;
};

export const metric = (extension: Extension, name: string): number => {
  const found = [...(extension.metricValues?.() ?? [])].find((one) => one.name === `spanmill_file_storage_${name}`);
  assert.ok(found, name);
  return found.value;
};

/** Entries whose bytes follow from their tag; the lengths are `lengths`, in turn. */
export async function fill(
  queue: StoredQueue,
  seeds: readonly number[],
  lengths: readonly number[],
): Promise<StoredEntry[]> {
  return Promise.all(
    seeds.map((seed, at) => queue.append([bytesOf(seed, lengths[at % lengths.length])], seed + 1, String(seed))),
  );
}

/** Every entry is what `fill` stored; returns their seeds. */
export async function verify(queue: StoredQueue, entries: readonly StoredEntry[]): Promise<number[]> {
  for (const entry of entries) {
    const seed = Number(entry.tag);
    assert.equal(entry.spans, seed + 1);
    const bytes = await queue.read(entry);
    assert.equal(bytes.length, entry.bytes);
    assert.ok(bytes.equals(bytesOf(seed, entry.bytes)), `entry ${entry.key} has other bytes`);
  }
  return entries.map(({ tag }) => Number(tag));
}
