import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { createHttpClient } from '../../../../src/transport/http-client/client.ts';
import { createCookies } from '../../../../src/transport/http-client/cookies.ts';
import { type HttpTarget, parseHttpTarget } from '../../../../src/transport/http-client/target.ts';
import { startHttp } from './servers.ts';

const at = (url: string): HttpTarget => parseHttpTarget(url) ?? assert.fail(url);
const home = at('https://otlp.example.com/v1/traces');
const now = Date.UTC(2026, 0, 1);

/** What is sent back to `to` after an answer of `from` with these lines. */
function kept(lines: readonly string[], to: HttpTarget = home, later = 0, from = home): string {
  mock.timers.enable({ apis: ['Date'], now });
  try {
    const cookies = createCookies();
    cookies.take(lines, from);
    mock.timers.tick(later);
    return cookies.header(to);
  } finally {
    mock.timers.reset();
  }
}

test('a cookie comes back with its value, the last of a name, and not with its attributes', () => {
  assert.equal(kept([]), '');
  assert.equal(kept(['AWSALB=a/b+c==; Path=/; HttpOnly; SameSite=None']), 'AWSALB=a/b+c==');
  assert.equal(kept(['a=1', 'b="x y"', 'a=2']), 'a=2; b="x y"');
  assert.equal(kept(['a=1; Path=/', 'b=2; path=/v1/traces', 'c=3']), 'b=2; c=3; a=1');
});

test('what is no cookie, or would end the header, is not kept', () => {
  const far = `a=${'x'.repeat(5000)}`;
  for (const line of ['', 'a', '=a', 'a=\u0001', far, ';a=b']) assert.equal(kept([line]), '', line);
});

test('a cookie ends in its time, and at once where it is taken back', () => {
  const expires = 'a=1; Expires=Thu, 01 Jan 2026 00:01:00 GMT';
  assert.equal(kept([expires], home, 59_000), 'a=1');
  assert.equal(kept([expires], home, 60_000), '');
  assert.equal(kept(['a=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT'], home, 9000), 'a=1');
  assert.equal(kept(['a=1; Max-Age=10'], home, 10_000), '');
  assert.equal(kept(['a=1', 'a=; Max-Age=0']), '');
  assert.equal(kept(['a=1', 'a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT']), '');
  assert.equal(kept(['a=1; Max-Age=never; Expires=soon'], home, 1e12), 'a=1');
});

test('it is for its path, its domain, and TLS where it says so', () => {
  assert.equal(kept(['a=1; Path=/v1']), 'a=1');
  for (const path of ['/v', '/v1/traces/', '/v2']) assert.equal(kept([`a=1; Path=${path}`]), '', path);
  assert.equal(kept(['a=1'], at('https://otlp.example.com/other')), '');
  for (const domain of ['example.com', '.Example.com', 'otlp.example.com']) {
    assert.equal(kept([`a=1; Domain=${domain}`]), 'a=1', domain);
  }
  for (const domain of ['other.com', 'lp.example.com', 'x.otlp.example.com']) {
    assert.equal(kept([`a=1; Domain=${domain}`]), '', domain);
  }
  assert.equal(kept(['a=1; Secure'], at('http://otlp.example.com/v1/traces')), '');
  assert.equal(kept(['a=1; Secure']), 'a=1');
});

test('a server that sets cookies without end has the newest, 50 at most', () => {
  const names = kept(Array.from({ length: 1000 }, (_, i) => `c${i}=x`)).split('; ');
  assert.ok(names.length <= 50, `${names.length} cookies`);
  assert.equal(names.at(-1), 'c999=x');
});

for (const keepsCookies of [true, false]) {
  test(`the client ${keepsCookies ? 'sends back what it was given, beside what is configured' : 'keeps no cookies unless told'}`, async (t) => {
    const came: (string | undefined)[] = [];
    const server = await startHttp(t, (response, request) => {
      came.push(request.headers.cookie);
      response.setHeader('Set-Cookie', [`n=${came.length}`, 'b=2; Path=/elsewhere']);
      response.end();
    });
    const client = createHttpClient(at(server.url), {
      tls: {},
      maxConnections: 0,
      maxIdleConnections: 0,
      idleTimeoutMs: 0,
      keepAlive: true,
      proxyUrl: '',
      keepsCookies,
      env: {},
    });
    t.after(() => client.close());
    const signal = new AbortController().signal;
    for (const headers of [{}, {}, { cookie: 'own=1' }]) {
      assert.equal((await client.post([Buffer.from('x')], { headers, signal })).kind, 'answer');
    }
    assert.deepEqual(came, keepsCookies ? [undefined, 'n=1', 'own=1; n=2'] : [undefined, undefined, 'own=1']);
  });
}
