import { type CallOptions, cancelledReply, deadlineReply, type GrpcReply } from '../grpc-client.ts';

/** The deadline and the signal of one call, in every phase of it. */
export interface CallLimits {
  readonly timeoutMs: number;
  remainingMs(): number;
  /** The reply with which the call is over by now, or null. */
  over(): GrpcReply | null;
  /** `listener` is told once when the deadline passes or the signal comes, unless replaced (null: nobody is told). */
  listen(listener: ((reply: GrpcReply) => void) | null): void;
  end(): void;
}

export function createCallLimits(options: CallOptions): CallLimits {
  const timeoutMs = options.timeoutMs ?? 0;
  const { signal } = options;
  const deadlineAt = timeoutMs > 0 ? performance.now() + timeoutMs : Number.POSITIVE_INFINITY;
  let listener: ((reply: GrpcReply) => void) | null = null;
  let outcome: GrpcReply | null = signal?.aborted === true ? cancelledReply : null;
  const finish = (reply: GrpcReply): void => {
    if (outcome !== null) return;
    outcome = reply;
    const told = listener;
    listener = null;
    told?.(reply);
  };
  const onAbort = (): void => finish(cancelledReply);
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = timeoutMs > 0 ? setTimeout(() => finish(deadlineReply), Math.min(timeoutMs, 2 ** 31 - 1)) : undefined;
  return {
    timeoutMs,
    remainingMs: () => deadlineAt - performance.now(),
    over: () => outcome,
    listen(next) {
      listener = next;
    },
    end() {
      listener = null;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    },
  };
}
