// Server suite: a Collector as the sender.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { peers, programOf } from '../support/peers.ts';
import { sendSpans, startSender } from './sender-collector.ts';
import { type Bench, type StartServer, startBench } from './server-bench.ts';
import { noteMetadata } from './server-js-heavy.ts';
import { namesOf, spanNames } from './server-languages.ts';

/** Resolves when the spans of so many different names have been handled, `earlier` among them. */
async function spansHandled(bench: Bench, count: number, earlier: readonly string[] = []): Promise<void> {
  const { handled, handledCount } = bench.method;
  const names = new Set(earlier);
  for (let next = 0; names.size < count; next++) {
    await handledCount(next + 1);
    for (const name of namesOf(handled[next].message)) names.add(name);
  }
}

const namesUpTo = (count: number): Set<string> => new Set(Array.from({ length: count }, (_, i) => `span ${i}`));

export function collectorTests(start: StartServer): void {
  for (const compression of ['none', 'gzip', 'zstd']) {
    test(`${peers.collector.name}: every span arrives once, compression ${compression}`, async (t) => {
      const program = programOf(peers.collector);
      if (program === null) return t.skip(peers.collector.reason);
      const bench = await startBench(t, start, { includeMetadata: true });
      const tenants = noteMetadata(bench, 'x-tenant');
      const encodings = new Set<string>();
      const { answer } = bench.method;
      bench.method.answer = (message, call) => {
        encodings.add(call.metadata('grpc-encoding').join());
        return answer(message, call);
      };
      const collector = await startSender(t, program, bench, { compression });
      await sendSpans(collector.client, 0, 20_000, 40);
      await collector.stop();
      const names = spanNames(bench);
      assert.equal(names.length, 20_000);
      assert.deepEqual(new Set(names), namesUpTo(20_000));
      assert.deepEqual([...encodings], [compression === 'none' ? '' : compression]);
      assert.ok(tenants.every((tenant) => tenant === 'gold'));
      assert.equal(bench.server.counters.ok, bench.server.counters.calls);
    });
  }

  test(`${peers.collector.name}: batches of one span, from fifty consumers`, async (t) => {
    const program = programOf(peers.collector);
    if (program === null) return t.skip(peers.collector.reason);
    const bench = await startBench(t, start);
    const collector = await startSender(t, program, bench, { compression: 'none', consumers: 50, batchSize: 1 });
    await sendSpans(collector.client, 0, 10_000, 50);
    await collector.stop();
    assert.equal(bench.method.handled.length, 10_000);
    assert.deepEqual(new Set(spanNames(bench)), namesUpTo(10_000));
  });

  test(`${peers.collector.name}: a compression that is not read is refused for good, and it says why`, async (t) => {
    const program = programOf(peers.collector);
    if (program === null) return t.skip(peers.collector.reason);
    const bench = await startBench(t, start);
    const collector = await startSender(t, program, bench, { compression: 'snappy' });
    await sendSpans(collector.client, 0, 100, 100);
    await collector.logged('Unimplemented');
    await collector.stop();
    assert.match(collector.log(), /not retryable error: Permanent error: .*snappy/);
    assert.equal(bench.method.handled.length, 0);
    // It asks once and does not come again.
    assert.deepEqual([bench.server.counters.calls, bench.server.counters.refused.encoding], [1, 1]);
  });

  restartTest(start, 'drained');
  restartTest(start, 'cut');

  test(`${peers.collector.name}: what is refused for want of space comes again`, async (t) => {
    const program = programOf(peers.collector);
    if (program === null) return t.skip(peers.collector.reason);
    const bench = await startBench(t, start);
    const collector = await startSender(t, program, bench, { compression: 'none', batchSize: 100 });
    bench.method.full = true;
    const sent = sendSpans(collector.client, 0, 2000, 100);
    await bench.method.waitingCount(1);
    bench.method.full = false;
    bench.method.grant(false);
    await sent;
    await spansHandled(bench, 2000);
    await collector.stop();
    const names = spanNames(bench);
    assert.deepEqual(new Set(names), namesUpTo(2000));
    assert.equal(names.length, 2000);
    assert.ok(bench.server.counters.refused.over_budget > 0);
  });
}

/** Of a server that ends while a Collector sends, and of the next one on the same port. */
function restartTest(start: StartServer, end: 'drained' | 'cut'): void {
  test(`${peers.collector.name}: a server that is ${end} and started again loses nothing`, async (t) => {
    const program = programOf(peers.collector);
    if (program === null) return t.skip(peers.collector.reason);
    const first = await startBench(t, start);
    const collector = await startSender(t, program, first, { compression: 'gzip', batchSize: 20 });
    const sent = sendSpans(collector.client, 0, 20_000, 20);
    await first.method.handledCount(100);
    if (end === 'drained') await first.server.drain(10_000);
    else await first.server.close();
    const firstNames = spanNames(first);
    assert.ok(firstNames.length < 20_000, 'everything arrived before the end');
    const second = await startBench(t, start, { port: first.port });
    await sent;
    // A Collector that is told to stop drops what it was to try again.
    await spansHandled(second, 20_000, firstNames);
    await collector.stop();
    const names = [...firstNames, ...spanNames(second)];
    assert.deepEqual(new Set(names), namesUpTo(20_000));
    // What was drained was answered: nothing of it comes again.
    if (end === 'drained') assert.equal(names.length, 20_000);
    assert.equal(second.server.counters.ok, second.server.counters.calls);
  });
}
