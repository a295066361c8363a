// The gRPC health service (grpc/grpc doc/health-checking.md), for any gRPC server of this project. Its messages are two fields:
//   HealthCheckRequest   1 string service
//   HealthCheckResponse  1 ServingStatus status
import type { Place, UnaryExchange, UnaryMethod } from './grpc-server.ts';
import { grpcCode } from './grpc-status.ts';
import { subMessages } from './rpc-status.ts';

/** What it tells. */
export interface HealthStatus {
  /** '' is the server as a whole; null: a service that nobody knows. */
  isServing(service: string): boolean | null;
  /** Calls the listener whenever that may have changed; returns what ends it. */
  onChange(listener: () => void): () => void;
}

export interface HealthService {
  /** Path to method, for `GrpcServerOptions.routes`. */
  readonly routes: readonly (readonly [string, UnaryMethod])[];
  /** Before the server drains: calls of Watch never end by themselves. */
  endWatches(): void;
}

/** Calls of Watch at a time; whoever comes later does without. */
export const mostWatches = 10_000;
/** Of a request; names of services are shorter. */
const slotBytes = 256;
/** Requests that are being received at a time. */
const slots = 1024;

const response = (status: number): Buffer => Buffer.of(0x08, status);
const serving = response(1);
const notServing = response(2);
/** "Used only by the Watch method." */
const serviceUnknown = response(3);

interface Watch {
  readonly call: UnaryExchange;
  readonly service: string;
  told: Buffer;
}

export function createHealthService(status: HealthStatus): HealthService {
  const watches = new Set<Watch>();
  let unsubscribe: (() => void) | null = null;
  let isEnding = false;

  const present = (service: string): Buffer => {
    const isServing = status.isServing(service);
    return isServing === null ? serviceUnknown : isServing ? serving : notServing;
  };

  function tellAll(): void {
    for (const watch of watches) {
      const now = present(watch.service);
      if (now === watch.told) continue;
      watch.told = now;
      watch.call.send(now);
    }
  }

  function leave(watch: Watch): void {
    watches.delete(watch);
    if (watches.size > 0) return;
    unsubscribe?.();
    unsubscribe = null;
  }

  function check(service: string, call: UnaryExchange): void {
    const now = present(service);
    if (now === serviceUnknown) {
      call.answer({ code: grpcCode.NOT_FOUND, message: `unknown service ${JSON.stringify(service)}` });
      return;
    }
    call.send(now);
    call.answer(null);
  }

  function watch(service: string, call: UnaryExchange): void {
    if (isEnding) {
      call.answer(draining);
      return;
    }
    if (watches.size >= mostWatches) {
      // "If the call terminates with status UNIMPLEMENTED, then clients should assume this method is not supported": they go
      // on without health checks. Any other status would make them take a server for sick that is not.
      call.answer({ code: grpcCode.UNIMPLEMENTED, message: 'too many calls of Watch at a time' });
      return;
    }
    const one: Watch = { call, service, told: present(service) };
    unsubscribe ??= status.onChange(tellAll);
    watches.add(one);
    call.onGone(() => leave(one));
    call.send(one.told);
  }

  return {
    routes: [
      ['/grpc.health.v1.Health/Check', smallMethod(check)],
      ['/grpc.health.v1.Health/Watch', smallMethod(watch)],
    ],
    endWatches() {
      isEnding = true;
      for (const one of [...watches]) {
        leave(one);
        one.call.answer(draining);
      }
    },
  };
}

const draining = { code: grpcCode.UNAVAILABLE, message: 'the server is shutting down' };

/** A method whose requests are small: they have memory of their own, of nobody's budget. */
function smallMethod(handle: (service: string, call: UnaryExchange) => void): UnaryMethod {
  const memory = Buffer.allocUnsafeSlow(slots * slotBytes);
  // The slot that was used last is used first: so few of the memory's pages are ever touched.
  const free = Array.from({ length: slots }, (_, i) => slots - 1 - i);
  const giveBack = ({ offset }: Place): void => void free.push(offset / slotBytes);
  return {
    memory,
    isPublic: true,
    maxMessageBytes: slotBytes,
    reserve(length) {
      const slot = free.pop();
      return slot === undefined ? null : { offset: slot * slotBytes, length };
    },
    reserveLater: () => Promise.resolve(null),
    handle(place, call) {
      const service = serviceOf(memory.subarray(place.offset, place.offset + place.length));
      giveBack(place);
      handle(service, call);
    },
    abandon: giveBack,
    overBudget: () => ({ code: grpcCode.RESOURCE_EXHAUSTED, message: 'too many health checks at a time' }),
    rejected: () => undefined,
  };
}

/** Of a field that occurs more than once the last counts. */
const serviceOf = (request: Buffer): string => Buffer.from(subMessages(request, 1).at(-1) ?? []).toString('utf8');
