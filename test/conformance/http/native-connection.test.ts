// A connection of our own HTTP/1.1 reader: what it holds beside the memory of the methods, and what it promises beyond the
// suite for both readers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createNativeHttpServer } from '../../../src/transport/http1/native/native-front.ts';
import { type HttpBench, headOf, rawClient, startHttpBench } from './http-bench.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const small = `${headOf(['Content-Length: 2'])}ok`;
const limited = { limits: { maxBodyBytes: 10_000, maxHeldBytes: 30_000 } };

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate);
}

test('requests that come before it is their turn are counted while they wait, and not behind', async (t) => {
  const bench = await startHttpBench(t, createNativeHttpServer);
  bench.method.answer = () => 'later';
  const client = await rawClient(t, bench);
  const ahead = 300;
  client.write(small.repeat(ahead + 1));
  await bench.method.handledCount(1);
  await until(() => bench.server.counters.heldBytesNow > 0);
  assert.ok(bench.server.counters.heldBytesNow <= ahead * small.length);
  bench.method.answer = () => null;
  bench.method.handled[0].reply(null);
  for (let i = 0; i <= ahead; i++) assert.equal((await client.reply()).status, 200);
  assert.equal(bench.server.counters.heldBytesNow, 0);
});

test('garbage behind requests that are under way is answered behind them', async (t) => {
  const bench = await startHttpBench(t, createNativeHttpServer);
  bench.method.answer = () => 'later';
  const client = await rawClient(t, bench);
  client.write(`${small}${small}garbage\r\n\r\n`);
  for (let i = 0; i < 2; i++) {
    await bench.method.handledCount(i + 1);
    bench.method.handled[i].reply(null);
  }
  for (const status of [200, 200, 400]) assert.equal((await client.reply()).status, status);
  await client.closed;
});

test('half a head is counted, and forgotten with its connection', async (t) => {
  const bench = await startHttpBench(t, createNativeHttpServer);
  const client = await rawClient(t, bench);
  const half = `${headOf([`X-A: ${'a'.repeat(9000)}`]).slice(0, -4)}`;
  client.write(half);
  await until(() => bench.server.counters.heldBytesNow === half.length);
  client.socket.destroy();
  await until(() => bench.server.counters.connectionsNow === 0);
  assert.equal(bench.server.counters.heldBytesNow, 0);
});

test('beyond the bound of all connections the answer that is due is the last, and later requests are left to come again', async (t) => {
  const bench = await startHttpBench(t, createNativeHttpServer, limited);
  bench.method.answer = () => 'later';
  const client = await rawClient(t, bench);
  client.write(small);
  await bench.method.handledCount(1);
  client.write(small.repeat(400));
  // The first of them may still be let in to wait.
  await until(() => client.socket.writableLength === 0);
  // What was written on this machine has arrived: the server reads it when the event loop has come round.
  for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate);
  assert.ok(bench.server.counters.heldBytesNow <= 30_000);
  bench.method.handled[0].reply(null);
  const reply = await client.reply();
  assert.deepEqual([reply.status, reply.headers.get('connection')], [200, 'close']);
  await client.closed;
  assert.equal(bench.method.handled.length, 1);
});

test('beyond it a head that is not whole is refused for now', async (t) => {
  const bench = await startHttpBench(t, createNativeHttpServer, limited);
  const half = headOf([`X-A: ${'a'.repeat(12_000)}`]).slice(0, -4);
  const [one, two, three] = await Promise.all([1, 2, 3].map(() => rawClient(t, bench)));
  for (const client of [one, two]) client.write(half);
  await until(() => bench.server.counters.heldBytesNow === 2 * half.length);
  three.write(half);
  const reply = await three.reply();
  assert.deepEqual([reply.status, reply.headers.get('connection')], [503, 'close']);
  one.write('\r\n\r\n');
  assert.equal((await one.reply()).status, 200);
});

test('a request that waits for a place is refused for now when too much waits behind it', async (t) => {
  const bench = await startHttpBench(t, createNativeHttpServer, limited);
  bench.method.full = true;
  const client = await rawClient(t, bench);
  client.write(small.repeat(400));
  const reply = await client.reply();
  assert.deepEqual([reply.status, reply.headers.get('connection')], [429, 'close']);
  await client.closed;
  bench.method.grant(false);
});

async function heapOfIdle(t: Parameters<typeof startHttpBench>[0], head: string): Promise<number> {
  const bench: HttpBench = await startHttpBench(t, createNativeHttpServer);
  const clients = await Promise.all(Array.from({ length: 100 }, () => rawClient(t, bench)));
  gc();
  const before = process.memoryUsage().heapUsed;
  for (const [i, client] of clients.entries()) client.write(head.replace('NUMBER', String(100 + i)));
  for (const client of clients) assert.equal((await client.reply()).status, 200);
  bench.method.handled.length = 0;
  gc();
  return (process.memoryUsage().heapUsed - before) / clients.length;
}

test('a connection that was answered does not hold the long head of its request', async (t) => {
  const usual = await heapOfIdle(t, headOf(['Content-Length: 0', 'X-A: NUMBER']));
  const long = await heapOfIdle(t, headOf(['Content-Length: 0', `X-A: NUMBER${'a'.repeat(15_000)}`]));
  assert.ok(long < usual + 5000, `${long} bytes of heap a connection instead of ${usual}`);
});
