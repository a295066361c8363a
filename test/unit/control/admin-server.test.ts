import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { makeIssue, makeSource } from '../../../src/config/source.ts';
import { createAdminServer } from '../../../src/control/admin-server.ts';
import { BoundServer } from '../../../src/control/bound-server.ts';
import type { ReloadReport } from '../../../src/control/reloader.ts';

const failed: ReloadReport = { outcome: 'failed', durationMs: 1, summary: null, issues: [], error: '' };
const unchanged: ReloadReport = { ...failed, outcome: 'unchanged' };

async function start(t: TestContext, reload: () => Promise<ReloadReport>): Promise<string> {
  const server = createAdminServer({ host: '127.0.0.1', port: 0 }, reload);
  t.after(() => server.stop());
  await server.start();
  return server.address();
}

test('POST /reload answers with what came of it: 200, 422 for the file, 500 for the rest', async (t) => {
  let report = unchanged;
  const address = await start(t, async () => report);
  const post = (): Promise<Response> => fetch(`${address}/reload?x=1`, { method: 'POST', body: 'ignored' });
  assert.equal((await post()).status, 200);
  const issue = makeIssue('error', { source: makeSource('a.yaml', 'x'), offset: 0 }, 'CONFIG_VALUE', 'wrong');
  report = { ...failed, issues: [issue] };
  const wrong = await post();
  assert.equal(wrong.status, 422);
  assert.deepEqual(await wrong.json(), {
    outcome: 'failed',
    durationMs: 1,
    issues: [{ file: 'a.yaml', line: 1, column: 1, severity: 'error', code: 'CONFIG_VALUE', message: 'wrong' }],
  });
  report = { ...failed, error: 'LISTEN taken' };
  const taken = await post();
  assert.equal(taken.status, 500);
  assert.equal(((await taken.json()) as { error: string }).error, 'LISTEN taken');
});

test('anything else is turned away, and asks for no reload', async (t) => {
  let asked = 0;
  const address = await start(t, async () => {
    asked++;
    return unchanged;
  });
  const status = async (path: string, init: RequestInit): Promise<number> => (await fetch(address + path, init)).status;
  assert.equal(await status('/reload', {}), 405);
  assert.equal(await status('/reload', { method: 'PUT' }), 405);
  assert.equal(await status('/', { method: 'POST' }), 404);
  assert.equal(await status('/reload/', { method: 'POST' }), 404);
  assert.equal(await status('/reload', { method: 'POST', headers: { origin: 'http://localhost' } }), 403);
  assert.equal(asked, 0);
});

test('heads without end and silence are cut off', async (t) => {
  const address = new URL(await start(t, async () => unchanged));
  const socket = connect(Number(address.port), address.hostname);
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  socket.write(`POST /reload HTTP/1.1\r\nx: ${'y'.repeat(20_000)}`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 431 /);
});

test('a server moves only when the new address is had, and the same address is left alone', async (t) => {
  const servers: string[] = [];
  const bound = new BoundServer((address: { readonly host: string; readonly port: number }) => {
    servers.push(`${address.host}:${address.port}`);
    return createAdminServer(address, async () => unchanged);
  });
  t.after(() => bound.stop());
  (await bound.prepare({ host: '127.0.0.1', port: 0 })).commit();
  const first = bound.address();
  (await bound.prepare({ host: '127.0.0.1', port: 0 })).commit();
  assert.deepEqual([bound.address(), servers.length], [first, 1]);
  await assert.rejects(bound.prepare({ host: '127.0.0.1', port: Number(new URL(first).port) }), { code: 'LISTEN' });
  assert.equal((await fetch(`${first}/reload`, { method: 'POST' })).status, 200);
  const change = await bound.prepare(null);
  change.cancel();
  assert.equal((await fetch(`${first}/reload`, { method: 'POST' })).status, 200);
  (await bound.prepare(null)).commit();
  assert.equal(bound.address(), '');
  await assert.rejects(fetch(`${first}/reload`, { method: 'POST' }));
});
