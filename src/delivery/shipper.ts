// Brings one batch to a peer that may not take it as it is: one that says "too large" gets halves, one that says "invalid" too,
// until only the spans that it does not take are left. Those are shrunk, or set aside.
import type { Batch } from '../component/exporter.ts';
import { SpanmillError } from '../errors.ts';
import type { RateLimitedLog } from '../lib/rate-limit.ts';
import type { Cutter as CuttingThread } from '../workers/cutter.ts';
import type { Attempts, FirstAttempt, Verdict } from './attempts.ts';
import type { Metadata } from './batch.ts';
import type { LearnedLimit } from './cut/learned-limit.ts';
import type { Failure } from './item.ts';

/** Cuts requests between spans; on a thread of its own. */
export type Cutter = Omit<CuttingThread, 'stop'>;

/** A request, or a part of one, in bytes. */
export type Part = Parameters<Cutter['halve']>[0];

/** What becomes of spans that were given up. */
export type Fate = 'lost' | 'set_aside' | 'stored';

export interface ShipperOptions {
  readonly attempts: Attempts;
  readonly cutter: Cutter;
  readonly limit: LearnedLimit;
  /** Of one request, as configured; Infinity: no limit. */
  readonly maxSpans: number;
  readonly maxBytes: number;
  /** A span that is too large alone is shrunk. */
  readonly shrinks: boolean;
  /** Sees to spans that nobody takes. */
  readonly leave: (part: Part, reason: string, message: string) => Promise<Fate>;
  readonly log: RateLimitedLog;
}

/** What became of a batch. */
export interface Shipped {
  readonly failures: readonly Failure[];
  readonly message: string;
  /** Whether what failed could pass if it came again. */
  readonly retryable: boolean;
  /** Some of it was left where it is stored. */
  readonly staysStored: boolean;
}

/**
 * Of one batch, so many requests may be made to find what is wrong in it. A peer that finds everything wrong is not asked
 * about each span.
 */
const mostSearches = 256;
/** Each shrinks a span to half of the size before. */
const mostShrinks = 6;

interface Course {
  readonly metadata: Metadata;
  readonly failures: Map<string, number>;
  readonly first: FirstAttempt;
  /** In order; what is split goes on at its place. */
  readonly work: Part[];
  searches: number;
  message: string;
  retryable: boolean;
  staysStored: boolean;
}

export class Shipper {
  readonly #options: ShipperOptions;

  constructor(options: ShipperOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async ship(part: Part, metadata: Metadata): Promise<Shipped> {
    const course: Course = {
      metadata,
      failures: new Map(),
      first: { atMs: null },
      work: [part],
      searches: 0,
      message: '',
      retryable: false,
      staysStored: false,
    };
    for (let next = course.work.shift(); next !== undefined; next = course.work.shift()) {
      await this.#one(next, course);
    }
    const failures = [...course.failures].map(([reason, spans]) => ({ reason, spans }));
    const { message, retryable, staysStored } = course;
    return { failures, message, retryable, staysStored };
  }

  async #one(part: Part, course: Course): Promise<void> {
    const { limit, maxSpans, attempts } = this.#options;
    const maxBytes = Math.min(this.#options.maxBytes, limit.maxBytes);
    if (part.spans > 1 && (part.bytes > maxBytes || part.spans > maxSpans)) {
      const parts = await this.#cut(part, course, (cutter) => cutter.split(part, { maxBytes, maxSpans }));
      // One part is the whole: it cannot be cut further, and is tried as it is.
      if (parts === null || parts.length > 1) return;
    }
    const batch: Batch = { ...part, metadata: course.metadata };
    const verdict = await attempts.run(batch, course.first);
    await this.#judge(part, verdict, course);
  }

  async #judge(part: Part, verdict: Verdict, course: Course): Promise<void> {
    const { limit, log } = this.#options;
    switch (verdict.kind) {
      case 'accepted':
        limit.passed(part.bytes);
        return;
      case 'partial': {
        limit.passed(part.bytes);
        const spans = Math.min(Math.max(verdict.rejectedSpans, 0), part.spans);
        log.warn('partial', { rejectedSpans: spans, peer: verdict.message }, 'the peer rejected some of the spans');
        fail(course, 'partial_rejected', spans, verdict.message, false);
        return;
      }
      case 'too_large':
        limit.refused(part.bytes, verdict.limitBytes);
        log.warn(
          'too_large',
          { bytes: part.bytes, spans: part.spans, error: verdict.message },
          'the peer takes less at a time',
        );
        if (part.spans === 1) await this.#shrink(part, verdict, course);
        else if (course.searches < mostSearches) await this.#halve(part, verdict, course);
        else await this.#giveUp(part, verdict, course);
        return;
      case 'invalid':
        if (part.spans > 1 && course.searches < mostSearches) await this.#halve(part, verdict, course);
        else await this.#giveUp(part, verdict, course);
        return;
      default:
        await this.#giveUp(part, verdict, course);
    }
  }

  async #halve(part: Part, { reason, message }: { reason: string; message: string }, course: Course): Promise<void> {
    course.searches++;
    // The peer has said what it takes: cut to that.
    if (part.bytes > this.#options.limit.maxBytes) {
      course.work.unshift(part);
      return;
    }
    const halves = await this.#cut(part, course, (cutter) => cutter.halve(part));
    if (halves !== null && halves.length === 0) await this.#giveUp(part, { kind: 'refused', reason, message }, course);
  }

  /** Parts take the place of the whole. null: it failed, and is accounted for. Empty: it cannot be cut. */
  async #cut(
    part: Part,
    course: Course,
    cut: (cutter: Cutter) => Promise<readonly Part[] | null>,
  ): Promise<readonly Part[] | null> {
    try {
      const parts = (await cut(this.#options.cutter)) ?? [];
      if (parts.length > 1) course.work.unshift(...parts);
      return parts;
    } catch (error) {
      // Of a thread that dies it is not known what is at fault.
      const reason = error instanceof SpanmillError && error.code === 'WORKER' ? 'cut_failed' : 'malformed';
      await this.#giveUp(part, { kind: 'refused', reason, message: String(error) }, course);
      return null;
    }
  }

  /** One span, smaller and smaller; where that does not help it is the whole span that failed. */
  async #shrink(part: Part, tooLarge: Verdict & { readonly kind: 'too_large' }, course: Course): Promise<void> {
    const { limit, shrinks, attempts } = this.#options;
    let verdict: Verdict = tooLarge;
    let maxBytes = part.bytes;
    for (let i = 0; shrinks && i < mostShrinks && verdict.kind === 'too_large'; i++) {
      maxBytes = Math.min(limit.maxBytes, Math.floor(maxBytes / 2));
      const small = await this.#shrunk(part, maxBytes);
      if (small === null) break;
      verdict = await attempts.run({ ...small, metadata: course.metadata }, course.first);
      if (verdict.kind === 'accepted') {
        const fields = { bytes: part.bytes, toBytes: small.bytes };
        this.#options.log.warn('shrunk', fields, 'a span was too large alone: its longest values were cut');
        limit.passed(small.bytes);
        return;
      }
      if (verdict.kind === 'too_large') limit.refused(small.bytes, verdict.limitBytes);
    }
    await this.#giveUp(part, verdict.kind === 'accepted' || verdict.kind === 'partial' ? tooLarge : verdict, course);
  }

  async #shrunk(part: Part, maxBytes: number): Promise<Part | null> {
    try {
      return await this.#options.cutter.shrink(part, maxBytes);
    } catch (error) {
      this.#options.log.error('cut_failed', { error: String(error) }, 'a span that is too large cannot be shrunk');
      return null;
    }
  }

  async #giveUp(
    part: Part,
    verdict: { readonly kind: string; readonly reason: string; readonly message: string },
    course: Course,
  ): Promise<void> {
    const { reason, message } = verdict;
    const { log, leave } = this.#options;
    fail(course, reason, part.spans, message, verdict.kind === 'given_up');
    const fate = await leave(part, reason, message);
    const fields = { reason, error: message, spans: part.spans };
    if (fate === 'stored') {
      course.staysStored = true;
      log.warn(`stored ${reason}`, fields, 'spans are not exported by this process: they stay stored');
    } else log.error(`failed ${reason}`, fields, `export failed, spans are ${fate === 'lost' ? 'lost' : 'set aside'}`);
  }
}

function fail(course: Course, reason: string, spans: number, message: string, retryable: boolean): void {
  if (spans === 0) return;
  course.failures.set(reason, (course.failures.get(reason) ?? 0) + spans);
  course.message = message;
  course.retryable ||= retryable;
}
