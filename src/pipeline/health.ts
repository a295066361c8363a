// Judges the health of each pipeline from plain numbers, with reasons. Pure: time and numbers are handed in. What makes an
// instance degraded and what makes it not ready are thresholds of the policy; a state is entered at once, and left when its
// cause has been gone for a while, so that it does not flap.
import type { HealthCause, HealthPolicy, HealthReason, HealthState, PipelineHealth } from '../component/health.ts';
import { formatDurationMs } from '../lib/duration.ts';
import { HealthWindow } from './health-window.ts';

export interface ReceiverInput {
  readonly id: string;
  /** Requests in all: those that were taken, and those that were refused for want of room. */
  readonly acceptedRequests: number;
  readonly refusedRequests: number;
}

export interface ExporterInput {
  readonly id: string;
  /** Age of the oldest batch that is not settled, in ms; 0: there is none. */
  readonly queueAgeMs: number;
  /** Part of the queue that is used, 0 to 1; 0 where there is no queue. */
  readonly queueFullness: number;
  readonly consecutiveFailures: number;
  /** Of the last failed attempt. */
  readonly lastError: string;
  /** Infinity: nothing was ever sent. */
  readonly sinceSuccessMs: number;
}

export interface HealthInputs {
  readonly pipelines: readonly {
    readonly id: string;
    readonly receivers: readonly string[];
    readonly exporters: readonly string[];
  }[];
  /** Each once, whatever pipelines share it. */
  readonly receivers: readonly ReceiverInput[];
  readonly exporters: readonly ExporterInput[];
  /** 0 to 1; 1: the next request finds no place. */
  readonly memoryFullness: number;
  /** In all. */
  readonly workerDeaths: number;
  /** Spans that could not be stored, in all. */
  readonly storageFailures: number;
  /** How long all workers have been at their present jobs; 0: one is idle. */
  readonly workersBusyMs: number;
}

export interface HealthVerdict {
  readonly pipelines: readonly PipelineHealth[];
  readonly live: boolean;
}

/** Fewer refused requests in a window say nothing: on a quiet service one would be half of them. */
const fewestRefused = 5;
/** A job that takes 30 s has its worker replaced; where all go on for much longer, that does not happen. */
const stuckAfterMs = 90_000;
const longestErrorChars = 200;

/** A reason, and until when it counts. Times of the judge's clock. */
interface Held {
  message: string;
  readonly seenAt: Record<Level, number>;
  readonly since: Record<Level, number>;
}
type Level = HealthReason['state'];

export class HealthJudge {
  readonly #policy: HealthPolicy;
  readonly #window: HealthWindow;
  readonly #held = new Map<string, Held>();
  readonly #states = new Map<string, { readonly state: HealthState; readonly since: number }>();
  #now = Number.NEGATIVE_INFINITY;

  constructor(policy: HealthPolicy) {
    this.#policy = policy;
    this.#window = new HealthWindow(policy.windowMs);
  }

  /** `now`: milliseconds of a monotonic clock. To be called about once a second. */
  judge(inputs: HealthInputs, now: number): HealthVerdict {
    // A clock that goes back stands still until it has caught up.
    this.#now = Math.max(this.#now, now);
    this.#window.add(inputs, this.#now);
    const shared = this.#sharedReasons(inputs);
    const ofReceiver = new Map(inputs.receivers.map(({ id }) => [id, this.#refusals(id)]));
    const ofExporter = new Map(inputs.exporters.map((exporter) => [exporter.id, this.#exporterReasons(exporter)]));
    const byId = new Map(inputs.exporters.map((exporter) => [exporter.id, exporter]));
    const pipelines = inputs.pipelines.map(({ id, receivers, exporters }) => {
      const own = exporters.flatMap((exporter) => byId.get(exporter) ?? []);
      const reasons = [
        ...receivers.flatMap((receiver) => ofReceiver.get(receiver) ?? []),
        ...exporters.flatMap((exporter) => ofExporter.get(exporter) ?? []),
        ...this.#allStuck(id, own),
        ...shared,
      ];
      // The sort is stable: within a state the order is as above.
      reasons.sort((a, b) => Number(b.state === 'not_ready') - Number(a.state === 'not_ready'));
      const state: HealthState = reasons.length === 0 ? 'ok' : reasons[0].state;
      const ready = state !== 'not_ready' || !this.#policy.enabled;
      return { id, receivers, exporters, state, forMs: this.#inState(id, state), reasons, ready };
    });
    this.#forget(inputs);
    return { pipelines, live: inputs.workersBusyMs < stuckAfterMs };
  }

  #refusals(id: string): HealthReason[] {
    const { degraded, notReady, windowMs } = this.#policy;
    const { accepted, refused } = this.#window.requests(id);
    const part = refused < fewestRefused ? 0 : refused / (accepted + refused);
    const level = levelOf(part, degraded.refusals, notReady.refusals);
    return this.#reason('refusals', `receiver:${id}`, level, () => {
      return `${refused} of ${accepted + refused} requests of the last ${shown(windowMs)} were refused for want of room`;
    });
  }

  #exporterReasons(exporter: ExporterInput): HealthReason[] {
    const { degraded, notReady } = this.#policy;
    const component = `exporter:${exporter.id}`;
    const { queueAgeMs, consecutiveFailures, lastError } = exporter;
    const fullness = this.#window.leastQueue(exporter.id);
    return [
      ...this.#reason('queue_age', component, levelOf(queueAgeMs, degraded.queueAgeMs, notReady.queueAgeMs), () => {
        return `its oldest batch has waited for ${shown(queueAgeMs)}`;
      }),
      ...this.#reason(
        'exporter_failures',
        component,
        levelOf(consecutiveFailures, degraded.exporterFailures, notReady.exporterFailures),
        () => `${consecutiveFailures} attempts in a row failed, the last with: ${cut(lastError)}`,
      ),
      // While another exporter of the pipeline gets something out, requests are of use: see #allStuck.
      ...this.#reason('queue', component, levelOf(fullness, degraded.fullness, 0), () => {
        return `its queue is ${percent(fullness)} full`;
      }),
    ];
  }

  /** Every queue of the pipeline is full and stands still: what is taken now comes to nothing but refusals. */
  #allStuck(id: string, exporters: readonly ExporterInput[]): HealthReason[] {
    const { notReady, windowMs } = this.#policy;
    const isStuck = exporters.every(
      (exporter) =>
        levelOf(this.#window.leastQueue(exporter.id), 0, notReady.fullness) === 'not_ready' &&
        exporter.sinceSuccessMs >= windowMs,
    );
    return this.#reason('queue', `pipeline:${id}`, exporters.length > 0 && isStuck ? 'not_ready' : 'ok', () => {
      return `the queues of all its exporters are full, and nothing was sent for ${shown(windowMs)}`;
    });
  }

  /** What concerns all pipelines. */
  #sharedReasons({ workerDeaths }: HealthInputs): HealthReason[] {
    const { degraded, notReady, windowMs } = this.#policy;
    const memory = this.#window.leastMemory();
    // Full and moving is busy, not useless.
    const memoryLimit = this.#window.accepted() > 0 ? 0 : notReady.fullness;
    const deaths = this.#window.workerDeaths();
    const failures = this.#window.storageFailures();
    return [
      ...this.#reason('memory', 'memory', levelOf(memory, degraded.fullness, memoryLimit), () => {
        return `the memory budget is ${percent(memory)} used${memoryLimit > 0 ? ', and no request was taken' : ''}`;
      }),
      ...this.#reason(
        'worker_deaths',
        'workers',
        levelOf(deaths, degraded.workerDeaths, notReady.workerDeaths),
        () => `${times(deaths)} in ${shown(windowMs)} a worker died (${workerDeaths} in all)`,
      ),
      ...this.#reason(
        'storage_failures',
        'storage',
        levelOf(failures, degraded.storageFailures, notReady.storageFailures),
        () => `${failures} ${failures === 1 ? 'span' : 'spans'} could not be stored in the last ${shown(windowMs)}`,
      ),
    ];
  }

  /** The reason as it counts now: entered at once, left after the recovery time. None or one. */
  #reason(cause: HealthCause, component: string, level: HealthState, message: () => string): HealthReason[] {
    const key = `${cause} ${component}`;
    let held = this.#held.get(key);
    if (level !== 'ok') {
      held ??= newHeld();
      this.#held.set(key, held);
      held.message = message();
      this.#touch(held, 'degraded');
      if (level === 'not_ready') this.#touch(held, 'not_ready');
    }
    if (held === undefined) return [];
    for (const state of ['not_ready', 'degraded'] as const) {
      if (!this.#counts(held, state)) continue;
      return [{ state, cause, component, message: held.message, forMs: this.#now - held.since[state] }];
    }
    this.#held.delete(key);
    return [];
  }

  #touch(held: Held, level: Level): void {
    if (!this.#counts(held, level)) held.since[level] = this.#now;
    held.seenAt[level] = this.#now;
  }

  #counts(held: Held, level: Level): boolean {
    const goneMs = this.#now - held.seenAt[level];
    return goneMs === 0 || goneMs < this.#policy.recoveryMs;
  }

  /** How long the pipeline has been in the state. */
  #inState(id: string, state: HealthState): number {
    const known = this.#states.get(id);
    if (known?.state === state) return this.#now - known.since;
    this.#states.set(id, { state, since: this.#now });
    return 0;
  }

  /** Components that a new configuration no longer has leave nothing behind. */
  #forget({ pipelines, receivers, exporters }: HealthInputs): void {
    const known = new Set([
      ...pipelines.map(({ id }) => `pipeline:${id}`),
      ...receivers.map(({ id }) => `receiver:${id}`),
      ...exporters.map(({ id }) => `exporter:${id}`),
    ]);
    for (const key of this.#held.keys()) {
      const component = key.slice(key.indexOf(' ') + 1);
      if (component.includes(':') && !known.has(component)) this.#held.delete(key);
    }
    for (const id of this.#states.keys()) if (!known.has(`pipeline:${id}`)) this.#states.delete(id);
  }
}

const never = Number.NEGATIVE_INFINITY;
const newHeld = (): Held => ({
  message: '',
  seenAt: { degraded: never, not_ready: never },
  since: { degraded: never, not_ready: never },
});

/** A threshold of 0 is never reached. */
function levelOf(value: number, degraded: number, notReady: number): HealthState {
  if (notReady > 0 && value >= notReady) return 'not_ready';
  return degraded > 0 && value >= degraded ? 'degraded' : 'ok';
}

const shown = (ms: number): string => formatDurationMs(ms < 1000 ? Math.round(ms) : Math.round(ms / 1000) * 1000);
const percent = (part: number): string => `${Math.floor(part * 100)} %`;
const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);
const cut = (text: string): string =>
  text.length <= longestErrorChars ? text : `${text.slice(0, longestErrorChars)}…`;
