// Cuts requests on a thread of its own: a request of 64 MiB takes longer than the I/O thread may stand still. The thread is
// made when it is first needed, and goes when it had nothing to do for a while.
import type { Logger } from 'pino';
import { Piscina } from 'piscina';
import { SpanmillError } from '../errors.ts';
import type { Part } from '../wire/cut/part.ts';
import type { SplitLimits } from '../wire/cut/split.ts';
import { partsOf } from '../wire/cut/split-plan.ts';
import type { CutResult, CutTask, CutWork } from './cut-protocol.ts';

/**
 * What wire/cut does, as promises. One call is worked on at a time, the others wait. The segments are read until the promise
 * settles; parts are views of them. A thread that dies or takes too long is replaced, and the call made again, once. Rejects with a
 * SpanmillError: OTLP_PROTOBUF for what is malformed, WORKER when two threads ended at it, or after `stop`.
 */
export interface Cutter {
  /** See `splitToLimits`. */
  split(part: Part, limits: SplitLimits): Promise<readonly Part[]>;
  /** See `splitInHalves`. */
  halve(part: Part): Promise<readonly [Part, Part] | null>;
  /** See `shrinkSpan`. */
  shrink(part: Part, maxBytes: number): Promise<Part | null>;
  /** What waits or runs is rejected. May be called twice. */
  stop(): Promise<void>;
}

export interface CutterOptions {
  readonly log: Logger;
  /** A thread that takes longer for a call runs away: its thread is ended. Default 60 s. */
  readonly limitMs?: number;
  /** Module of the thread; for tests. */
  readonly entry?: URL;
  /** A thread that has nothing to do goes after this time. Default 60 s. */
  readonly idleMs?: number;
}

const defaultLimitMs = 60_000;
const defaultIdleMs = 60_000;
/** Beside the message itself, which lies outside of the heap: tables of its values and of its parts. */
const heapMb = 512;

export function createCutter(options: CutterOptions): Cutter {
  return new ThreadCutter(options);
}

class ThreadCutter implements Cutter {
  readonly #options: CutterOptions;
  #threads: Piscina | null = null;
  /** Settles when the call before has: their inputs are handed over one at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(options: CutterOptions) {
    this.#options = options;
  }

  async split(part: Part, limits: SplitLimits): Promise<readonly Part[]> {
    const result = await this.#inTurn(part, { kind: 'split', limits });
    return result?.kind === 'plan' ? partsOf(part.segments, result.plan) : [part];
  }

  async halve(part: Part): Promise<readonly [Part, Part] | null> {
    const result = await this.#inTurn(part, { kind: 'halve' });
    if (result?.kind !== 'plan') return null;
    const [first, second] = partsOf(part.segments, result.plan);
    return [first, second];
  }

  async shrink(part: Part, maxBytes: number): Promise<Part | null> {
    const result = await this.#inTurn(part, { kind: 'shrink', maxBytes });
    if (result?.kind === 'whole') return part;
    if (result?.kind !== 'bytes') return null;
    const { buffer, byteOffset, length } = result.bytes;
    return { segments: [Buffer.from(buffer, byteOffset, length)], spans: 1, bytes: length };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#end();
  }

  #inTurn(part: Part, task: CutWork): Promise<CutResult> {
    const result = this.#turn.then(() => this.#attempts(part, task));
    this.#turn = result.catch(() => {});
    return result;
  }

  /** One that ends two threads is at fault itself. */
  async #attempts(part: Part, task: CutWork): Promise<CutResult> {
    let result = await this.#run(part, task);
    if (result instanceof Ended && !this.#stopped) {
      const fields = { bytes: part.bytes, error: result.why };
      this.#options.log.error(fields, 'a cutting thread ended; what it worked on is tried once more');
      result = await this.#run(part, task);
    }
    if (!(result instanceof Ended)) return result;
    const what = `a request of ${part.bytes} bytes could not be cut: the thread that does it has ended`;
    throw new SpanmillError('WORKER', `${what}: ${result.why}`, { cause: result.cause });
  }

  async #run(part: Part, task: CutWork): Promise<CutResult | Ended> {
    if (this.#stopped) throw new SpanmillError('WORKER', 'requests are cut no more: the service has stopped');
    this.#threads ??= this.#newThreads();
    const { segments, transferList } = handOver(part.segments);
    const { limitMs = defaultLimitMs } = this.#options;
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), limitMs);
    let result: CutResult;
    try {
      const { signal } = controller;
      result = (await this.#threads.run({ ...task, segments } satisfies CutTask, {
        transferList,
        signal,
      })) as CutResult;
    } catch (error) {
      await this.#end();
      return new Ended(
        controller.signal.aborted ? `it took longer than ${limitMs} ms` : (error as Error).message,
        error,
      );
    } finally {
      clearTimeout(timer);
    }
    if (result?.kind === 'error') throw new SpanmillError(result.code, result.message);
    return result;
  }

  #newThreads(): Piscina {
    const { log, entry = ownEntry(), idleMs = defaultIdleMs } = this.#options;
    const threads = new Piscina({
      filename: entry.href,
      minThreads: 0,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      idleTimeout: idleMs,
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
      recordTiming: false,
    });
    // One that dies while it has nothing to do: without a listener this would end the process.
    threads.on('error', (error) => log.error({ error: String(error) }, 'an idle cutting thread died'));
    return threads;
  }

  async #end(): Promise<void> {
    const threads = this.#threads;
    this.#threads = null;
    await threads?.destroy();
  }
}

/** The thread that worked on a call has ended. */
class Ended {
  readonly why: string;
  readonly cause: unknown;
  constructor(why: string, cause: unknown) {
    this.why = why;
    this.cause = cause;
  }
}

/** Views of memory that threads share go as they are; of all else a copy is handed over. */
function handOver(segments: readonly Buffer[]): {
  readonly segments: readonly Uint8Array[];
  readonly transferList: ArrayBuffer[];
} {
  const transferList: ArrayBuffer[] = [];
  const own = segments.filter(({ buffer }) => buffer instanceof ArrayBuffer);
  if (own.length === 0) return { segments, transferList };
  if (own.length < segments.length) {
    const copies = segments.map((segment) =>
      segment.buffer instanceof ArrayBuffer ? Uint8Array.from(segment) : segment,
    );
    return { segments: copies, transferList };
  }
  // One copy for all of them, which is the message as the thread wants it.
  const message = new Uint8Array(segments.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const segment of segments) {
    message.set(segment, at);
    at += segment.length;
  }
  transferList.push(message.buffer);
  return { segments: [message], transferList };
}

/** In a checkout the source itself, in a build what became of it. */
function ownEntry(): URL {
  return new URL(`./cut-entry${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}
