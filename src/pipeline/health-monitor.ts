// Looks at the health of the service once a second, and at once when the service's own state changes; tells those who want
// to know, and writes each change to the log.
import type { Logger } from 'pino';
import type { ServiceState } from '../component/health.ts';
import {
  defaultHealthPolicy,
  type HealthPolicy,
  type HealthReport,
  type HealthState,
  type PipelineHealth,
  type Serving,
} from '../component/health.ts';
import { type HealthInputs, HealthJudge, type HealthVerdict } from './health.ts';

export interface HealthMonitorHost {
  readonly log: Logger;
  state(): ServiceState;
  /** `now`: of performance.now(). */
  inputs(now: number): HealthInputs;
}

const intervalMs = 1000;
const shortestIntervalMs = 50;

export class HealthMonitor {
  readonly #host: HealthMonitorHost;
  readonly #listeners = new Set<() => void>();
  #policy: HealthPolicy = defaultHealthPolicy;
  #judge = new HealthJudge(defaultHealthPolicy);
  #verdict: HealthVerdict = { pipelines: [], live: true };
  #timer: NodeJS.Timeout | undefined;
  #told = '';

  constructor(host: HealthMonitorHost) {
    this.#host = host;
  }

  get policy(): HealthPolicy {
    return this.#policy;
  }

  /** undefined: the default. One that differs from the present one begins anew; what was judged by that is forgotten. */
  setPolicy(policy: HealthPolicy = defaultHealthPolicy): void {
    if (JSON.stringify(policy) === JSON.stringify(this.#policy)) return;
    this.#policy = policy;
    this.#judge = new HealthJudge(policy);
    if (this.#timer !== undefined) this.start();
  }

  /** Begins to look. Does not keep the process alive. */
  start(): void {
    this.stop();
    const { windowMs, recoveryMs } = this.#policy;
    const wanted = Math.min(intervalMs, windowMs / 5, recoveryMs > 0 ? recoveryMs / 5 : intervalMs);
    this.#timer = setInterval(() => this.look(), Math.max(wanted, shortestIntervalMs));
    this.#timer.unref();
    this.look();
  }

  /** May be called twice. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Looks now. To be called, too, whenever the service's own state has changed. */
  look(): void {
    const now = performance.now();
    const before = new Map(this.#verdict.pipelines.map(({ id, state }) => [id, state]));
    this.#verdict = this.#judge.judge(this.#host.inputs(now), now);
    for (const pipeline of this.#verdict.pipelines) {
      if ((before.get(pipeline.id) ?? 'ok') !== pipeline.state) this.#say(pipeline);
    }
    const { service, ready, pipelines } = this.report();
    const told = [service, ready, ...pipelines.map(({ id, state }) => `${id} ${state}`)].join();
    if (told === this.#told) return;
    this.#told = told;
    for (const listener of [...this.#listeners]) listener();
  }

  report(): HealthReport {
    const service = this.#host.state();
    const { pipelines, live } = this.#verdict;
    const has = (state: HealthState): boolean => pipelines.some((pipeline) => pipeline.state === state);
    const ready = service === 'ready' && pipelines.every((pipeline) => pipeline.ready);
    const state = service !== 'ready' || has('not_ready') ? 'not_ready' : has('degraded') ? 'degraded' : 'ok';
    return { service, ready, state, pipelines, live };
  }

  /** Whether requests should come for the pipelines that the receiver feeds; without one, for the service. */
  isServing(receiver?: string): boolean {
    const fed = this.#verdict.pipelines.filter(
      ({ receivers }) => receiver === undefined || receivers.includes(receiver),
    );
    return this.#host.state() === 'ready' && fed.every(({ ready }) => ready);
  }

  /** What a receiver is told. */
  serving(receiver: string): Serving {
    return {
      isServing: (scope) => this.isServing(scope === 'receiver' ? receiver : undefined),
      onChange: (listener) => this.onChange(listener),
    };
  }

  /** Calls the listener after every change of a state; returns what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #say({ id, state, reasons }: PipelineHealth): void {
    const { log } = this.#host;
    const because = reasons.map(({ component, message }) => `${component}: ${message}`);
    if (state === 'ok') log.info({ pipeline: id }, 'the pipeline is healthy again');
    else if (state === 'degraded') log.warn({ pipeline: id, because }, 'the pipeline is degraded');
    else log.error({ pipeline: id, because }, 'the pipeline is not ready: send requests elsewhere');
  }
}
