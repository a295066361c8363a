// The store as the I/O thread sees it: what may be asked at any time, the thread that does it, and what it counts.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { SpanmillError } from '../../errors.ts';
import type { EntryKey } from './keys.ts';
import { keepSpares, Pending, type PendingRemove, type Waiter } from './pending.ts';
import type { Answer, BatchResult, ListResult, NotDone, Request, Sum, ThreadOptions } from './protocol.ts';
import { createTrouble, type Trouble } from './trouble.ts';

export interface StoreOptions extends ThreadOptions {
  /** For messages. */
  readonly directory: string;
  /** Of entries, each with `entryOverheadBytes`; 0: no bound. */
  readonly maxBytes: number;
  /** Of entries that wait to be written: copies, beside what their callers hold. */
  readonly mostPendingBytes: number;
  /** What is in the store at the start. */
  readonly stored: Readonly<Sum>;
  readonly log: Logger;
}

export interface StoreNumbers {
  readonly stored: Readonly<Sum>;
  /** Of the data file. */
  readonly fileBytes: number;
  /** Entries. */
  readonly failedWrites: number;
  readonly failedReads: number;
}

/** What an entry takes beside its own bytes: the rest of its last page, and its key. */
export const entryOverheadBytes = 4096;
/** After the disk was full nothing is tried for this time, unless something was removed. */
const fullPauseMs = 500;

interface PendingList extends Waiter<ListResult> {
  readonly owner: string;
  readonly from: number;
}

const what = ({ owner, spans, bytes }: EntryKey): string => `${spans} spans of ${owner} (${bytes} bytes)`;

export class Store {
  readonly #options: StoreOptions;
  readonly #trouble: Trouble;
  readonly #spares: ArrayBuffer[] = [];
  #thread: Worker | null = null;
  /** Why nothing can be asked; '' while all is well. */
  #ended = 'is not open';
  #pending: Pending;
  #underWay: Pending | null = null;
  #lists: PendingList[] = [];
  #listUnderWay: PendingList | null = null;
  /** Removals for which there was no space. */
  #stuck: PendingRemove[] = [];
  #stuckTimer: NodeJS.Timeout | null = null;
  #isScheduled = false;
  #onIdle: (() => void) | null = null;
  /** With the overhead of each entry. */
  #pendingBytes = 0;
  readonly #stored: Sum;
  #fileBytes = 0;
  #failedWrites = 0;
  #failedReads = 0;
  #fullUntilMs = 0;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#trouble = createTrouble(options.log, options.directory);
    this.#stored = { ...options.stored };
    this.#pending = new Pending(this.#spares);
  }

  get numbers(): StoreNumbers {
    return {
      stored: this.#stored,
      fileBytes: this.#fileBytes,
      failedWrites: this.#failedWrites,
      failedReads: this.#failedReads,
    };
  }

  /** Once. Rejects with a SpanmillError STORAGE. */
  open(): Promise<void> {
    const { path, reservePath, reserveBytes, fsync, boot } = this.#options;
    const workerData: ThreadOptions = { path, reservePath, reserveBytes, fsync, boot };
    const thread = new Worker(new URL(`./thread${extname(import.meta.filename)}`, import.meta.url), {
      name: 'file_storage',
      workerData,
      // What it makes is short-lived, and outside of the heap where it is large.
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 },
    });
    return new Promise((resolve, reject) => {
      let failure: Error | null = null;
      thread.on('message', (answer: Answer) => {
        if (this.#thread !== null) this.#answered(answer);
        else if (answer.kind === 'opened') {
          this.#thread = thread;
          this.#ended = '';
          this.#fileBytes = answer.fileBytes;
          resolve();
        } else if (answer.kind === 'failed') failure = new Error(answer.message);
      });
      thread.on('error', (error: Error) => {
        failure = error;
      });
      thread.on('exit', () => {
        if (this.#thread === null) {
          const why = failure?.message ?? 'its thread ended';
          reject(this.#error(`cannot be opened: ${why}`, failure));
        } else this.#threadEnded(failure);
      });
    });
  }

  /** Copies the segments, which have `entry.bytes` bytes together. Resolves when they are committed. */
  append(entry: EntryKey, segments: readonly Buffer[]): Promise<void> {
    if (this.#ended !== '') return Promise.reject(this.#error(this.#ended));
    const why = this.#cannotTake(entry);
    if (why !== '') return Promise.reject(this.#refuse(entry, why));
    return new Promise((resolve, reject) => {
      this.#pending.put(entry, segments, { resolve, reject });
      this.#pendingBytes += entry.bytes + entryOverheadBytes;
      this.#schedule();
    });
  }

  /** '' when it can. */
  #cannotTake({ bytes }: EntryKey): string {
    const { maxBytes, mostPendingBytes } = this.#options;
    const size = bytes + entryOverheadBytes;
    const used = this.#stored.bytes + this.#stored.entries * entryOverheadBytes + this.#pendingBytes;
    if (maxBytes > 0 && used + size > maxBytes) return `the store would hold more than max_size, ${maxBytes} bytes`;
    if (this.#pendingBytes > 0 && this.#pendingBytes + size > mostPendingBytes) {
      return `the disk does not keep up: ${this.#pendingBytes} bytes wait to be written`;
    }
    return performance.now() < this.#fullUntilMs ? 'no space left on the device' : '';
  }

  /** Resolves when they are gone: on a full disk as soon as that is possible. */
  remove(entries: readonly EntryKey[]): Promise<void> {
    return this.#ask((waiter) => this.#pending.removes.push({ ...waiter, entries }));
  }

  read(entry: EntryKey): Promise<Buffer> {
    return this.#ask((waiter) => this.#pending.reads.push({ ...waiter, entry }));
  }

  /** The first of an owner's entries that have at least that key. */
  list(owner: string, from: number): Promise<ListResult> {
    return this.#ask((waiter) => this.#lists.push({ ...waiter, owner, from }));
  }

  #ask<T>(add: (waiter: Waiter<T>) => void): Promise<T> {
    if (this.#ended !== '') return Promise.reject(this.#error(this.#ended));
    return new Promise((resolve, reject) => {
      add({ resolve, reject });
      this.#schedule();
    });
  }

  /** What was asked is done first; then nothing can be asked any more. May be called twice, and before `open`. */
  async close(): Promise<void> {
    if (this.#thread === null || this.#ended !== '') return;
    this.#ended = 'is closed';
    this.#retryStuck();
    if (!this.#isIdle()) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    const thread = this.#thread;
    if (thread === null) return;
    const ended = new Promise((resolve) => thread.once('exit', resolve));
    this.#post({ kind: 'close' });
    await ended;
  }

  #isIdle(): boolean {
    return this.#underWay === null && this.#listUnderWay === null && this.#pending.isEmpty && this.#lists.length === 0;
  }

  /** At the end of the turn, so that what comes in it shares a commit. */
  #schedule(): void {
    if (this.#isScheduled || this.#underWay !== null || this.#listUnderWay !== null) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    const list = this.#lists.shift();
    if (list !== undefined) {
      this.#listUnderWay = list;
      this.#post({ kind: 'list', owner: list.owner, from: list.from });
    } else if (!this.#pending.isEmpty) {
      const batch = this.#pending.batch();
      this.#underWay = this.#pending;
      this.#pending = new Pending(this.#spares);
      this.#post(batch, batch.buffers);
    } else this.#onIdle?.();
  }

  #post(request: Request, moved: ArrayBuffer[] = []): void {
    this.#thread?.postMessage(request, moved);
  }

  #answered(answer: Answer): void {
    const [batch, list] = [this.#underWay, this.#listUnderWay];
    this.#underWay = null;
    this.#listUnderWay = null;
    if (answer.kind === 'batch' && batch !== null) this.#settle(batch, answer);
    else if (answer.kind === 'list' && list !== null) list.resolve(answer);
    else {
      const error = this.#error(answer.kind === 'failed' ? answer.message : 'gave an answer that was not asked for');
      list?.reject(error);
      if (batch !== null) this.#giveUp(batch, error);
      else if (list === null) this.#options.log.warn({ error }, 'the store may not be whole on the disk');
    }
    this.#send();
  }

  #settle(batch: Pending, result: BatchResult): void {
    keepSpares(this.#spares, result.buffers);
    this.#fileBytes = result.fileBytes;
    this.#settlePuts(batch, result.puts);
    this.#settleRemoves(batch, result.removes);
    for (const [index, { entry, resolve, reject }] of batch.reads.entries()) {
      const read = result.reads[index];
      if ('bytes' in read) {
        resolve(Buffer.from(read.bytes.buffer));
        continue;
      }
      this.#failedReads++;
      reject(this.#error(`cannot give back ${what(entry)}: ${read.error}`));
    }
  }

  #settlePuts({ puts }: Pending, failure: NotDone | null): void {
    if (puts.length === 0) return;
    if (failure?.kind === 'full') this.#fullUntilMs = performance.now() + fullPauseMs;
    for (const { entry, resolve, reject } of puts) {
      this.#pendingBytes -= entry.bytes + entryOverheadBytes;
      if (failure !== null) reject(this.#refuse(entry, failure.message));
      else {
        this.#count(entry, 1);
        resolve();
      }
    }
    if (failure === null) this.#trouble.stored();
  }

  #settleRemoves({ removes }: Pending, failure: NotDone | null): void {
    if (removes.length === 0) return;
    if (failure === null) {
      for (const { entries, resolve } of removes) {
        for (const entry of entries) this.#count(entry, -1);
        resolve();
      }
      this.#fullUntilMs = 0;
      this.#retryStuck();
    } else if (failure.kind === 'full' && this.#ended === '') {
      this.#stuck.push(...removes);
      this.#stuckTimer ??= setTimeout(() => this.#retryStuck(), fullPauseMs);
    } else {
      for (const { entries, reject } of removes) {
        reject(
          this.#error(`cannot remove ${entries.length} entries, which come back at the next start: ${failure.message}`),
        );
      }
    }
  }

  #retryStuck(): void {
    if (this.#stuckTimer !== null) clearTimeout(this.#stuckTimer);
    this.#stuckTimer = null;
    if (this.#stuck.length === 0) return;
    this.#pending.removes.push(...this.#stuck.splice(0));
    this.#schedule();
  }

  #count({ spans, bytes }: EntryKey, by: 1 | -1): void {
    this.#stored.entries += by;
    this.#stored.spans += by * spans;
    this.#stored.bytes += by * bytes;
  }

  #refuse(entry: EntryKey, why: string): SpanmillError {
    this.#failedWrites++;
    this.#trouble.refused(entry.spans, why);
    return this.#error(`cannot take ${what(entry)}: ${why}`);
  }

  #giveUp(batch: Pending, error: Error): void {
    for (const { entry } of batch.puts) {
      this.#failedWrites++;
      this.#pendingBytes -= entry.bytes + entryOverheadBytes;
    }
    batch.rejectAll(error);
  }

  #threadEnded(cause: Error | null): void {
    this.#thread = null;
    const wasExpected = this.#ended !== '' && this.#isIdle();
    if (this.#ended === '') this.#ended = `has stopped: ${cause?.message ?? 'its thread ended'}`;
    if (!wasExpected) {
      this.#options.log.error({ directory: this.#options.directory, error: cause }, 'the store has stopped');
    }
    const error = this.#error(this.#ended, cause);
    if (this.#stuckTimer !== null) clearTimeout(this.#stuckTimer);
    for (const { reject } of [...this.#lists.splice(0), ...this.#stuck.splice(0)]) reject(error);
    this.#listUnderWay?.reject(error);
    this.#listUnderWay = null;
    if (this.#underWay !== null) this.#giveUp(this.#underWay, error);
    this.#underWay = null;
    this.#giveUp(this.#pending, error);
    this.#pending = new Pending(this.#spares);
    this.#onIdle?.();
  }

  #error(text: string, cause?: unknown): SpanmillError {
    return new SpanmillError('STORAGE', `the store in ${this.#options.directory} ${text}`, { cause });
  }
}
