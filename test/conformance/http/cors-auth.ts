// Pages of other origins, and clients with and without credentials.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpServerOptions } from '../../../src/transport/http1/http-server.ts';
import type { AuthRefusal } from '../../../src/transport/request-auth.ts';
import { type CreateServer, expectGood, headOf, json, protobuf, rawClient, startHttpBench } from './http-bench.ts';

const cors = {
  allowedOrigins: ['https://app.example.com', 'http://*.test'],
  allowedHeaders: [],
  exposedHeaders: ['X-One', 'X-Two'],
  maxAge: 600,
};
const preflight = (origin: string, method = 'POST', headers = 'content-type'): RequestInit => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': method,
    ...(headers === '' ? {} : { 'access-control-request-headers': headers }),
  },
});

export function corsAndAuthTests(create: CreateServer): void {
  test('a page that is allowed may ask, send and read its answer', async (t) => {
    const bench = await startHttpBench(t, create, { cors });
    for (const origin of ['https://app.example.com', 'HTTP://A.B.TEST']) {
      const asked = await fetch(bench.url(), preflight(origin));
      assert.equal(asked.status, 204);
      const told = ['origin', 'credentials', 'methods', 'headers'].map((name) =>
        asked.headers.get(`access-control-allow-${name}`),
      );
      assert.deepEqual(told, [origin, 'true', 'POST', 'content-type']);
      assert.equal(asked.headers.get('access-control-max-age'), '600');
      assert.match(asked.headers.get('vary') ?? '', /Origin, Access-Control-Request-Method/);
      for (const path of [undefined, '/v1/metrics']) {
        const sent = await bench.post('{}', { ...json, origin }, path);
        assert.equal(sent.status, path === undefined ? 200 : 404);
        assert.equal(sent.headers.get('access-control-allow-origin'), origin);
        assert.equal(sent.headers.get('access-control-expose-headers'), 'X-One, X-Two');
        assert.equal(sent.headers.get('vary'), 'Origin');
      }
    }
    assert.equal(bench.server.counters.calls, 4);
  });

  test('a page that is not allowed is told nothing; so is one that wants more than is allowed', async (t) => {
    const bench = await startHttpBench(t, create, { cors });
    const own = 'https://app.example.com';
    for (const request of [
      preflight('https://evil.example.com'),
      preflight('https://app.example.com.evil.com'),
      preflight('http://.tes'),
      preflight(own, 'DELETE'),
      preflight(own, 'POST', 'content-type, authorization'),
    ]) {
      const asked = await fetch(bench.url(), request);
      assert.deepEqual([asked.status, asked.headers.get('access-control-allow-origin')], [204, null]);
    }
    const sent = await bench.post('{}', { ...json, origin: 'https://evil.example.com' });
    assert.deepEqual([sent.status, sent.headers.get('access-control-allow-origin')], [200, null]);
  });

  test('headers that are allowed are the ones that are named, or all', async (t) => {
    for (const allowedHeaders of [['Authorization', 'Content-Type'], ['*']]) {
      const bench = await startHttpBench(t, create, { cors: { ...cors, allowedOrigins: ['*'], allowedHeaders } });
      const asked = await fetch(bench.url(), preflight('https://any', 'POST', 'authorization,content-type'));
      assert.equal(asked.headers.get('access-control-allow-headers'), 'authorization,content-type');
      assert.equal(asked.headers.get('access-control-allow-origin'), '*');
    }
  });

  test('a preflight is the last request where the client, or the configuration, wants no other', async (t) => {
    const asking = (lines: readonly string[] = []): string =>
      headOf(
        ['Origin: https://app.example.com', 'Access-Control-Request-Method: POST', ...lines],
        'OPTIONS / HTTP/1.1',
      );
    const last = await rawClient(t, await startHttpBench(t, create, { cors, keepAlives: false }));
    last.write(asking());
    const own = await rawClient(t, await startHttpBench(t, create, { cors }));
    own.write(asking(['Connection: close']));
    for (const client of [last, own]) {
      const reply = await client.reply();
      assert.deepEqual([reply.status, reply.headers.get('connection')], [204, 'close']);
      await client.closed;
    }
  });

  test('without CORS a preflight is a method like any other', async (t) => {
    const bench = await startHttpBench(t, create);
    const asked = await fetch(bench.url(), preflight('https://a'));
    assert.deepEqual([asked.status, asked.headers.get('vary')], [405, null]);
  });

  const token = 'Bearer right';
  const refusal: AuthRefusal = { message: 'the token is missing or wrong', retryDelayMs: 0 };
  /** Welcomes who has the token; `later`: decides asynchronously, when told. */
  function guarded(later?: Promise<void>): Pick<HttpServerOptions, 'auth'> {
    return {
      auth: {
        version: 0,
        refusal(header) {
          const verdict = header('authorization')[0] === token ? null : refusal;
          return later === undefined ? verdict : later.then(() => verdict);
        },
      },
    };
  }

  test('a client without the right credential is refused before its body, in its encoding, and the connection closed', async (t) => {
    const bench = await startHttpBench(t, create, guarded());
    const binary = await bench.post('x');
    assert.equal(binary.status, 401);
    assert.equal(binary.headers.get('content-type'), 'application/x-protobuf');
    assert.equal(binary.headers.get('www-authenticate'), 'Bearer, Basic realm="spanmill"');
    const text = await bench.post('{}', { ...json, authorization: 'Bearer wrong' });
    assert.deepEqual([text.status, await text.json()], [401, { code: 16, message: refusal.message }]);
    const client = await rawClient(t, bench);
    client.write(headOf(['Content-Length: 1000000']));
    const reply = await client.reply();
    assert.deepEqual([reply.status, reply.headers.get('connection')], [401, 'close']);
    await client.closed;
    const expecting = await rawClient(t, bench);
    expecting.write(headOf(['Content-Length: 100', 'Expect: 100-continue']));
    assert.equal((await expecting.reply()).status, 401);
    assert.equal(bench.server.counters.refused.unauthenticated, 4);
    assert.equal(bench.method.handled.length, 0);
    assert.equal((await bench.post('x', { ...protobuf, authorization: token })).status, 200);
  });

  test('nothing of a body is taken while the authenticator thinks, and all of it when it has', async (t) => {
    const decided = Promise.withResolvers<void>();
    const bench = await startHttpBench(t, create, guarded(decided.promise));
    const good = ['Authorization: Bearer right'];
    const clients = await Promise.all(Array.from({ length: 5 }, () => rawClient(t, bench)));
    const [whole, chunked, empty, asking, wrong] = clients;
    whole.write(`${headOf([...good, 'Content-Length: 5'])}whole`);
    chunked.write(`${headOf([...good, 'Transfer-Encoding: chunked'])}5\r\nwhole\r\n0\r\n\r\n`);
    empty.write(headOf([...good, 'Content-Length: 0']));
    asking.write(headOf([...good, 'Content-Length: 5', 'Expect: 100-continue']));
    wrong.write(`${headOf(['Content-Length: 5'])}whole`);
    while (bench.server.counters.callsNow < 5) await new Promise(setImmediate);
    assert.equal(bench.method.handled.length, 0);
    decided.resolve();
    assert.equal((await asking.reply()).status, 100);
    asking.write('whole');
    const statuses: number[] = [];
    for (const client of clients) statuses.push((await client.reply()).status);
    assert.deepEqual(statuses, [200, 200, 200, 200, 401]);
    const bodies = bench.method.handled.map(({ message }) => message.toString()).sort();
    assert.deepEqual(bodies, ['', 'whole', 'whole', 'whole']);
  });

  test('an authenticator that has too much to do has the client come again', async (t) => {
    const bench = await startHttpBench(t, create, {
      auth: { version: 0, refusal: () => ({ message: 'busy', retryDelayMs: 1500 }) },
    });
    const response = await bench.post('x');
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '2']);
  });

  test('a query parameter may stand for a header, before it', async (t) => {
    const seen: (readonly string[])[] = [];
    const bench = await startHttpBench(t, create, {
      auth: {
        version: 0,
        refusal(header) {
          seen.push(header('authorization'));
          return null;
        },
      },
      credentialParams: ['Authorization'],
    });
    await bench.post('x', { ...protobuf, authorization: 'b' }, '/v1/traces?Authorization=a%20&other=1');
    assert.deepEqual(seen, [['a ', 'b']]);
    await expectGood(bench);
  });

  test('a preflight has no credentials and needs none', async (t) => {
    const bench = await startHttpBench(t, create, { ...guarded(), cors });
    const asked = await fetch(bench.url(), preflight('https://app.example.com'));
    assert.deepEqual(
      [asked.status, asked.headers.get('access-control-allow-origin')],
      [204, 'https://app.example.com'],
    );
    const sent = await bench.post('{}', { ...json, origin: 'https://app.example.com' });
    assert.deepEqual([sent.status, sent.headers.get('access-control-allow-origin')], [401, 'https://app.example.com']);
  });
}
