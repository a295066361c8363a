// Who may ask for health, and over what: TLS, credentials, unix sockets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { type TestContext, test } from 'node:test';
import type { AuthRefusal, ExtensionLookup, ServerAuthenticator } from '../../../src/component/capabilities.ts';
import { healthCheck } from '../../../src/extensions/health_check/index.ts';
import { noExtensions } from '../component/no-extensions.ts';
import { makeAuthority, makeCertificate, makeFolder } from '../transport/tls/certificates.ts';
import { keep, silent, until } from './support.ts';

const report = { service: 'ready', ready: true, state: 'ok', pipelines: [], live: true } as const;
const authority = makeAuthority('ca.example');

async function start(t: TestContext, config: object, extensions: ExtensionLookup = noExtensions) {
  const parsed = healthCheck.config.parse({ endpoint: '127.0.0.1:0', ...config });
  assert.deepEqual(healthCheck.check?.(parsed), []);
  const host = { id: 'health_check', extensions, log: silent, state: () => report.service, health: () => report };
  const extension = keep(t, healthCheck.create(parsed, host));
  await extension.start();
  const address = extension.addresses()[0].replace('health ', '');
  return { extension, address, port: Number(address.split(':').at(-1)) };
}

interface Reply {
  readonly status: number | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

async function ask(request: http.ClientRequest): Promise<Reply> {
  request.end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  return { status: response.statusCode, headers: response.headers, body };
}

/** Gives `auth/x` to who names it. */
const lookup = (auth: ServerAuthenticator): ExtensionLookup => ({
  get: (id, capability) => {
    assert.deepEqual([id, capability], ['auth/x', 'serverAuth']);
    return auth as never;
  },
});
const wrong: AuthRefusal = { message: 'not with that', retryDelayMs: 0 };

test('over TLS it is answered to who trusts its authority, with the certificate that its file holds by then', async (t) => {
  const folder = makeFolder(t);
  const write = (by: typeof authority): void => {
    const { cert, key } = makeCertificate('127.0.0.1', { by });
    folder.write('key.pem', key);
    folder.write('cert.pem', cert);
  };
  write(authority);
  const tls = { cert_file: folder.path('cert.pem'), key_file: folder.path('key.pem'), reload_interval: '5ms' };
  const { port, extension } = await start(t, { tls });
  const over = (ca: string): Promise<Reply> => ask(https.get({ host: '127.0.0.1', port, ca, agent: false }));
  const { status, body } = await over(authority.cert);
  assert.deepEqual([status, JSON.parse(body).status], [200, 'Server available']);
  const plain = http.get({ host: '127.0.0.1', port, agent: false });
  await assert.rejects(ask(plain), 'it was answered in plain text');
  const other = makeAuthority('other.example');
  await assert.rejects(over(other.cert), { code: /UNABLE|SELF_SIGNED/ });
  write(other);
  const reloads = (): number =>
    [...(extension.metricValues?.() ?? [])].find(({ labels }) => labels.outcome === 'used')?.value ?? 0;
  await until(() => reloads() > 0);
  assert.equal((await over(other.cert)).status, 200);
});

test('a client certificate is wanted where authorities for it are named', async (t) => {
  const folder = makeFolder(t);
  const own = makeCertificate('127.0.0.1', { by: authority });
  const tls = {
    cert_file: folder.write('cert.pem', own.cert),
    key_file: folder.write('key.pem', own.key),
    client_ca_file: folder.write('ca.pem', authority.cert),
  };
  const { port } = await start(t, { tls });
  const options = { host: '127.0.0.1', port, ca: authority.cert, agent: false };
  const client = makeCertificate('client.example', { by: authority });
  assert.equal((await ask(https.get({ ...options, cert: client.cert, key: client.key }))).status, 200);
  await assert.rejects(ask(https.get(options)));
});

test('files of TLS that are not there are an error at the start that names field and file', async (t) => {
  const folder = makeFolder(t);
  const tls = { cert_file: folder.path('none.pem'), key_file: folder.path('none.key') };
  await assert.rejects(start(t, { tls }), { code: 'AUTH', message: /^tls\.cert_file cannot be read: .*none\.pem/ });
});

test('who shows no credential that is accepted is answered 401, on every path, and learns nothing of health', async (t) => {
  const seen: string[][] = [];
  const auth: ServerAuthenticator = {
    version: 0,
    refusal(header) {
      seen.push([...header('authorization')]);
      return header('authorization')[0] === 'Bearer right' ? null : wrong;
    },
  };
  const config = { auth: { authenticator: 'auth/x', request_params: ['Authorization'] }, liveness_path: '/livez' };
  const { port } = await start(t, config, lookup(auth));
  const get = (path: string, headers = {}): Promise<Reply> =>
    ask(http.get({ host: '127.0.0.1', port, path, headers, agent: false }));
  for (const path of ['/', '/livez', '/?verbose']) {
    const { status, body } = await get(path);
    assert.deepEqual([status, body], [401, 'not with that\n'], path);
    assert.equal((await get(path, { authorization: 'Bearer right' })).status, 200, path);
  }
  assert.equal((await get('/', { authorization: 'Bearer wrong' })).status, 401);
  assert.equal((await get('/?Authorization=Bearer%20right', { authorization: 'Bearer wrong' })).status, 200);
  assert.deepEqual(seen.at(-1), ['Bearer right', 'Bearer wrong'], 'the query does not come first');
  assert.deepEqual(healthCheck.references?.(healthCheck.config.parse(config)), [
    { path: ['auth', 'authenticator'], id: 'auth/x', capability: 'serverAuth' },
  ]);
});

test('an authenticator may take its time, and may be too busy: 503 that says when to come again', async (t) => {
  const waiting: ((refusal: AuthRefusal | null) => void)[] = [];
  const auth: ServerAuthenticator = { version: 0, refusal: () => new Promise((resolve) => waiting.push(resolve)) };
  const { port } = await start(t, { auth: { authenticator: 'auth/x' } }, lookup(auth));
  const get = (): Promise<Reply> => ask(http.get({ host: '127.0.0.1', port, agent: false }));
  const both = [get(), get()];
  await until(() => waiting.length === 2);
  waiting[0](null);
  waiting[1]({ message: 'busy', retryDelayMs: 1500 });
  const replies = await Promise.all(both);
  const busy = replies.find(({ status }) => status === 503);
  assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 503]);
  assert.deepEqual([busy?.headers['retry-after'], busy?.body], ['2', 'busy\n']);
});

test('headers of the configuration are in every answer, and replace none of its own', async (t) => {
  const response_headers = { 'X-Frame-Options': 'DENY', 'Content-Type': 'text/evil' };
  const { port } = await start(t, { response_headers, path: '/healthz' });
  for (const path of ['/healthz', '/none']) {
    const { headers } = await ask(http.get({ host: '127.0.0.1', port, path, agent: false }));
    assert.equal(headers['x-frame-options'], 'DENY', path);
    assert.match(headers['content-type'] ?? '', /^(application\/json|text\/plain)/, path);
  }
});

test('a unix socket carries it too, and is gone afterwards', async (t) => {
  const path = makeFolder(t).path('health.sock');
  const { extension, address } = await start(t, { transport: 'unix', endpoint: path });
  assert.equal(address, path);
  assert.equal((await ask(http.get({ socketPath: path, agent: false }))).status, 200);
  await extension.stop();
  await assert.rejects(ask(http.get({ socketPath: path, agent: false })), { code: 'ENOENT' });
});

test('credentials that would cross the network as plain text are warned of; health for everybody is not', () => {
  const advice = (config: object): string[] =>
    (healthCheck.advise?.(healthCheck.config.parse(config)) ?? []).map(({ path }) => path.join('.'));
  const auth = { authenticator: 'auth/x' };
  assert.deepEqual(advice({ endpoint: '0.0.0.0:13133' }), []);
  assert.deepEqual(advice({ endpoint: 'localhost:13133', auth }), []);
  assert.deepEqual(advice({ endpoint: '0.0.0.0:13133', auth }), ['endpoint']);
  assert.deepEqual(advice({ endpoint: '0.0.0.0:13133', auth, tls: { cert_file: 'a', key_file: 'b' } }), []);
});
