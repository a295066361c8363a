// What the floods share: good clients beside them, and what they cost in memory. Server, good clients and the flooding one are one
// process and one loop, so that what is measured here is more than the server's.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import * as v8 from 'node:v8';
import * as vm from 'node:vm';
import {
  type Bench,
  type BenchOptions,
  expectGood,
  type JsClient,
  jsClient,
  pattern,
  type StartServer,
  startBench,
} from '../grpc/server-bench.ts';
import { openWire, type WireClient } from './wire-client.ts';

export interface FloodBench extends Bench {
  readonly good: JsClient;
}

/** Within which every call of a good client is answered, whatever happens beside it. */
const goodAnswerMs = 2000;
/** How many calls the good client makes at least. */
const fewestGoodCalls = 20;

export async function startFloodBench(
  t: TestContext,
  start: StartServer,
  options: BenchOptions = {},
): Promise<FloodBench> {
  // Pings are bounded by the policy long before they are a flood; what is tested is what holds where the policy is lax.
  const bench = await startBench(t, start, { pings: { minTimeMs: 0, permitWithoutStream: true }, ...options });
  const good = jsClient(t, bench);
  await expectGood(bench, good);
  return { ...bench, good };
}

export interface Beside<T> {
  readonly result: T;
  /** Bytes of the process at the worst moment beyond those at the start. */
  readonly peakRssGrowth: number;
}

/**
 * Good calls, one after another, until the flood is over, and at least twenty: each answered OK within two seconds. Then one
 * on a new connection.
 */
export async function besideGoodClient<T>(t: TestContext, bench: FloodBench, flood: Promise<T>): Promise<Beside<T>> {
  let over = false;
  const settled = flood.finally(() => {
    over = true;
  });
  // Its failure is thrown below; until then it must not count as unhandled.
  settled.catch(() => undefined);
  const before = process.memoryUsage.rss();
  let peak = before;
  let slowestMs = 0;
  let calls = 0;
  for (; !over || calls < fewestGoodCalls; calls++) {
    const began = performance.now();
    const reply = await bench.good.call(pattern(300), { deadline: Date.now() + goodAnswerMs });
    assert.equal(reply.code, 0, `call ${calls} beside the flood: ${reply.code} ${reply.message}`);
    slowestMs = Math.max(slowestMs, performance.now() - began);
    peak = Math.max(peak, process.memoryUsage.rss());
    forget(bench);
  }
  const result = await settled;
  await expectGood(bench, jsClient(t, bench));
  t.diagnostic(
    `${calls} good calls, the slowest in ${Math.round(slowestMs)} ms; RSS grew by ${mega(peak - before)} MB`,
  );
  return { result, peakRssGrowth: peak - before };
}

const mega = (bytes: number): number => Math.round(bytes / 1e6);

/** Drops what the test method keeps of the calls so far. */
export function forget(bench: Bench): void {
  bench.method.handled.length = 0;
}

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

/** Bytes in use, on and off the heap, after what is garbage was collected. */
export function bytesInUse(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** How a flood went. */
export interface Flooded {
  /** `stalled`: the server reads no more of it, and has not ended it either. */
  readonly state: 'ended' | 'sent' | 'stalled';
  readonly bytes: number;
}

const chunkBytes = 64 << 10;

export interface Stream {
  /** What is sent over and over, whole. */
  readonly unit: Buffer;
  readonly times: number;
}

/**
 * Sends `times` units, as fast as they are read. Ends early when the connection does, or when nothing was taken for `patience`
 * turns of the loop.
 */
export async function pour(client: WireClient, { unit, times }: Stream, patience: number): Promise<Flooded> {
  const perChunk = Math.max(1, Math.floor(chunkBytes / unit.length));
  const chunk = Buffer.concat(Array.from({ length: Math.min(perChunk, times) }, () => unit));
  let bytes = 0;
  for (let sent = 0; sent < times; sent += perChunk) {
    const rest = Math.min(perChunk, times - sent) * unit.length;
    let taken = false;
    const sending = client.send(chunk.subarray(0, rest)).then(() => {
      taken = true;
    });
    for (let turns = 0; !taken && turns < patience; turns++) await Promise.race([sending, new Promise(setImmediate)]);
    if (client.hasEnded()) return { state: 'ended', bytes };
    if (!taken) return { state: 'stalled', bytes };
    bytes += rest;
  }
  return { state: 'sent', bytes };
}

/** A connection that is ready to flood, and how it was ended. */
export async function openFlooder(
  t: TestContext,
  bench: Bench,
  options: { readonly reads: boolean; readonly settings?: readonly (readonly [number, number])[] },
): Promise<WireClient> {
  const secure = bench.cert !== undefined;
  const client = await openWire(t, bench.port, { forgetful: true, secure, settings: options.settings ?? [] });
  if (!options.reads) client.socket.pause();
  return client;
}
