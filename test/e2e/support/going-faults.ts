// What can be wrong at the moment when the service is told to end: each with its configuration, how it is brought about, and
// what the drain then comes to.
import { writeFileSync } from 'node:fs';
import * as net from 'node:net';
import type { TestContext } from 'node:test';
import * as zlib from 'node:zlib';
import {
  errorCode,
  flag,
  frame,
  frameType,
  rstStreamFrame,
  settingsFrame,
} from '../../../src/transport/http2/frames.ts';
import { encodeHeaders } from '../../../src/transport/http2/hpack/encoder.ts';
import { exportPath, type Tally } from './client.ts';
import { configOf, exportTo, memoryLimiter, type Parts } from './config.ts';
import { type Front, startFront } from './front.ts';
import { kills, runsAway } from './misbehaving-worker.ts';
import type { Service } from './service.ts';
import type { Sink } from './sink.ts';
import type { RequestShape, SpanRequest, SpanSource } from './spans.ts';

export interface Ground {
  readonly t: TestContext;
  readonly sink: Sink;
  /** Empty, and gone after the test. */
  readonly folder: string;
}

export interface Scene extends Ground {
  readonly service: Service;
  readonly tally: Tally;
  readonly source: SpanSource;
  /** Sends over gRPC; what it is answered is looked at when all is over. */
  send(spans: number, shape?: RequestShape): Promise<number>;
  /** The same over HTTP; resolves with the status, 0 where there was none. */
  post(request: SpanRequest, headers?: Readonly<Record<string, string>>, body?: Buffer): Promise<number>;
  /** A connection that the service has to end. */
  hold(port: number, bytes: Buffer): Promise<void>;
  readonly httpPort: number;
}

export interface GoingFault {
  readonly name: string;
  /** Before `config`. */
  prepare?(ground: Ground): Promise<void>;
  config(ground: Ground): Parts;
  readonly openFiles?: number;
  readonly preload?: URL;
  /** Resolves when it goes on. */
  begin(scene: Scene): Promise<unknown>;
  /**
   * `exported`: the drain ends by itself, with everything at the backend. `given up`: at its deadline, the rest counted as failed.
   * `kept`: at its deadline, the rest on disk.
   */
  readonly ends: 'exported' | 'given up' | 'kept';
  /** An answer that was cut off is asked for again: spans may come twice. */
  readonly repeats?: boolean;
  /** What else clients may be told, beside OK, UNAVAILABLE and RESOURCE_EXHAUSTED with a delay. */
  readonly codes?: readonly number[];
}

const turn = (ms = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const refused = { kind: 'status', code: 14, message: 'not now' } as const;
const misbehaving = new URL('./misbehaving-worker.ts', import.meta.url);
const looksAtNames = { filter: { traces: { span: ['IsMatch(attributes["name"], "^nothing$")'] } } };
const named = (name: string): RequestShape => ({ attributes: { name } });

const stall = ({ sink }: Ground): void => {
  sink.answer = () => ({ kind: 'stall' });
};
const passThrough =
  (more: Readonly<Record<string, unknown>> = {}) =>
  ({ sink }: Ground): Parts => ({ exporters: { otlp: exportTo(sink, { timeout: '1m', ...more }) } });

/** Acknowledged before the fault is looked at. */
async function sendSome({ send }: Scene, shape?: RequestShape): Promise<void> {
  for (let i = 0; i < 10; i++) await send(10, shape);
}

async function flap(scene: Scene): Promise<void> {
  const { t, sink, service } = scene;
  let over = false;
  const flapping = (async () => {
    while (!over) {
      await sink.close();
      await turn(100);
      await sink.listen();
      await turn(400);
    }
  })();
  t.after(async () => {
    over = true;
    await flapping;
    await sink.close();
  });
  const failed = service.line(({ msg }) => msg === 'export failed, will try again');
  let isAwaited = true;
  const awaited = failed.finally(() => {
    isAwaited = false;
  });
  // What is sent while the backend is there does not fail.
  while (isAwaited) {
    await sendSome(scene);
    await turn(50);
  }
  await awaited;
}

/** Until clients are told that there is no room. */
async function fill({ send }: Scene): Promise<void> {
  while ((await send(100, { padding: 900 })) === 0);
}

/** Its connections bring nothing any more, and nobody says so. */
function vanishingHost(): GoingFault {
  const fronts = new Map<Sink, Front>();
  return {
    name: 'the host of the backend has vanished',
    async prepare({ t, sink }) {
      fronts.set(sink, await startFront(t, sink.port));
    },
    config: ({ sink }) => ({ exporters: { otlp: exportTo(fronts.get(sink) ?? sink, { timeout: '300ms' }) } }),
    async begin(scene) {
      await sendSome(scene);
      await scene.sink.until(() => scene.sink.spans.size > 0);
      fronts.get(scene.sink)?.vanish();
      await sendSome(scene);
    },
    ends: 'exported',
    repeats: true,
  };
}

async function isSilent(scene: Scene): Promise<void> {
  stall(scene);
  await sendSome(scene);
  await scene.sink.until(() => scene.sink.stalled() > 0);
}

const backends: readonly GoingFault[] = [
  {
    name: 'the backend is silent',
    config: passThrough(),
    begin: isSilent,
    ends: 'given up',
  },
  {
    name: 'the backend refuses half',
    config: passThrough(),
    async begin(scene) {
      let count = 0;
      scene.sink.answer = () => (count++ % 2 === 0 ? refused : { kind: 'ok' });
      await sendSome(scene);
    },
    ends: 'exported',
  },
  {
    name: 'the backend is down',
    config: passThrough(),
    async begin(scene) {
      await scene.sink.close();
      await sendSome(scene);
      await scene.service.line(({ msg }) => msg === 'export failed, will try again');
    },
    ends: 'given up',
  },
  { name: 'the backend flaps', config: passThrough({ timeout: '1s' }), begin: flap, ends: 'exported', repeats: true },
  vanishingHost(),
  {
    name: 'the name of the backend does not resolve',
    config: ({ sink }) => ({ exporters: { otlp: exportTo(sink, { endpoint: 'backend.invalid:4317' }) } }),
    async begin(scene) {
      await sendSome(scene);
      await scene.service.line(({ msg }) => msg === 'export failed, will try again');
    },
    ends: 'given up',
  },
  {
    name: 'the clock jumps and the backend is silent',
    preload: new URL('./jumping-clock.ts', import.meta.url),
    config: passThrough(),
    begin: isSilent,
    ends: 'given up',
  },
  {
    name: 'a batch is cut, because the backend takes less at a time',
    config: ({ sink }) => ({
      grpc: { max_recv_msg_size_mib: 16 },
      processors: { batch: { timeout: '20ms' } },
      exporters: { otlp: exportTo(sink) },
    }),
    async begin({ sink, send }) {
      const most = 20_000;
      sink.answer = ({ message: { length } }) =>
        length <= most
          ? { kind: 'ok' }
          : { kind: 'status', code: 8, message: `grpc: received message larger than max (${length} vs. ${most})` };
      await send(8000, { padding: 300 });
      await sink.until(() => sink.calls() > 0);
    },
    ends: 'exported',
  },
];

const queues: readonly GoingFault[] = [
  {
    name: 'the store is full and the backend silent',
    config: ({ sink, folder }) => ({
      extensions: { file_storage: { directory: folder, create_directory: true, max_size: 2 << 20 } },
      exporters: { otlp: exportTo(sink, { sending_queue: { storage: 'file_storage', queue_size: 100_000 } }) },
    }),
    async begin(scene) {
      stall(scene);
      await fill(scene);
    },
    ends: 'kept',
  },
  {
    name: 'clients wait for the backend’s answer (wait_for_result)',
    config: passThrough({ sending_queue: { wait_for_result: true } }),
    async begin(scene) {
      const { sink, source, send, post } = scene;
      stall(scene);
      for (let i = 0; i < 4; i++) {
        void send(5);
        void post(source.request(5));
      }
      await sink.until(() => sink.stalled() > 0);
    },
    ends: 'given up',
  },
  {
    name: 'the queue is full and holds back (block_on_overflow)',
    config: passThrough({ sending_queue: { block_on_overflow: true, queue_size: 1, num_consumers: 1 } }),
    begin: isSilent,
    ends: 'given up',
  },
  {
    name: 'memory is full and clients are refused',
    config: (ground) => ({ ...passThrough()(ground), processors: { memory_limiter: memoryLimiter(8) } }),
    async begin(scene) {
      stall(scene);
      await fill(scene);
    },
    ends: 'given up',
  },
];

const machine: readonly GoingFault[] = [
  {
    name: 'workers die of a request and are replaced',
    preload: misbehaving,
    config: (ground) => ({ ...passThrough()(ground), processors: looksAtNames }),
    async begin(scene) {
      void scene.send(1, named(kills));
      void sendSome(scene, named('shop'));
      await scene.service.line(({ msg = '' }) => msg.startsWith('a worker died'));
    },
    ends: 'exported',
    codes: [3, 13],
  },
  {
    name: 'a worker runs away',
    preload: misbehaving,
    config: (ground) => ({ ...passThrough()(ground), workers: 2, processors: looksAtNames }),
    async begin(scene) {
      void scene.send(1, named(runsAway));
      await turn(50);
      await sendSome(scene, named('shop'));
    },
    ends: 'exported',
  },
  {
    name: 'there are no file descriptors',
    openFiles: 80,
    config: passThrough(),
    async begin({ t, service, send }) {
      await send(10);
      const sockets = Array.from({ length: 120 }, () => net.connect(service.port, '127.0.0.1'));
      for (const socket of sockets) socket.on('error', () => undefined);
      t.after(() => sockets.forEach((socket) => void socket.destroy()));
      await turn(200);
      for (let i = 0; i < 5; i++) await send(10);
    },
    ends: 'exported',
  },
];

const heads = 'POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-protobuf\r\n';
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const exportHead = encodeHeaders([
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', exportPath],
  ['content-type', 'application/grpc'],
]);

const clients: readonly GoingFault[] = [
  {
    name: 'clients send heads and bodies slowly, or nothing',
    config: passThrough(),
    async begin({ hold, service: { port }, httpPort, send }) {
      for (const bytes of ['', heads, `${heads}content-length: 100\r\n\r\nabc`])
        await hold(httpPort, Buffer.from(bytes));
      const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
      // HEADERS without END_HEADERS: the block never ends.
      const openBlock = Buffer.from([0, 0, 1, 1, 0, 0, 0, 0, 1, 0x83]);
      await hold(port, Buffer.alloc(0));
      await hold(port, Buffer.from(preface.slice(0, 10)));
      await hold(port, Buffer.concat([Buffer.from(preface), settings]));
      await hold(port, Buffer.concat([Buffer.from(preface), settings, openBlock]));
      await send(10);
    },
    ends: 'exported',
  },
  {
    name: 'a client opens streams and resets them, one sends a bomb, and 500 say nothing',
    config: passThrough(),
    async begin({ hold, service: { port }, httpPort, send }) {
      await Promise.all(Array.from({ length: 500 }, () => hold(port, Buffer.alloc(0))));
      const resets = Array.from({ length: 5000 }, (_, i) => [
        frame(frameType.headers, flag.endHeaders, 2 * i + 1, exportHead),
        rstStreamFrame(2 * i + 1, errorCode.cancel),
      ]);
      await hold(port, Buffer.concat([Buffer.from(preface), settingsFrame([]), ...resets.flat()]));
      const bomb = zlib.gzipSync(Buffer.alloc(64 << 20));
      const head = `${heads}content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`;
      await hold(httpPort, Buffer.concat([Buffer.from(head), bomb]));
      await send(10);
    },
    ends: 'exported',
  },
  {
    name: 'a large message is decompressed',
    config: ({ sink }) => ({
      http: { max_request_body_size: 64 << 20 },
      processors: { memory_limiter: memoryLimiter(256) },
      exporters: { otlp: exportTo(sink, { timeout: '1m' }) },
    }),
    async begin({ source, post, sink }) {
      sink.answer = () => ({ kind: 'ok' });
      const large = source.request(600, { padding: 60_000 });
      const body = zlib.gzipSync(large.message, { level: 1 });
      void post(large, { 'content-encoding': 'gzip' }, body);
      await turn(30);
    },
    ends: 'exported',
  },
  {
    name: 'another configuration is being taken into use',
    config: passThrough(),
    async begin({ service, t, sink, folder, send }) {
      await send(10);
      const next = configOf({
        http: {},
        processors: { batch: {} },
        ...passThrough({ timeout: '30s' })({ t, sink, folder }),
      });
      writeFileSync(service.file, JSON.stringify(next));
      service.hangUp();
    },
    ends: 'exported',
  },
];

export const goingFaults: readonly GoingFault[] = [...backends, ...queues, ...machine, ...clients];
