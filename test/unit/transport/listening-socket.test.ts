// A socket that goes on listening while the server behind it is another.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createListener, type Listener } from '../../../src/transport/listener.ts';

const anyPort = { kind: 'tcp', host: '127.0.0.1', port: 0, family: 0 } as const;

interface Server {
  readonly listener: Listener;
  /** Sockets that it was given. */
  readonly accepted: net.Socket[];
}

interface Place {
  readonly pauseOnConnect?: boolean;
  readonly id?: string;
  mayFollow?(other: object): boolean;
}

/** Follows every other one in the same place, unless told otherwise. */
function server(t: TestContext, bound: Map<string, object> | undefined, place: Place = {}): Server {
  const { pauseOnConnect = false, id = 'server', mayFollow = () => true } = place;
  const accepted: net.Socket[] = [];
  const listener = createListener({
    tls: undefined,
    handshakeTimeoutMs: 1000,
    pauseOnConnect,
    ...(bound === undefined ? {} : { sockets: { bound, id, mayFollow } }),
    accept: (socket) => void accepted.push(socket),
    failed() {},
  });
  t.after(() => {
    for (const socket of accepted) socket.destroy();
    void listener.close();
  });
  return { listener, accepted };
}

async function connectTo(t: TestContext, address: string): Promise<net.Socket> {
  const colon = address.lastIndexOf(':');
  const socket = colon < 0 ? net.connect(address) : net.connect(Number(address.slice(colon + 1)), '127.0.0.1');
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

const until = async (reached: () => boolean): Promise<void> => {
  while (!reached()) await new Promise((resolve) => setImmediate(resolve));
};

test('a successor takes over the socket, and connections that were accepted stay with the one before', async (t) => {
  const sockets = new Map<string, object>();
  const [old, next] = [server(t, sockets), server(t, sockets)];
  await old.listener.listen(anyPort);
  const address = old.listener.address();
  await connectTo(t, address);
  await until(() => old.accepted.length === 1);
  await next.listener.listen(anyPort);
  assert.equal(next.listener.address(), address, 'port 0 is the port that there is');
  await connectTo(t, address);
  await until(() => next.accepted.length === 1);
  await old.listener.close();
  assert.equal(old.listener.address(), '');
  assert.ok(!old.accepted[0].destroyed);
  await connectTo(t, address);
  await until(() => next.accepted.length === 2);
  assert.equal(old.accepted.length, 1);
});

test('a successor that gives up leaves the socket to the one before', async (t) => {
  const sockets = new Map<string, object>();
  const [old, next] = [server(t, sockets), server(t, sockets)];
  await old.listener.listen(anyPort);
  await next.listener.listen(anyPort);
  await next.listener.close();
  await connectTo(t, old.listener.address());
  await until(() => old.accepted.length === 1);
  assert.equal(next.accepted.length, 0);
});

test('the last one closes the socket, and waits for connections that came by it', async (t) => {
  const sockets = new Map<string, object>();
  const [old, next] = [server(t, sockets), server(t, sockets)];
  await old.listener.listen(anyPort);
  await next.listener.listen(anyPort);
  const address = next.listener.address();
  await connectTo(t, address);
  await until(() => next.accepted.length === 1);
  await old.listener.close();
  let isClosed = false;
  const closed = next.listener.close().then(() => {
    isClosed = true;
  });
  await assert.rejects(connectTo(t, address), { code: 'ECONNREFUSED' });
  assert.ok(!isClosed);
  next.accepted[0].destroy();
  await closed;
  assert.equal(sockets.size, 0);
  // What comes later binds anew.
  const third = server(t, sockets);
  await third.listener.listen(anyPort);
  await connectTo(t, third.listener.address());
  await until(() => third.accepted.length === 1);
  // To be closed twice must not take it away from a third.
  await next.listener.close();
  assert.notEqual(third.listener.address(), '');
});

test('without a common place nobody takes over anything: the address is taken', async (t) => {
  const [one, two] = [server(t, undefined), server(t, new Map())];
  await one.listener.listen(anyPort);
  const port = Number(one.listener.address().split(':')[1]);
  await assert.rejects(two.listener.listen({ ...anyPort, port }), { code: 'LISTEN' });
  assert.equal(two.listener.address(), '');
});

test('each owner gets its sockets read or not read, as it wants', async (t) => {
  const sockets = new Map<string, object>();
  const [reading, paused] = [server(t, sockets), server(t, sockets, { pauseOnConnect: true })];
  await reading.listener.listen(anyPort);
  const address = reading.listener.address();
  await connectTo(t, address);
  await until(() => reading.accepted.length === 1);
  await paused.listener.listen(anyPort);
  await connectTo(t, address);
  await until(() => paused.accepted.length === 1);
  await paused.listener.close();
  await connectTo(t, address);
  await until(() => reading.accepted.length === 2);
  const states = [...reading.accepted, ...paused.accepted].map((socket) => socket.readableFlowing);
  assert.deepEqual(states, [null, null, false]);
});

test('a unix socket is handed over too, and its file goes with the last', async (t) => {
  const sockets = new Map<string, object>();
  const path = join(tmpdir(), `spanmill-${process.pid}-${Math.random().toString(36).slice(2)}.sock`);
  const [old, next] = [server(t, sockets), server(t, sockets)];
  await old.listener.listen({ kind: 'unix', path });
  await next.listener.listen({ kind: 'unix', path });
  await old.listener.close();
  await connectTo(t, path);
  await until(() => next.accepted.length === 1);
  next.accepted[0].destroy();
  await next.listener.close();
  await assert.rejects(connectTo(t, path), { code: 'ENOENT' });
});

test('no connection is refused or lost while servers take the place of each other', async (t) => {
  const sockets = new Map<string, object>();
  let current = server(t, sockets);
  const all = [current];
  await current.listener.listen(anyPort);
  const address = current.listener.address();
  let goOn = true;
  let connected = 0;
  const knocking = Array.from({ length: 8 }, async () => {
    while (goOn) {
      const socket = await connectTo(t, address);
      connected++;
      socket.destroy();
    }
  });
  for (let i = 0; i < 50; i++) {
    const next = server(t, sockets);
    all.push(next);
    await next.listener.listen(anyPort);
    await current.listener.close();
    current = next;
    const before = connected;
    await until(() => connected > before + 8);
  }
  goOn = false;
  await Promise.all(knocking);
  await until(() => all.reduce((sum, { accepted }) => sum + accepted.length, 0) === connected);
});

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));

test('whose successor another one is not keeps its address, and on a free port nobody follows another', async (t) => {
  const sockets = new Map<string, object>();
  const stays = server(t, sockets, { id: 'one' });
  await stays.listener.listen(anyPort);
  const port = portOf(stays.listener.address());
  const other = server(t, sockets, { id: 'two' });
  await other.listener.listen(anyPort);
  assert.notEqual(portOf(other.listener.address()), port);
  const fixed = server(t, sockets, { id: 'three' });
  await fixed.listener.listen({ ...anyPort, port: await freePort() });
  const again = server(t, sockets, { id: 'four', mayFollow: () => false });
  await assert.rejects(again.listener.listen({ ...anyPort, port: portOf(fixed.listener.address()) }), {
    code: 'LISTEN',
    message: /EADDRINUSE/,
  });
  await connectTo(t, fixed.listener.address());
  await until(() => fixed.accepted.length === 1);
});

async function freePort(): Promise<number> {
  const free = net.createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as net.AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  return port;
}

test('a server of another name follows on the same address, and two trade theirs', async (t) => {
  const sockets = new Map<string, object>();
  const [here, there] = [await freePort(), await freePort()];
  const at = (port: number) => ({ ...anyPort, port });
  const [one, two] = [server(t, sockets, { id: 'one' }), server(t, sockets, { id: 'two' })];
  await one.listener.listen(at(here));
  await two.listener.listen(at(there));
  const [nextOne, nextTwo] = [server(t, sockets, { id: 'one' }), server(t, sockets, { id: 'three' })];
  await nextOne.listener.listen(at(there));
  await nextTwo.listener.listen(at(here));
  await Promise.all([one.listener.close(), two.listener.close()]);
  await connectTo(t, `127.0.0.1:${here}`);
  await connectTo(t, `127.0.0.1:${there}`);
  await until(() => nextOne.accepted.length === 1 && nextTwo.accepted.length === 1);
  assert.deepEqual([one.accepted.length, two.accepted.length], [0, 0]);
});

test('all addresses of a port follow one of them, which is there again when they are given up', async (t) => {
  const sockets = new Map<string, object>();
  const port = await freePort();
  const one = server(t, sockets);
  await one.listener.listen({ ...anyPort, port });
  await connectTo(t, `127.0.0.1:${port}`);
  await until(() => one.accepted.length === 1);
  const everywhere = { ...anyPort, host: '0.0.0.0', port };
  const stranger = server(t, sockets, { mayFollow: () => false });
  await assert.rejects(stranger.listener.listen(everywhere), { code: 'LISTEN', message: /EADDRINUSE/ });
  const givesUp = server(t, sockets);
  await givesUp.listener.listen(everywhere);
  await connectTo(t, `127.0.0.1:${port}`);
  await until(() => givesUp.accepted.length === 1);
  assert.ok(!one.accepted[0].destroyed, 'who was connected stays');
  givesUp.accepted[0].destroy();
  await givesUp.listener.close();
  await until(() => one.listener.address() !== '');
  await connectTo(t, `127.0.0.1:${port}`);
  await until(() => one.accepted.length === 2);
  const all = server(t, sockets);
  await all.listener.listen(everywhere);
  for (const socket of one.accepted) socket.destroy();
  await one.listener.close();
  await connectTo(t, `127.0.0.1:${port}`);
  await until(() => all.accepted.length === 1);
});

test('an address of a port that somebody else has is not had by ending others', async (t) => {
  const sockets = new Map<string, object>();
  const taken = net.createServer().listen(0, '127.0.0.2');
  t.after(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as net.AddressInfo;
  const one = server(t, sockets);
  await one.listener.listen({ ...anyPort, port });
  const next = server(t, sockets);
  await assert.rejects(next.listener.listen({ ...anyPort, host: '0.0.0.0', port }), { code: 'LISTEN' });
  await until(() => one.listener.address() !== '');
  await connectTo(t, `127.0.0.1:${port}`);
  await until(() => one.accepted.length === 1);
});
