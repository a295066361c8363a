// A file that grows by whole records: a record that could not be written whole is taken back.
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { moveAway, prune, type RotationOptions } from './rotation.ts';

export interface SinkOptions {
  readonly path: string;
  /** False: what the file holds when it is first opened is removed. */
  readonly append: boolean;
  /** Mode of directories that are made; null: none is made. */
  readonly directoryMode: number | null;
  readonly rotation: RotationOptions | null;
  /** Older files could not be removed; nothing else is wrong. */
  onPruneError(error: unknown): void;
  /** ms since 1970. */
  now(): number;
}

/** One call at a time. Each rejects with the error of the system; the next call tries anew. */
export interface Sink {
  open(): Promise<void>;
  /** All of the record, or nothing of it. */
  append(record: Buffer): Promise<void>;
  /** Makes sure that what was written is on the disk. May be called twice, and before `open`. */
  close(): Promise<void>;
}

/** The Collector's: spans may hold what not everybody should read. */
const fileMode = 0o600;

export function createSink(options: SinkOptions): Sink {
  const { path, rotation } = options;
  let handle: FileHandle | null = null;
  let begun = options.append;
  /** Length of the file's whole records, when a piece of one more may stand behind them. */
  let wholeBytes: number | null = null;

  async function opened(): Promise<FileHandle> {
    if (handle !== null) return handle;
    if (options.directoryMode !== null) await mkdir(dirname(path), { recursive: true, mode: options.directoryMode });
    // Opened for appending always: if something else empties the file (logrotate's copytruncate), writing goes on at its new end.
    handle = await open(path, 'a', fileMode);
    if (!begun) await handle.truncate(0);
    begun = true;
    return handle;
  }

  async function release(): Promise<void> {
    const old = handle;
    handle = null;
    await old?.close();
  }

  async function takeBack(file: FileHandle): Promise<void> {
    if (wholeBytes === null) return;
    await file.truncate(wholeBytes);
    wholeBytes = null;
  }

  /** The file for a record of `length` bytes, and its size. */
  async function fileFor(length: number): Promise<{ file: FileHandle; size: number }> {
    const file = await opened();
    await takeBack(file);
    const { size } = await file.stat();
    if (rotation === null || size === 0 || size + length <= rotation.maxBytes) return { file, size };
    await file.sync();
    await release();
    await moveAway(path, rotation, options.now());
    await pruneQuietly(rotation);
    return { file: await opened(), size: 0 };
  }

  async function pruneQuietly(limits: RotationOptions): Promise<void> {
    try {
      await prune(path, limits, options.now());
    } catch (error) {
      options.onPruneError(error);
    }
  }

  return {
    async open() {
      await opened();
      if (rotation !== null) await pruneQuietly(rotation);
    },
    async append(record) {
      const { file, size } = await fileFor(record.length);
      wholeBytes = size;
      try {
        await file.appendFile(record);
        wholeBytes = null;
      } catch (error) {
        // When even this fails, the next call begins with it.
        await takeBack(file).catch(() => {});
        throw error;
      }
    },
    async close() {
      try {
        await handle?.sync();
      } finally {
        await release();
      }
    },
  };
}
