// The account is proven: a proxy stands between the generator and its sink, takes everything, and then loses, repeats, delays
// and alters spans that it writes down. The report must say exactly those.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { decodeRequest } from '../../../src/wire/reference/codec.ts';
import {
  alterations,
  type Deed,
  type Deeds,
  everyDeed,
  garbles,
  invents,
  loses,
  neverSent,
  repeats,
} from './support/deeds.ts';
import { type Answer, ok } from './support/otlp-server.ts';
import { edited, type Name, nameOf, type Passage, spansOf, startProxy, without } from './support/proxy.ts';
import { shopSpansOfRequest } from './support/shop.ts';
import { assertWell, freePort, measured, shopFile } from './support/spanload.ts';

const bySpan = (a: Name, b: Name): number => a.spanId.localeCompare(b.spanId);

/** A run of the shop through a proxy. */
async function throughProxy(
  t: TestContext,
  handle: (passage: Passage) => Promise<Answer>,
  { seconds = 1, more = [] }: { readonly seconds?: number; readonly more?: readonly string[] } = {},
) {
  const sinkPort = await freePort();
  const proxy = await startProxy(t, sinkPort, handle);
  const endpoints = ['--endpoint', `127.0.0.1:${proxy.port}`, '--sink', `127.0.0.1:${sinkPort}`];
  const load = ['--profile', shopFile, '--rate', '400', '--duration', `${seconds}s`, '--wait', '300ms'];
  const run = await measured(t, [...endpoints, ...load, ...more]);
  assert.deepEqual(proxy.problems, []);
  return { run, report: run.report, requests: proxy.requests() };
}

/** Requests that are left alone before the first deed, and between two. */
const firstDeedAt = 10;
const requestsBetween = 2;

/** A run in which each deed has a request of its own, and the others pass. */
async function runWith(t: TestContext, deeds: readonly Deed[], seconds = 1) {
  const done: Deeds = { lost: [], duplicated: [], altered: [], foreign: 0, malformed: 0 };
  let did = 0;
  const handle = async (passage: Passage): Promise<Answer> => {
    const deed = deeds[(passage.index - firstDeedAt) / requestsBetween];
    if (deed === undefined) assert.equal(await passage.forward(passage.message), 0);
    else {
      await deed(passage, done);
      did++;
    }
    return ok;
  };
  const result = await throughProxy(t, handle, { seconds });
  assert.equal(did, deeds.length, 'the run was too short for all that was to be done');
  return { ...result, done };
}

describe('the account', { concurrency: 3 }, () => {
  test('names exactly the spans that a proxy lost, repeated and altered, and counts what it made up', async (t) => {
    const { report, done } = await runWith(t, everyDeed, 1.5);
    const { spans, examples, verdict } = report;
    assert.deepEqual(examples.lost.toSorted(bySpan), done.lost.toSorted(bySpan));
    assert.deepEqual(examples.duplicated.toSorted(bySpan), done.duplicated.toSorted(bySpan));
    assert.deepEqual(examples.altered.toSorted(bySpan), done.altered.toSorted(bySpan));
    assert.deepEqual(examples.unexpected, []);
    const { acknowledged, generated } = spans;
    assert.equal(acknowledged, generated);
    assert.deepEqual(spans, {
      generated,
      acknowledged,
      rejected: 0,
      failed: 0,
      expected: acknowledged,
      dropped: 0,
      sampledOut: 0,
      arrived: acknowledged - done.lost.length,
      arrivedUnacknowledged: 0,
      lost: done.lost.length,
      rejectedBySink: 0,
      unexpected: 0,
      duplicated: done.duplicated.length,
      foreign: done.foreign,
      malformed: done.malformed,
      altered: done.altered.length,
    });
    assert.equal(verdict.exitCode, 1);
    assert.equal(verdict.ok, false);
    assert.deepEqual(verdict.problems, [
      `${done.lost.length} acknowledged spans never arrived`,
      `${done.duplicated.length} spans arrived more than once`,
      `${done.altered.length} spans arrived with fields changed that the pipeline should not touch`,
      `${done.foreign} spans arrived that are not of this run`,
      `${done.malformed} requests arrived that are no spans`,
    ]);
  });

  const single: readonly (readonly [string, Deed, RegExp])[] = [
    ['lost', loses(({ name }) => name === 'stock'), /^1 acknowledged/],
    ['repeated', repeats(1, ({ name }) => name === 'stock'), /^1 .*more than once/],
    ['altered', alterations[0], /^1 .*fields changed/],
    ['foreign', invents(neverSent), /^4 .*not of this run/],
    ['unreadable', garbles(Buffer.of(0x0a, 0x7f)), /^1 .*no spans/],
  ];
  for (const [name, deed, problem] of single) {
    test(`one ${name} thing is one problem and exit code 1`, async (t) => {
      const { run } = await runWith(t, [deed], 0.4);
      assert.equal(run.code, 1);
      assert.equal(run.report.verdict.problems.length, 1);
      assert.match(run.report.verdict.problems[0], problem);
      assert.match(run.stdout, new RegExp(problem.source.replace('^', ''), 'm'));
      assert.match(run.stdout.trimEnd().split('\n').at(-1) ?? '', /^Failed: /);
    });
  }

  test('a proxy that encodes everything anew but changes nothing makes a run without a flaw', async (t) => {
    const { run, report, requests } = await throughProxy(t, async ({ message, forward }) => {
      const again = edited(message, (request) => {
        for (const span of spansOf(request)) span.attributes.reverse();
      });
      assert.equal(await forward(again), 0);
      return ok;
    });
    assertWell(run);
    const { spans } = report;
    const all = requests * shopSpansOfRequest;
    assert.ok(all >= 200);
    assert.deepEqual(spans, {
      generated: all,
      acknowledged: all,
      rejected: 0,
      failed: 0,
      arrived: all,
      expected: all,
      dropped: 0,
      sampledOut: 0,
      arrivedUnacknowledged: 0,
      lost: 0,
      rejectedBySink: 0,
      unexpected: 0,
      duplicated: 0,
      foreign: 0,
      malformed: 0,
      altered: 0,
    });
    assert.deepEqual(report.examples, { lost: [], duplicated: [], unexpected: [], altered: [] });
    assert.deepEqual(report.requests.byStatus, { OK: requests });
    assert.equal(report.endToEndLatencyMs?.count, all);
    assert.equal(report.ackLatencyMs?.count, requests);
  });

  test('spans that come late are late by so much, and not lost', async (t) => {
    const delayMs = 600;
    const late = new Set([20, 40]);
    const { run, report } = await throughProxy(t, async ({ message, index, forward }) => {
      if (late.has(index)) setTimeout(() => void forward(message), delayMs);
      else assert.equal(await forward(message), 0);
      return ok;
    });
    assertWell(run);
    const { endToEndLatencyMs: endToEnd, ackLatencyMs: acknowledged, spans } = report;
    assert.ok(endToEnd !== null && acknowledged !== null);
    assert.equal(spans.lost, 0);
    assert.ok(endToEnd.max >= delayMs && endToEnd.max < delayMs + 250, `${endToEnd.max} ms`);
    // Eight of some 400 spans: two percent.
    assert.ok(endToEnd.p99 >= delayMs && endToEnd.p95 < delayMs, `p99 ${endToEnd.p99} ms, p95 ${endToEnd.p95} ms`);
    assert.ok(acknowledged.max < delayMs, 'the acknowledgement was not late');
  });
});

describe('what was not acknowledged', { concurrency: 3 }, () => {
  const unavailable: Answer = { kind: 'status', code: 14, message: 'come back later' };

  test('is not lost when it does not arrive, and allowed to arrive', async (t) => {
    const spans = shopSpansOfRequest;
    const gone = { refused: 0, refusedButSent: 0 };
    const { run, report, requests } = await throughProxy(t, async ({ message, index, forward }) => {
      if (index % 5 === 1) gone.refused++;
      else assert.equal(await forward(message), 0);
      if (index % 5 === 2) gone.refusedButSent++;
      return index % 5 === 1 || index % 5 === 2 ? unavailable : ok;
    });
    assertWell(run);
    const refused = gone.refused + gone.refusedButSent;
    assert.ok(gone.refused >= 5 && gone.refusedButSent >= 5);
    assert.deepEqual(report.requests.byStatus, { OK: requests - refused, UNAVAILABLE: refused });
    assert.equal(report.requests.firstFailure, 'UNAVAILABLE: come back later');
    assert.equal(report.spans.rejected, refused * spans);
    assert.equal(report.spans.acknowledged, (requests - refused) * spans);
    assert.equal(report.spans.arrived, (requests - refused) * spans);
    assert.equal(report.spans.arrivedUnacknowledged, gone.refusedButSent * spans);
    assert.equal(report.spans.lost, 0);
  });

  test('may be part of a request, and what is missing beyond that part is lost', async (t) => {
    let partial = 0;
    const lost: Name[] = [];
    const { report } = await throughProxy(t, async ({ message, index, forward }) => {
      const rejected = index % 4 === 0 ? 2 : 0;
      if (rejected > 0) partial++;
      // One more than it says in one request; in others what it says, or none at all.
      const names = index === 20 ? ['charge', 'stock', 'receipt'] : index % 8 === 0 ? ['charge', 'stock'] : [];
      if (index === 20) lost.push(...spansOf(decodeRequest(message)).map(nameOf));
      assert.equal(await forward(without(message, ({ name }) => names.includes(name))), 0);
      return rejected > 0 ? { kind: 'partial', rejected } : ok;
    });
    const { spans } = report;
    assert.equal(report.requests.byStatus.PARTIAL, partial);
    assert.equal(spans.rejected, 2 * partial);
    assert.equal(spans.failed, 0);
    assert.equal(spans.acknowledged, spans.generated - 2 * partial);
    assert.equal(spans.lost, 1);
    assert.equal(report.examples.lost.length, 1);
    assert.ok(lost.some(({ spanId }) => spanId === report.examples.lost[0].spanId));
    assert.equal(report.verdict.exitCode, 1);
  });

  test('is failed where there was no answer, whether it arrives or not', async (t) => {
    const { run, report } = await throughProxy(
      t,
      async ({ message, index, forward }) => {
        if (index % 10 !== 3) assert.equal(await forward(message), 0);
        return index % 10 === 3 || index % 10 === 4 ? { kind: 'none' } : ok;
      },
      { more: ['--timeout', '200ms'] },
    );
    assertWell(run);
    const { spans, requests } = report;
    const silent = requests.byStatus.DEADLINE_EXCEEDED;
    assert.ok(silent >= 8);
    assert.equal(requests.byStatus.OK, requests.sent - silent);
    assert.equal(spans.failed, silent * shopSpansOfRequest);
    assert.ok(Math.abs((spans.arrivedUnacknowledged ?? 0) - spans.failed / 2) <= shopSpansOfRequest / 2);
    assert.equal(spans.lost, 0);
  });

  test('is failed when its connection is cut, and the next one takes the rest', async (t) => {
    const { run, report } = await throughProxy(t, async ({ message, index, forward }) => {
      if (index === 15 || index === 30) return { kind: 'cut' };
      assert.equal(await forward(message), 0);
      return ok;
    });
    assertWell(run);
    const { spans, requests } = report;
    assert.ok(requests.byStatus.TRANSPORT >= 2);
    assert.ok(requests.byStatus.OK >= 40);
    assert.equal(spans.generated, spans.acknowledged + spans.rejected + spans.failed);
    assert.equal(spans.lost, 0);
  });
});
