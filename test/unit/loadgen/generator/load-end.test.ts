// How a load ends: stopped, flushed, abandoned, and with a server that does not answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { answerAll, ended, fakeServer, longMs, ok, opened, refused, source, until } from './fake-server.ts';

test('a server that does not answer holds up the end for no longer than its limit', async (t) => {
  const server = fakeServer();
  const load = await opened(t, server, source([3]).source, { connections: 2 });
  load.start({ kind: 'closed', inFlight: 2 });
  const late = server.waiting.splice(0);
  await load.stop(30);
  const { spans, requests, unsure, firstFailure, response } = load.report();
  assert.deepEqual(spans, { generated: 12, acknowledged: 0, rejected: 0, failed: 12 });
  assert.deepEqual([requests.inFlight, requests.byStatus], [0, { TRANSPORT: 4 }]);
  assert.deepEqual(unsure, [[0, 12, -1]]);
  assert.equal(firstFailure, 'TRANSPORT: the run ended');
  assert.equal(response.count, 4);
  assert.ok(response.p50 >= 29, `${response.p50} ms`);
  assert.deepEqual(
    server.connections.slice(0, 2).map(({ isClosed }) => isClosed),
    [true, true],
  );
  // An answer that comes after all is not counted again.
  for (const answer of late) answer(ok);
  assert.deepEqual(load.report().spans, spans);
});

test('after a stop that gave up, the load can go on, on new connections', async (t) => {
  const server = fakeServer();
  const load = await opened(t, server, source([1]).source);
  load.start({ kind: 'closed', inFlight: 1 });
  await load.stop(1);
  await until(() => server.connections.length === 2);
  server.waiting.length = 0;
  load.start({ kind: 'closed', inFlight: 1 });
  await until(() => server.waiting.length === 1);
  assert.equal(server.connections[1].waiting.length, 1);
  await ended(load, server);
  assert.deepEqual(load.report().spans, { generated: 2, acknowledged: 1, rejected: 0, failed: 1 });
});

test('an end under way is abandoned at once, and nothing is sent any more', async (t) => {
  const server = fakeServer();
  const { source: requests, sent } = source([1, 1], { 1: longMs });
  const load = await opened(t, server, requests);
  load.start({ kind: 'closed', inFlight: 3 });
  const stopped = load.stop(longMs);
  load.abandon();
  await stopped;
  await load.flush(longMs);
  const { spans, notFlushed, flushed, unsure, end } = load.report();
  assert.deepEqual(spans, { generated: 3, acknowledged: 0, rejected: 0, failed: 3 });
  assert.deepEqual(
    [notFlushed, flushed],
    [
      { requests: 2, spans: 2 },
      { requests: 0, spans: 0 },
    ],
  );
  assert.equal(
    unsure.reduce((sum, [, count]) => sum + count, 0),
    end,
  );
  assert.deepEqual([sent.length, server.connections.length], [3, 1]);
});

test('a flush is abandoned at once, and what it did not send is told', async (t) => {
  const server = fakeServer(1);
  const { source: requests } = source([1, 2], { 1: longMs });
  const load = await opened(t, server, requests);
  load.start({ kind: 'open', unit: 'requests', perSecond: 1000 });
  while (load.report().end < 12) {
    answerAll(server, ok);
    await turn();
  }
  const stopped = load.stop(longMs);
  answerAll(server, ok);
  await stopped;
  const flushed = load.flush(longMs);
  // One is under way, another waits for it.
  await until(() => load.tick().requests.overdue > 0);
  load.abandon();
  await flushed;
  const report = load.report();
  const late = Math.floor(report.end / 3);
  assert.deepEqual(report.flushed, { requests: 1, spans: 2 });
  assert.deepEqual(report.notFlushed, { requests: late - 1, spans: 2 * (late - 1) });
  assert.equal(report.spans.failed, 2);
});

test('what is late is flushed at the pace of the run, and its latency is nobody’s', async (t) => {
  const server = fakeServer();
  const { source: requests, sent } = source([1, 2], { 1: longMs });
  const load = await opened(t, server, requests);
  load.start({ kind: 'open', unit: 'spans', perSecond: 1000 });
  await until(() => sent.length >= 8);
  const stopped = load.stop(longMs);
  answerAll(server, ok);
  await stopped;
  const before = sent.length;
  const { acknowledgement, response } = load.report();
  let isOver = false;
  const flushed = load.flush(longMs).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    answerAll(server, ok);
    await turn();
  }
  await flushed;
  const late = sent.slice(before);
  assert.ok(late.length >= 7, `${late.length} late requests`);
  for (const [i, { index, due }] of late.entries()) {
    assert.equal(index, 1);
    if (i > 0) assert.ok(Math.abs(due - late[i - 1].due - 2e6) < 1, `${due - late[i - 1].due} ns`);
  }
  const report = load.report();
  assert.deepEqual(report.flushed, { requests: late.length, spans: 2 * late.length });
  assert.deepEqual(report.notFlushed, { requests: 0, spans: 0 });
  assert.deepEqual([report.acknowledgement.count, report.response.count], [acknowledgement.count, response.count]);
  assert.deepEqual(report.unsure, []);
  assert.equal(report.spans.acknowledged, report.end);
});

test('a flush that takes longer than its limit goes on for as long as requests can be sent', async (t) => {
  const server = fakeServer();
  const { source: requests, sent } = source([1, 1], { 1: longMs });
  const load = await opened(t, server, requests);
  load.start({ kind: 'open', unit: 'requests', perSecond: 100 });
  await until(() => sent.length >= 20);
  const stopped = load.stop(longMs);
  answerAll(server, ok);
  await stopped;
  const { end } = load.report();
  let isOver = false;
  const flushed = load.flush(40).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    // One is under way all the time.
    while (server.waiting.length > (sent.length < end ? 1 : 0)) server.waiting.shift()?.(ok);
    await turn();
  }
  await flushed;
  const report = load.report();
  assert.deepEqual(report.notFlushed, { requests: 0, spans: 0 });
  assert.ok(report.flushed.requests >= 19);
  assert.equal(report.spans.acknowledged, end);
});

test('a server that does not answer what is flushed holds up the end for no longer than the limit', async (t) => {
  const server = fakeServer();
  const { source: requests } = source([1, 1], { 1: longMs });
  const load = await opened(t, server, requests, { most: 2 });
  load.start({ kind: 'open', unit: 'requests', perSecond: 1000 });
  while (load.report().end < 20) {
    answerAll(server, ok);
    await turn();
  }
  const stopped = load.stop(longMs);
  answerAll(server, ok);
  await stopped;
  await load.flush(60);
  const { flushed, notFlushed, spans, end } = load.report();
  assert.deepEqual(flushed, { requests: 2, spans: 2 });
  assert.equal(notFlushed.requests, Math.floor(end / 2) - 2);
  assert.equal(spans.failed, 2);
});

test('what was never sent, refused or failed has a response time, and no acknowledgement time', async (t) => {
  const server = fakeServer();
  const load = await opened(t, server, source([4]).source, { most: 3 });
  load.start({ kind: 'open', unit: 'requests', perSecond: 1000 });
  await until(() => load.tick().requests.overdue >= 20);
  const [a, b, c] = server.waiting.splice(0);
  const stopped = load.stop(longMs);
  a(ok);
  b(refused);
  c({ ...refused, status: 'TRANSPORT' });
  await stopped;
  const { acknowledgement, response, requests } = load.report();
  assert.equal(acknowledgement.count, 1);
  assert.ok(requests.unsent >= 20);
  assert.equal(requests.unsentSpans, 4 * requests.unsent);
  assert.equal(response.count, 3 + requests.unsent);
  assert.ok(response.max >= 20, `${response.max} ms`);
  load.resetLatency();
  assert.equal(load.report().response.count, 0);
});
