// Unix sockets: their permissions, what a killed process left, and what is nobody's to remove.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import * as net from 'node:net';
import { type TestContext, test } from 'node:test';
import { createListener, type Listener } from '../../../src/transport/listener.ts';
import { fixedServerTls } from '../../../src/transport/tls/server-tls.ts';
import { makeFolder } from './tls/certificates.ts';

function listener(t: TestContext, change: Partial<Parameters<typeof createListener>[0]> = {}): Listener {
  const made = createListener({
    tls: undefined,
    accept: (socket) => socket.end('hello'),
    failed: () => undefined,
    handshakeTimeoutMs: 1000,
    pauseOnConnect: false,
    ...change,
  });
  t.after(() => made.close());
  return made;
}

async function greeting(path: string): Promise<string> {
  const socket = net.connect(path);
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return bytes.toString();
}

/** A process that listens on the path; killed without a chance to remove it. */
async function killedAt(path: string): Promise<void> {
  const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('a unix socket has the permissions that the umask leaves, serves, and is gone when the listener is closed', async (t) => {
  const path = makeFolder(t).path('a.sock');
  const umask = process.umask(0o027);
  const made = listener(t);
  await made.listen({ kind: 'unix', path }).finally(() => process.umask(umask));
  assert.equal(lstatSync(path).mode & 0o777, 0o750);
  assert.equal(made.address(), path);
  assert.equal(await greeting(path), 'hello');
  await made.close();
  await made.close();
  assert.equal(existsSync(path), false);
  assert.equal(made.address(), '');
});

test('a name that is in no file system serves, is shown as it is configured, and is taken only once', async (t) => {
  if (process.platform !== 'linux') return t.skip('only Linux has such names');
  const name = `\0spanmill-${randomUUID()}`;
  const made = listener(t);
  await made.listen({ kind: 'unix', path: name });
  assert.equal(made.address(), name.replace('\0', '@'));
  assert.equal(await greeting(name), 'hello');
  await assert.rejects(listener(t).listen({ kind: 'unix', path: name }), /cannot listen on @spanmill-.*EADDRINUSE/);
});

test('a socket that a killed process left is taken over', async (t) => {
  const path = makeFolder(t).path('a.sock');
  await killedAt(path);
  assert.ok(lstatSync(path).isSocket(), 'it left none: this proves nothing');
  await listener(t).listen({ kind: 'unix', path });
  assert.equal(await greeting(path), 'hello');
});

test('a socket on which somebody listens is left alone', async (t) => {
  const path = makeFolder(t).path('a.sock');
  await listener(t).listen({ kind: 'unix', path });
  await assert.rejects(listener(t).listen({ kind: 'unix', path }), {
    code: 'LISTEN',
    message: `cannot listen on ${path}: listen EADDRINUSE: address already in use ${path}`,
  });
  assert.equal(await greeting(path), 'hello');
});

test('a file that is no socket is left alone', async (t) => {
  const folder = makeFolder(t);
  const path = folder.write('a.sock', 'precious');
  await assert.rejects(listener(t).listen({ kind: 'unix', path }), { code: 'LISTEN', message: /EADDRINUSE/ });
  assert.equal(readFileSync(path, 'utf8'), 'precious');
});

test('a path that cannot be made is an error that names it', async (t) => {
  const path = makeFolder(t).path('no/such/folder/a.sock');
  await assert.rejects(listener(t).listen({ kind: 'unix', path }), { code: 'LISTEN', message: /no\/such\/folder/ });
});

test('files of TLS are read before the address is bound, and no longer looked at when that fails', async (t) => {
  const seen: string[] = [];
  const tls = {
    ...fixedServerTls({}),
    start: async () => void seen.push('start'),
    stop: () => void seen.push('stop'),
  };
  const made = listener(t, { tls });
  const target = { kind: 'unix', path: makeFolder(t).path('no/a.sock') } as const;
  await assert.rejects(made.listen(target), { code: 'LISTEN' });
  assert.deepEqual(seen, ['start', 'stop']);
});

test('more connections than it may have are closed at once, and the next has its place when one has gone', async (t) => {
  const sockets: net.Socket[] = [];
  const made = listener(t, { maxConnections: 2, accept: (socket) => void sockets.push(socket.resume()) });
  await made.listen({ kind: 'tcp', host: '127.0.0.1', port: 0, family: 0 });
  const connect = (): net.Socket => net.connect(Number(made.address().split(':').at(-1)), '127.0.0.1').resume();
  const held = [connect(), connect()];
  await Promise.all(held.map((socket) => once(socket, 'connect')));
  await once(connect(), 'close');
  assert.equal(sockets.length, 2);
  const gone = once(sockets[0], 'close');
  for (const socket of sockets.slice(0, 1)) socket.destroy();
  await gone;
  const next = connect();
  while (sockets.length < 3) await new Promise((turn) => setImmediate(turn));
  for (const socket of [...held, next]) socket.destroy();
});
