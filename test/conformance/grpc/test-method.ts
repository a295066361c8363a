// A UnaryMethod for tests: keeps what it was given, answers as told, and knows whether every place came back.
import type { CallInfo, Place, UnaryExchange, UnaryMethod } from '../../../src/transport/grpc-server.ts';
import { type GrpcStatus, grpcCode } from '../../../src/transport/grpc-status.ts';
import { retryInfoStatus } from '../../../src/transport/rpc-status.ts';

export const exportPath = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

export interface Handled {
  readonly message: Buffer;
  readonly call: CallInfo;
  readonly reply: UnaryExchange['answer'];
}

export interface TestMethod extends UnaryMethod {
  /** All that was handled, in order. */
  readonly handled: Handled[];
  /** Refusals that the server told of. */
  readonly refusals: string[];
  /** Resolves when `count` messages have been handled in all. */
  handledCount(count: number): Promise<void>;
  /** What to answer; `later` leaves it to the test to call `reply`. */
  answer: (message: Buffer, call: CallInfo) => GrpcStatus | null | 'later';
  /** While true nothing is reserved; `grant` decides on those that wait. */
  full: boolean;
  /** Calls that wait for a place. */
  waiting(): number;
  waitingCount(count: number): Promise<void>;
  grant(yes: boolean): void;
  /** From now on calls that would wait get none. */
  refuseWaiting(): void;
  /** Places that are reserved, neither handled nor abandoned. */
  outstanding(): number;
}

interface Watcher {
  readonly reached: () => boolean;
  readonly resolve: () => void;
}

/** `memoryBytes`: of all messages at a time. */
export function createTestMethod(memoryBytes = 64 << 20): TestMethod {
  const pages = memoryBytes / 65_536;
  const memory = Buffer.from(new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer);
  const handled: Handled[] = [];
  const waiters: { length: number; resolve: (place: Place | null) => void }[] = [];
  const live = new Set<Place>();
  let watchers: Watcher[] = [];
  let next = 0;
  let refusing = false;

  const place = (length: number): Place => {
    if (next + length > memory.length) next = 0;
    const made = { offset: next, length };
    next += length;
    live.add(made);
    return made;
  };
  const give = (back: Place): void => {
    if (!live.delete(back)) throw new Error('a place was given back twice');
  };
  const look = (): void => {
    const reached = watchers.filter((watcher) => watcher.reached());
    watchers = watchers.filter((watcher) => !reached.includes(watcher));
    for (const watcher of reached) watcher.resolve();
  };
  const until = (reached: () => boolean): Promise<void> =>
    reached() ? Promise.resolve() : new Promise((resolve) => watchers.push({ reached, resolve }));

  const method: TestMethod = {
    memory,
    handled,
    refusals: [],
    answer: () => null,
    full: false,
    reserve: (length) => (method.full ? null : place(length)),
    reserveLater(length) {
      if (refusing) return Promise.resolve(null);
      return new Promise((resolve) => {
        waiters.push({ length, resolve });
        look();
      });
    },
    handle(from, call) {
      give(from);
      const message = Buffer.from(memory.subarray(from.offset, from.offset + from.length));
      const reply = (status: GrpcStatus | null) => call.answer(status);
      handled.push({ message, call, reply });
      const status = method.answer(message, call);
      if (status !== 'later') setImmediate(reply, status);
      look();
    },
    abandon: give,
    overBudget: () => retryInfoStatus(grpcCode.RESOURCE_EXHAUSTED, 'no space left', 1500),
    rejected: (reason) => method.refusals.push(reason),
    handledCount: (count) => until(() => handled.length >= count),
    waiting: () => waiters.length,
    waitingCount: (count) => until(() => waiters.length >= count),
    grant(yes) {
      for (const waiter of waiters.splice(0)) waiter.resolve(yes ? place(waiter.length) : null);
    },
    refuseWaiting() {
      refusing = true;
      method.grant(false);
    },
    outstanding: () => live.size,
  };
  return method;
}
