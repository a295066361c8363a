// The account of every span, for each pipeline:
//   received = exported + dropped + rejected + failed + held      (for each of its exporters)
// Counts come in once a job or once a batch. `held` is not what is left over: it is counted from what is really there.

import type { CounterSpec } from '../pipeline/plan.ts';
import type { LedgerRow } from '../telemetry/ledger-source.ts';

export class ExporterAccount {
  readonly id: string;
  exported = 0;
  /** Spans in batches that were handed to this exporter's delivery and not settled. */
  held = 0;
  readonly failed = new Map<string, number>();
  constructor(id: string) {
    this.id = id;
  }
  fail(reason: string, spans: number): void {
    this.failed.set(reason, (this.failed.get(reason) ?? 0) + spans);
  }
}

export class PipelineAccount {
  readonly id: string;
  received = 0;
  /** Not taken, though they came: a processor's error, with the client told. */
  readonly rejected = new Map<string, number>();
  /** Failed inside of the pipeline, behind the answer to the client (a later stage's error). */
  readonly failedInside = new Map<string, number>();
  readonly exporters: readonly ExporterAccount[];
  readonly #counters: { readonly specs: readonly CounterSpec[]; readonly values: Float64Array }[] = [];
  /** Spans inside of the pipeline now; the runtime walks what it holds. */
  heldInside: () => number = () => 0;

  constructor(id: string, exporters: readonly string[]) {
    this.id = id;
    this.exporters = exporters.map((exporter) => new ExporterAccount(exporter));
  }

  /** The values that a stage's jobs add to, one for each spec. */
  stageCounters(specs: readonly CounterSpec[]): Float64Array {
    const values = new Float64Array(specs.length);
    this.#counters.push({ specs, values });
    return values;
  }

  reject(reason: string, spans: number): void {
    this.received += spans;
    this.rejected.set(reason, (this.rejected.get(reason) ?? 0) + spans);
  }
  failInside(reason: string, spans: number): void {
    this.failedInside.set(reason, (this.failedInside.get(reason) ?? 0) + spans);
  }

  *counters(): Iterable<{ readonly spec: CounterSpec; readonly value: number }> {
    for (const { specs, values } of this.#counters) {
      for (let i = 0; i < specs.length; i++) yield { spec: specs[i], value: values[i] };
    }
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
      const component = exporter.id;
      yield { pipeline, stage: 'exported', component, reason: '', spans: exporter.exported };
      for (const [reason, spans] of exporter.failed) yield { pipeline, stage: 'failed', component, reason, spans };
      yield { pipeline, stage: 'held', component, reason: '', spans: inside + exporter.held };
    }
  }

  /** What the account says of one exporter's branch; `remainder` other than 0 is a bug. */
  summary(exporter: ExporterAccount): {
    received: number;
    exported: number;
    dropped: number;
    rejected: number;
    failed: number;
    held: number;
    remainder: number;
  } {
    let dropped = 0;
    for (const { spec, value } of this.counters()) if (spec.kind === 'dropped') dropped += value;
    const rejected = sum(this.rejected);
    const failed = sum(this.failedInside) + sum(exporter.failed);
    const held = this.heldInside() + exporter.held;
    const { received } = this;
    const remainder = received - exporter.exported - dropped - rejected - failed - held;
    return { received, exported: exporter.exported, dropped, rejected, failed, held, remainder };
  }
}

function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const n of counts.values()) total += n;
  return total;
}
