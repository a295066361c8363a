// The load and its connections: their room, and what happens when one is lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notSent } from '../../../../loadgen/client/export-reply.ts';
import { answerAll, ended, fakeServer, longMs, ok, opened, refused, source, until } from './fake-server.ts';

const lost = { ...refused, status: 'TRANSPORT' };
const unsent = { ...refused, status: notSent };

test('no more is under way on a connection than its protocol can have, in both loops', async (t) => {
  const server = fakeServer(1);
  const { source: requests, sent } = source([1]);
  const load = await opened(t, server, requests, { connections: 2 });
  load.start({ kind: 'open', unit: 'requests', perSecond: 1000 });
  await until(() => load.tick().requests.overdue >= 10);
  assert.deepEqual(
    server.connections.map(({ waiting }) => waiting.length),
    [1, 1],
  );
  server.waiting.shift()?.(ok);
  assert.deepEqual(
    server.connections.map(({ waiting }) => waiting.length),
    [1, 1],
  );
  // Those that waited have kept their times.
  assert.ok(Math.abs(sent[2].due - sent[0].due - 2e6) < 10);
  await ended(load, server);

  const other = fakeServer(1);
  const closed = await opened(t, other, requests, { connections: 2 });
  closed.start({ kind: 'closed', inFlight: 4 });
  assert.equal(other.waiting.length, 2);
  await ended(closed, other);
});

test('a request of which nothing went out is sent on another connection, and is late by that', async (t) => {
  const server = fakeServer(1);
  const { source: requests, sent } = source([5]);
  const load = await opened(t, server, requests, { connections: 2 });
  load.start({ kind: 'open', unit: 'requests', perSecond: 1000 });
  await until(() => sent.length === 2);
  const [first, second] = server.connections;
  await until(() => load.tick().requests.overdue > 0);
  first.isUsable = false;
  first.waiting[0](unsent);
  // Before those that wait: it is the oldest.
  second.waiting[0](ok);
  assert.deepEqual(sent.at(-1), sent[0]);
  assert.equal(second.waiting.length, 1);
  await ended(load, server);
  const { requests: counted, spans, unsure, response } = load.report();
  assert.deepEqual(counted.byStatus, { OK: counted.sent });
  assert.equal(counted.unsent + counted.sent, response.count);
  assert.deepEqual([spans.failed, spans.rejected], [0, 0]);
  assert.equal(spans.generated, spans.acknowledged);
  assert.ok(unsure.every(([begin]) => begin >= spans.acknowledged));
});

test('in the closed loop too, and when the load has ended, it counts as never sent', async (t) => {
  const server = fakeServer();
  const { source: requests, sent } = source([1]);
  const load = await opened(t, server, requests, { connections: 3 });
  load.start({ kind: 'closed', inFlight: 1 });
  const [first, second, third] = server.connections;
  first.isUsable = false;
  first.waiting[0](unsent);
  assert.equal(sent.length, 3);
  second.waiting[0](ok);
  assert.deepEqual(
    sent.map(({ round }) => round),
    [0, 1, 2, 0],
  );
  const stopped = load.stop(longMs);
  // It has room, and the load has ended.
  third.waiting[0](ok);
  second.isUsable = false;
  second.waiting[0](unsent);
  await stopped;
  const { requests: counted, spans, unsure } = load.report();
  assert.deepEqual([sent.length, counted.sent, counted.unsent, counted.unsentSpans], [4, 2, 1, 1]);
  assert.deepEqual(spans, { generated: 2, acknowledged: 2, rejected: 0, failed: 0 });
  assert.deepEqual(unsure, [[0, 1, -1]]);
});

test('requests that wait go to a connection with room when another one dies', async (t) => {
  const server = fakeServer();
  const load = await opened(t, server, source([1]).source, { connections: 2, most: 1 });
  load.start({ kind: 'open', unit: 'requests', perSecond: 1000 });
  await until(() => load.tick().requests.overdue >= 3);
  const [first, second] = server.connections;
  server.isDown = true;
  first.drop('gone');
  answerAll(server, lost);
  assert.equal(second.waiting.length, 1);
  server.isDown = false;
  await ended(load, server);
});

test('a connection that lasted is opened again at once; one that did not, after a pause', async (t) => {
  const server = fakeServer();
  const load = await opened(t, server, source([1]).source);
  const opening = performance.now();
  while (performance.now() - opening < 110) await new Promise((resolve) => setTimeout(resolve, 5));
  server.connections[0].drop('GOAWAY');
  assert.equal(load.report().disconnected, null);
  assert.equal(server.connections.length, 2);
  await new Promise(setImmediate);
  server.connections[1].drop('again');
  assert.equal(server.connections.length, 2);
  assert.equal(load.report().disconnected, null);
  const lostAt = performance.now();
  await new Promise<void>((resolve) => {
    const look = setInterval(() => {
      if (server.connections.length < 3) return;
      clearInterval(look);
      resolve();
    }, 5);
  });
  assert.ok(performance.now() - lostAt >= 95);
});

test('a server that cannot be reached again is told of, and the flush does not wait for it for ever', async (t) => {
  const server = fakeServer();
  const load = await opened(t, server, source([1, 1], { 1: longMs }).source);
  load.start({ kind: 'closed', inFlight: 1 });
  server.waiting.shift()?.(ok);
  server.isDown = true;
  server.connections[0].drop('gone');
  answerAll(server, lost);
  await load.stop(longMs);
  await load.flush(150);
  const { disconnected, notFlushed } = load.report();
  assert.equal(disconnected, 'gone');
  assert.deepEqual(notFlushed, { requests: 1, spans: 1 });
});

test('bodies under way are limited in bytes, and the report says so', async (t) => {
  const server = fakeServer();
  const body = Buffer.alloc(128 << 20);
  const { requests, spans } = source([1]).source;
  const load = await opened(t, server, { requests, spans, body: () => body });
  load.start({ kind: 'closed', inFlight: 1 });
  assert.equal(load.tick().limitedByBytes, false);
  await load.stop(1);
  server.waiting.length = 0;
  await until(() => server.connections.length === 2);
  load.start({ kind: 'closed', inFlight: 4 });
  await until(() => server.waiting.length > 0);
  assert.equal(server.waiting.length, 2);
  assert.equal(load.tick().limitedByBytes, true);
});
