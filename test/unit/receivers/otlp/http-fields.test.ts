// The block `protocols.http`: the Collector's defaults, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import type { ConfigIssue } from '../../../../src/component/definition.ts';
import { type OtlpReceiverConfig, otlp } from '../../../../src/receivers/otlp/index.ts';

const parsed = (http: unknown) => (otlp.config as z.ZodType<OtlpReceiverConfig>).safeParse({ protocols: { http } });

function issuesOf(http: unknown): string[] {
  const result = parsed(http);
  if (!result.success) return result.error.issues.map(({ path }) => `${path.slice(2).join('.')} parse`);
  const issues: ConfigIssue[] = otlp.check?.(result.data) ?? [];
  return issues.map(({ path, code }) => `${path.slice(2).join('.')} ${code}`);
}

test('the defaults are the Collector’s', () => {
  const result = parsed({});
  assert.ok(result.success);
  assert.deepEqual(result.data.protocols.http, {
    endpoint: 'localhost:4318',
    transport: 'tcp',
    intake: 'native',
    traces_url_path: '/v1/traces',
    metrics_url_path: '/v1/metrics',
    logs_url_path: '/v1/logs',
    max_request_body_size: 0,
    compression_algorithms: [],
    include_metadata: false,
    response_headers: {},
    read_timeout: 0,
    read_header_timeout: 0,
    write_timeout: 0,
    idle_timeout: 0,
    keep_alives_enabled: true,
  });
});

test('paths get the slash that they lack', () => {
  const result = parsed({ traces_url_path: 'otlp/v1/traces' });
  assert.equal(result.data?.protocols.http?.traces_url_path, '/otlp/v1/traces');
});

test('what the Collector has is accepted, as far as it is built in', () => {
  for (const http of [
    { endpoint: '/run/x.sock', transport: 'unix' },
    { compression_algorithms: ['', 'gzip', 'zstd', 'zlib', 'deflate'] },
    { cors: { allowed_origins: ['*', 'https://*.example.com'], allowed_headers: ['*'], max_age: 7200 } },
    { cors: { allowed_headers: ['x'] } },
    { response_headers: { 'Strict-Transport-Security': 'max-age=1' } },
    { auth: { authenticator: 'basicauth', request_params: ['token'] } },
    { middlewares: [] },
  ]) {
    assert.deepEqual(issuesOf(http), [], JSON.stringify(http));
  }
});

test('what cannot be is said where it stands', () => {
  for (const [http, issue] of [
    [{ endpoint: 'nowhere' }, 'endpoint CONFIG_VALUE'],
    [{ endpoint: '', transport: 'unix' }, 'endpoint CONFIG_VALUE'],
    [{ compression_algorithms: ['gzip', 'snappy'] }, 'compression_algorithms.1 parse'],
    [{ cors: { allowed_origins: ['https://*.a.*'] } }, 'cors.allowed_origins.0 parse'],
    [{ response_headers: { 'a b': 'c' } }, 'response_headers.a b CONFIG_VALUE'],
    [{ response_headers: { a: 'b\r\nc: d' } }, 'response_headers.a CONFIG_VALUE'],
    [{ traces_url_path: '/a?b' }, 'traces_url_path parse'],
    [{ max_request_body_size: -1 }, 'max_request_body_size parse'],
    [{ tls: {} }, 'tls CONFIG_MISSING'],
    [{ middlewares: [{ id: 'a' }] }, 'middlewares parse'],
    [{ read_timeout: '-1s' }, 'read_timeout parse'],
  ] as const) {
    assert.deepEqual(issuesOf(http), [issue]);
  }
});

test('the authenticator is named as a reference', () => {
  const config = otlp.config.parse({ protocols: { http: { auth: { authenticator: 'basicauth/x' } } } });
  assert.deepEqual(otlp.references?.(config), [
    { path: ['protocols', 'http', 'auth', 'authenticator'], id: 'basicauth/x', capability: 'serverAuth' },
  ]);
});
