// LMDB as the store uses it. Only the store's own thread and the process that examines a store load this module: it costs
// memory, and nobody pays who has no store.
import { closeSync, openSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { open, type RootDatabase } from 'lmdb';

const { errno } = constants;

export type Environment = RootDatabase<Buffer, Buffer>;

export interface EnvironmentOptions {
  readonly readOnly: boolean;
  /** See `noSync` below. */
  readonly fsync: boolean;
}

/**
 * Only synchronous transactions are used (`transactionSync`): they throw what goes wrong, with LMDB's or the system's code. Those
 * that the package runs in a thread of its own print a failed commit on the console and leave behind a promise that rejects
 * unhandled (kriszyp/lmdb-js#368), which would end the service when the disk is full.
 */
export function openEnvironment(path: string, { readOnly, fsync }: EnvironmentOptions): Environment {
  // LMDB would make a file that everybody may read; spans may hold what not everybody should. An empty file is a new store.
  if (!readOnly) closeSync(openSync(path, 'a', 0o600));
  makeLockFile(`${path}-lock`);
  return open<Buffer, Buffer>(path, {
    noSubdir: true,
    encoding: 'binary',
    keyEncoding: 'binary',
    cache: false,
    maxDbs: 1,
    maxReaders: 16,
    readOnly,
    // False: a commit writes its pages, waits for the disk (fdatasync), and writes the meta page that makes them the store
    // through a descriptor that waits as well (O_DSYNC): what was committed survives a power cut. True: the same writes, without
    // waiting. The page cache outlives the process, however it ends, so that a commit does; after a power cut, the disk may
    // have some of the pages and not others.
    noSync: !fsync,
    // The package's own way to commit first and wait for the disk afterwards, with several meta pages of its own. Off: LMDB's
    // order of writes is the one that is proven, and entries that wait while the disk is written share the next commit.
    overlappingSync: false,
    // Writing through the map would end the process with SIGBUS when the disk is full; pwrite gives ENOSPC.
    useWritemap: false,
  });
}

/** More than LMDB needs for its readers. */
const lockFileBytes = 4096;

/**
 * LMDB writes to the lock table beside a data file through a map of it, which ends the process with SIGBUS when the disk has no
 * page for it. Written beforehand, it has its page; throws ENOSPC where there is none.
 */
function makeLockFile(path: string): void {
  const { size = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
  if (size === 0) writeFileSync(path, Buffer.alloc(lockFileBytes), { mode: 0o600 });
}

/** LMDB's own errors (MDB_…) are below; above are the system's, as positive numbers. */
const firstOwnError = -30_700;
const { ENOSPC, EDQUOT, EFBIG } = errno;
const { EACCES, EPERM, ENOENT, EMFILE, ENFILE, ENOMEM, EROFS, EBUSY, EAGAIN, EINTR } = errno;
const full: readonly unknown[] = [ENOSPC, EDQUOT, EFBIG, 'ENOSPC', 'EDQUOT', 'EFBIG'];
const passing: readonly unknown[] = [EACCES, EPERM, ENOENT, EMFILE, ENFILE, ENOMEM, EROFS, EBUSY, EAGAIN, EINTR];

/** `full`: no space. `passing`: says nothing of the store itself. `broken`: whatever else LMDB, or reading with it, throws. */
export type FailureKind = 'full' | 'passing' | 'broken';

export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
  /** LMDB's, or the system's. */
  readonly code: unknown;
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { kind: 'broken', message: String(error), code: undefined };
  const { code, message } = error as Error & { code?: unknown };
  if (full.includes(code)) return { kind: 'full', message: 'no space left on the device', code };
  if (typeof code === 'number' && code <= firstOwnError) return { kind: 'broken', message, code };
  // A fault in the program is none of the store.
  const isFault = error instanceof TypeError || error instanceof ReferenceError || error instanceof SyntaxError;
  return { kind: isFault || passing.includes(code) ? 'passing' : 'broken', message, code };
}

/** Of a commit. EIO is what LMDB makes of a write that was cut short, which is how a disk becomes full. */
export function writeFailureOf(error: unknown): Failure {
  const failure = failureOf(error);
  if (failure.code !== errno.EIO) return failure;
  return { ...failure, kind: 'full', message: 'a write was cut short: no space left on the device, or it fails' };
}
