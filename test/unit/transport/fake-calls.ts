// What a UnaryCall stands between, for tests without sockets: a method with little memory, a port that writes down what it
// is asked, an inflater that is done when the test says so.
import assert from 'node:assert/strict';
import type { CallPort, CallShared } from '../../../src/transport/call-port.ts';
import type { InflateJob } from '../../../src/transport/compression.ts';
import {
  newServerCounters,
  type Place,
  type ServerLimits,
  serverLimits,
  type UnaryExchange,
  type UnaryMethod,
} from '../../../src/transport/grpc-server.ts';
import { type GrpcStatus, grpcCode } from '../../../src/transport/grpc-status.ts';
import type { RequestAuth } from '../../../src/transport/request-auth.ts';
import type { RequestHead } from '../../../src/transport/request-head.ts';
import { UnaryCall } from '../../../src/transport/unary-call.ts';

export interface FakeMethod extends UnaryMethod {
  /** While true there is no place. */
  full: boolean;
  /** Contents and calls, in order. */
  readonly handled: { readonly text: string; readonly call: UnaryExchange; readonly place: Place }[];
  readonly reserved: { readonly length: number; readonly isWhole: boolean }[];
  readonly rejections: string[];
  overBudgets: number;
  /** Places that were given out, and neither handled nor abandoned. */
  outstanding(): number;
  /** Decides on the call that has waited longest; resolves when it knows. */
  decide(yes: boolean): Promise<void>;
  waiting(): number;
}

export function fakeMethod(): FakeMethod {
  const memory = Buffer.alloc(1 << 16);
  const out = new Set<Place>();
  const waiters: { length: number; resolve: (place: Place | null) => void }[] = [];
  let next = 0;
  const place = (length: number): Place => {
    const made = { offset: next, length };
    next += length;
    out.add(made);
    return made;
  };
  const takeBack = (given: Place): void => assert.ok(out.delete(given), 'a place was given back twice, or never given');
  const method: FakeMethod = {
    memory,
    full: false,
    handled: [],
    reserved: [],
    rejections: [],
    overBudgets: 0,
    reserve(length, isWhole) {
      method.reserved.push({ length, isWhole });
      return method.full ? null : place(length);
    },
    reserveLater: (length) => new Promise((resolve) => waiters.push({ length, resolve })),
    handle(given, call) {
      takeBack(given);
      const text = memory.toString('latin1', given.offset, given.offset + given.length);
      method.handled.push({ text, call, place: given });
    },
    abandon: takeBack,
    overBudget() {
      method.overBudgets++;
      return { code: grpcCode.RESOURCE_EXHAUSTED, message: 'full' };
    },
    rejected: (reason) => method.rejections.push(reason),
    outstanding: () => out.size,
    waiting: () => waiters.length,
    async decide(yes) {
      const waiter = waiters.shift();
      assert.ok(waiter !== undefined, 'no call waits');
      waiter.resolve(yes ? place(waiter.length) : null);
      await Promise.resolve();
      await Promise.resolve();
    },
  };
  return method;
}

export interface Rig {
  readonly method: FakeMethod;
  readonly shared: CallShared<string, string>;
  /** What the port was asked, one line each. */
  readonly said: string[];
  /** Whether calls may wait. */
  mayWait: boolean;
  /** By stream: for how long it was not read. */
  readonly pausedMs: Map<string, number>;
  readonly inflating: InflateJob[];
  readonly calls: UnaryCall<string, string>[];
  call(options?: { head?: Partial<RequestHead>; bornAt?: number; name?: string }): UnaryCall<string, string>;
}

/** Calls are closed when they are answered, as by a server whose client reads. */
export function createRig(limits: Partial<ServerLimits> = {}, auth: RequestAuth | null = null): Rig {
  const method = fakeMethod();
  const said: string[] = [];
  const calls: UnaryCall<string, string>[] = [];
  const ended = (call: UnaryCall<string, string>, line: string): void => {
    said.push(line);
    calls.splice(calls.indexOf(call), 1);
    call.closed();
  };
  const failed = ({ code, message }: GrpcStatus): string => `fail ${code} ${message}`;
  const port: CallPort<string, string> = {
    admitted: (_, announced) => said.push(`admitted ${announced}`),
    pause() {
      said.push('pause');
      return rig.mayWait;
    },
    resume: () => said.push('resume'),
    ok: (call) => ended(call, 'ok'),
    fail: (call, status, httpStatus) => ended(call, failed(status) + (httpStatus === 200 ? '' : ` ${httpStatus}`)),
    message: (_, framed) => said.push(`message ${framed.toString('latin1')}`),
    end: (call, status) => ended(call, status === null ? 'end' : `end ${status.code} ${status.message}`),
    peer: (connection) => connection,
    pausedMs: (call) => rig.pausedMs.get(call.stream) ?? 0,
  };
  const inflating: Rig['inflating'] = [];
  const shared: CallShared<string, string> = {
    port,
    limits: serverLimits(limits),
    counters: newServerCounters(),
    inflater: { inflate: (_, job) => void inflating.push(job) },
    auth,
    lookedForRoomAt: Number.NEGATIVE_INFINITY,
    live: () => calls,
  };
  const rig: Rig = {
    method,
    shared,
    said,
    mayWait: true,
    pausedMs: new Map(),
    inflating,
    calls,
    call({ head = {}, bornAt = performance.now(), name = 'stream' } = {}) {
      const whole: RequestHead = {
        method,
        encoding: null,
        timeoutMs: Number.POSITIVE_INFINITY,
        refusal: null,
        fields: [],
        credentials: [],
        isShown: true,
        welcomedIn: -1,
        ...head,
      };
      const call = new UnaryCall(shared, name, 'client:1', whole, bornAt);
      calls.push(call);
      call.begin();
      return call;
    },
  };
  return rig;
}

/** A gRPC message: flag, length, content. `announced`: what the prefix says, where that is not true. */
export function message(content: string, flag = 0, announced = content.length): Buffer {
  const bytes = Buffer.alloc(5 + content.length);
  bytes[0] = flag;
  bytes.writeUInt32BE(announced, 1);
  bytes.write(content, 5, 'latin1');
  return bytes;
}
