// The account of every span, for each pipeline:
//   received + recovered = exported + dropped + rejected + failed + held + absent      (for each of its exporters)
// `absent` is what passed while the configuration did not name that exporter: before a reload added it, or after one took it away.
// Counts come in once a job or once a batch. `held` is not what is left over: it is counted from what is really there.

import { isDeepStrictEqual } from 'node:util';
import type { CounterSpec } from '../pipeline/plan.ts';
import type { LedgerRow } from '../telemetry/ledger-source.ts';

export class ExporterAccount {
  readonly id: string;
  exported = 0;
  /** Spans that an earlier process left in this exporter's storage. */
  recovered = 0;
  /** Spans in batches that were handed to this exporter's delivery and not settled. */
  held = 0;
  readonly failed = new Map<string, number>();
  /** Behind the pipeline, on purpose: a connector had nowhere to send them. */
  readonly dropped = new Map<string, number>();
  /** Dropped, of batches that are not settled. */
  #early = 0;
  /** Spans that the pipeline passed on while the configuration did not name this exporter. */
  absent = 0;
  constructor(id: string) {
    this.id = id;
  }
  /** A reload was going to add it and did not come to that, or nothing has come since. */
  get isUnused(): boolean {
    const { absent, exported, held, recovered, failed, dropped } = this;
    return absent > 0 && exported + held + recovered === 0 && failed.size + dropped.size === 0;
  }
  fail(reason: string, spans: number): void {
    add(this.failed, reason, spans);
  }
  /** Of what is held; before the batch that it is of is settled. */
  drop(reason: string, spans: number): void {
    add(this.dropped, reason, spans);
    this.held -= spans;
    this.#early += spans;
  }
  /** A batch of a connector is no longer held. Returns how many of its spans have still to be accounted for. */
  settleHeld(spans: number): number {
    const early = Math.min(this.#early, spans);
    this.#early -= early;
    this.held -= spans - early;
    return spans - early;
  }
}

export class PipelineAccount {
  readonly id: string;
  received = 0;
  /** Not taken, though they came: a processor's error, with the client told. */
  readonly rejected = new Map<string, number>();
  /** Failed inside of the pipeline, behind the answer to the client (a later stage's error). */
  readonly failedInside = new Map<string, number>();
  /** Of all exporters that it ever had. */
  readonly exporters: readonly ExporterAccount[];
  readonly #exporters: ExporterAccount[];
  #passedOn = 0;
  readonly #counters: { readonly specs: readonly CounterSpec[]; readonly values: Float64Array }[] = [];
  /** Spans inside of the pipeline now; the runtime walks what it holds. */
  heldInside: () => number = () => 0;

  constructor(id: string, exporters: readonly string[]) {
    this.id = id;
    this.#exporters = exporters.map((exporter) => new ExporterAccount(exporter));
    this.exporters = this.#exporters;
  }

  /** The account of one exporter, which begins now if it has none. */
  exporter(id: string): ExporterAccount {
    const known = this.#exporters.find((exporter) => exporter.id === id);
    if (known !== undefined) return known;
    const account = new ExporterAccount(id);
    account.absent = this.#passedOn;
    this.#exporters.push(account);
    return account;
  }

  /** Spans leave the pipeline, to the exporters with these ids. */
  passOn(spans: number, exporters: readonly string[]): void {
    this.#passedOn += spans;
    if (this.#exporters.length === exporters.length) return;
    for (const exporter of this.#exporters) if (!exporters.includes(exporter.id)) exporter.absent += spans;
  }

  /** The values that a stage's jobs add to, one for each spec; those of an earlier stage that counted the same go on. */
  stageCounters(specs: readonly CounterSpec[]): Float64Array {
    const known = this.#counters.find((counters) => isDeepStrictEqual(counters.specs, specs));
    if (known !== undefined) return known.values;
    const values = new Float64Array(specs.length);
    this.#counters.push({ specs, values });
    return values;
  }

  reject(reason: string, spans: number): void {
    this.received += spans;
    add(this.rejected, reason, spans);
  }
  failInside(reason: string, spans: number): void {
    add(this.failedInside, reason, spans);
  }

  *counters(): Iterable<{ readonly spec: CounterSpec; readonly value: number }> {
    for (const { specs, values } of this.#counters) {
      for (let i = 0; i < specs.length; i++) yield { spec: specs[i], value: values[i] };
    }
  }

  /** What one processor has dropped for one reason. */
  droppedSpans(component: string, reason: string): number {
    let spans = 0;
    for (const { spec, value } of this.counters()) {
      if (spec.kind === 'dropped' && spec.component === component && spec.reason === reason) spans += value;
    }
    return spans;
  }

  /** Spans that went on purpose, of one exporter's branch, by `component reason`; without those that dropped none. */
  droppedBy(exporter: ExporterAccount): Record<string, number> {
    const drops = new Map<string, number>();
    for (const { spec, value } of this.counters()) {
      if (spec.kind === 'dropped' && value > 0) add(drops, `${spec.component} ${spec.reason}`, value);
    }
    for (const [reason, spans] of exporter.dropped) add(drops, `${exporter.id} ${reason}`, spans);
    return Object.fromEntries(drops);
  }

  *rows(): Iterable<LedgerRow> {
    const pipeline = this.id;
    yield { pipeline, stage: 'received', component: '', reason: '', spans: this.received };
    for (const { spec, value } of this.counters()) {
      if (spec.kind !== 'dropped') continue;
      yield { pipeline, stage: 'dropped', component: spec.component, reason: spec.reason, spans: value };
    }
    for (const [reason, spans] of this.rejected) yield { pipeline, stage: 'rejected', component: '', reason, spans };
    for (const [reason, spans] of this.failedInside) yield { pipeline, stage: 'failed', component: '', reason, spans };
    const inside = this.heldInside();
    for (const exporter of this.exporters) {
      if (exporter.isUnused) continue;
      const component = exporter.id;
      if (exporter.recovered > 0) {
        yield { pipeline, stage: 'recovered', component, reason: '', spans: exporter.recovered };
      }
      yield { pipeline, stage: 'exported', component, reason: '', spans: exporter.exported };
      for (const [reason, spans] of exporter.dropped) yield { pipeline, stage: 'dropped', component, reason, spans };
      for (const [reason, spans] of exporter.failed) yield { pipeline, stage: 'failed', component, reason, spans };
      yield { pipeline, stage: 'held', component, reason: '', spans: inside + exporter.held };
      if (exporter.absent > 0) yield { pipeline, stage: 'absent', component, reason: '', spans: exporter.absent };
    }
  }

  /** What the account says of one exporter's branch; `remainder` other than 0 is a bug. */
  summary(exporter: ExporterAccount): {
    received: number;
    recovered: number;
    exported: number;
    dropped: number;
    rejected: number;
    failed: number;
    held: number;
    absent: number;
    remainder: number;
  } {
    let dropped = sum(exporter.dropped);
    for (const { spec, value } of this.counters()) if (spec.kind === 'dropped') dropped += value;
    const rejected = sum(this.rejected);
    const failed = sum(this.failedInside) + sum(exporter.failed);
    const held = this.heldInside() + exporter.held;
    const { received } = this;
    const { recovered, exported, absent } = exporter;
    const remainder = received + recovered - exported - dropped - rejected - failed - held - absent;
    return { received, recovered, exported, dropped, rejected, failed, held, absent, remainder };
  }
}

function add(counts: Map<string, number>, reason: string, spans: number): void {
  counts.set(reason, (counts.get(reason) ?? 0) + spans);
}

function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const n of counts.values()) total += n;
  return total;
}
