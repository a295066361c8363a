// How much is sent, and when: what a server sees of it against what the report says.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { decodeRequest } from '../../../src/wire/reference/codec.ts';
import type { Span } from '../../../src/wire/reference/messages.ts';
import { type Answer, ok, startGrpcServer } from './support/otlp-server.ts';
import { nameOf, spansOf } from './support/proxy.ts';
import { shopSpansOfRequest } from './support/shop.ts';
import { assertWell, complaints, freePort, measured, pageFile, shopFile, undisturbed } from './support/spanload.ts';

/** Runs the shop against a server, and gives the requests that came. */
async function against(t: TestContext, args: readonly string[], answer: () => Answer | Promise<Answer> = () => ok) {
  const messages: Buffer[] = [];
  const { port } = await startGrpcServer(t, ({ message }) => {
    messages.push(message);
    return answer();
  });
  const { report, stdout } = await measured(t, ['--profile', shopFile, '--endpoint', `127.0.0.1:${port}`, ...args]);
  const requests = messages.map((message) => spansOf(decodeRequest(message)));
  return { report, stdout, requests };
}

const near = (found: number, expected: number, tolerance: number): boolean =>
  Math.abs(found - expected) <= expected * tolerance;

describe('batches', { concurrency: 2 }, () => {
  test('of N spans have N spans', async (t) => {
    const { report, requests } = await against(t, ['--batch-size', '7', '--rate', '700', '--duration', '500ms']);
    assertWell({ report });
    assert.ok(requests.length >= 20);
    const other = requests.filter(({ length }) => length !== 7);
    // What is left over at the end of a corpus is less.
    assert.ok(other.length <= 1 && other.every(({ length }) => length < 7), `${other.map(({ length }) => length)}`);
    assert.equal(report.spans.generated, requests.flat().length);
  });

  test('of A-B spans have from A to B', async (t) => {
    const { report, requests } = await against(t, ['--batch-size', '3-6', '--rate', '700', '--duration', '700ms']);
    assertWell({ report });
    const sizes = new Map<number, number>();
    for (const { length } of requests) sizes.set(length, (sizes.get(length) ?? 0) + 1);
    const usual = [3, 4, 5, 6].map((size) => sizes.get(size) ?? 0);
    const share = requests.length / 4;
    assert.ok(
      usual.every((count) => count > share / 3),
      JSON.stringify([...sizes]),
    );
    assert.ok(requests.length - usual.reduce((a, b) => a + b) <= 1, JSON.stringify([...sizes]));
  });
});

/** A span without its times, but with the distances between them. */
function timeless(span: Span): object {
  const start = span.startTimeUnixNano;
  return {
    ...span,
    startTimeUnixNano: 0n,
    endTimeUnixNano: span.endTimeUnixNano - start,
    events: span.events.map((event) => ({ ...event, timeUnixNano: event.timeUnixNano - start })),
  };
}
const byId = (requests: readonly (readonly Span[])[]): Map<string, Span> =>
  new Map(requests.flat().map((span) => [nameOf(span).spanId, span]));
const duration = ({ startTimeUnixNano, endTimeUnixNano }: Span): number => Number(endTimeUnixNano - startTimeUnixNano);

test('the same seed gives the same spans, another seed others, and a time scale longer ones', async (t) => {
  const run = async (...more: string[]) => {
    const { requests } = await against(t, ['--rate', '400', '--duration', '400ms', ...more]);
    return byId(requests);
  };
  const [first, again] = await Promise.all([run('--seed', '5'), run('--seed', '5')]);
  const [other, scaled] = await Promise.all([run('--seed', '6'), run('--seed', '5', '--time-scale', '10')]);
  const common = [...first.keys()].filter((id) => again.has(id));
  assert.ok(common.length >= 60, `${common.length} spans in common`);
  // One may have sent a little more; what both have sent is the same.
  assert.equal(common.length, Math.min(first.size, again.size));
  for (const id of common) {
    const [one, two] = [first.get(id), again.get(id)];
    assert.ok(one !== undefined && two !== undefined);
    assert.deepEqual(timeless(one), timeless(two));
  }
  assert.ok([...other.keys()].every((id) => !first.has(id)));
  const drawn = (spans: Map<string, Span>) =>
    [...spans.values()].map(({ name, attributes }) => JSON.stringify([name, attributes], bigints)).slice(0, 60);
  assert.notDeepEqual(drawn(other), drawn(first));
  let compared = 0;
  for (const [id, span] of scaled) {
    const usual = first.get(id);
    if (usual === undefined) continue;
    compared++;
    assert.deepEqual(span.attributes, usual.attributes);
    // Nanoseconds are rounded.
    assert.ok(Math.abs(duration(span) - 10 * duration(usual)) <= 20, `${duration(usual)} ns became ${duration(span)}`);
  }
  assert.ok(compared >= 60);
});

const bigints = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

describe('a rate', { concurrency: 2 }, () => {
  test('of requests is kept, by the clock of the server too', async (t) => {
    const { report, requests } = await undisturbed(
      () => against(t, ['--requests-per-second', '80', '--duration', '1s']),
      (run) => near(run.report.rate.requestsPerSecond, 80, 0.05),
    );
    assertWell({ report });
    const due = report.durationSeconds * 80;
    assert.ok(near(requests.length, due, 0.05), `${requests.length} requests, and ${due} were due`);
    assert.equal(report.requests.sent, requests.length);
    assert.equal(report.rate.target, 80 * shopSpansOfRequest);
    assert.ok(near(report.rate.requestsPerSecond, 80, 0.05), `${report.rate.requestsPerSecond} a second`);
    assert.ok(near(report.rate.achieved, 320, 0.05));
  });

  test('of spans goes on whatever the server does: an open loop', async (t) => {
    let asked = 0;
    const slow = (): Promise<Answer> => new Promise((resolve) => setTimeout(() => resolve(ok), ++asked < 50 ? 500 : 0));
    const { report, requests } = await against(t, ['--rate', '400', '--duration', '1s'], slow);
    assertWell({ report });
    const due = report.durationSeconds * 100;
    assert.ok(near(requests.length, due, 0.05), `${requests.length} requests, and ${due} were due`);
    assert.ok(report.backlog.maxInFlight >= 20, `${report.backlog.maxInFlight} in flight`);
    assert.ok((report.ackLatencyMs?.p50 ?? 0) < 500 && (report.ackLatencyMs?.max ?? 0) >= 500);
  });

  test('is not that of the warm-up, whose spans are in the account', async (t) => {
    const times = ['--rate', '400', '--warmup', '700ms', '--duration', '500ms'];
    const { report, requests } = await undisturbed(
      () => against(t, times),
      (run) => near(run.report.durationSeconds, 0.5, 0.2) && near(run.report.rate.achieved, 400, 0.1),
    );
    assertWell({ report });
    const { spans, ackLatencyMs, warmupSeconds, durationSeconds, series } = report;
    assert.equal(warmupSeconds, 0.7);
    assert.ok(near(durationSeconds, 0.5, 0.2), `${durationSeconds} s`);
    assert.equal(spans.generated, requests.flat().length);
    const measuredRequests = durationSeconds * 100;
    assert.ok(near(ackLatencyMs?.count ?? 0, measuredRequests, 0.1), `${ackLatencyMs?.count} of ${measuredRequests}`);
    const warmUp = spans.generated - (ackLatencyMs?.count ?? 0) * shopSpansOfRequest;
    assert.ok(near(warmUp, 0.7 * 400, 0.15), `${warmUp} spans of the warm-up`);
    assert.ok(near(report.rate.achieved, 400, 0.1), `${report.rate.achieved} spans/s`);
    assert.ok(series.second[0] < 0);
  });

  test('of max keeps as many requests under way as it is told, and no more', async (t) => {
    let underWay = 0;
    let most = 0;
    const busy = async (): Promise<Answer> => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, 10));
      underWay--;
      return ok;
    };
    const args = ['--rate', 'max', '--connections', '2', '--in-flight', '3', '--duration', '600ms'];
    const { report, requests } = await against(t, args, busy);
    assertWell({ report });
    assert.equal(most, 6);
    assert.equal(report.backlog.maxInFlight, 6);
    assert.equal(report.rate.target, 'max');
    assert.equal(report.requests.sent, requests.length);
    assert.ok(requests.length > 100);
  });

  test('of A..B that is held to its end has no more to search for', async (t) => {
    const { report } = await undisturbed(
      () => against(t, ['--rate', '200..400', '--duration', '400ms']),
      (run) => run.report.ramp?.every(({ held }) => held) === true,
    );
    assertWell({ report });
    assert.equal(report.rate.held, 400);
    assert.deepEqual(
      report.ramp?.map(({ target, held }) => [target, held]),
      [
        [200, true],
        [300, true],
        [400, true],
      ],
    );
  });
});

// By itself: a generator that is disturbed is late, and no rate is held then.
test('a rate of A..B is searched for, and found near what the server can do', async (t) => {
  const capacity = 1000;
  let freeAt = 0;
  // Takes requests one after another, each for as long as its spans take at that rate.
  const limited = (): Promise<Answer> => {
    const now = performance.now();
    freeAt = Math.max(now, freeAt) + (shopSpansOfRequest * 1000) / capacity;
    return new Promise((resolve) => setTimeout(() => resolve(ok), freeAt - now));
  };
  const { port } = await startGrpcServer(t, limited);
  const ends = ['--profile', shopFile, '--endpoint', `127.0.0.1:${port}`];
  const isFound = (held: number | null): held is number => held !== null && near(held, capacity, 0.3);
  const { report, stdout } = await undisturbed(
    () => measured(t, [...ends, '--rate', '500..8000', '--duration', '600ms']),
    (run) => isFound(run.report.rate.held),
  );
  assertWell({ report });
  const { held, target } = report.rate;
  assert.deepEqual(target, { from: 500, to: 8000 });
  assert.ok(isFound(held), `${held} spans/s\n${stdout}`);
  const steps = report.ramp ?? [];
  assert.ok(steps.some((step) => !step.held && step.why !== '') && steps.some((step) => step.held));
  assert.ok(steps.every((step) => step.held === step.target <= held));
  assert.match(stdout, /spans\/s held/);
});

test('a generator that cannot keep up says so, and the run proves nothing', async (t) => {
  const port = await freePort();
  const ends = ['--endpoint', `127.0.0.1:${port}`, '--sink', `127.0.0.1:${port}`];
  const load = ['--profile', shopFile, '--client', 'sdk', '--rate', '1000000', '--duration', '1s'];
  const { report, stdout, elapsedMs } = await measured(t, [...ends, ...load, '--report', pageFile]);
  assert.equal(report.verdict.exitCode, 3, complaints(report));
  assert.equal(report.generator.bottleneck, true);
  assert.deepEqual(report.verdict.problems, []);
  assert.equal(report.verdict.ok, false);
  assert.equal(report.spans.lost, 0);
  assert.ok(report.lateness.p99 > 50);
  // It hears of the end in time all the same.
  assert.ok(report.durationSeconds < 2, `a second took ${report.durationSeconds} s`);
  assert.ok(elapsedMs < 10_000, `it took ${elapsedMs} ms`);
  assert.match(stdout, /^- the generator was the bottleneck: /m);
  assert.match(stdout.trimEnd(), /\nNot proven: The load generator was the limit, not the service$/);
});

test('the page of a run is written beside its report, and stands alone', async (t) => {
  const port = await freePort();
  const ends = ['--endpoint', `127.0.0.1:${port}`, '--sink', `127.0.0.1:${port}`];
  const load = ['--profile', shopFile, '--rate', '200', '--duration', '300ms'];
  const run = await measured(t, [...ends, ...load, '--report', pageFile]);
  assertWell(run);
  const { page, report } = run;
  assert.ok(page !== null);
  assert.match(page, /^<!doctype html>/i);
  assert.match(page.trimEnd(), /<\/html>$/);
  assert.ok(page.includes(String(report.seed)));
  assert.doesNotMatch(page, /<(?:script|link|img)[^>]+(?:src|href)=["']?(?:https?:)?\/\//);
});
