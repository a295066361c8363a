import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authorityOf, parseEndpoint } from '../../../src/transport/endpoint.ts';
import { formatGrpcTimeout, parseGrpcTimeout } from '../../../src/transport/grpc-timeout.ts';
import { parseListenTarget } from '../../../src/transport/listen-target.ts';
import { grpcClientProblem, grpcTransportOf, pickGrpcClient } from '../../../src/transport/pick-grpc-client.ts';

test('endpoints of clients are read as the Collector reads them', () => {
  const tcp = (host: string, port: number, secure: boolean | null) => ({ kind: 'tcp', host, port, secure });
  const cases: [string, unknown, string][] = [
    ['localhost:4317', tcp('localhost', 4317, null), 'localhost:4317'],
    ['http://localhost:4317', tcp('localhost', 4317, false), 'localhost:4317'],
    ['https://traces.example:443/', tcp('traces.example', 443, true), 'traces.example:443'],
    ['HTTPS://traces.example', tcp('traces.example', 443, true), 'traces.example:443'],
    ['[::1]:4317', tcp('::1', 4317, null), '[::1]:4317'],
    ['unix:///run/otel.sock', { kind: 'unix', path: '/run/otel.sock', secure: null }, 'localhost'],
    ['[fe80::1%eth0]:4317', tcp('fe80::1%eth0', 4317, null), '[fe80::1%eth0]:4317'],
    ['passthrough:///traces.example:4317', tcp('traces.example', 4317, null), 'traces.example:4317'],
    ['unix:@otel', { kind: 'unix', path: '\0otel', secure: null }, 'localhost'],
    ['unix:otel.sock', { kind: 'unix', path: 'otel.sock', secure: null }, 'localhost'],
    [
      'dns:///traces.example:4317',
      { kind: 'dns', target: 'dns:///traces.example:4317', secure: null },
      'traces.example:4317',
    ],
  ];
  for (const [text, expected, authority] of cases) {
    const endpoint = parseEndpoint(text);
    assert.deepEqual(endpoint, expected, text);
    assert.ok(endpoint !== null);
    assert.equal(authorityOf(endpoint), authority);
  }
});

test('what is no endpoint is none', () => {
  for (const text of [
    '',
    'a b:1',
    'host:99999',
    'http://host:1/path',
    'host:port',
    '::1:4317',
    'unix://',
    'ftp://host:1',
  ]) {
    assert.equal(parseEndpoint(text), null, text);
  }
});

test('addresses to listen on are read as Go reads them', () => {
  const tcp = (host: string, port: number, family: number) => ({ kind: 'tcp', host, port, family });
  assert.deepEqual(parseListenTarget('localhost:4317', 'tcp'), tcp('localhost', 4317, 0));
  assert.deepEqual(parseListenTarget(':4317', 'tcp4'), tcp('', 4317, 4));
  assert.deepEqual(parseListenTarget('[::]:0', 'tcp6'), tcp('::', 0, 6));
  assert.deepEqual(parseListenTarget('/run/x.sock', 'unix'), { kind: 'unix', path: '/run/x.sock' });
  assert.deepEqual(parseListenTarget('@otel', 'unix'), { kind: 'unix', path: '\0otel' });
  assert.deepEqual(parseListenTarget('[fe80::1%eth0]:1', 'tcp'), tcp('fe80::1%eth0', 1, 0));
  for (const text of ['', 'localhost', '4317', 'localhost:', 'localhost:70000', '::1:4317', 'http://localhost:1']) {
    assert.equal(parseListenTarget(text, 'tcp'), null, text);
  }
  for (const text of ['', 'unix:///run/x.sock']) assert.equal(parseListenTarget(text, 'unix'), null);
});

test('grpc-timeout of every unit is read, and nothing else', () => {
  const cases: [string, number][] = [
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['10S', 10_000],
    ['99999999m', 99_999_999],
    ['500u', 0.5],
    ['1000n', 0.001],
    ['0m', 0],
  ];
  for (const [text, ms] of cases) assert.equal(parseGrpcTimeout(text), ms, text);
  for (const text of ['', 'm', '10', '10x', '-1S', '1.5S', '100000000m', ' 1S', '1 S']) {
    assert.ok(Number.isNaN(parseGrpcTimeout(text)), text);
  }
});

test('timeouts are written in at most eight digits and never shorter than they are', () => {
  for (const ms of [0.2, 1, 5000, 99_999_999, 100_000_000, 3e11, 1e15]) {
    const text = formatGrpcTimeout(ms);
    assert.match(text, /^\d{1,8}[mS]$/);
    assert.ok(parseGrpcTimeout(text) >= Math.min(ms, 99_999_999_000), `${ms} became ${text}`);
  }
});

test('grpc-js is taken for its resolvers and balancers alone', () => {
  const of = (endpoint: string, balancerName?: string) =>
    grpcTransportOf(balancerName === undefined ? { endpoint } : { endpoint, balancerName });
  assert.equal(of('localhost:4317'), 'node');
  assert.equal(of('localhost:4317', ''), 'node');
  assert.equal(of('localhost:4317', 'round_robin'), 'node');
  assert.equal(of('localhost:4317', 'pick_first'), 'grpc-js');
  assert.equal(of('dns:///localhost:4317'), 'grpc-js');
  assert.equal(of('unix:///x'), 'node');
});

test('a client that cannot do what is asked is refused before it is made', async () => {
  assert.equal(grpcClientProblem({ endpoint: 'localhost:4317', compression: 'zstd' }), null);
  assert.match(grpcClientProblem({ endpoint: 'dns:///x:1', compression: 'zstd' }) ?? '', /zstd is not available/);
  assert.match(grpcClientProblem({ endpoint: 'not an endpoint' }) ?? '', /"not an endpoint" is not an endpoint/);
  await assert.rejects(pickGrpcClient({ endpoint: '' }), { code: 'CONFIG_VALUE' });
});
