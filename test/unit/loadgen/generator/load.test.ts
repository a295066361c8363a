// The load against clients that answer when the test says so: its pace, and what it counts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Load } from '../../../../loadgen/generator/load.ts';
import { answerAll, ended, fakeServer, ok, opened, refused, source, until } from './fake-server.ts';

test('the closed loop keeps its number of requests under way on every connection, round after round', async (t) => {
  const server = fakeServer();
  const { source: requests, sent } = source([2, 3]);
  const load = await opened(t, server, requests, { connections: 2 });
  load.start({ kind: 'closed', inFlight: 2 });
  assert.equal(server.waiting.length, 4);
  answerAll(server, ok);
  assert.equal(server.waiting.length, 4);
  await ended(load, server);
  assert.deepEqual(
    sent.map(({ index, round }) => [index, round]),
    [0, 1, 2, 3, 4, 5, 6, 7].map((position) => [position % 2, Math.floor(position / 2)]),
  );
  const { spans, requests: counted, end, unsure } = load.report();
  assert.deepEqual(spans, { generated: 20, acknowledged: 20, rejected: 0, failed: 0 });
  assert.deepEqual([counted.sent, counted.acknowledged, counted.byStatus, end], [8, 8, { OK: 8 }, 20]);
  assert.deepEqual(unsure, []);
});

test('what is refused, fails, or is rejected in part is named by its numbers', async (t) => {
  const server = fakeServer();
  const load = await opened(t, server, source([10]).source);
  load.start({ kind: 'closed', inFlight: 4 });
  const [a, b, c, d] = server.waiting.splice(0);
  a({ ...ok, rejectedSpans: 3 });
  b(refused);
  c(refused);
  d({ ...refused, status: 'TRANSPORT' });
  await ended(load, server);
  const report = load.report();
  assert.deepEqual(report.unsure, [
    [0, 10, 3],
    [10, 30, -1],
  ]);
  assert.deepEqual(report.spans, { generated: 50, acknowledged: 17, rejected: 23, failed: 10 });
  assert.deepEqual(report.requests.byStatus, { PARTIAL: 1, UNAVAILABLE: 2, TRANSPORT: 1, OK: 1 });
  assert.equal(report.firstFailure, 'PARTIAL: ');
});

test('the open loop follows its schedule whatever the server does, and latency counts from the intended time', async (t) => {
  const server = fakeServer();
  const { source: requests, sent } = source([1]);
  const load = await opened(t, server, requests);
  load.start({ kind: 'open', unit: 'requests', perSecond: 1000 });
  await until(() => server.waiting.length >= 30);
  const gaps = sent.slice(1).map(({ due }, i) => due - sent[i].due);
  for (const gap of gaps) assert.ok(Math.abs(gap - 1e6) < 1, `a gap of ${gap} ns`);
  await ended(load, server);
  const { acknowledgement, lateness } = load.report();
  assert.equal(acknowledgement.count, sent.length);
  // The first waited for as long as the others took to fall due.
  assert.ok(acknowledgement.max >= 29, `${acknowledgement.max} ms`);
  assert.equal(lateness.count, sent.length);
});

test('where spans are paced, a request takes as much time as it has spans', async (t) => {
  const server = fakeServer();
  const { source: requests, sent } = source([1, 5, 2]);
  const load = await opened(t, server, requests);
  load.start({ kind: 'open', unit: 'spans', perSecond: 2000 });
  await until(() => sent.length >= 7);
  const gaps = sent.slice(0, 7).map(({ due }) => Math.round((due - sent[0].due) / 500_000));
  assert.deepEqual(gaps, [0, 1, 6, 8, 9, 14, 16]);
  await ended(load, server);
});

test('requests that find no room wait, and their time counts from when they were due', async (t) => {
  const server = fakeServer();
  const { source: requests, sent } = source([1]);
  const load = await opened(t, server, requests, { most: 5 });
  load.start({ kind: 'open', unit: 'requests', perSecond: 2000 });
  await until(() => load.tick().requests.overdue >= 20);
  assert.equal(server.waiting.length, 5);
  assert.equal(sent.length, 5);
  answerAll(server, ok);
  assert.equal(sent.length, 10);
  assert.ok(Math.abs(sent[9].due - sent[0].due - 9 * 500_000) < 10);
  await ended(load, server);
  const { requests: counted, unsure } = load.report();
  assert.ok(counted.unsent >= 15);
  // They are named as spans that were not acknowledged.
  assert.deepEqual(unsure, [[10, counted.unsent, -1]]);
});

test('requests whose spans end later are sent when they are due, in the turn of another', async (t) => {
  const server = fakeServer();
  const { source: requests, sent } = source([1, 1], { 1: 20 });
  const load = await opened(t, server, requests);
  load.start({ kind: 'open', unit: 'requests', perSecond: 500 });
  await until(() => sent.some(({ index }) => index === 1));
  const late = sent.findIndex(({ index }) => index === 1);
  assert.ok(late >= 9, `sent as number ${late}`);
  assert.equal(sent[late].round, 0);
  const { unsure, end } = load.report();
  assert.ok(
    unsure.length > 0 && unsure.every(([first, count, rejected]) => first % 2 === 1 && count === 1 && rejected === -1),
  );
  await ended(load, server);
  assert.deepEqual(load.report().unsure, []);
  assert.equal(load.report().spans.acknowledged, end);
});

test('a connection that is lost is opened again, and what waits goes on', async (t) => {
  const server = fakeServer();
  const load = await opened(t, server, source([1]).source);
  load.start({ kind: 'closed', inFlight: 1 });
  server.connections[0].drop('gone');
  answerAll(server, { ...refused, status: 'TRANSPORT' });
  await new Promise<void>((resolve) => {
    const look = setInterval(() => {
      if (server.connections.length < 2 || server.waiting.length < 1) return;
      clearInterval(look);
      resolve();
    }, 5);
  });
  await ended(load, server);
  assert.equal(load.report().spans.failed, 1);
});

test('a server that cannot be reached is an error of opening', async () => {
  const connect = () => Promise.reject(new Error('connection refused'));
  await assert.rejects(
    Load.open(source([1]).source, { connections: 3, maxInFlight: 1, connect }),
    /connection refused/,
  );
});
