// Keeps requests that nobody takes, within its bound. One put at a time, in the order in which they came.
import type { Logger } from 'pino';
import type { DeadLetter, DeadLetterReason } from '../../component/capabilities.ts';
import type { MetricValue } from '../../component/definition.ts';
import type { Extension } from '../../component/extension.ts';
import { SpanmillError } from '../../errors.ts';
import { rateLimited } from '../../lib/rate-limit.ts';
import { countSpans } from '../../wire/cut/part.ts';
import { type Letter, LetterFiles, letterName, onDisk } from './letters.ts';

export interface DeadLetterOptions {
  readonly directory: string;
  readonly createsDirectory: boolean;
  readonly maxBytes: number;
  /** 0: files are never removed for their age. */
  readonly maxAgeMs: number;
  readonly whenFull: 'refuse' | 'drop_oldest';
  readonly log: Logger;
  /** ms since 1970. */
  readonly now?: () => number;
}

/** How often files that are too old are looked for. */
const ageCheckMs = 60_000;
const goneCheckMs = 1000;
/** A peer's answer may be any length; the note says its beginning. */
const mostMessageCharacters = 4096;

export function createDeadLetter(options: DeadLetterOptions): Extension {
  const keeper = new Keeper(options);
  return {
    start: () => keeper.start(),
    stop: () => keeper.stop(),
    addresses: () => [],
    offers: { deadLetter: keeper },
    metricValues: () => keeper.metricValues(),
  };
}

class Keeper implements DeadLetter {
  readonly #options: DeadLetterOptions;
  readonly #log: ReturnType<typeof rateLimited>;
  readonly #files: LetterFiles;
  readonly #now: () => number;
  /** The oldest first. */
  #letters: Letter[] = [];
  #bytes = 0;
  #number = 0;
  #running = false;
  #turn: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #putSpans = 0;
  readonly #refusedSpans = { full: 0, error: 0 };
  readonly #removed = { age: { files: 0, spans: 0 }, space: { files: 0, spans: 0 } };
  #lookedForGoneMs = Number.NEGATIVE_INFINITY;

  constructor(options: DeadLetterOptions) {
    this.#options = options;
    this.#log = rateLimited(options.log);
    this.#files = new LetterFiles(options.directory);
    this.#now = options.now ?? Date.now;
  }

  async start(): Promise<void> {
    const { directory, createsDirectory, maxAgeMs } = this.#options;
    try {
      await this.#files.prepare(createsDirectory);
      this.#letters = await this.#files.found();
    } catch (error) {
      const hint = createsDirectory ? '' : ' (create_directory is false)';
      const text = `the dead-letter directory ${directory} cannot be used${hint}: ${(error as Error).message}`;
      throw new SpanmillError('STORAGE', text, { cause: error });
    }
    this.#bytes = this.#letters.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#running = true;
    await this.#inTurn(() => this.#expire());
    if (maxAgeMs > 0) {
      const check = (): void => void this.#inTurn(() => this.#expire());
      this.#timer = setInterval(check, Math.min(ageCheckMs, maxAgeMs)).unref();
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#turn;
    this.#running = false;
  }

  async put(segments: readonly Buffer[], known: number, why: DeadLetterReason): Promise<boolean> {
    const spans = known > 0 ? known : spansIn(segments);
    const reason = await this.#inTurn(() => this.#put(segments, spans, why));
    if (reason === null) this.#putSpans += spans;
    else this.#refusedSpans[reason] += spans;
    return reason === null;
  }

  *metricValues(): Iterable<MetricValue> {
    yield { name: 'spanmill_dead_letter_files', labels: {}, value: this.#letters.length };
    yield { name: 'spanmill_dead_letter_bytes', labels: {}, value: this.#bytes };
    yield { name: 'spanmill_dead_letter_put_spans', labels: {}, value: this.#putSpans };
    for (const [reason, value] of Object.entries(this.#refusedSpans)) {
      yield { name: 'spanmill_dead_letter_refused_spans', labels: { reason }, value };
    }
    for (const [reason, { files, spans }] of Object.entries(this.#removed)) {
      yield { name: 'spanmill_dead_letter_removed_files', labels: { reason }, value: files };
      yield { name: 'spanmill_dead_letter_removed_spans', labels: { reason }, value: spans };
    }
  }

  /** `work` never rejects. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result;
    return result;
  }

  /** null: it is kept. */
  async #put(segments: readonly Buffer[], spans: number, why: DeadLetterReason): Promise<'full' | 'error' | null> {
    const fields = { component: why.component, reason: why.reason, spans };
    if (!this.#running) {
      this.#log.error('stopped', fields, 'spans cannot be set aside: the dead-letter directory is closed');
      return 'error';
    }
    const timeMs = this.#now();
    const bytes = segments.reduce((sum, { length }) => sum + length, 0);
    const message = why.message.slice(0, mostMessageCharacters);
    const about = { time: new Date(timeMs).toISOString(), ...why, message, spans, bytes };
    const note = `${JSON.stringify(about, null, 2)}\n`;
    const taken = onDisk(bytes) + onDisk(Buffer.byteLength(note));
    try {
      if (!(await this.#hasRoom(taken))) {
        const text = 'the dead-letter directory is full: spans are lost; send its files again or raise max_bytes';
        this.#log.error('full', { ...fields, bytes }, text);
        return 'full';
      }
      const name = await this.#write(timeMs, segments, note);
      this.#letters.push({ name, bytes: taken, timeMs, spans });
      this.#bytes += taken;
      this.#log.warn('kept', { ...fields, file: `${name}.otlp` }, 'spans are set aside in the dead-letter directory');
      return null;
    } catch (error) {
      const { code, message: text } = error as NodeJS.ErrnoException;
      const what = code === 'ENOSPC' || code === 'EDQUOT' ? 'the disk of the dead-letter directory is full' : text;
      this.#log.error('error', { ...fields, error: text }, `spans cannot be set aside: ${what}`);
      return 'error';
    }
  }

  async #write(timeMs: number, segments: readonly Buffer[], note: string): Promise<string> {
    for (;;) {
      const name = letterName(timeMs, ++this.#number);
      try {
        await this.#files.write(name, segments, note);
        return name;
      } catch (error) {
        // Left by an earlier process in the same millisecond: the next number is free.
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  }

  /** Makes room as far as the configuration allows. */
  async #hasRoom(bytes: number): Promise<boolean> {
    const { maxBytes, whenFull } = this.#options;
    if (bytes > maxBytes) return false;
    if (this.#bytes + bytes <= maxBytes) return true;
    await this.#forgetGone();
    while (this.#bytes + bytes > maxBytes && whenFull === 'drop_oldest' && this.#letters.length > 0) {
      await this.#removeOldest('space');
    }
    return this.#bytes + bytes <= maxBytes;
  }

  /** Files that were sent again, or taken away by hand, take no room. */
  async #forgetGone(): Promise<void> {
    // A look at each file: not for every put that a full directory refuses.
    if (this.#now() - this.#lookedForGoneMs < goneCheckMs) return;
    this.#lookedForGoneMs = this.#now();
    const there: Letter[] = [];
    for (const letter of this.#letters) {
      if (await this.#files.isGone(letter.name)) this.#bytes -= letter.bytes;
      else there.push(letter);
    }
    this.#letters = there;
  }

  async #expire(): Promise<void> {
    const { maxAgeMs } = this.#options;
    const before = this.#now() - maxAgeMs;
    try {
      while (maxAgeMs > 0 && this.#letters.length > 0 && this.#letters[0].timeMs < before) {
        await this.#removeOldest('age');
      }
    } catch (error) {
      this.#log.warn('expire', { error: String(error) }, 'old files of the dead-letter directory cannot be removed');
    }
  }

  async #removeOldest(reason: 'age' | 'space'): Promise<void> {
    const [letter] = this.#letters;
    const spans = letter.spans ?? (await this.#files.spansOf(letter.name));
    await this.#files.remove(letter.name);
    this.#letters.shift();
    this.#bytes -= letter.bytes;
    this.#removed[reason].files++;
    this.#removed[reason].spans += spans;
    const fields = { file: `${letter.name}.otlp`, spans, why: reason };
    this.#log.warn(`removed ${reason}`, fields, 'a dead-letter file was removed unread');
  }
}

/** 0 for what is no request: it is kept all the same. */
function spansIn(segments: readonly Buffer[]): number {
  try {
    return countSpans(segments);
  } catch {
    return 0;
  }
}
