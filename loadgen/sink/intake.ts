// What the sink does with one export, whichever protocol it came by: the faults decide, then it is taken.
import { encodeRequest } from '../../src/wire/reference/codec.ts';
import { readJson } from '../../src/wire/reference/json-reader.ts';
import { decompress } from '../h2/compression.ts';
import type { Arrivals } from './arrivals.ts';
import type { Decision, Faults, Refusal } from './faults.ts';

/** How a request came. */
export type Way = 'grpc' | 'http/protobuf' | 'http/json';

/** How a request is answered. */
export type Answer =
  | { readonly kind: 'ok' }
  | { readonly kind: 'partial'; readonly rejected: number; readonly message: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly message: string }
  | { readonly kind: 'malformed'; readonly message: string }
  /** `encoding` is none that is known here. */
  | { readonly kind: 'unsupported'; readonly message: string }
  /** Never. */
  | { readonly kind: 'silent' }
  /** By cutting the connection. */
  | { readonly kind: 'reset' };

export interface IntakeOptions {
  readonly arrivals: Arrivals;
  readonly faults: Faults;
  /** Nanoseconds since the origin of the run, of the clock that all its processes share. */
  readonly nowNs: () => number;
}

export interface IntakeCounters {
  readonly requests: number;
  /** Of the bodies as they came. */
  readonly bytes: number;
  /** By kind. */
  readonly answers: Readonly<Record<Answer['kind'], number>>;
}

export interface Intake {
  decide(): Decision;
  /** Never throws. The body may be used for something else afterwards. `encoding`: gzip, zstd, deflate, identity or none. */
  handle(body: Buffer, encoding: string, way: Way, decision: Decision): Answer;
  counters(): IntakeCounters;
}

const ok: Answer = { kind: 'ok' };
const silent: Answer = { kind: 'silent' };
const reset: Answer = { kind: 'reset' };
const refusedMessage = 'refused by --fault';
const rejectedMessage = 'rejected by --fault';

export function createIntake({ arrivals, faults, nowNs }: IntakeOptions): Intake {
  const answers = { ok: 0, partial: 0, refused: 0, malformed: 0, unsupported: 0, silent: 0, reset: 0 };
  let requests = 0;
  let bytes = 0;

  const malformed = (message: string): Answer => ({ kind: 'malformed', message });
  const take = (body: Buffer, encoding: string, way: Way, rejected: number): Answer => {
    let message: Buffer | null;
    try {
      message = decompress(encoding, body);
      if (message === null) return { kind: 'unsupported', message: `unknown encoding "${encoding}"` };
      if (way === 'http/json') message = Buffer.from(encodeRequest(readJson(message.toString('utf8'))));
    } catch (error) {
      arrivals.countMalformed();
      return malformed(error instanceof Error ? error.message : String(error));
    }
    const spans = arrivals.take(message, nowNs(), rejected);
    if (spans < 0) return malformed('not an ExportTraceServiceRequest');
    if (rejected === 0 || spans === 0) return ok;
    return { kind: 'partial', rejected: Math.min(rejected, spans), message: rejectedMessage };
  };
  const answer = (body: Buffer, encoding: string, way: Way, { action }: Decision): Answer => {
    switch (action.kind) {
      case 'take':
        return take(body, encoding, way, 0);
      case 'partial':
        return take(body, encoding, way, action.rejected);
      case 'refuse': {
        const { refusal } = action;
        // Whoever is told so for good drops them: the account has to know which they were.
        if (refusal.isFinal[way === 'grpc' ? 'grpc' : 'http']) take(body, encoding, way, Number.POSITIVE_INFINITY);
        return { kind: 'refused', refusal, message: refusedMessage };
      }
      case 'stall':
        return silent;
      case 'reset':
        return reset;
    }
  };
  /** Whatever goes wrong with one request must not end the sink: what it has seen is the account of the run. */
  const safeAnswer = (...request: Parameters<typeof answer>): Answer => {
    try {
      return answer(...request);
    } catch (error) {
      arrivals.countMalformed();
      return malformed(error instanceof Error ? error.message : String(error));
    }
  };
  return {
    decide: () => faults.decide(nowNs() / 1e6),
    handle(body, encoding, way, decision) {
      requests++;
      bytes += body.length;
      const given = safeAnswer(body, encoding, way, decision);
      answers[given.kind]++;
      return given;
    },
    counters: () => ({ requests, bytes, answers: { ...answers } }),
  };
}
