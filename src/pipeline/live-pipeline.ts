// A pipeline that runs: its stages in a lane, and what its batches go to.
import type { Logger } from 'pino';
import { thinnedReason } from '../component/thinning.ts';
import { type GatheredBatch, type Refusal, worse } from '../delivery/batch.ts';
import type { FanOut } from '../delivery/fan-out.ts';
import type { PipelineAccount } from '../delivery/ledger.ts';
import type { Outlet } from '../delivery/outlet.ts';
import type { CompiledStage } from '../workers/pool.ts';
import type { LinkedPlan } from './graph.ts';
import type { Lane } from './lane.ts';
import { type CounterSpec, depthOf } from './plan.ts';
import { Stage } from './stage.ts';
import type { StageHost } from './stage-host.ts';
import type { StageRequest } from './stage-request.ts';
import { Thinning } from './thinning.ts';

export interface PipelineHost {
  readonly lane: Lane;
  readonly log: Logger;
  setAside(bytes: Buffer, component: string, spans: number, isJson: boolean): void;
}

export class LivePipeline {
  /** Receivers and exporters may change while the stages stay. */
  plan: LinkedPlan;
  #fanOut: FanOut;
  /** Those of before that still hold something. */
  #earlier: FanOut[] = [];
  readonly account: PipelineAccount;
  readonly stages: readonly Stage[];
  /** null: its spans are not thinned where the memory fills. */
  readonly thinning: Thinning | null;
  readonly #compiled: readonly CompiledStage[];
  readonly #host: PipelineHost;

  /** `compiled`: one for each stage of the plan. It takes part in the lane's turns from now on. */
  constructor(
    plan: LinkedPlan,
    account: PipelineAccount,
    fanOut: FanOut,
    compiled: readonly CompiledStage[],
    host: PipelineHost,
  ) {
    this.plan = plan;
    this.#fanOut = fanOut;
    this.account = account;
    this.#compiled = compiled;
    this.#host = host;
    this.thinning = this.#thinning();
    this.stages = plan.stages.map((_, position) => this.#stage(position));
    host.lane.add(this.stages);
  }

  get fanOut(): FanOut {
    return this.#fanOut;
  }
  /** What the one before holds back goes to the exporters that it came for. */
  turnTo(fanOut: FanOut): void {
    this.#fanOut.flush();
    this.#earlier = [...this.#earlier, this.#fanOut].filter(({ heldSpans }) => heldSpans > 0);
    this.#fanOut = fanOut;
  }

  /** Whether what it passes on goes there. */
  leadsTo(outlet: Outlet): boolean {
    return this.#fanOut.leadsTo(outlet);
  }

  /** Whether what it passes on comes to the other one through a connector. */
  sendsTo(other: LivePipeline): boolean {
    return this.#fanOut.links.some(({ targets }) => targets.includes(other));
  }
  /** Resolves when nothing is on its way to a storage, from where it may go on to other pipelines. */
  async stored(): Promise<void> {
    await Promise.all([...this.#earlier, this.#fanOut].map((fanOut) => fanOut.stored()));
  }

  #thinning(): Thinning | null {
    const [options] = this.plan.stages.flatMap(({ thinning }) => thinning ?? []);
    if (options === undefined) return null;
    const { account } = this;
    return new Thinning(options, {
      processor: options.id,
      pipeline: this.plan.id,
      log: this.#host.log,
      fullness: () => this.#fullness(),
      droppedSpans: () => account.droppedSpans(options.id, thinnedReason),
    });
  }

  /** How near it is to refusing requests for want of memory, of room for inputs, or because its exporters have their share. */
  #fullness(): number {
    const { arena, space, shares } = this.#host.lane;
    const behind = depthOf(this.plan.stages.slice(1)) + this.plan.depthBehind;
    const forFirst = arena.budgetBytes - behind * shares.stage;
    return Math.max(Math.min(1, arena.used / forFirst), space.fullness, this.fanOut.fullness);
  }

  #stage(position: number): Stage {
    const { account } = this;
    const { lane, log, setAside } = this.#host;
    const fanOut = (): FanOut => this.fanOut;
    const { stages } = this.plan;
    const ownBehind = depthOf(stages.slice(position + 1));
    // Those behind connectors change when it is wired anew.
    const behind = (): number => ownBehind + this.plan.depthBehind;
    const { number, counters } = this.#compiled[position];
    const thinning = stages[position].thinning === null ? null : this.thinning;
    return new Stage(stages[position], number, position === 0, account.stageCounters(counters), {
      shared: lane.shared,
      arena: lane.arena,
      pool: lane.pool,
      account,
      routed: routedBy(counters),
      get answersWhenSecured() {
        return fanOut().answersWhenSecured;
      },
      get keepsApart() {
        return fanOut().keepsApart;
      },
      get holdsBack() {
        return fanOut().holdsBack;
      },
      get halvings() {
        return thinning === null ? 0 : thinning.halvings();
      },
      log,
      get keepFree() {
        return behind() * lane.shares.stage;
      },
      // What it passes on must fit into the share of the stage behind it.
      get largestOutput() {
        return behind() === 0 ? lane.shares.stage : lane.shares.passedOn;
      },
      reclaim: lane.reclaim,
      flushAll: lane.flushAll,
      schedule: lane.schedule,
      setAside,
      emit: (batch) => this.#pass(position, batch),
      release: (traces) => this.stages[position + 1].enqueue(traces),
    });
  }

  /** A batch leaves a stage: to the next, or to the exporters. */
  #pass(position: number, batch: GatheredBatch): void {
    const next = this.stages[position + 1];
    if (next !== undefined) {
      enqueueBatch(next, batch);
      return;
    }
    this.account.passOn(batch.spans, this.plan.exporters);
    this.fanOut.send(batch);
  }

  heldSpans(): number {
    let spans = 0;
    for (const stage of this.stages) spans += stage.output.spans + stage.waitingSpans;
    for (const { heldSpans } of this.#earlier) spans += heldSpans;
    return spans + this.fanOut.heldSpans;
  }

  /** Clients may wait for what is gathered: from now on nothing waits to be more. */
  hurry(): void {
    for (const stage of this.stages) stage.output.hurry();
  }

  /** Sends on all that it holds, stage by stage. Nothing may come in any more. */
  async empty(): Promise<void> {
    const { lane } = this.#host;
    this.fanOut.end();
    for (const stage of this.stages) {
      await lane.idle([stage]);
      stage.output.flush('drain');
    }
    await lane.idle(this.stages);
    await this.stored();
  }

  /** Empty: gives back what it has of the lane. */
  close(): void {
    const { lane } = this.#host;
    this.thinning?.close();
    for (const stage of this.stages) {
      stage.output.close();
    }
    lane.remove(this.stages);
    lane.pool.forget(this.#compiled.map(({ number }) => number));
  }
}

function routedBy(counters: readonly CounterSpec[]): StageHost['routed'] {
  const of = (where: 'elsewhere' | 'nowhere'): number[] =>
    counters.flatMap((spec, i) => (spec.kind === 'routed' && spec.where === where ? [i] : []));
  return { elsewhere: of('elsewhere'), nowhere: of('nowhere') };
}

/** The pieces of a batch are the requests of the next stage; the batch lives until all are taken. */
function enqueueBatch(stage: Stage, batch: GatheredBatch): void {
  const key = JSON.stringify(batch.metadata);
  let reading = batch.pieces.length;
  let unanswered = batch.pieces.length;
  let refusal: Refusal | null = null;
  const answered = (one: Refusal | null): void => {
    refusal = worse(refusal, one);
    if (--unanswered === 0) batch.secure(refusal);
  };
  for (const { at, length, spans } of batch.pieces) {
    const request: StageRequest = {
      at,
      length,
      spans,
      payload: batch,
      metadata: batch.metadata,
      metadataKey: key,
      taken(outcome, message) {
        if (--reading === 0) batch.release();
        if (outcome !== 'pending') answered(outcome === 'written' ? null : { kind: 'never', message });
      },
      secured: answered,
    };
    stage.enqueue(request);
  }
}
