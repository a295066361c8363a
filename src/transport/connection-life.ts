// The life of a server's connection, whatever carries it: idle and age limits, keepalive pings, ping policy, GOAWAY. One
// sweep over all connections instead of timers for each.
import type { PingPolicy, ServerCounters, ServerKeepalive } from './grpc-server.ts';
import { errorCode } from './http2/frames.ts';

/** What an HTTP/2 implementation does for it. */
export interface ConnectionControl {
  /** Nothing more can be sent. */
  readonly ended: boolean;
  /** Whether it reads on after a GOAWAY where there is no stream. */
  readonly readsBehindGoaway: boolean;
  bytesRead(): number;
  /** Sends a PING; `answered` is called when its ACK came. */
  ping(answered: () => void): void;
  /** `lastStream` 0: the last one that was taken. */
  goaway(code: number, lastStream: number, text: string): void;
  /** Sends the last GOAWAY; the connection ends with its last stream, at once when there is none. */
  finish(): void;
  /** Cuts it; what was sent before still goes out where the client takes it. */
  destroy(): void;
}

// "A server that is attempting to gracefully shut down a connection SHOULD send an initial GOAWAY frame with the last stream
// identifier set to 2^31-1 and a NO_ERROR code" (RFC 9113, 6.8).
const allStreams = 2 ** 31 - 1;
/** How long to wait for the answer to the ping that follows the first GOAWAY. */
const goawayRoundTripMs = 1000;
const maxPingStrikes = 2;
/** grpc-go: without streams a client may ping every two hours, unless permitted otherwise. */
const idlePingTimeMs = 2 * 3_600_000;

export class ConnectionLife {
  streamsNow = 0;
  idleSince: number;
  /** Set with every answer: grpc-go's server forgives all earlier pings when it sends something. */
  forgivePings = false;
  private readonly control: ConnectionControl;
  private readonly bornAt: number;
  private readonly maxAgeMs: number;
  private bytesRead = 0;
  private readAt: number;
  /** When a keepalive ping was sent that nothing came back for; 0: none. */
  private pingedAt = 0;
  /** When GOAWAY was sent; 0: not yet. */
  private leavingAt = 0;
  /** Why it was sent away; decides how long calls under way may take. */
  private leavingForAge = false;
  /** The first GOAWAY was sent and not the last. Ends the wait for the answer to the ping between them. */
  private finishLeaving: (() => void) | null = null;
  private pingStrikes = 0;
  private lastPingAt = Number.NEGATIVE_INFINITY;

  constructor(control: ConnectionControl, maxConnectionAgeMs: number) {
    const now = performance.now();
    this.control = control;
    this.bornAt = now;
    this.idleSince = now;
    this.readAt = now;
    this.maxAgeMs = maxConnectionAgeMs * (0.9 + Math.random() * 0.2);
  }

  /**
   * Sends the connection away without losing a call: first a GOAWAY that still takes every stream, and when the ping behind
   * it is answered (no stream of before can still be under way to us) the final one. Where nothing is read between the two,
   * only that, which tells the client to send again what it began meanwhile.
   */
  sendAway(): void {
    const { control } = this;
    if (this.leavingAt !== 0 || control.ended) return;
    this.leavingAt = performance.now();
    if (this.streamsNow === 0 && !control.readsBehindGoaway) {
      control.finish();
      return;
    }
    const finish = (): void => {
      clearTimeout(timer);
      this.finishLeaving = null;
      if (!control.ended) control.finish();
    };
    const timer = setTimeout(finish, goawayRoundTripMs);
    this.finishLeaving = finish;
    control.goaway(errorCode.noError, allStreams, '');
    control.ping(finish);
  }

  /** The last stream has ended. */
  idle(): void {
    this.idleSince = performance.now();
    if (!this.control.readsBehindGoaway) this.finishLeaving?.();
  }

  /** A ping came. A client that sends too many is told so, and cut. */
  onPing(policy: PingPolicy, counters: ServerCounters): void {
    const now = performance.now();
    const sinceLastMs = now - this.lastPingAt;
    this.lastPingAt = now;
    if (this.forgivePings) {
      this.forgivePings = false;
      this.pingStrikes = 0;
      return;
    }
    const minTimeMs = this.streamsNow > 0 || policy.permitWithoutStream ? policy.minTimeMs : idlePingTimeMs;
    if (sinceLastMs >= minTimeMs) return;
    this.pingStrikes++;
    if (this.pingStrikes <= maxPingStrikes || this.control.ended) return;
    counters.keepaliveClosed++;
    this.control.goaway(errorCode.enhanceYourCalm, 0, 'too_many_pings');
    this.control.destroy();
  }

  /** Looks once at the connection. */
  sweep(now: number, keepalive: ServerKeepalive, counters: ServerCounters): void {
    const { control } = this;
    if (control.ended) return;
    if (this.leavingAt !== 0) {
      if (this.leavingForAge && now - this.leavingAt >= keepalive.maxConnectionAgeGraceMs) control.destroy();
    } else if (now - this.bornAt >= this.maxAgeMs) {
      counters.keepaliveClosed++;
      this.leavingForAge = true;
      this.sendAway();
    } else if (this.streamsNow === 0 && now - this.idleSince >= keepalive.maxConnectionIdleMs) {
      this.sendAway();
    }
    const bytesRead = control.bytesRead();
    if (bytesRead !== this.bytesRead) {
      this.bytesRead = bytesRead;
      this.readAt = now;
      this.pingedAt = 0;
    } else if (this.pingedAt !== 0) {
      if (now - this.pingedAt >= keepalive.timeoutMs) {
        counters.keepaliveClosed++;
        control.destroy();
      }
    } else if (now - this.readAt >= keepalive.timeMs) {
      this.pingedAt = now;
      control.ping(() => undefined);
    }
  }
}

/** How often to sweep so that the shortest of the limits is met within a quarter of its length; 10 ms to 5 s. */
export function sweepIntervalMs(limits: readonly number[]): number {
  return Math.min(5000, Math.max(10, Math.min(...limits) / 4));
}
