// A connector as the pipeline in front of it has it: what that one's last stage gives becomes requests of the first stages
// behind. It takes all that comes and holds nothing itself: when those behind have enough to do, it holds back its pipeline.
import type { Logger } from 'pino';
import { type GatheredBatch, type Refusal, worse } from '../delivery/batch.ts';
import type { Link } from '../delivery/fan-out.ts';
import type { ExporterAccount } from '../delivery/ledger.ts';
import { connectorKey } from '../lib/client-keys.ts';
import { type RateLimitedLog, rateLimited } from '../lib/rate-limit.ts';
import type { LivePipeline } from './live-pipeline.ts';
import type { Stage } from './stage.ts';
import type { Metadata, StageRequest, TakenOutcome } from './stage-request.ts';

export interface LinkOptions {
  readonly connector: string;
  /** Id of the pipeline in front. */
  readonly pipeline: string;
  /** Of the connector among the exporters of that pipeline. */
  readonly account: ExporterAccount;
  readonly targets: readonly LivePipeline[];
  readonly log: Logger;
}

export class PipelineLink implements Link {
  readonly targets: readonly LivePipeline[];
  readonly #options: LinkOptions;
  readonly #log: RateLimitedLog;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#log = rateLimited(options.log);
    this.targets = options.targets;
  }

  get holdsBack(): boolean {
    for (const { fanOut } of this.targets) if (fanOut.holdsBack) return true;
    return false;
  }
  get fullness(): number {
    return Math.max(0, ...this.targets.map(({ fanOut }) => fanOut.fullness));
  }
  get answersWhenSecured(): boolean {
    return this.targets.some(({ fanOut }) => fanOut.isAlwaysSecured);
  }

  send(batch: GatheredBatch, done: (refusal: Refusal | null) => void): void {
    const { account } = this.#options;
    account.held += batch.spans;
    batch.hold();
    const { pieces } = batch;
    let reading = pieces.length;
    let unanswered = pieces.length * this.targets.length;
    let refusal: Refusal | null = null;
    const read = (spans: number, outcome: TakenOutcome): void => {
      this.#settle(spans, outcome);
      if (--reading === 0) batch.release();
    };
    const answered = (one: Refusal | null): void => {
      refusal = worse(refusal, one);
      if (--unanswered === 0) done(refusal);
    };
    const ways = this.targets.map(({ stages: [first] }) => this.#wayTo(first, batch.metadata));
    for (const { at, length, spans } of [...pieces]) {
      const crossing = new Crossing(this.targets.length, (outcome) => read(spans, outcome), answered);
      for (const [i, { stages }] of this.targets.entries()) {
        stages[0].enqueue(new LinkedRequest(at, length, ways[i], crossing, this));
      }
    }
  }

  #wayTo({ plan: { metadataKeys }, countsNowhere }: Stage, client: Metadata): Way {
    const { connector, pipeline } = this.#options;
    // What gets nowhere is counted for a whole job: all of that is of one pipeline.
    const origin = countsNowhere ? `${pipeline} ${connector} ` : '';
    if (metadataKeys.length === 0) return { metadata: noMetadata, metadataKey: origin };
    const metadata = Object.fromEntries(
      metadataKeys.map((key) => [key, key === connectorKey ? [connector] : (client[key] ?? [])]),
    );
    return { metadata, metadataKey: origin + JSON.stringify(metadata) };
  }

  /** A piece was taken, or refused, by all pipelines behind. */
  #settle(piece: number, outcome: TakenOutcome): void {
    const { account, connector, pipeline } = this.#options;
    const spans = account.settleHeld(piece);
    if (outcome === 'written') {
      account.exported += spans;
      return;
    }
    account.fail(outcome, spans);
    this.#log.error(
      outcome,
      { connector, pipeline, spans },
      'a pipeline behind a connector refused spans: they are lost',
    );
  }

  /** What the stage has found to be for none of the pipelines behind; told before the requests that had it are taken. */
  lost(spans: number): void {
    this.#options.account.drop('no_route', spans);
  }
}

const noMetadata: Metadata = {};

interface Way {
  readonly metadata: Metadata;
  readonly metadataKey: string;
}

/** A piece of a batch on its way to all pipelines behind. */
class Crossing {
  readonly answered: (refusal: Refusal | null) => void;
  readonly #read: (worst: TakenOutcome) => void;
  #reading: number;
  #worst: TakenOutcome = 'written';

  constructor(targets: number, read: (worst: TakenOutcome) => void, answered: (refusal: Refusal | null) => void) {
    this.#reading = targets;
    this.#read = read;
    this.answered = answered;
  }

  taken(outcome: TakenOutcome, message: string): void {
    if (outcome !== 'written' && outcome !== 'pending') this.#worst = outcome;
    if (--this.#reading === 0) this.#read(this.#worst);
    if (outcome === 'pending') return;
    if (outcome === 'written') this.answered(null);
    else this.answered({ kind: outcome === 'overloaded' ? 'retry' : 'never', message });
  }
}

class LinkedRequest implements StageRequest {
  readonly at: number;
  readonly length: number;
  /** Not known until it is taken: a gate may keep some of it only, and until then the pipeline in front holds all. */
  readonly spans = 0;
  readonly metadata: Metadata;
  readonly metadataKey: string;
  /** One way is made for each batch and target. */
  readonly payload: object;
  readonly link: PipelineLink;
  readonly #crossing: Crossing;

  constructor(at: number, length: number, way: Way, crossing: Crossing, link: PipelineLink) {
    this.at = at;
    this.length = length;
    this.metadata = way.metadata;
    this.metadataKey = way.metadataKey;
    this.payload = way;
    this.link = link;
    this.#crossing = crossing;
  }

  taken(outcome: TakenOutcome, message: string): void {
    this.#crossing.taken(outcome, message);
  }
  secured(refusal: Refusal | null): void {
    this.#crossing.answered(refusal);
  }
}
