import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { otlpHttp } from '../../../../src/exporters/otlp_http/index.ts';

const endpoint = 'http://backend:4318';

/** Paths of what is wrong with it. */
function problems(config: unknown): string[] {
  const result = otlpHttp.config.safeParse(config);
  if (!result.success) return result.error.issues.map((issue) => issue.path.join('.'));
  return (otlpHttp.check?.(result.data) ?? []).map((issue) => issue.path.join('.'));
}
const messageOf = (config: unknown): string => otlpHttp.config.safeParse(config).error?.issues[0]?.message ?? '';

test('the defaults are the Collector’s', () => {
  const { queue, retry, timeoutMs } = otlpHttp.delivery(otlpHttp.config.parse({ endpoint }));
  assert.deepEqual([queue.enabled, queue.consumers, queue.size, queue.sizer], [true, 10, 1000, 'requests']);
  assert.deepEqual([retry.enabled, retry.initialIntervalMs, retry.maxElapsedMs], [true, 5000, 300_000]);
  assert.equal(timeoutMs, 30_000);
  assert.deepEqual([otlpHttp.type, ...otlpHttp.aliases], ['otlp_http', 'otlphttp']);
});

test('what a Collector file says is accepted', () => {
  for (const config of [
    {
      endpoint: 'https://otlp.example.com:4318/base',
      headers: { 'X-Key': 'b', 'Content-Type': 'application/x-protobuf' },
    },
    { traces_endpoint: 'https://otlp.example.com/v2/spans?x=1', metrics_endpoint: 'x', logs_endpoint: 'y' },
    { endpoint, profiles_endpoint: 'z', encoding: 'json', compression: 'zstd', compression_params: { level: 11 } },
    { endpoint, compression: 'deflate', compression_params: { level: -2 } },
    { endpoint, compression: 'zlib', compression_params: { level: 9 } },
    { endpoint, compression: 'none', compression_params: { level: 0 } },
    { endpoint, compression: '' },
    { endpoint, proxy_url: 'http://me:pw@proxy:3128', tls: { insecure: true } },
    { endpoint, max_idle_conns: 5, max_idle_conns_per_host: 2, max_conns_per_host: 3, idle_conn_timeout: '10s' },
    { endpoint, disable_keep_alives: true, force_attempt_http2: false, http2_read_idle_timeout: '1s' },
    { endpoint, http2_ping_timeout: '1s', read_buffer_size: 1, write_buffer_size: 2, cookies: { enabled: false } },
    { endpoint, cookies: {} },
    { endpoint, auth: { authenticator: 'bearertokenauth' }, timeout: 0 },
    { endpoint: 'unix:///run/otlp.sock' },
    ...otlpHttp.examples.map(({ yaml }) => parse(yaml) as unknown),
  ]) {
    assert.deepEqual(problems(config), [], JSON.stringify(config));
  }
});

test('what is wrong is refused at its place', () => {
  for (const [config, ...places] of [
    [{}, ''],
    [{ endpoint: 'backend:4318' }, 'endpoint'],
    [{ endpoint: 'ftp://backend' }, 'endpoint'],
    [{ traces_endpoint: 'backend/v1/traces' }, 'traces_endpoint'],
    [{ traces_endpoint: 'unix:///run/otlp.sock' }, 'traces_endpoint'],
    [{ endpoint, encoding: 'xml' }, 'encoding'],
    [{ endpoint, compression: 'br' }, 'compression'],
    [{ endpoint, compression: 'gzip', compression_params: { level: 10 } }, 'compression_params.level'],
    [{ endpoint, compression: 'none', compression_params: { level: 1 } }, 'compression_params.level'],
    [{ endpoint, proxy_url: 'socks5://proxy' }, 'proxy_url'],
    [{ endpoint, proxy_url: 'proxy:3128' }, 'proxy_url'],
    [{ endpoint, headers: { 'a b': 'c' } }, 'headers.a b'],
    [{ endpoint, headers: { 'content-length': '1' } }, 'headers.content-length'],
    [{ endpoint, headers: { a: 'b\n' } }, 'headers.a'],
    [{ endpoint, headers: { a: '\u0100' } }, 'headers.a'],
    [{ endpoint, tls: { cert_file: 'a' } }, 'tls'],
    [{ endpoint, timeout: '-1s' }, 'timeout'],
    [{ endpoint, sending_queue: { queue_size: 0 } }, 'sending_queue.queue_size'],
  ] as const) {
    assert.deepEqual(problems(config), places, JSON.stringify(config));
  }
});

test('what is not built in says so, and what to do', () => {
  for (const [config, message] of [
    [{ endpoint, compression: 'snappy' }, /use gzip, zstd, deflate or none/],
    [{ endpoint, compression: 'lz4' }, /use gzip, zstd, deflate or none/],
    [{ endpoint, middlewares: [{ id: 'a' }] }, /middlewares are not built in/],
  ] as const) {
    assert.match(messageOf(config), message);
  }
});

test('no problem shows a secret', () => {
  const config = otlpHttp.config.parse({ endpoint, headers: { a: 'hidden\n' } });
  assert.doesNotMatch(JSON.stringify([config, otlpHttp.check?.(config)]), /hidden/);
  assert.doesNotMatch(messageOf({ endpoint, proxy_url: 'socks5://me:hidden@proxy' }), /hidden/);
});

test('extensions that are named are references', () => {
  const config = otlpHttp.config.parse({
    endpoint,
    auth: { authenticator: 'bearertokenauth/x' },
    sending_queue: { storage: 'file_storage' },
    dead_letter: 'dead_letter',
  });
  assert.deepEqual(
    otlpHttp.references?.(config).map(({ id, capability }) => `${id} ${capability}`),
    ['bearertokenauth/x clientAuth', 'file_storage storage', 'dead_letter deadLetter'],
  );
});
