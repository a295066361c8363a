import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  authorityOf,
  below,
  type HttpTarget,
  parseHttpTarget,
  redirected,
  shownTarget,
} from '../../../../src/transport/http-client/target.ts';

function parsed(text: string): HttpTarget {
  const target = parseHttpTarget(text);
  assert.ok(target, text);
  return target;
}

test('URLs and unix sockets are targets, with the port of their scheme', () => {
  const plain = { socketPath: null, credentials: '' };
  assert.deepEqual(parsed('http://backend'), { ...plain, protocol: 'http:', host: 'backend', port: 80, path: '/' });
  assert.deepEqual(parsed(' HTTPS://Backend:8443/otlp?key=1 '), {
    ...plain,
    protocol: 'https:',
    host: 'backend',
    port: 8443,
    path: '/otlp?key=1',
  });
  assert.equal(parsed('https://[::1]').host, '::1');
  assert.equal(authorityOf(parsed('https://[::1]:4318')), '[::1]:4318');
  assert.equal(authorityOf(parsed('https://backend:443')), 'backend');
  assert.equal(parsed('http://me:p%40ss@backend').credentials, 'me:p@ss');
  const socket = parsed('unix:///run/otlp.sock');
  assert.deepEqual([socket.socketPath, socket.host, socket.path], ['/run/otlp.sock', 'localhost', '/']);
});

test('what is no URL of HTTP is no target', () => {
  for (const text of [
    '',
    'backend:4318',
    'backend',
    'ftp://backend',
    'http://',
    'http://a b',
    'unix:///',
    'unix://run',
    'http://a:70000',
    'http://%zz@b',
    'socks5://x',
  ]) {
    assert.equal(parseHttpTarget(text), null, text);
  }
});

test('the path of the signal goes behind the path of the endpoint and before its query', () => {
  for (const [endpoint, path] of [
    ['http://b', '/v1/traces'],
    ['http://b/', '/v1/traces'],
    ['http://b/otlp', '/otlp/v1/traces'],
    ['http://b/otlp/', '/otlp/v1/traces'],
    ['http://b/otlp?key=1', '/otlp/v1/traces?key=1'],
    ['unix:///run/x.sock', '/v1/traces'],
  ]) {
    assert.equal(below(parsed(endpoint), '/v1/traces').path, path);
  }
});

test('what is shown of a target has neither credentials nor a query', () => {
  assert.equal(shownTarget(parsed('https://me:secret@b:1/x?key=secret')), 'https://b:1/x');
  assert.equal(shownTarget(parsed('unix:///run/x.sock')), 'unix:///run/x.sock');
});

test('a redirect is followed on the same host, and never out of TLS', () => {
  const from = parsed('https://me:pw@b:8443/v1/traces');
  const to = (location: string | undefined, start = from): HttpTarget | string => redirected(start, location);
  const followed = to('/v1/traces/');
  assert.deepEqual(followed, { ...from, path: '/v1/traces/' });
  assert.deepEqual(to('https://b/other'), { ...from, port: 443, path: '/other' });
  const plain = parsed('http://b/v1/traces');
  assert.deepEqual(to('https://b/v1/traces', plain), { ...plain, protocol: 'https:', port: 443 });
  assert.match(String(to('https://elsewhere/v1/traces?key=secret')), /another host, https:\/\/elsewhere\/v1\/traces:/);
  assert.match(String(to('http://b:8443/v1/traces')), /not encrypted/);
  assert.match(String(to('ftp://b/x')), /no HTTP address/);
  assert.match(String(to('http://[')), /no HTTP address/);
  assert.match(String(to(undefined)), /does not say where/);
  const socket = parsed('unix:///run/x.sock');
  assert.deepEqual(to('/x', socket), { ...socket, path: '/x' });
  assert.match(String(to('http://localhost:4318/x', socket)), /away from the socket/);
});
