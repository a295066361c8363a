// Floods of what stays: connections and streams that are held and make no progress, beside a good client.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { type TestContext, test } from 'node:test';
import { errorCode, preface, setting, settingsFrame } from '../../../src/transport/http2/frames.ts';
import { type Bench, type BenchOptions, framed, pattern, type StartServer } from '../grpc/server-bench.ts';
import { dataFrame, requestHeaders, wholeCall } from './client-frames.ts';
import { besideGoodClient, bytesInUse, forget, startFloodBench } from './flood-bench.ts';
import { connectWire, openWire, type WireClient, type WireOptions } from './wire-client.ts';

const stallTimeoutMs = 300;
const handshakeTimeoutMs = 300;
const limits = { stallTimeoutMs, handshakeTimeoutMs };
/** Of connections and of streams on each, where both are many. */
const connections = 4;
const streamsEach = 900;
const wantedIdle = 10_000;
/** File descriptors that the process needs besides both ends of each connection. */
const otherDescriptors = 400;
/** Of what the thousands of streams of a test, and both ends of its connections, have in use at a time. */
const mostInUse = 16 << 20;
/** For both ends of an idle connection, the client's and the server's. */
const idleBytesInUse = 24 << 10;

const odd = (i: number): number => 2 * i + 1;
const ids = Array.from({ length: streamsEach }, (_, i) => odd(i));

const openAll = (t: TestContext, bench: Bench, count: number, options?: WireOptions): Promise<WireClient[]> =>
  Promise.all(
    Array.from({ length: count }, () => openWire(t, bench.port, { ...options, secure: bench.cert !== undefined })),
  );

/** All that the streams of all clients came to, once each is over, with its connection or alone. */
async function endsOf(clients: readonly WireClient[]): Promise<string[]> {
  const all = clients.flatMap((client) =>
    ids.map(async (id) => {
      const reply = await client.reply(id);
      const code = { ...reply.headers, ...reply.trailers }['grpc-status'];
      if (reply.ended) return `status ${code}`;
      return reply.rstCode === null ? 'connection ended' : `reset ${reply.rstCode}`;
    }),
  );
  return [...new Set(await Promise.all(all))].sort();
}

/** As `floodTests`; `bounded`: whether the server gives them up. */
export function slowFloodTests(start: StartServer, bounded: boolean, over: BenchOptions = {}): void {
  test('windows of 0 that are held: answers wait, and are given up', { timeout: 60_000 }, async (t) => {
    const bench = await startFloodBench(t, start, { limits, ...over });
    const before = bytesInUse();
    const clients = await openAll(t, bench, connections, { settings: [[setting.initialWindowSize, 0]] });
    const calls = Buffer.concat(ids.map((id) => wholeCall(id, framed(pattern(50)))));
    const flood = async (): Promise<void> => {
      await Promise.all(clients.map((client) => client.send(calls)));
      await Promise.all(clients.map((client) => client.pinged()));
    };
    await besideGoodClient(t, bench, flood());
    if (!bounded) return;
    forget(bench);
    const grown = bytesInUse() - before;
    t.diagnostic(`${grown} bytes for ${connections * streamsEach} answers that wait`);
    assert.ok(grown < mostInUse, `${grown} more bytes are in use`);
    const ends = await endsOf(clients);
    // CANCEL
    assert.deepEqual(ends, ['reset 8']);
  });

  test('streams opened and left are given up', { timeout: 60_000 }, async (t) => {
    const bench = await startFloodBench(t, start, { limits, ...over });
    const clients = await openAll(t, bench, connections);
    const headers = Buffer.concat(ids.map((id) => requestHeaders(id)));
    const flood = async (): Promise<void> => {
      await Promise.all(clients.map((client) => client.send(headers)));
      await Promise.all(clients.map((client) => client.pinged()));
      if (bounded) assert.deepEqual(await endsOf(clients), ['status 4']);
    };
    await besideGoodClient(t, bench, flood());
  });

  const body = framed(Buffer.of(7), 0, 4 << 20);
  const announcing = Buffer.concat(ids.flatMap((id) => [requestHeaders(id), dataFrame(id, body)]));

  test('4 MiB announced and one byte sent, 3,600 times', { timeout: 60_000 }, async (t) => {
    const bench = await startFloodBench(t, start, { limits, ...over });
    const clients = await openAll(t, bench, connections);
    const before = bytesInUse();
    const flood = async (): Promise<void> => {
      await Promise.all(clients.map((client) => client.send(announcing)));
      await Promise.all(clients.map((client) => client.pinged()));
      const grown = bytesInUse() - before;
      assert.ok(grown < mostInUse, `${grown} more bytes are in use`);
      assert.deepEqual(await endsOf(clients), ['status 4']);
    };
    await besideGoodClient(t, bench, flood());
    assert.equal(bench.method.outstanding(), 0);
  });

  test('the same where there is no space', { timeout: 60_000 }, async (t) => {
    const bench = await startFloodBench(t, start, { limits, ...over });
    const clients = await openAll(t, bench, connections);
    const before = bytesInUse();
    bench.method.full = true;
    await Promise.all(clients.map((client) => client.send(announcing)));
    await bench.method.waitingCount(connections);
    const grown = bytesInUse() - before;
    assert.ok(grown < mostInUse, `${grown} more bytes are in use`);
    const { heldBytesNow } = bench.server.counters;
    // The other server counts a refused call's window until its stream has closed.
    if (bounded) assert.ok(heldBytesNow <= 33 << 20, `${heldBytesNow} bytes are held`);
    // For those that wait there is still none; there is for the good client, and for what those had behind them.
    bench.method.full = false;
    bench.method.grant(false);
    const { result } = await besideGoodClient(t, bench, endsOf(clients));
    assert.ok(
      result.every((end) => end === 'status 4' || end === 'status 8'),
      result.join(),
    );
    assert.equal(bench.method.outstanding(), 0);
  });

  test('requests that come one byte at a time, on 200 connections', { timeout: 60_000 }, async (t) => {
    const bench = await startFloodBench(t, start, { limits, ...over });
    const clients = await openAll(t, bench, 200);
    const before = bytesInUse();
    const call = wholeCall(1, framed(pattern(40)));
    const flood = async (): Promise<void> => {
      for (const byte of call.subarray(0, -1)) await Promise.all(clients.map((client) => client.send(Buffer.of(byte))));
    };
    await besideGoodClient(t, bench, flood());
    forget(bench);
    const grown = bytesInUse() - before;
    t.diagnostic(`${grown} more bytes in use`);
    if (bounded) assert.ok(grown < 8 << 20, `${grown} more bytes are in use`);
    // Whoever was not given up is served when the last byte comes.
    await Promise.all(clients.map((client) => client.send(call.subarray(-1))));
    const replies = await Promise.all(clients.map((client) => client.reply(1)));
    // Over TLS all of it takes longer, and some connections have stood still in the middle of a frame.
    if (bench.cert === undefined) assert.ok(clients.every((client) => !client.hasEnded()));
    const served = replies.filter((_, i) => !clients[i].hasEnded());
    const codes = new Set(served.map(({ headers, trailers }) => ({ ...headers, ...trailers })['grpc-status']));
    assert.ok(
      [...codes].every((code) => code === '0' || code === '4'),
      [...codes].join(),
    );
  });

  test('connections that do not begin are closed', { timeout: 60_000 }, async (t) => {
    const bench = await startFloodBench(t, start, { limits, ...over });
    const openings = [
      Buffer.alloc(0),
      preface.subarray(0, 11),
      preface,
      Buffer.concat([preface, settingsFrame([]).subarray(0, 5)]),
    ];
    const clients = await Promise.all(
      Array.from({ length: 400 }, () => connectWire(t, bench.port, { secure: bench.cert !== undefined })),
    );
    const flood = async (): Promise<void> => {
      await Promise.all(clients.map((client, i) => client.send(openings[i % openings.length])));
      if (bounded) await Promise.all(clients.map((client) => client.ended));
    };
    await besideGoodClient(t, bench, flood());
    if (bounded) assert.equal(bench.server.counters.floods.handshake, clients.length);
  });

  test('more streams than are allowed are refused', { timeout: 60_000 }, async (t) => {
    const bench = await startFloodBench(t, start, { limits: { maxConcurrentStreams: 100 }, ...over });
    const [client] = await openAll(t, bench, 1);
    const flood = async (): Promise<void> => {
      await client.send(Buffer.concat(ids.slice(0, 150).map((id) => requestHeaders(id))));
      await client.pinged();
    };
    await besideGoodClient(t, bench, flood());
    // nghttp2 makes a connection error of it, as RFC 9113 5.4.1 allows.
    if (!bounded) return;
    assert.equal(bench.server.counters.callsNow, 100);
    const refused = ids.slice(0, 150).filter((id) => client.soFar(id).rstCode === errorCode.refusedStream);
    assert.deepEqual(refused, ids.slice(100, 150));
  });
}

export function idleFloodTests(start: StartServer): void {
  test('10,000 idle connections, or as many as may be, stand in nobody’s way', { timeout: 120_000 }, async (t) => {
    const bench = await startFloodBench(t, start, { limits });
    const count = Math.min(wantedIdle, Math.floor((descriptors() - otherDescriptors) / 2));
    assert.ok(count >= 2000, `only ${count} connections are allowed here`);
    const before = bytesInUse();
    const idle = await openIdle(t, bench, count);
    await besideGoodClient(t, bench, Promise.resolve());
    const grown = bytesInUse() - before;
    t.diagnostic(`${count} connections, ${Math.round(grown / count)} bytes in use for both ends of each`);
    assert.ok(grown < count * idleBytesInUse, `${grown / count} bytes in use for each`);
    assert.equal(idle.filter((socket) => socket.destroyed).length, 0, 'idle connections were ended');
  });
}

/** Node raises its own limit of file descriptors to the hard one at start. */
function descriptors(): number {
  const { userLimits } = process.report.getReport() as unknown as {
    userLimits: { open_files: { hard: number | string } };
  };
  const limit = Number(userLimits.open_files.hard);
  return Number.isNaN(limit) ? Number.POSITIVE_INFINITY : limit;
}

const atATime = 200;

/** Connections that greeted, and were greeted. */
async function openIdle(t: TestContext, bench: Bench, count: number): Promise<net.Socket[]> {
  const sockets: net.Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const greeting = Buffer.concat([preface, settingsFrame([])]);
  while (sockets.length < count) {
    const more = Array.from({ length: Math.min(atATime, count - sockets.length) }, async () => {
      const socket = net.connect(bench.port, '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.write(greeting);
      await once(socket, 'data');
      socket.resume();
    });
    await Promise.all(more);
  }
  return sockets;
}
