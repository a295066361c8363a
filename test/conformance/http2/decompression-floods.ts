// Floods of compressed messages: a few bytes to send, milliseconds of work, beside a good client that compresses too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import * as grpc from '@grpc/grpc-js';
import { framed, jsClient, pattern, type StartServer, startBench } from '../grpc/server-bench.ts';
import { requestFields, wholeCall } from './client-frames.ts';
import { openWire, type WireClient } from './wire-client.ts';

const callsEach = 700;
const goodCalls = 10;
/** Within which each call of the good client is answered. */
const goodAnswerMs = 2000;
/** 4 MiB of zeros. */
const bomb = framed(zlib.gzipSync(Buffer.alloc(4 << 20)), 1);
const flood = Buffer.concat(
  Array.from({ length: callsEach }, (_, i) =>
    wholeCall(2 * i + 1, bomb, requestFields({}, [['grpc-encoding', 'gzip']])),
  ),
);

export function decompressionFloodTests(start: StartServer): void {
  for (const [what, end] of [
    ['whose clients are gone', (client: WireClient) => client.socket.destroy()],
    ['whose clients wait for their answers', () => undefined],
  ] as const) {
    test(`compressed messages by the thousand, ${what}: others do not stand behind them`, async (t) => {
      const bench = await startBench(t, start);
      const good = jsClient(t, bench, { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip });
      assert.equal((await good.call(pattern(300))).code, 0);
      const clients = await Promise.all([1, 2, 3].map(() => openWire(t, bench.port, { forgetful: true })));
      await Promise.all(clients.map((client) => client.send(flood)));
      // Its answer comes behind what was read before it.
      await Promise.all(clients.map((client) => client.pinged()));
      for (const client of clients) end(client);
      const before = bench.method.handled.length;
      for (let call = 0; call < goodCalls; call++) {
        const reply = await good.call(pattern(5000), { deadline: Date.now() + goodAnswerMs });
        assert.equal(reply.code, 0, `call ${call}: ${reply.message}`);
      }
      const worked = bench.method.handled.length - before - goodCalls;
      t.diagnostic(`${worked} of the others' ${3 * callsEach} messages were decompressed meanwhile`);
      assert.equal(bench.server.counters.refused.framing, 0, 'they were never decompressed');
      assert.ok(worked < callsEach, 'the good calls stood behind the flood');
      for (const client of clients) client.socket.destroy();
      // Four run at a time; those that have begun end.
      while (bench.method.outstanding() > 0) await new Promise(setImmediate);
    });
  }
}
