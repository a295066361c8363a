// What the server said of the requests.
import type { ExportReply } from '../client/client.ts';
import { cpuWaitMicroseconds } from '../cpu-wait.ts';
import { createLatencyRecorder } from '../latency.ts';
import type { Amount, GeneratorCounters, UnsureRange } from './messages.ts';

/** Who did not take a request: the server refused it, or nobody knows. */
const unknownOutcome = new Set(['TRANSPORT', 'DEADLINE_EXCEEDED', 'CANCELLED']);

/** A request that was sent: its spans, the bytes of its body, and whether it had an intended time. */
export interface Sent {
  readonly spans: number;
  readonly bytes: number;
  readonly isTimed: boolean;
}

export class Tally {
  readonly acknowledgement = createLatencyRecorder();
  /** Of the requests that were not acknowledged too. */
  readonly response = createLatencyRecorder();
  readonly lateness = createLatencyRecorder();
  readonly #byStatus = new Map<string, number>();
  readonly #unsure: [first: number, count: number, rejected: number][] = [];
  #sent = 0;
  #acknowledgedRequests = 0;
  #bytes = 0;
  #inFlight = 0;
  #mostInFlight = 0;
  #generated = 0;
  #acknowledged = 0;
  #rejected = 0;
  #failed = 0;
  #unsent = 0;
  #unsentSpans = 0;
  #flushedRequests = 0;
  #flushedSpans = 0;
  #firstFailure = '';

  get inFlight(): number {
    return this.#inFlight;
  }

  get unsure(): readonly UnsureRange[] {
    return this.#unsure;
  }

  get flushed(): Amount {
    return { requests: this.#flushedRequests, spans: this.#flushedSpans };
  }

  /** `isTimed`: it had an intended time; else it is one that was flushed. */
  sent({ spans, bytes, isTimed }: Sent): void {
    this.#countSent(1, spans, bytes, isTimed);
    if (this.#inFlight > this.#mostInFlight) this.#mostInFlight = this.#inFlight;
  }

  /** As though it had not been sent: nothing of it went out. */
  takenBack({ spans, bytes, isTimed }: Sent): void {
    this.#countSent(-1, -spans, -bytes, isTimed);
  }

  #countSent(requests: 1 | -1, spans: number, bytes: number, isTimed: boolean): void {
    this.#sent += requests;
    this.#inFlight += requests;
    this.#generated += spans;
    this.#bytes += bytes;
    if (isTimed) return;
    this.#flushedRequests += requests;
    this.#flushedSpans += spans;
  }

  /** It fell due, and the load ended before it could be sent. `elapsed`: nanoseconds since its intended time. */
  unsent(first: number, spans: number, elapsed: number): void {
    this.#unsent++;
    this.#unsentSpans += spans;
    this.response.record(elapsed);
    this.#notTaken(first, spans);
  }

  /** `first`: number of its first span; `elapsed`: nanoseconds since its intended time, null where it had none. */
  answered(reply: ExportReply, first: number, spans: number, elapsed: number | null): void {
    this.#inFlight--;
    if (elapsed !== null) this.response.record(elapsed);
    const status = reply.ok && reply.rejectedSpans > 0 ? 'PARTIAL' : reply.status;
    this.#byStatus.set(status, (this.#byStatus.get(status) ?? 0) + 1);
    if (reply.ok) {
      const rejected = Math.min(spans, reply.rejectedSpans);
      if (elapsed !== null) this.acknowledgement.record(elapsed);
      this.#acknowledgedRequests++;
      this.#acknowledged += spans - rejected;
      this.#rejected += rejected;
      if (rejected > 0) this.#unsure.push([first, spans, rejected]);
    } else {
      if (unknownOutcome.has(status)) this.#failed += spans;
      else this.#rejected += spans;
      this.#notTaken(first, spans);
    }
    if (status !== 'OK' && this.#firstFailure === '') this.#firstFailure = `${status}: ${reply.message}`;
  }

  #notTaken(first: number, spans: number): void {
    const last = this.#unsure.at(-1);
    if (last !== undefined && last[2] < 0 && last[0] + last[1] === first) last[1] += spans;
    else this.#unsure.push([first, spans, -1]);
  }

  resetLatency(): void {
    this.acknowledgement.reset();
    this.response.reset();
    this.lateness.reset();
  }

  counters(overdue: number): Omit<GeneratorCounters, 'limitedByBytes' | 'late'> {
    const { user, system } = process.cpuUsage();
    return {
      requests: {
        sent: this.#sent,
        acknowledged: this.#acknowledgedRequests,
        byStatus: Object.fromEntries(this.#byStatus),
        bytes: this.#bytes,
        overdue,
        unsent: this.#unsent,
        unsentSpans: this.#unsentSpans,
        inFlight: this.#inFlight,
        mostInFlight: this.#mostInFlight,
      },
      spans: {
        generated: this.#generated,
        acknowledged: this.#acknowledged,
        rejected: this.#rejected,
        failed: this.#failed,
      },
      firstFailure: this.#firstFailure,
      cpuMicroseconds: user + system,
      cpuWaitMicroseconds: cpuWaitMicroseconds(),
    };
  }
}
