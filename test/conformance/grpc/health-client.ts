// A @grpc/grpc-js client of grpc.health.v1.Health.
import type { TestContext } from 'node:test';
import * as grpc from '@grpc/grpc-js';

export const traceService = 'opentelemetry.proto.collector.trace.v1.TraceService';

const paths = { check: '/grpc.health.v1.Health/Check', watch: '/grpc.health.v1.Health/Watch' };
const states = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

export interface Watching {
  /** What came, in order. */
  readonly states: readonly string[];
  /** Resolves when so many came. */
  count(wanted: number): Promise<void>;
  /** The status that ended it. */
  readonly ended: Promise<number>;
  cancel(): void;
}

export interface HealthClient {
  /** SERVING, NOT_SERVING, or the name of a gRPC status. */
  check(service?: string): Promise<string>;
  watch(service?: string): Watching;
  close(): void;
}

const request = (service: string): Buffer =>
  service === '' ? Buffer.alloc(0) : Buffer.concat([Buffer.of(0x0a, service.length), Buffer.from(service)]);
const same = (bytes: Buffer): Buffer => bytes;
/** HealthCheckResponse: 1 ServingStatus status. */
const stateOf = (bytes: Buffer): string => (bytes.length === 2 && bytes[0] === 0x08 ? states[bytes[1]] : `? ${bytes}`);

export function createHealthClient(t: TestContext, address: string, options: grpc.ChannelOptions = {}): HealthClient {
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    ...options,
  });
  t.after(() => client.close());
  return {
    close: () => client.close(),
    check: (service = '') =>
      new Promise((resolve) => {
        client.makeUnaryRequest(paths.check, same, same, request(service), (error, bytes) =>
          resolve(error === null ? stateOf(bytes ?? Buffer.alloc(0)) : grpc.status[error.code]),
        );
      }),
    watch(service = '') {
      const seen: string[] = [];
      let watchers: { wanted: number; resolve: () => void }[] = [];
      const call = client.makeServerStreamRequest(paths.watch, same, same, request(service));
      call.on('data', (bytes: Buffer) => {
        seen.push(stateOf(bytes));
        for (const { wanted, resolve } of watchers) if (seen.length >= wanted) resolve();
        watchers = watchers.filter(({ wanted }) => seen.length < wanted);
      });
      call.on('error', () => undefined);
      return {
        states: seen,
        count: (wanted) =>
          seen.length >= wanted ? Promise.resolve() : new Promise((resolve) => watchers.push({ wanted, resolve })),
        ended: new Promise((resolve) => call.on('status', ({ code }) => resolve(code))),
        cancel: () => call.cancel(),
      };
    },
  };
}
