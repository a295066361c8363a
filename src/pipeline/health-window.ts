// What happened in the last seconds, from numbers that only grow and from levels that were looked at now and then.
import type { HealthInputs, ReceiverInput } from './health.ts';

interface Sample {
  readonly at: number;
  readonly receivers: ReadonlyMap<string, ReceiverInput>;
  readonly queues: ReadonlyMap<string, number>;
  readonly memory: number;
  readonly workerDeaths: number;
  readonly storageFailures: number;
}

/** A window keeps so many samples, however often it is looked at. */
const samplesKept = 20;

export class HealthWindow {
  readonly #ms: number;
  /** The first is the youngest that is as old as the window, or the first of all. */
  readonly #samples: Sample[] = [];
  #latest: Sample | null = null;

  constructor(ms: number) {
    this.#ms = ms;
  }

  /** `at`: milliseconds, never less than before. */
  add(inputs: HealthInputs, at: number): void {
    const sample: Sample = {
      at,
      receivers: new Map(inputs.receivers.map((receiver) => [receiver.id, receiver])),
      queues: new Map(inputs.exporters.map(({ id, queueFullness }) => [id, queueFullness])),
      memory: inputs.memoryFullness,
      workerDeaths: inputs.workerDeaths,
      storageFailures: inputs.storageFailures,
    };
    this.#latest = sample;
    const samples = this.#samples;
    const last = samples.at(-1);
    if (last === undefined || at - last.at >= this.#ms / samplesKept) samples.push(sample);
    while (samples.length > 1 && samples[1].at <= at - this.#ms) samples.shift();
  }

  /** Requests of a receiver. */
  requests(receiver: string): { readonly accepted: number; readonly refused: number } {
    const [from, to] = this.#ends((sample) => sample.receivers.get(receiver));
    return {
      accepted: growth(from?.acceptedRequests, to?.acceptedRequests),
      refused: growth(from?.refusedRequests, to?.refusedRequests),
    };
  }

  /** Requests of all receivers that were taken. */
  accepted(): number {
    let accepted = 0;
    for (const receiver of this.#latest?.receivers.keys() ?? []) accepted += this.requests(receiver).accepted;
    return accepted;
  }

  workerDeaths(): number {
    return growth(...this.#ends(({ workerDeaths }) => workerDeaths));
  }

  storageFailures(): number {
    return growth(...this.#ends(({ storageFailures }) => storageFailures));
  }

  /** How full an exporter's queue was at the least; 0 before a whole window has passed. */
  leastQueue(exporter: string): number {
    return this.#least(({ queues }) => queues.get(exporter) ?? 0);
  }

  leastMemory(): number {
    return this.#least(({ memory }) => memory);
  }

  #least(of: (sample: Sample) => number): number {
    const latest = this.#latest;
    if (latest === null || latest.at - this.#samples[0].at < this.#ms) return 0;
    return Math.min(of(latest), ...this.#samples.map(of));
  }

  #ends<T>(of: (sample: Sample) => T): [from: T | undefined, to: T | undefined] {
    const latest = this.#latest;
    return latest === null ? [undefined, undefined] : [of(this.#samples[0]), of(latest)];
  }
}

/** What came to a count. One that is smaller than it was began anew, with a component that was replaced. */
const growth = (from = 0, to = 0): number => (to >= from ? to - from : to);
