import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Http2Server } from 'node:http2';
import { test } from 'node:test';
import { complaints, settle } from '../../../loadgen/account.ts';
import { createArrivals } from '../../../loadgen/arrivals.ts';
import { unixOffset } from '../../../loadgen/clock.ts';
import { serveUnary } from '../../../loadgen/h2/server.ts';
import { createLoad } from '../../../loadgen/load.ts';
import type { GeneratorOptions, SinkReport } from '../../../loadgen/messages.ts';
import { partialResponse } from './decode.ts';

const noLatency = { count: 0, p50: 0, p90: 0, p95: 0, p99: 0, p999: 0, max: 0 };
const emptyReport: SinkReport = {
  requests: 0,
  unanswered: 0,
  distinct: 0,
  duplicated: 0,
  foreign: 0,
  malformed: 0,
  altered: 0,
  bytes: 0,
  inRanges: 0,
  endToEnd: noLatency,
  cpuMicroseconds: 0,
};
const spans = { generated: 1000, acknowledged: 900, toDrop: 10, unsure: 0 };

test('an account balances when what is missing is what the sampler drops', () => {
  const account = settle(spans, { ...emptyReport, distinct: 890 });
  assert.equal(account.lost, 0);
  assert.equal(account.extra, 0);
  assert.deepEqual(complaints(account, false), []);
});

test('one span too few is lost, one too many is extra', () => {
  assert.equal(settle(spans, { ...emptyReport, distinct: 889 }).lost, 1);
  assert.equal(settle(spans, { ...emptyReport, distinct: 891 }).extra, 1);
  assert.deepEqual(complaints(settle(spans, { ...emptyReport, distinct: 889 }), false), ['1 acknowledged spans lost']);
  assert.match(complaints(settle(spans, { ...emptyReport, distinct: 891 }), false)[0], /sampler/);
});

test('spans at the threshold of the sampler may be there or not', () => {
  const unsure = { ...spans, unsure: 8 };
  for (const distinct of [882, 890, 898]) {
    assert.deepEqual(complaints(settle(unsure, { ...emptyReport, distinct }), false), []);
  }
  assert.equal(settle(unsure, { ...emptyReport, distinct: 881 }).lost, 1);
  assert.equal(settle(unsure, { ...emptyReport, distinct: 899 }).extra, 1);
});

test('spans that arrived without being acknowledged do not make up for lost ones', () => {
  const account = settle(spans, { ...emptyReport, distinct: 890, inRanges: 5 });
  assert.equal(account.lost, 5);
  assert.equal(account.arrivedUnacknowledged, 5);
});

test('duplicates are wrong only where nothing was sent again; foreign, malformed and altered always', () => {
  const account = settle(spans, { ...emptyReport, distinct: 890, duplicated: 3 });
  assert.equal(complaints(account, false).length, 1);
  assert.deepEqual(complaints(account, true), []);
  const worse = settle(spans, { ...emptyReport, distinct: 890, foreign: 1, malformed: 1, altered: 1 });
  assert.equal(complaints(worse, true).length, 3);
});

test('a run in which nothing was acknowledged is not a good one', () => {
  const nothing = settle({ generated: 0, acknowledged: 0, toDrop: 0, unsure: 0 }, emptyReport);
  assert.deepEqual(complaints(nothing, true), ['no span was acknowledged']);
});

function loadOptions(port: number, more: Partial<GeneratorOptions> = {}): GeneratorOptions {
  return {
    host: '127.0.0.1',
    port,
    connections: 2,
    inFlight: 4,
    spansPerRequest: 16,
    spansPerTrace: 8,
    pace: { kind: 'closed' },
    run: 77,
    seed: 1,
    samplingPercentage: null,
    pauseAfterFailureMs: 1,
    clockOffset: String(unixOffset()),
    ...more,
  };
}

const arrivalsOptions = { run: 77, latency: true, present: [], absent: [] };

/** Runs a load against a backend that does with request number i as `fate` says, until it has seen `requests`. */
async function runThrough(
  requests: number,
  fate: (i: number) => 'keep' | 'lose' | 'repeat',
  more: Partial<GeneratorOptions> = {},
) {
  const arrivals = createArrivals(arrivalsOptions);
  const enough = Promise.withResolvers<void>();
  let seen = 0;
  const server = await serveUnary('127.0.0.1', 0, (message) => {
    const what = fate(seen++);
    if (what !== 'lose') arrivals.take(message, Date.now() * 1e6);
    if (what === 'repeat') arrivals.take(message, Date.now() * 1e6);
    if (seen === requests) enough.resolve();
    return { answer: true };
  });
  const load = await createLoad(loadOptions(server.port, more));
  load.start();
  await enough.promise;
  await load.pause();
  const counters = load.counters();
  load.close();
  server.close();
  const ranges = counters.unacknowledged;
  const report = { ...emptyReport, ...arrivals.counts(), inRanges: arrivals.within(ranges) };
  return { account: settle(counters.spans, report), counters, seen };
}

test('a backend that loses and repeats known requests is reported with exactly those', async () => {
  const { account, seen } = await runThrough(500, (i) => (i % 100 === 7 ? 'lose' : i % 100 === 9 ? 'repeat' : 'keep'));
  const times = (rest: number) => Math.floor((seen - 1 - rest) / 100) + 1;
  assert.equal(account.acknowledged, seen * 16);
  assert.equal(account.lost, times(7) * 16);
  assert.equal(account.duplicated, times(9) * 16);
  assert.equal(account.extra, 0);
});

test('an open loop sends by the clock and says how late it was', async () => {
  const { account, counters } = await runThrough(200, () => 'keep', {
    pace: { kind: 'open', requestsPerSecond: 1000 },
  });
  assert.deepEqual(complaints(account, false), []);
  assert.equal(counters.lateness.count, counters.requests.sent);
  assert.equal(counters.acknowledgement.count, counters.requests.acknowledged);
});

async function grpcServer(handle: (i: number) => { status: string; reply?: Buffer }): Promise<Http2Server> {
  let i = 0;
  const server = createServer();
  server.on('stream', (stream) => {
    stream.resume();
    const { status, reply } = handle(i++);
    if (reply === undefined) {
      stream.respond({ ':status': 200, 'grpc-status': status, 'grpc-message': 'no%20room' }, { endStream: true });
      return;
    }
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
    stream.end(reply);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

test('refused and partly accepted requests are not acknowledged, and their spans are named', async () => {
  const enough = Promise.withResolvers<void>();
  const server = await grpcServer((i) => {
    if (i === 100) enough.resolve();
    if (i % 10 === 1) return { status: '8' };
    if (i % 10 === 2) return { status: '0', reply: partialResponse(2, 'no') };
    if (i % 10 === 3) return { status: '0', reply: partialResponse(0, '') };
    return { status: '0', reply: Buffer.alloc(5) };
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const load = await createLoad(loadOptions(address.port));
  load.start();
  await enough.promise;
  await load.pause();
  const { requests, spans: counted, unacknowledged, firstFailure } = load.counters();
  load.close();
  server.close();
  assert.equal(requests.sent, requests.acknowledged + requests.failed);
  assert.equal(requests.failed, requests.byStatus.RESOURCE_EXHAUSTED + requests.byStatus.PARTIAL);
  assert.ok(requests.byStatus.RESOURCE_EXHAUSTED >= 10 && requests.byStatus.PARTIAL >= 10);
  assert.equal(counted.acknowledged, requests.acknowledged * 16);
  assert.equal(
    unacknowledged.reduce((sum, [, , count]) => sum + count, 0),
    requests.failed * 16,
  );
  assert.match(firstFailure, /RESOURCE_EXHAUSTED: no%20room|PARTIAL/);
});
