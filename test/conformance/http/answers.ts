// What OTLP/HTTP clients are answered: status, headers and bodies, by the specification and as the Collector's receiver.
import assert from 'node:assert/strict';
import * as http from 'node:http';
import { tmpdir } from 'node:os';
import { text as textOf } from 'node:stream/consumers';
import { test } from 'node:test';
import { grpcCode } from '../../../src/transport/grpc-status.ts';
import { retryInfoStatus } from '../../../src/transport/rpc-status.ts';
import {
  type CreateServer,
  expectGood,
  headOf,
  json,
  messageOf,
  protobuf,
  rawClient,
  startHttpBench,
  tracesPath,
} from './http-bench.ts';

export function answerTests(create: CreateServer): void {
  test('a request in protobuf is answered with an empty response in protobuf', async (t) => {
    const bench = await startHttpBench(t, create);
    const response = await bench.post('spans');
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'application/x-protobuf');
    assert.equal((await response.arrayBuffer()).byteLength, 0);
    assert.deepEqual(
      bench.method.handled.map(({ message }) => message.toString()),
      ['spans'],
    );
    assert.equal(bench.server.counters.ok, 1);
  });

  test('a request in JSON goes to the method for JSON and is answered with an empty object', async (t) => {
    const bench = await startHttpBench(t, create);
    for (const type of ['application/json', 'Application/JSON; charset=utf-8']) {
      const response = await bench.post('{"resourceSpans":[]}', { 'content-type': type });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), 'application/json');
      assert.equal(await response.text(), '{}');
    }
    assert.equal(bench.jsonMethod.handled.length, 2);
    assert.equal(bench.method.handled.length, 0);
  });

  test('every answer says when it was given', async (t) => {
    const bench = await startHttpBench(t, create, {
      cors: { allowedOrigins: ['*'], allowedHeaders: [], exposedHeaders: [], maxAge: 0 },
    });
    const wants = { method: 'OPTIONS', headers: { origin: 'http://a', 'access-control-request-method': 'POST' } };
    const answers = [
      await bench.post('spans'),
      await bench.post('{}', json),
      await bench.post('x', { 'content-type': 'text/plain' }),
      await bench.post('x', protobuf, '/nowhere'),
      await fetch(bench.url(), wants),
    ];
    for (const { status, headers } of answers) {
      const ago = Date.now() - Date.parse(headers.get('date') ?? '');
      assert.ok(ago > -1000 && ago < 30_000, `${status} was given ${headers.get('date')}`);
    }
    for (const first of ['POST /v1/traces', `GET ${'/'.repeat(20_000)} HTTP/1.1`]) {
      const client = await rawClient(t, bench);
      client.write(headOf([], first));
      const { status, headers } = await client.reply();
      assert.match(headers.get('date') ?? '', / GMT$/, String(status));
    }
  });

  test('slashes that are one too many in a path are no other path', async (t) => {
    const bench = await startHttpBench(t, create);
    for (const path of ['//v1/traces', '/v1//traces?a=b', '///v1///traces']) {
      assert.equal((await bench.post('spans', protobuf, path)).status, 200, path);
    }
    for (const path of ['/v1/traces/', '/v1traces', '//']) {
      assert.equal((await bench.post('spans', protobuf, path)).status, 404, path);
    }
  });

  test('a body of no bytes is a request without spans', async (t) => {
    const bench = await startHttpBench(t, create);
    assert.equal((await bench.post('')).status, 200);
    const client = await rawClient(t, bench);
    client.write(headOf());
    assert.equal((await client.reply()).status, 200);
    assert.deepEqual(
      bench.method.handled.map(({ message }) => message.length),
      [0, 0],
    );
  });

  const refusals = [
    ['INVALID_ARGUMENT', 400],
    ['UNAUTHENTICATED', 401],
    ['PERMISSION_DENIED', 403],
    ['UNIMPLEMENTED', 404],
    ['RESOURCE_EXHAUSTED', 429],
    ['INTERNAL', 500],
    ['UNKNOWN', 500],
    ['CANCELLED', 503],
    ['UNAVAILABLE', 503],
  ] as const;

  test('a status of the method becomes the HTTP status that the Collector makes of it, in the encoding of the request', async (t) => {
    const bench = await startHttpBench(t, create);
    for (const [name, expected] of refusals) {
      const status = { code: grpcCode[name], message: `because ${name} “é”` };
      bench.method.answer = () => status;
      bench.jsonMethod.answer = () => status;
      const binary = await bench.post('x');
      assert.equal(binary.status, expected, name);
      assert.equal(binary.headers.get('content-type'), 'application/x-protobuf');
      assert.equal(binary.headers.get('retry-after'), null);
      assert.equal(await messageOf(binary), status.message);
      const text = await bench.post('{}', json);
      assert.equal(text.status, expected, name);
      assert.equal(text.headers.get('content-type'), 'application/json');
      assert.deepEqual(await text.json(), status);
    }
    assert.equal(bench.server.counters.failed, 2 * refusals.length);
  });

  test('a delay becomes Retry-After in whole seconds, at least one, and stands in the status', async (t) => {
    const bench = await startHttpBench(t, create);
    for (const [delayMs, seconds, text] of [
      [200, '1', '0.200s'],
      [1000, '1', '1s'],
      [1001, '2', '1.001s'],
      [0, '1', '0s'],
    ] as const) {
      const status = retryInfoStatus(grpcCode.RESOURCE_EXHAUSTED, 'later', delayMs);
      bench.method.answer = () => status;
      bench.jsonMethod.answer = () => status;
      const binary = await bench.post('x');
      assert.deepEqual([binary.status, binary.headers.get('retry-after')], [429, seconds]);
      assert.deepEqual(Buffer.from(await binary.arrayBuffer()), Buffer.from(status.details ?? []));
      const response = await bench.post('{}', json);
      assert.deepEqual([response.status, response.headers.get('retry-after')], [429, seconds]);
      const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: text }];
      assert.deepEqual(await response.json(), { code: 8, message: 'later', details });
    }
  });

  test('another path is not found, and says where traces go; paths of other signals say what is wrong', async (t) => {
    const bench = await startHttpBench(t, create);
    for (const [path, said] of [
      ['/', `nothing is at /; traces go to ${tracesPath}`],
      ['/v1/metrics', 'traces only, no metrics'],
      ['/v1/traces/', `nothing is at /v1/traces/; traces go to ${tracesPath}`],
    ]) {
      const binary = await bench.post('x', protobuf, path);
      assert.equal(binary.status, 404);
      assert.equal(await messageOf(binary), said);
      const text = await bench.post('{}', json, path);
      assert.deepEqual([text.status, await text.json()], [404, { code: 12, message: said }]);
      const plain = await fetch(bench.url(path));
      assert.deepEqual([plain.status, await plain.text()], [404, `${said}\n`]);
    }
    assert.equal(bench.method.handled.length, 0);
  });

  test('a query and the absolute form of the target lead to the same path', async (t) => {
    const bench = await startHttpBench(t, create);
    assert.equal((await bench.post('a', protobuf, `${tracesPath}?key=1`)).status, 200);
    const client = await rawClient(t, bench);
    client.write(`${headOf(['Content-Length: 1'], `POST http://x${tracesPath} HTTP/1.1`)}b`);
    assert.equal((await client.reply()).status, 200);
  });

  test('other methods than POST are not allowed, and are told what is', async (t) => {
    const bench = await startHttpBench(t, create);
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const response = await fetch(bench.url(), { method });
      assert.deepEqual([response.status, response.headers.get('allow')], [405, 'POST'], method);
      assert.match(response.headers.get('content-type') ?? '', /^text\/plain/);
      if (method !== 'HEAD') assert.match(await response.text(), /method not allowed, supported: \[POST\]/);
    }
    assert.equal(bench.server.counters.refused.http_method, 6);
    await expectGood(bench);
  });

  test('a body that is neither protobuf nor JSON by its name is not supported', async (t) => {
    const bench = await startHttpBench(t, create);
    for (const type of ['text/plain', 'application/protobuf', 'application/x-protobufx', 'a,b']) {
      const response = await bench.post('x', { 'content-type': type });
      assert.equal(response.status, 415, type);
      assert.match(response.headers.get('content-type') ?? '', /^text\/plain/);
      assert.match(
        await response.text(),
        /unsupported media type, supported: \[application\/json, application\/x-protobuf\]/,
      );
    }
    const none = await fetch(bench.url(), { method: 'POST', body: new Uint8Array(1) });
    assert.equal(none.status, 415);
  });

  test('a large body of a wrong request is not read: the client is answered and sent away', async (t) => {
    const bench = await startHttpBench(t, create);
    const client = await rawClient(t, bench);
    client.write(headOf(['Content-Length: 10000000'], 'POST /nowhere HTTP/1.1'));
    client.write(Buffer.alloc(100_000));
    const reply = await client.reply();
    assert.deepEqual([reply.status, reply.headers.get('connection')], [404, 'close']);
    await client.closed;
    assert.equal(bench.server.counters.refused.path, 1);
  });

  test('headers of the configuration stand in every answer', async (t) => {
    const bench = await startHttpBench(t, create, { responseHeaders: { 'X-One': '1', server: 'spanmill' } });
    const answers = [
      await bench.post('x'),
      await bench.post('{}', json),
      await bench.post('x', {}),
      await fetch(bench.url()),
      await bench.post('x', protobuf, '/v1/metrics'),
    ];
    for (const { headers } of answers)
      assert.deepEqual([headers.get('x-one'), headers.get('server')], ['1', 'spanmill']);
  });

  test('the method sees headers and the host only where that is asked for', async (t) => {
    const seen: (readonly string[])[] = [];
    for (const includeMetadata of [true, false]) {
      const bench = await startHttpBench(t, create, { includeMetadata });
      bench.method.answer = (_message, call) => {
        seen.push(call.metadata('x-tenant'), call.metadata('host'));
        assert.match(call.peer, /^127\.0\.0\.1:\d+$/);
        return null;
      };
      const client = await rawClient(t, bench);
      client.write(headOf(['X-Tenant: a', 'x-tenant: b', 'Content-Length: 0']));
      assert.equal((await client.reply()).status, 200);
    }
    assert.deepEqual(seen, [['a', 'b'], ['x'], [], []]);
  });

  test('a request over a unix socket is served like any other', async (t) => {
    const path = `${tmpdir()}/spanmill-http-${process.pid}.sock`;
    const bench = await startHttpBench(t, create, { listen: { kind: 'unix', path } });
    assert.equal(bench.server.address(), path);
    const reply = await new Promise<[number | undefined, string]>((resolve, reject) => {
      const request = http.request(
        { socketPath: path, path: tracesPath, method: 'POST', headers: json },
        (response) => {
          textOf(response).then((body) => resolve([response.statusCode, body]), reject);
        },
      );
      request.on('error', reject);
      request.end('{}');
    });
    assert.deepEqual(reply, [200, '{}']);
  });

  test('HTTP/1.0 is served, one request a connection', async (t) => {
    const bench = await startHttpBench(t, create);
    const client = await rawClient(t, bench);
    client.write(`POST ${tracesPath} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`);
    const reply = await client.reply();
    assert.deepEqual([reply.status, reply.body.toString()], [200, '{}']);
    await client.closed;
  });
}
