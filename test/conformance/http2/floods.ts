// Floods of frames: each is sent until the server ends it, beside a good client, with a bound on what it may cost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FloodKind } from '../../../src/transport/grpc-server.ts';
import {
  frame,
  frameType,
  rstStreamFrame,
  settingsFrame,
  windowUpdateFrame,
} from '../../../src/transport/http2/frames.ts';
import { type BenchOptions, framed, pattern, type StartServer } from '../grpc/server-bench.ts';
import {
  dataFrame,
  headersFrames,
  indexed,
  literal,
  literals,
  pingFrame,
  priorityFrame,
  requestFields,
  requestHeaders,
  wholeCall,
} from './client-frames.ts';
import {
  besideGoodClient,
  bytesInUse,
  type FloodBench,
  forget,
  openFlooder,
  pour,
  type Stream,
  startFloodBench,
} from './flood-bench.ts';
import type { WireClient } from './wire-client.ts';

interface Flood {
  readonly name: string;
  /** The counters of which one has counted it. */
  readonly kinds: readonly FloodKind[];
  /** Whether the client reads what comes back. */
  readonly reads: boolean;
  readonly options?: BenchOptions;
  /** Sent before it. */
  readonly first?: Buffer;
  readonly stream: () => Stream;
}

/** What all of a flood's connections may leave in use, and the process grow by meanwhile. */
const mostInUse = 8 << 20;
const mostRss = 128 << 20;
/** Frames of the floods whose frames are a few bytes. */
const manyFrames = 600_000;

const odd = (i: number): number => 2 * i + 1;
const compact = literals(requestFields());

/** One unit of all streams from the first to the last. */
const streams = (count: number, make: (stream: number) => Buffer): Stream => ({
  unit: Buffer.concat(Array.from({ length: count }, (_, i) => make(odd(i)))),
  times: 1,
});
const repeated =
  (unit: Buffer, times = manyFrames) =>
  (): Stream => ({ unit, times });
const openBlock = (stream: number): Buffer => headersFrames(stream, compact, { cuts: [0.9] })[0];
const goesOn = (payload: Buffer): Buffer => frame(frameType.continuation, 0, 1, payload);
const manyFields = Buffer.concat(Array.from({ length: 2000 }, (_, i) => literal(`x-${i}`, 'v')));
/** A request whose block refers very often to a field of nearly 4 KiB that the dynamic table has. */
const bomb = (stream: number): Buffer =>
  Buffer.concat(headersFrames(stream, Buffer.concat([compact, ...Array.from({ length: 16_000 }, () => indexed(62))])));
const planted = Buffer.concat(
  headersFrames(1, Buffer.concat([compact, literal('x-large', 'v'.repeat(4000), 0x40)]), { endStream: true }),
);

const framesFloods: readonly Flood[] = [
  {
    name: 'rapid reset: 20,000 calls, each reset at once',
    kinds: ['reset'],
    reads: true,
    stream: () => streams(20_000, (id) => Buffer.concat([requestHeaders(id), rstStreamFrame(id, 8)])),
  },
  {
    name: 'calls that make the server reset them',
    kinds: ['refused', 'reset'],
    reads: true,
    stream: () => streams(20_000, (id) => requestHeaders(id, requestFields({ te: 'gzip' }))),
  },
  {
    name: 'CONTINUATION without end',
    kinds: ['continuation', 'headers'],
    reads: true,
    first: openBlock(1),
    stream: repeated(goesOn(literal('x-more', 'v'.repeat(16_000))), 4000),
  },
  {
    name: 'empty CONTINUATION without end',
    kinds: ['continuation', 'headers'],
    reads: true,
    first: openBlock(1),
    stream: repeated(goesOn(Buffer.alloc(0))),
  },
  {
    name: 'PING whose answers are not read',
    kinds: ['ping', 'unread'],
    reads: false,
    stream: repeated(pingFrame(1)),
  },
  { name: 'PING whose answers are read', kinds: ['ping'], reads: true, stream: repeated(pingFrame(1)) },
  {
    name: 'SETTINGS whose acknowledgements are not read',
    kinds: ['settings', 'unread'],
    reads: false,
    stream: repeated(settingsFrame([[4, 65_535]])),
  },
  { name: 'empty SETTINGS', kinds: ['settings'], reads: true, stream: repeated(settingsFrame([])) },
  {
    name: 'empty DATA',
    kinds: ['empty_data'],
    reads: true,
    first: requestHeaders(1),
    stream: repeated(dataFrame(1, Buffer.alloc(0))),
  },
  {
    name: 'DATA of nothing but padding',
    kinds: ['empty_data'],
    reads: true,
    first: requestHeaders(1),
    stream: repeated(dataFrame(1, Buffer.alloc(0), false, 0)),
  },
  {
    name: 'frames of an unknown type',
    kinds: ['unknown'],
    reads: true,
    stream: repeated(frame(0xfe, 0, 0, Buffer.alloc(0))),
  },
  {
    name: 'streams beyond those allowed',
    kinds: ['refused', 'reset'],
    reads: true,
    options: { limits: { maxConcurrentStreams: 10 } },
    stream: () => streams(20_000, (id) => requestHeaders(id)),
  },
  { name: 'PRIORITY', kinds: ['priority'], reads: true, stream: repeated(priorityFrame(7, 0, 1)) },
  {
    name: 'WINDOW_UPDATE by one byte',
    kinds: ['window_update'],
    reads: true,
    stream: repeated(windowUpdateFrame(0, 1)),
  },
  {
    name: 'WINDOW_UPDATE by one byte on a stream',
    kinds: ['window_update'],
    reads: true,
    first: requestHeaders(1),
    stream: repeated(windowUpdateFrame(1, 1)),
  },
];

/** Floods that a server may bear without ending the connection: their requests are refused, or are work like others. */
const bearable: readonly Flood[] = [
  {
    name: 'rapid reset of calls that were whole',
    kinds: ['reset'],
    reads: true,
    stream: () => streams(20_000, (id) => Buffer.concat([wholeCall(id, framed(pattern(9))), rstStreamFrame(id, 8)])),
  },
  {
    name: 'HPACK bombs',
    kinds: ['headers'],
    reads: true,
    first: planted,
    stream: () => streams(200, (id) => bomb(id + 2)),
  },
  {
    name: 'requests with 2,000 fields',
    kinds: ['headers'],
    reads: true,
    stream: () =>
      streams(300, (id) => Buffer.concat(headersFrames(id, Buffer.concat([compact, manyFields]), { cuts: [0.5] }))),
  },
  {
    name: 'requests with a field of 60 KB',
    kinds: ['headers', 'continuation'],
    reads: true,
    stream: () => {
      const block = Buffer.concat([compact, literal('x-large', 'v'.repeat(60_000))]);
      return streams(300, (id) => Buffer.concat(headersFrames(id, block, { cuts: [0.2, 0.4, 0.6, 0.8] })));
    },
  },
  {
    name: 'answers that are not read',
    kinds: ['unread', 'stalled', 'refused'],
    reads: false,
    options: { limits: { stallTimeoutMs: 300 } },
    stream: () => streams(60_000, (id) => wholeCall(id, framed(pattern(9)))),
  },
  {
    name: 'errors that are not read',
    kinds: ['unread', 'stalled', 'refused'],
    reads: false,
    options: { limits: { stallTimeoutMs: 300 } },
    stream: () =>
      streams(60_000, (id) => wholeCall(id, framed(pattern(9)), requestFields({ ':path': `/${'x'.repeat(99)}` }))),
  },
];

/**
 * `bounded`: whether the server has to end a flood, as ours; otherwise only the good clients are looked at. `over`: of all
 * servers, such as TLS.
 */
export function floodTests(start: StartServer, bounded: boolean, over: BenchOptions = {}): void {
  for (const flood of [...framesFloods, ...bearable]) {
    test(flood.name, { timeout: 60_000 }, async (t) => {
      const bench = await startFloodBench(t, start, { ...flood.options, ...over });
      const stream = flood.stream();
      forget(bench);
      const before = bytesInUse();
      const client = await openFlooder(t, bench, flood);
      const sending = (async () => {
        if (flood.first !== undefined) await client.send(flood.first);
        const poured = await pour(client, stream, bounded ? Number.POSITIVE_INFINITY : 3000);
        // It is over when it was read, not when it is in the kernel.
        if (flood.reads && poured.state === 'sent') await client.pinged();
        return poured;
      })();
      const { result, peakRssGrowth } = await besideGoodClient(t, bench, sending);
      t.diagnostic(`${result.state} after ${result.bytes} bytes`);
      if (bounded) await assertBounded(bench, flood, client, before, peakRssGrowth, bearable.includes(flood));
    });
  }
}

async function assertBounded(
  bench: FloodBench,
  flood: Flood,
  client: WireClient,
  before: number,
  peakRssGrowth: number,
  mayGoOn: boolean,
): Promise<void> {
  forget(bench);
  const grown = bytesInUse() - before;
  assert.ok(grown < mostInUse, `${grown} more bytes are in use`);
  assert.ok(peakRssGrowth < mostRss, `the process grew by ${peakRssGrowth} bytes`);
  assert.ok(bench.server.counters.heldBytesNow <= mostInUse, `${bench.server.counters.heldBytesNow} bytes are held`);
  // Whoever did not read learns of its end when it does.
  client.socket.resume();
  if (await client.pinged()) {
    assert.ok(mayGoOn, 'the connection outlived the flood');
    return;
  }
  const { goaway } = await client.ended;
  if (goaway !== null) assert.equal(goaway.code, 0xb, `GOAWAY ${goaway.code} ${goaway.text}`);
  else assert.ok(!flood.reads, 'cut without a GOAWAY');
  const counted = Object.entries(bench.server.counters.floods).filter(([, count]) => count > 0);
  assert.deepEqual(
    counted.map(([kind, count]) => [(flood.kinds as readonly string[]).includes(kind), count]),
    [[true, 1]],
    JSON.stringify(counted),
  );
}
