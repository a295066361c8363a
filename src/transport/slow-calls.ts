// Clients that do not finish what they began: a message that stands still is given up after a while, and one that comes
// slowly gives its memory to others when there is too little.
import type { CallShared } from './call-port.ts';

/** A message that is not whole, and holds memory. */
export interface SlowMessage {
  readonly received: number;
  /** For how long it could come: since its call began, but for the time in which we did not read. Milliseconds. */
  readMs(now: number): number;
  /** Of the memory that others need; 0: it holds none. */
  unfinishedBytes(): number;
  giveWay(): void;
}

export interface SlowMessages {
  /** When slow ones were last looked for. */
  lookedForRoomAt: number;
  live(): Iterable<SlowMessage>;
}

/** A younger message is not judged: its bytes may be on their way. */
export const judgedAfterMs = 200;
/** All calls are looked at, so not for each one that finds no place. */
const lookAgainAfterMs = 50;

/** Ends calls whose message stands still: they hold a place, or a stream, for nothing. Called by a timer. */
export function endStalled<S, C>(shared: CallShared<S, C>, now: number): void {
  for (const call of shared.live()) {
    if (!call.isUnfinished()) continue;
    if (call.received !== call.sweptReceived) {
      call.sweptReceived = call.received;
      call.stalledSince = now;
    } else if (now - call.stalledSince >= shared.limits.stallTimeoutMs) {
      call.stall();
    }
  }
}

/**
 * There is no place for `bytes`: of the messages that are not whole the slowest, in bytes per time in which they could come,
 * give way until so much is free. Returns whether any did.
 */
export function makeRoom(shared: SlowMessages, bytes: number): boolean {
  const now = performance.now();
  if (now - shared.lookedForRoomAt < lookAgainAfterMs) return false;
  shared.lookedForRoomAt = now;
  const slow: SlowMessage[] = [];
  for (const call of shared.live()) {
    if (call.unfinishedBytes() > 0 && call.readMs(now) >= judgedAfterMs) slow.push(call);
  }
  const rate = (call: SlowMessage): number => call.received / call.readMs(now);
  slow.sort((a, b) => rate(a) - rate(b));
  let freed = 0;
  for (const call of slow) {
    if (freed >= bytes) break;
    freed += call.unfinishedBytes();
    call.giveWay();
  }
  return freed > 0;
}
