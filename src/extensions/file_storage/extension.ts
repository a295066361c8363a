// The life of a store: its directory is held, what is there is examined, and then its thread is started.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Logger } from 'pino';
import type { Storage } from '../../component/capabilities.ts';
import type { MetricValue } from '../../component/definition.ts';
import type { Extension } from '../../component/extension.ts';
import { SpanmillError } from '../../errors.ts';
import { type Hold, holdDirectory, pathsOf, prepareDirectory } from './directory.ts';
import { openQueue } from './queue.ts';
import { restore } from './restore.ts';
import { Store, type StoreNumbers } from './store.ts';

export interface FileStorageOptions {
  readonly directory: string;
  /** Mode of directories that are made; null: none is made. */
  readonly directoryMode: number | null;
  /** How long another process may go on holding the directory. */
  readonly timeoutMs: number;
  /** 0: no bound. */
  readonly maxBytes: number;
  readonly fsync: boolean;
  /** A store of any size is written anew at the start. */
  readonly compactsOnStart: boolean;
  readonly log: Logger;
}

const carryUpToBytes = 256 * 2 ** 20;
/** As much as may be on its way to the disk at once; more is refused until it got there. */
const mostPendingBytes = 64 * 2 ** 20;
const reserveBytes = 256 * 2 ** 10;

export function createFileStorage(options: FileStorageOptions): Extension {
  let hold: Hold | null = null;
  let store: Store | null = null;
  /** Owners whose queue is open, with what resolves when it is closed where it is closing. */
  const owners = new Map<string, Promise<void> | null>();

  async function begin(): Promise<Store> {
    const { log, fsync } = options;
    const directory = resolve(options.directory);
    const paths = pathsOf(directory);
    await prepareDirectory(directory, options.directoryMode);
    hold = await holdDirectory(paths, options.timeoutMs);
    const boot = bootId();
    const upTo = options.compactsOnStart ? Number.MAX_SAFE_INTEGER : carryUpToBytes;
    const restored = await restore({ paths, fsync, boot, carryUpToBytes: upTo, log, now: Date.now });
    const { stored } = restored;
    if (stored.entries > 0)
      log.info({ directory, ...stored, owners: restored.owners }, 'the store holds spans of before');
    const begun = new Store({
      path: paths.data,
      reservePath: paths.reserve,
      reserveBytes,
      fsync,
      boot,
      directory,
      maxBytes: options.maxBytes,
      mostPendingBytes,
      stored,
      log,
    });
    await begun.open();
    return begun;
  }

  function release(): void {
    hold?.release();
    hold = null;
  }

  const storage: Storage = {
    async open(owner) {
      await owners.get(owner);
      const from = store;
      if (from === null) throw new SpanmillError('STORAGE', `the store in ${options.directory} is not open`);
      if (owners.has(owner)) throw new SpanmillError('STORAGE', `the stored queue of ${owner} is open already`);
      owners.set(owner, null);
      try {
        return await openQueue(from, owner, (closed) => {
          owners.set(
            owner,
            closed.then(() => void owners.delete(owner)),
          );
        });
      } catch (error) {
        owners.delete(owner);
        throw error;
      }
    },
  };

  return {
    offers: { storage },
    async start() {
      try {
        store = await begin();
      } catch (error) {
        release();
        throw error;
      }
    },
    async stop() {
      const open = store;
      store = null;
      await open?.close();
      release();
    },
    addresses: () => [],
    metricValues: () => (store === null ? [] : metricsOf(store.numbers)),
  };
}

function* metricsOf({ stored, fileBytes, failedWrites, failedReads }: StoreNumbers): Generator<MetricValue> {
  const values = {
    spanmill_file_storage_entries: stored.entries,
    spanmill_file_storage_spans: stored.spans,
    spanmill_file_storage_bytes: stored.bytes,
    spanmill_file_storage_file_bytes: fileBytes,
    spanmill_file_storage_failed_writes: failedWrites,
    spanmill_file_storage_failed_reads: failedReads,
  };
  for (const [name, value] of Object.entries(values)) yield { name, labels: {}, value };
}

/** Changes with each start of the machine; '' where the system does not say. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
