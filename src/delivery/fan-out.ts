// Where a pipeline's batches go: to each of its exporters, independently. One that holds its share of the memory holds back its
// pipeline, not other ones; and once its backend has taken nothing for a while not even its pipeline's other exporters. Whoever
// waits until spans are secured is told here.
import type { Logger } from 'pino';
import type { StoredEntry } from '../component/capabilities.ts';
import { type RateLimitedLog, rateLimited } from '../lib/rate-limit.ts';
import { type GatheredBatch, type Refusal, type Secured, worse } from './batch.ts';
import type { Settlement } from './item.ts';
import type { ExporterAccount } from './ledger.ts';
import type { Outlet } from './outlet.ts';

export interface Branch {
  readonly outlet: Outlet;
  readonly account: ExporterAccount;
}

/** A connector among the exporters: a way into other pipelines. */
export interface Link {
  /** What they are is known to those who made the link. */
  readonly targets: readonly object[];
  /** Holds the batch as long as it is read. `done` is called once: all have taken it, or secured it if they do that. */
  send(batch: GatheredBatch, done: Secured): void;
  /** A pipeline behind has as much to do as it may. */
  readonly holdsBack: boolean;
  /** How near the fullest is to that, 0 to 1. */
  readonly fullness: number;
  /** Clients are to wait until the spans are secured behind it, even behind a batch processor. */
  readonly answersWhenSecured: boolean;
}

export interface FanOutOptions {
  readonly pipeline: string;
  readonly branches: readonly Branch[];
  readonly links: readonly Link[];
  /** As long as it holds back, spans wait that it is not asked for: once all exporters are stuck, they miss what comes. */
  readonly isBeside: boolean;
  /** What may wait in memory for one exporter; Infinity where there is no other. */
  readonly shareBytes: number;
  /** The pipeline is no longer held back. */
  resumed(): void;
  /** The pipeline has a batch processor. */
  readonly isBatched: boolean;
  readonly log: Logger;
}

export class FanOut {
  readonly #options: FanOutOptions;
  readonly #log: RateLimitedLog;
  /** Held back, in order. */
  #waiting: GatheredBatch[] = [];
  #timer: NodeJS.Timeout | undefined;
  #storingSpans = 0;
  readonly #storing = new Set<Promise<void>>();
  #isEnding = false;
  /** Whether clients are to be answered when their spans are secured, and not when they are gathered. */
  readonly answersWhenSecured: boolean;
  /** The batches of several clients are not put together: a pipeline behind may refuse one without the others. */
  readonly keepsApart: boolean;
  /** The same as `answersWhenSecured`, also for those whose spans came through a batch of another pipeline. */
  readonly isAlwaysSecured: boolean;

  constructor(options: FanOutOptions) {
    this.#options = options;
    this.#log = rateLimited(options.log);
    // Asked for each job.
    const { branches, links, isBatched } = options;
    this.isAlwaysSecured =
      branches.some(({ outlet }) => outlet.stores || outlet.waitForResult === 'yes') ||
      links.some(({ answersWhenSecured }) => answersWhenSecured);
    // A pipeline behind may refuse what it is sent, which a client is told as long as no batch stands between.
    const isHeard = links.length > 0 && !isBatched;
    // Exporters send each batch as a request of its own: with one among them that would be too many.
    this.keepsApart = isHeard && branches.length === 0;
    this.answersWhenSecured = this.isAlwaysSecured || isHeard || branches.some(({ outlet }) => this.#awaits(outlet));
  }

  #awaits({ waitForResult }: Outlet): boolean {
    return waitForResult === 'yes' || (waitForResult === 'unbatched' && !this.#options.isBatched);
  }

  /** An exporter has its share of the memory: nothing more should come. */
  get holdsBack(): boolean {
    if (this.#isEnding) return false;
    return this.#waiting.length > 0 || this.#options.links.some(({ holdsBack }) => holdsBack);
  }
  /** How near it is to that: 1 when it holds back. An exporter that the others do not wait for does not count. */
  get fullness(): number {
    const { branches, links, shareBytes } = this.#options;
    const awaited = branches.filter(({ outlet }) => outlet.blockOnOverflow || !outlet.isStuck);
    const counting = awaited.length === 0 && !this.#hasOthers ? branches : awaited;
    const fullest = Math.max(0, ...counting.map(({ outlet }) => outlet.heldBytes / shareBytes));
    return Math.min(1, Math.max(fullest, ...links.map(({ fullness }) => fullness)));
  }
  /** Where none of the exporters takes anything, there is still somebody to go on for. */
  get #hasOthers(): boolean {
    return this.#options.isBeside || this.#options.links.length > 0;
  }
  get links(): readonly Link[] {
    return this.#options.links;
  }
  /** Resolves when nothing is on its way to a storage, from where it goes on to the others. */
  async stored(): Promise<void> {
    while (this.#storing.size > 0) await Promise.all(this.#storing);
  }
  leadsTo(outlet: Outlet): boolean {
    return this.#options.branches.some((branch) => branch.outlet === outlet);
  }
  /** Held back, or on their way to a storage. */
  get heldSpans(): number {
    return this.#storingSpans + this.#waiting.reduce((sum, { spans }) => sum + spans, 0);
  }

  /** Takes over the batch. */
  send(batch: GatheredBatch): void {
    const branches = this.#waiting.length > 0 ? null : this.#open(batch);
    if (branches !== null) {
      this.#go(batch, branches);
      return;
    }
    this.#waiting.push(batch);
    if (this.#waiting.length === 1) this.#wait(batch);
  }

  /** What is held back goes on to wait in the exporters' queues. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    clearTimeout(this.#timer);
    for (const batch of this.#waiting.splice(0)) this.#go(batch, this.#options.branches);
    this.#options.resumed();
  }

  /** Only what is inside of the pipelines in front still comes, and nothing of it is held back any more. */
  end(): void {
    this.#isEnding = true;
    this.flush();
    this.#options.resumed();
  }

  #fullFor(batch: GatheredBatch): readonly Branch[] {
    const { branches, shareBytes } = this.#options;
    return branches.filter(({ outlet }) => outlet.heldBytes > shareBytes || outlet.holdsBack(batch));
  }

  /** Until an exporter that is full holds less, or one more of them counts as stuck. `batch`: the first that waits. */
  #wait(batch: GatheredBatch): void {
    clearTimeout(this.#timer);
    const full = this.#fullFor(batch);
    for (const { outlet } of full) outlet.whenLess(this.#look);
    const untilStuck = Math.min(...full.map(({ outlet }) => outlet.stuckInMs).filter((ms) => ms >= 0));
    // A timer may come a little before its time.
    if (untilStuck < Number.POSITIVE_INFINITY) this.#timer = setTimeout(this.#look, untilStuck + 1);
  }

  readonly #look = (): void => {
    if (this.#waiting.length === 0) return;
    while (this.#waiting.length > 0) {
      const [batch] = this.#waiting;
      const branches = this.#open(batch);
      if (branches === null) {
        this.#wait(batch);
        return;
      }
      this.#waiting.shift();
      this.#go(batch, branches);
    }
    clearTimeout(this.#timer);
    this.#options.resumed();
  };

  #go(batch: GatheredBatch, branches: readonly Branch[]): void {
    if (!branches.some(({ outlet }) => outlet.stores)) {
      this.#deliver(batch, branches, new Map());
      return;
    }
    const storing = this.#storeFirst(batch, branches).finally(() => this.#storing.delete(storing));
    this.#storing.add(storing);
  }

  /** The branches that take it now; null: it has to wait. One that is stuck misses it, unless it is to hold back the others. */
  #open(batch: GatheredBatch): readonly Branch[] | null {
    const { branches } = this.#options;
    const full = this.#fullFor(batch);
    if (full.length === 0 || this.#isEnding) return branches;
    const isAll = full.length === branches.length;
    if ((isAll && !this.#hasOthers) || full.some(({ outlet }) => outlet.blockOnOverflow || !outlet.isStuck))
      return null;
    for (const branch of full) this.#miss(branch, batch, 'queue_full', 'its backend takes nothing');
    return branches.filter((branch) => !full.includes(branch));
  }

  #miss({ outlet, account }: Branch, batch: GatheredBatch, reason: string, why: string): void {
    const { stats } = outlet.delivery;
    account.fail(reason, batch.spans);
    stats.enqueueFailedSpans += batch.spans;
    const fields = { pipeline: this.#options.pipeline, exporter: account.id, spans: batch.spans, reason: why };
    this.#log.error(`missed ${account.id}`, fields, 'an exporter is full: it misses spans that the others get');
  }

  /** Stored branches come first: where one that must have it cannot, nobody gets it, and the client is told. */
  async #storeFirst(batch: GatheredBatch, branches: readonly Branch[]): Promise<void> {
    const entries = new Map<Branch, StoredEntry>();
    const failed = new Map<Branch, string>();
    // No outlet may be drained as empty while the batch is on its way to it.
    for (const { outlet } of branches) outlet.expect();
    this.#storingSpans += batch.spans;
    await Promise.all(
      branches
        .filter(({ outlet }) => outlet.stores)
        .map(async (branch) => {
          try {
            const entry = await branch.outlet.store(batch, this.#options.pipeline);
            if (entry === null) failed.set(branch, 'the queue is full');
            else entries.set(branch, entry);
          } catch (error) {
            failed.set(branch, (error as Error).message);
          }
        }),
    );
    this.#storingSpans -= batch.spans;
    this.#stored(batch, branches, entries, failed);
    for (const { outlet } of branches) outlet.expected();
  }

  #stored(
    batch: GatheredBatch,
    branches: readonly Branch[],
    entries: ReadonlyMap<Branch, StoredEntry>,
    failed: ReadonlyMap<Branch, string>,
  ): void {
    const mustHave = [...failed].find(([{ outlet }]) => outlet.blockOnOverflow);
    if (mustHave !== undefined || failed.size === branches.length) {
      for (const [{ outlet }, entry] of entries) outlet.forget(entry, batch);
      const why = mustHave?.[1] ?? [...failed.values()][0];
      for (const { outlet, account } of branches) {
        account.fail('not_stored', batch.spans);
        outlet.delivery.stats.enqueueFailedSpans += batch.spans;
      }
      this.#log.warn('not stored', { pipeline: this.#options.pipeline, error: why }, 'spans cannot be stored: refused');
      batch.secure({ kind: 'retry', message: `the spans cannot be stored now: ${why}` });
      batch.release();
      return;
    }
    for (const [branch, why] of failed) this.#miss(branch, batch, 'not_stored', why);
    const taking = branches.filter((branch) => !failed.has(branch));
    this.#deliver(batch, taking, entries);
  }

  #deliver(batch: GatheredBatch, branches: readonly Branch[], entries: ReadonlyMap<Branch, StoredEntry>): void {
    let awaited = 1;
    const { length } = this.#options.branches;
    let refusal: Refusal | null =
      branches.length < length
        ? {
            kind: 'partial',
            message: `${length - branches.length} of ${length} exporters were full and missed these spans`,
          }
        : null;
    const done = (one: Refusal | null): void => {
      refusal = worse(refusal, one);
      if (--awaited === 0) batch.secure(refusal);
    };
    for (const link of this.#options.links) {
      awaited++;
      link.send(batch, done);
    }
    for (const branch of branches) {
      const entry = entries.get(branch);
      if (entry !== undefined) {
        branch.outlet.sendStored(entry, batch, branch.account);
      } else if (this.#awaits(branch.outlet)) {
        awaited++;
        branch.outlet.send(batch, branch.account, (settlement) => done(refusalOf(settlement)));
      } else {
        branch.outlet.send(batch, branch.account);
      }
    }
    done(null);
    batch.release();
  }
}

function refusalOf({ exported, failures, message, retryable, isDoubtful }: Settlement): Refusal | null {
  if (isDoubtful) return { kind: retryable ? 'retry' : 'never', message };
  const failed = failures.reduce((sum, { spans }) => sum + spans, 0);
  if (failed === 0) return null;
  if (exported > 0) return { kind: 'partial', message: `${failed} of ${exported + failed} spans failed: ${message}` };
  return { kind: retryable ? 'retry' : 'never', message };
}
