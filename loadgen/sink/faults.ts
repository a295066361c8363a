// Faults that the sink has on purpose: what --fault says, and which requests it hits.

import { SpanmillError } from '../../src/errors.ts';
import { parseDurationMs } from '../../src/lib/duration.ts';
import { nearest } from '../../src/lib/nearest.ts';
import { codeOfHttpStatus, grpcCode } from '../../src/transport/grpc-status.ts';

export interface Refusal {
  readonly grpcCode: number;
  readonly httpStatus: number;
  /** When the client is to come again; null: nothing is said about it. */
  readonly retryMs: number | null;
  /** By OTLP, whether the client is not to send the same request again: then the spans are the sink's to answer for. */
  readonly isFinal: { readonly grpc: boolean; readonly http: boolean };
}

/** `partial`: so many of the request's last spans are rejected, and have not arrived. `stall`: no answer, ever. */
export type FaultAction =
  | { readonly kind: 'take' }
  | { readonly kind: 'partial'; readonly rejected: number }
  | { readonly kind: 'refuse'; readonly refusal: Refusal }
  | { readonly kind: 'stall' }
  | { readonly kind: 'reset' };

export interface Fault {
  readonly action: FaultAction;
  /** Answers come so much later; what is taken is taken at once. */
  readonly delayMs: number;
  /** Infinity: as fast as it comes. */
  readonly bytesPerSecond: number;
  /** Of the requests, above 0 to 1. */
  readonly share: number;
  /** Counted from the first request; the end is not in it. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** What happens to one request. */
export type Decision = Pick<Fault, 'action' | 'delayMs' | 'bytesPerSecond'>;

export interface Faults {
  /** For the next request. `nowMs`: of any clock, the same one each time. */
  decide(nowMs: number): Decision;
}

const take: FaultAction = { kind: 'take' };

const keys = ['delay', 'refuse', 'retry', 'partial', 'stall', 'reset', 'slow', 'share', 'between'] as const;
type Key = (typeof keys)[number];
const flags: readonly Key[] = ['stall', 'reset'];
const actions: readonly Key[] = ['refuse', 'partial', 'stall', 'reset'];
const examples: Readonly<Record<Key, string>> = {
  delay: 'delay=200ms',
  refuse: 'refuse=UNAVAILABLE or refuse=503',
  retry: 'retry=500ms',
  partial: 'partial=3',
  stall: 'stall',
  reset: 'reset',
  slow: 'slow=64KiB/s',
  share: 'share=0.1',
  between: 'between=5s..10s',
};
const isKey = (text: string): text is Key => (keys as readonly string[]).includes(text);

/** Reads one --fault. Throws a SpanmillError USAGE of one line. */
export function parseFault(text: string): Fault {
  const fail = (message: string): never => {
    throw new SpanmillError('USAGE', `--fault ${JSON.stringify(text)}: ${message}`);
  };
  const settings = splitSettings(text, fail);
  const chosen = actions.filter((key) => settings.has(key));
  if (chosen.length > 1) fail(`${chosen.join(' and ')} cannot stand together: give --fault twice`);
  if (chosen.length === 0 && !settings.has('delay') && !settings.has('slow')) {
    fail(`says nothing to do: one of delay, slow, ${actions.join(', ')}`);
  }
  if (settings.has('retry') && !settings.has('refuse')) fail('retry goes with refuse only');
  const read = <T>(key: Key, absent: T, parse: (value: string) => T | null): T => {
    const value = settings.get(key);
    if (value === undefined) return absent;
    return parse(value) ?? fail(`not a value of ${key}: "${value}"; for example ${examples[key]}`);
  };
  const [fromMs, toMs] = read<readonly [number, number]>('between', [0, Number.POSITIVE_INFINITY], parseBetween);
  const partial = read('partial', 0, (value) => (/^[1-9]\d{0,8}$/.test(value) ? Number(value) : null));
  const code = settings.get('refuse');
  const refusal =
    code === undefined ? null : (parseRefusal(code, read('retry', null, positiveDuration)) ?? failCode(code, fail));
  return {
    action: actionOf(settings, partial, refusal),
    delayMs: read('delay', 0, positiveDuration),
    bytesPerSecond: read('slow', Number.POSITIVE_INFINITY, parseSpeed),
    share: read('share', 1, (value) => (/^(\d*\.)?\d+$/.test(value) && isShare(Number(value)) ? Number(value) : null)),
    fromMs,
    toMs,
  };
}

const isShare = (share: number): boolean => share > 0 && share <= 1;

function splitSettings(text: string, fail: (message: string) => never): Map<Key, string> {
  const settings = new Map<Key, string>();
  for (const part of text.split(',').map((each) => each.trim())) {
    const at = part.indexOf('=');
    const key = at < 0 ? part : part.slice(0, at).trim();
    if (!isKey(key)) {
      const near = nearest(key, keys);
      fail(
        key === ''
          ? 'a setting is empty'
          : `unknown "${key}"; ${near === undefined ? `known: ${keys.join(', ')}` : `did you mean "${near}"?`}`,
      );
      continue;
    }
    if (settings.has(key)) fail(`${key} stands twice`);
    const isFlag = flags.includes(key);
    if (isFlag !== at < 0) fail(isFlag ? `${key} takes no value` : `${key} needs a value, as in ${examples[key]}`);
    settings.set(key, at < 0 ? '' : part.slice(at + 1).trim());
  }
  return settings;
}

function actionOf(settings: ReadonlyMap<Key, string>, rejected: number, refusal: Refusal | null): FaultAction {
  if (refusal !== null) return { kind: 'refuse', refusal };
  if (rejected > 0) return { kind: 'partial', rejected };
  if (settings.has('stall')) return { kind: 'stall' };
  return settings.has('reset') ? { kind: 'reset' } : take;
}

function failCode(code: string, fail: (message: string) => never): never {
  const names = Object.keys(grpcCode).filter((name) => name !== 'OK');
  const near = nearest(code, names);
  const hint = near === undefined ? `; for example ${examples.refuse}` : `; did you mean "${near}"?`;
  return fail(`"${code}" is neither the name of a gRPC status nor an HTTP status from 400 to 599${hint}`);
}

function positiveDuration(text: string): number | null {
  const ms = parseDurationMs(text);
  return ms !== null && ms > 0 ? ms : null;
}

function parseBetween(text: string): readonly [number, number] | null {
  const [from, to, ...others] = text.split('..').map(parseDurationMs);
  if (others.length > 0 || from === null || to === null || to === undefined) return null;
  return from >= 0 && from < to ? [from, to] : null;
}

const unitBytes: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

function parseSpeed(text: string): number | null {
  const found = /^(\d+(?:\.\d+)?)([KMG]i?B|B)\/s$/.exec(text);
  if (found === null) return null;
  const speed = Number(found[1]) * unitBytes[found[2]];
  return speed > 0 ? speed : null;
}

/** HTTP statuses that say as much, above all to come again or not (OTLP: 429, 502, 503 and 504 are retried). */
const httpStatusOf = new Map<number, number>([
  [grpcCode.CANCELLED, 503],
  [grpcCode.UNKNOWN, 500],
  [grpcCode.DEADLINE_EXCEEDED, 504],
  [grpcCode.NOT_FOUND, 404],
  [grpcCode.PERMISSION_DENIED, 403],
  [grpcCode.RESOURCE_EXHAUSTED, 429],
  [grpcCode.ABORTED, 503],
  [grpcCode.OUT_OF_RANGE, 503],
  [grpcCode.UNIMPLEMENTED, 501],
  [grpcCode.INTERNAL, 500],
  [grpcCode.UNAVAILABLE, 503],
  [grpcCode.DATA_LOSS, 503],
  [grpcCode.UNAUTHENTICATED, 401],
]);
const grpcCodeOf = new Map<number, number>([
  [400, grpcCode.INVALID_ARGUMENT],
  [429, grpcCode.RESOURCE_EXHAUSTED],
]);

/** OTLP 1.11, "Failures" of OTLP/gRPC: the codes that are retryable; RESOURCE_EXHAUSTED is where it comes with a delay. */
const grpcRetryable: ReadonlySet<number> = new Set([
  grpcCode.CANCELLED,
  grpcCode.DEADLINE_EXCEEDED,
  grpcCode.ABORTED,
  grpcCode.OUT_OF_RANGE,
  grpcCode.UNAVAILABLE,
  grpcCode.DATA_LOSS,
]);
/** OTLP 1.11, "Retryable Response Codes": "All other 4xx or 5xx response status codes MUST NOT be retried." */
const httpRetryable: ReadonlySet<number> = new Set([429, 502, 503, 504]);

function refusalOf(code: number, httpStatus: number, retryMs: number | null): Refusal {
  const isRetried = grpcRetryable.has(code) || (code === grpcCode.RESOURCE_EXHAUSTED && retryMs !== null);
  return { grpcCode: code, httpStatus, retryMs, isFinal: { grpc: !isRetried, http: !httpRetryable.has(httpStatus) } };
}

function parseRefusal(text: string, retryMs: number | null): Refusal | null {
  if (/^[45]\d\d$/.test(text)) {
    const httpStatus = Number(text);
    return refusalOf(grpcCodeOf.get(httpStatus) ?? codeOfHttpStatus(httpStatus), httpStatus, retryMs);
  }
  if (text === 'OK' || !Object.hasOwn(grpcCode, text)) return null;
  const code = grpcCode[text as keyof typeof grpcCode];
  return refusalOf(code, httpStatusOf.get(code) ?? 400, retryMs);
}

/**
 * Of the faults that hit a request the delays add up, the slowest reading counts, and the first with an action acts. `random`
 * gives numbers from 0 to below 1: the same ones, the same faults.
 */
export function createFaults(list: readonly Fault[], random: () => number): Faults {
  let firstMs: number | null = null;
  return {
    decide(nowMs) {
      firstMs ??= nowMs;
      const sinceMs = nowMs - firstMs;
      let action = take;
      let delayMs = 0;
      let bytesPerSecond = Number.POSITIVE_INFINITY;
      for (const fault of list) {
        // Drawn whether it matters or not, so that what hits the next request does not depend on the time.
        const drawn = fault.share < 1 ? random() : 0;
        if (drawn >= fault.share || sinceMs < fault.fromMs || sinceMs >= fault.toMs) continue;
        delayMs += fault.delayMs;
        bytesPerSecond = Math.min(bytesPerSecond, fault.bytesPerSecond);
        if (action.kind === 'take') action = fault.action;
      }
      return { action, delayMs, bytesPerSecond };
    },
  };
}
