// Small files that may change while the service runs (certificates, tokens, password files): what they mean, read at the
// start and kept as fresh as they are. They are looked at now and then (a stat each), because that works on every file
// system, through symbolic links and where a file is replaced, which is how Kubernetes does it; events of a watcher do not.
import { open, stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import { SpanmillError } from '../errors.ts';
import { type RateLimitedLog, rateLimited } from '../lib/rate-limit.ts';

/** Larger than any of its kind: a bundle of all public certificate authorities has a quarter of a MiB. */
const largestBytes = 16 << 20;
/** How often a file is looked at that is watched. */
export const watchIntervalMs = 1000;
/** Files that belong together are seldom written at once: what makes no sense is read again after this time. */
const settleMs = 200;
/** A file that was changed so short a time before it was read may be changed again with the same time of change. */
const racyMs = 2000;
/** What cannot be used is looked at again after this time, or the interval where that is shorter. */
const againMs = 10_000;
const longestTimerMs = 2 ** 31 - 1;

export interface FreshFilesOptions<T> {
  /** Configuration field, as messages name it -> path. */
  readonly files: Readonly<Record<string, string>>;
  /** How often they are looked at; 0: they are read at the start only. */
  readonly intervalMs: number;
  /** Their texts by field -> what they mean. Throws a SpanmillError where they make no sense. */
  parse(texts: Readonly<Record<string, string>>): T;
  /** They say something else than before. Not called for the first time. May throw as `parse`. */
  changed(value: T): void;
  readonly log: Logger;
}

export interface FreshFiles<T> {
  /** Reads them; rejects with a SpanmillError AUTH that names the field and the file. Once. */
  start(): Promise<T>;
  /** May be called twice, and before start. */
  stop(): void;
  /** How often they were read again and said something else, and how often they made no sense or were not there. */
  readonly reloads: number;
  readonly failures: number;
}

/** What is compared to see that a file is another one, or was written to; '' where there is none. */
interface Stamp {
  readonly text: string;
  /** It cannot be trusted: the next change may look the same. */
  readonly isRacy: boolean;
}

async function stampOf(paths: readonly string[]): Promise<Stamp> {
  const parts: string[] = [];
  let isRacy = false;
  for (const path of paths) {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = await stat(path, { bigint: true });
      parts.push(`${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`);
      if (Math.abs(Date.now() - Number(ctimeMs)) < racyMs) isRacy = true;
    } catch {
      parts.push('');
    }
  }
  return { text: parts.join('\n'), isRacy };
}

async function readField(field: string, path: string): Promise<string> {
  try {
    // A pipe that nobody writes to would block a thread of libuv's pool for ever.
    if (!(await stat(path)).isFile()) throw new Error(`${path} is no file`);
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > largestBytes) throw new Error(`${path} has more than ${largestBytes} bytes`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new SpanmillError('AUTH', `${field} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

async function readFields(files: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [field, path] of Object.entries(files)) texts[field] = await readField(field, path);
  return texts;
}

const isSame = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean =>
  Object.entries(a).every(([field, text]) => b[field] === text);

export function createFreshFiles<T>(options: FreshFilesOptions<T>): FreshFiles<T> {
  const { files, intervalMs } = options;
  const paths = Object.values(files);
  // The first lines of a trouble, then one in ten minutes while it lasts.
  const log: RateLimitedLog = rateLimited(options.log, { tickMs: 600_000, initial: 2, thereafter: 0 });
  let texts: Record<string, string> = {};
  let stamp: Stamp = { text: '', isRacy: true };
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let reloads = 0;
  let failures = 0;

  const lookIn = (ms: number): void => {
    if (stopped) return;
    timer = setTimeout(() => void look(), Math.min(ms, longestTimerMs));
    timer.unref();
  };

  /** Reads them once more; what they mean goes to `changed`. */
  const readAgain = async (): Promise<void> => {
    const read = await readFields(files);
    if (isSame(read, texts) || stopped) return;
    options.changed(options.parse(read));
    texts = read;
    reloads++;
    log.info('read', { files: paths }, 'files of the configuration changed and were read again');
  };

  const look = async (): Promise<void> => {
    const now = await stampOf(paths);
    if (now.text === stamp.text && !stamp.isRacy) return lookIn(intervalMs);
    stamp = now;
    try {
      await readAgain().catch(async () => {
        await new Promise((resolve) => setTimeout(resolve, settleMs).unref());
        stamp = await stampOf(paths);
        await readAgain();
      });
    } catch (error) {
      failures++;
      stamp = { text: '', isRacy: true };
      const problem = error instanceof SpanmillError ? error.message : String(error);
      log.error(
        'failed',
        { problem },
        'files of the configuration changed and cannot be used: what was read before stays',
      );
      return lookIn(Math.min(intervalMs, againMs));
    }
    lookIn(intervalMs);
  };

  return {
    async start() {
      stamp = await stampOf(paths);
      texts = await readFields(files);
      const value = options.parse(texts);
      if (intervalMs > 0 && paths.length > 0) lookIn(intervalMs);
      return value;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
    get reloads() {
      return reloads;
    },
    get failures() {
      return failures;
    },
  };
}

/** A mistake in what a file, or a text of the configuration, says. */
export const unusable = (field: string, problem: string): SpanmillError =>
  new SpanmillError('AUTH', `${field} ${problem}`);
