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

function server(t: TestContext, sockets: Map<string, object> | undefined, pauseOnConnect = false): Server {
  const accepted: net.Socket[] = [];
  const listener = createListener({
    tls: undefined,
    handshakeTimeoutMs: 1000,
    pauseOnConnect,
    sockets,
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
  const [reading, paused] = [server(t, sockets), server(t, sockets, true)];
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
