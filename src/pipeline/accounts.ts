// The account of each pipeline id, for as long as the process lives: what a configuration takes away is still accounted for,
// and what comes back goes on with its numbers.
import { type ExporterAccount, PipelineAccount } from '../delivery/ledger.ts';
import type { LivePipeline } from './live-pipeline.ts';

export class Accounts {
  readonly #all = new Map<string, PipelineAccount>();
  readonly #holding: () => Iterable<LivePipeline>;

  /** `holding`: all pipelines that may hold spans, those included that drain. */
  constructor(holding: () => Iterable<LivePipeline>) {
    this.#holding = holding;
  }

  get all(): readonly PipelineAccount[] {
    return [...this.#all.values()];
  }

  of(pipeline: string): PipelineAccount {
    const known = this.#all.get(pipeline);
    if (known !== undefined) return known;
    const account = new PipelineAccount(pipeline, []);
    account.heldInside = () => {
      let spans = 0;
      for (const live of this.#holding()) if (live.account === account) spans += live.heldSpans();
      return spans;
    };
    this.#all.set(pipeline, account);
    return account;
  }

  /** For what an earlier process stored: a pipeline that is gone, or sends elsewhere now, has its spans counted by another. */
  ofRecovered(
    pipeline: string,
    exporter: string,
    plans: readonly { readonly id: string; readonly exporters: readonly string[] }[],
  ): ExporterAccount {
    const own = plans.filter(({ exporters }) => exporters.includes(exporter));
    const found = own.find(({ id }) => id === pipeline) ?? own[0];
    if (found === undefined) throw new Error(`no pipeline has the exporter ${exporter}`);
    return this.of(found.id).exporter(exporter);
  }
}
