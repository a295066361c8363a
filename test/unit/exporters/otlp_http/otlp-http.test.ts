// The otlp_http exporter against real servers.
import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http';
import { type TestContext, test } from 'node:test';
import zlib from 'node:zlib';
import { pino } from 'pino';
import type { ExtensionLookup } from '../../../../src/component/capabilities.ts';
import type { Batch, Exporter, ExportResult } from '../../../../src/component/exporter.ts';
import { SpanmillError } from '../../../../src/errors.ts';
import { retryAfterMs } from '../../../../src/exporters/otlp_http/answer.ts';
import { otlpHttp } from '../../../../src/exporters/otlp_http/index.ts';
import { encodeRequest } from '../../../../src/wire/reference/codec.ts';
import { toJsonLine } from '../../../../src/wire/reference/json.ts';
import { readJson } from '../../../../src/wire/reference/json-reader.ts';
import { noExtensions } from '../../component/no-extensions.ts';
import { closedPort, type Handler, startHttp, startRaw } from '../../transport/http-client/servers.ts';

const requestOf = (json: string): Buffer => Buffer.from(encodeRequest(readJson(json)));
const written = '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"},{"name":"b"},{"name":"c"}]}]}]}';
const request = requestOf(written);
const batch: Batch = {
  spans: 3,
  bytes: request.length,
  segments: [request.subarray(0, 4), request.subarray(4)],
  metadata: {},
};
const never = new AbortController().signal;

interface Line {
  readonly msg: string;
  readonly [field: string]: unknown;
}
interface Log {
  readonly lines: Line[];
  readonly log: pino.Logger;
}
function collecting(): Log {
  const lines: Line[] = [];
  return { lines, log: pino({}, { write: (line) => void lines.push(JSON.parse(line)) }) };
}

async function exporterFor(
  t: TestContext,
  endpoint: string,
  change: object = {},
  log = pino({ level: 'silent' }),
  extensions = noExtensions,
): Promise<Exporter> {
  const config = otlpHttp.config.parse({ endpoint, ...change });
  assert.deepEqual(otlpHttp.check?.(config), []);
  const exporter = otlpHttp.create(config, { id: 'otlp_http', log, extensions });
  t.after(() => exporter.stop());
  await exporter.start();
  return exporter;
}

/** Result of one export to a server that answers so. */
async function resultOf(
  t: TestContext,
  handle: Handler,
  log?: pino.Logger,
  change: object = {},
): Promise<ExportResult> {
  const server = await startHttp(t, handle);
  return await (await exporterFor(t, server.url, change, log)).export(batch, never);
}

const answer =
  (status: number, type: string, body: string | Buffer, headers: OutgoingHttpHeaders = {}): Handler =>
  (response) =>
    response.writeHead(status, { 'content-type': type, ...headers }).end(body);

const decoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: zlib.gunzipSync,
  zstd: zlib.zstdDecompressSync,
  deflate: zlib.inflateSync,
  zlib: zlib.inflateSync,
};

for (const encoding of ['proto', 'json'] as const) {
  for (const compression of ['gzip', 'zstd', 'deflate', 'zlib', 'none', '']) {
    test(`a batch arrives whole as ${encoding} with compression "${compression}", and is accepted`, async (t) => {
      const server = await startHttp(t, (response) => response.end());
      const exporter = await exporterFor(t, `${server.url}/base`, { encoding, compression });
      assert.deepEqual(await exporter.export(batch, never), { kind: 'accepted' });
      assert.deepEqual(await exporter.export({ ...batch, segments: [request] }, never), { kind: 'accepted' });
      for (const { method, url, headers, body } of server.seen) {
        assert.deepEqual([method, url], ['POST', '/base/v1/traces']);
        assert.equal(headers['content-type'], encoding === 'json' ? 'application/json' : 'application/x-protobuf');
        assert.equal(headers['user-agent'], 'spanmill');
        const encoded = compression !== '' && compression !== 'none';
        assert.equal(headers['content-encoding'], encoded ? compression : undefined);
        const message = encoded ? decoders[compression](body) : body;
        if (encoding === 'json') assert.equal(message.toString(), toJsonLine(request));
        else assert.deepEqual(message, request);
      }
      assert.equal(server.connections(), 1);
    });
  }
}

test('levels of compression make the body smaller or larger', async (t) => {
  const server = await startHttp(t, (response) => response.end());
  const names = Array.from(
    { length: 3000 },
    (_, i) => `{"name":"GET /api/v${i % 7}/users/${(i * 7919) % 1009}/orders"}`,
  );
  const large = requestOf(`{"resourceSpans":[{"scopeSpans":[{"spans":[${names.join()}]}]}]}`);
  const sizes: number[] = [];
  for (const [compression, level] of [
    ['gzip', 9],
    ['gzip', 0],
    ['gzip', -2],
    ['zstd', 11],
    ['zstd', 1],
  ] as const) {
    const exporter = await exporterFor(t, server.url, { compression, compression_params: { level } });
    await exporter.export({ ...batch, bytes: large.length, segments: [large] }, never);
    const { body } = server.seen.at(-1) ?? assert.fail();
    assert.ok(decoders[compression](body).equals(large));
    sizes.push(body.length);
  }
  const [best, fast, huffman, zstdBest, zstdFast] = sizes;
  assert.ok(best < fast && fast < huffman && huffman < large.length && zstdBest < zstdFast, sizes.join());
});

test('JSON of several slices is one request with the same spans', async (t) => {
  const server = await startHttp(t, (response) => response.end());
  const exporter = await exporterFor(t, server.url, { encoding: 'json', compression: 'none' });
  const long = 'x'.repeat(1000);
  const group = (n: number): string =>
    `{"resource":{"attributes":[{"key":"n","value":{"intValue":"${n}"}}]},"scopeSpans":[{"spans":[${Array(40).fill(`{"name":"${long}"}`).join()}]}]}`;
  const large = requestOf(`{"resourceSpans":[${Array.from({ length: 20 }, (_, n) => group(n)).join()}]}`);
  const text = toJsonLine(large);
  // Unknown fields have no place in JSON: one of the kind that cannot be followed, and one alone at the end.
  for (const [segments, expected] of [
    [[large], text],
    [[large.subarray(0, 100_001), large.subarray(100_001)], text],
    [[large, Buffer.of(0x7a, 1, 0)], text],
    [[Buffer.of(0x08, 1), large], text],
    [[], '{"resourceSpans":[]}'],
  ] as const) {
    assert.deepEqual(await exporter.export({ ...batch, bytes: large.length, segments }, never), { kind: 'accepted' });
    const sent = server.seen.at(-1)?.body.toString() ?? '';
    assert.ok(sent === expected, `${sent.length} ${expected.length}`);
  }
  const turns: string[] = [];
  setImmediate(() => turns.push('other'));
  await exporter.export({ ...batch, bytes: large.length, segments: [large] }, never).then(() => turns.push('export'));
  assert.deepEqual(turns, ['other', 'export']);
});

test('bytes that are no request are invalid as JSON', async (t) => {
  const server = await startHttp(t, (response) => response.end());
  const exporter = await exporterFor(t, server.url, { encoding: 'json' });
  const result = await exporter.export({ ...batch, segments: [Buffer.from('\x0a\x7f')] }, never);
  assert.equal(result.kind === 'invalid' && result.reason, 'malformed');
});

test('configured headers are sent and win over the exporter’s own; traces_endpoint is taken as it stands', async (t) => {
  const server = await startHttp(t, (response) => response.end());
  const exporter = await exporterFor(t, '', {
    traces_endpoint: `${server.url}/in?key=1`,
    headers: { 'X-Api-Key': 'secret', 'User-Agent': 'mill/1' },
  });
  await exporter.export(batch, never);
  const [{ url, headers }] = server.seen;
  assert.deepEqual([url, headers['x-api-key'], headers['user-agent']], ['/in?key=1', 'secret', 'mill/1']);
});

test('an authenticator sets the headers of each request, but not how it is framed', async (t) => {
  const server = await startHttp(t, (response) => response.end());
  let calls = 0;
  const extensions: ExtensionLookup = {
    get: (id, capability) => {
      assert.deepEqual([id, capability], ['tokens', 'clientAuth']);
      return {
        headers: (metadata: Readonly<Record<string, readonly string[]>>, given: Readonly<Record<string, string>>) => {
          if (calls++ === 2) throw new SpanmillError('EXPORT', 'the token file is empty');
          const tenant = metadata.tenant?.[0] ?? '';
          return {
            ...given,
            authorization: `Bearer ${calls}`,
            tenant,
            'content-length': '3',
            'transfer-encoding': 'chunked',
          };
        },
      } as never;
    },
  };
  const change = { auth: { authenticator: 'tokens' }, headers: { 'X-Key': 'k' } };
  const exporter = await exporterFor(t, server.url, change, undefined, extensions);
  assert.deepEqual(await exporter.export({ ...batch, metadata: { tenant: ['t1'] } }, never), { kind: 'accepted' });
  assert.deepEqual(await exporter.export(batch, never), { kind: 'accepted' });
  assert.deepEqual(
    server.seen.map(({ headers }) => [
      headers.authorization,
      headers.tenant,
      headers['x-key'],
      headers['transfer-encoding'],
    ]),
    [
      ['Bearer 1', 't1', 'k', undefined],
      ['Bearer 2', '', 'k', undefined],
    ],
  );
  assert.equal(server.seen[0].headers['content-encoding'], 'gzip');
  const without = await exporter.export(batch, never);
  assert.deepEqual(without, {
    kind: 'retry',
    reason: 'no_credentials',
    message: 'the token file is empty',
    afterMs: 0,
  });
  assert.equal(server.seen.length, 2);
});

test('401 is final, but not where an extension may have another credential the next time', async (t) => {
  const server = await startHttp(t, (response) => response.writeHead(401).end());
  const expected = { reason: 'http_401', message: 'HTTP 401 Unauthorized' };
  const plain = await exporterFor(t, server.url);
  assert.deepEqual(await plain.export(batch, never), { kind: 'refused', ...expected });
  const extensions: ExtensionLookup = { get: () => ({ headers: () => ({}) }) as never };
  const exporter = await exporterFor(t, server.url, { auth: { authenticator: 'tokens' } }, undefined, extensions);
  assert.deepEqual(await exporter.export(batch, never), { kind: 'retry', ...expected, afterMs: 0 });
});

test('each status is retryable, divisible or final as OTLP says', async (t) => {
  for (const [status, kind] of [
    [200, 'accepted'],
    [202, 'accepted'],
    [204, 'accepted'],
    [300, 'refused'],
    [301, 'refused'],
    [302, 'refused'],
    [400, 'invalid'],
    [401, 'refused'],
    [403, 'refused'],
    [404, 'refused'],
    [405, 'refused'],
    [408, 'refused'],
    [413, 'too_large'],
    [415, 'refused'],
    [429, 'retry'],
    [431, 'refused'],
    [500, 'refused'],
    [501, 'refused'],
    [502, 'retry'],
    [503, 'retry'],
    [504, 'retry'],
    [599, 'refused'],
  ] as const) {
    const result = await resultOf(t, (response) => response.writeHead(status).end());
    assert.equal(result.kind, kind, `${status}`);
    if (!('reason' in result)) continue;
    assert.equal(result.reason, `http_${status}`);
    assert.match(result.message, new RegExp(`^HTTP ${status}`));
  }
});

test('Retry-After is obeyed, in seconds or as a date; nonsense is not', async (t) => {
  const result = await resultOf(t, answer(503, 'text/plain', 'busy', { 'retry-after': '7' }));
  const message = 'HTTP 503 Service Unavailable: busy';
  assert.deepEqual(result, { kind: 'retry', reason: 'http_503', message, afterMs: 7000 });
  const now = Date.parse('2026-03-01T12:00:00Z');
  for (const [value, ms] of [
    [undefined, 0],
    ['0', 0],
    [' 30 ', 30_000],
    ['Sun, 01 Mar 2026 12:00:10 GMT', 10_000],
    ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
    ['soon', 0],
    ['-5', 0],
    ['1.5', 0],
    ['99999999999', 0],
    ['2199-01-01', 0],
  ] as const) {
    assert.equal(retryAfterMs({ 'retry-after': value }, now), ms, value);
  }
  // By the clock of the peer, however wrong it or ours is.
  const inTenSeconds = { date: 'Mon, 02 Mar 2026 17:00:00 GMT', 'retry-after': 'Mon, 02 Mar 2026 17:00:10 GMT' };
  assert.equal(retryAfterMs(inTenSeconds, now), 10_000);
});

/** google.rpc.Status: 1 code, 2 message. */
const statusBody = (message: string): Buffer =>
  Buffer.concat([Buffer.of(0x08, 3, 0x12, message.length), Buffer.from(message)]);

test('what the peer says of a refusal is kept, in one line of sane length', async (t) => {
  const long = 'x'.repeat(1000);
  for (const [type, body, message] of [
    ['application/x-protobuf', statusBody('span 7 has no name'), ': span 7 has no name'],
    ['application/x-protobuf', Buffer.of(0xff, 0xff), ''],
    ['application/json; charset=utf-8', '{"code":3,"message":"no name"}', ': no name'],
    ['application/json', '{"error":"no name"}', ': no name'],
    ['application/json', '{"error":{"message":"no name"}}', ': no name'],
    ['application/json', '{"errors":[1]}', ': {"errors":[1]}'],
    ['application/json', 'not json', ': not json'],
    ['text/plain', '\r\n  first line\nsecond line', ': first line'],
    ['text/plain', 'a\u001b[31mred\u0007', ': a [31mred'],
    ['text/html', '<html>\n<head><title>400 Bad Request</title></head></html>', ': 400 Bad Request'],
    ['text/html', '<html></html>', ''],
    ['text/plain', long, `: ${long.slice(0, 256)}…`],
    ['application/x-protobuf', Buffer.alloc(0), ''],
    ['', 'untyped', ': untyped'],
  ] as const) {
    const result = await resultOf(t, answer(400, type, body));
    assert.deepEqual(result, { kind: 'invalid', reason: 'http_400', message: `HTTP 400 Bad Request${message}` });
  }
  const compressed = await resultOf(t, answer(403, 'text/plain', zlib.gzipSync('no'), { 'content-encoding': 'gzip' }));
  assert.deepEqual(compressed, { kind: 'refused', reason: 'http_403', message: 'HTTP 403 Forbidden' });
});

test('too large: by 413, or by a 400 that says so; with the limit where it is stated and less than what was sent', async (t) => {
  for (const [status, body, limitBytes] of [
    [413, '', 0],
    [413, 'a body has at most 12 bytes', 12],
    [413, 'a body has at most 20971520 bytes', 0],
    [400, 'http: request body too large', 0],
    [400, 'message larger than max (30 vs. 12)', 12],
  ] as const) {
    const result = await resultOf(t, answer(status, 'text/plain', body));
    assert.deepEqual([result.kind, result.kind === 'too_large' && result.limitBytes], ['too_large', limitBytes], body);
  }
  const named = await resultOf(t, answer(400, 'text/plain', 'span a: name larger than 2 bytes'));
  assert.equal(named.kind, 'invalid');
});

test('a limit on JSON is one on less protobuf', async (t) => {
  const handle = answer(413, 'text/plain', 'a body has at most 40 bytes');
  const result = await resultOf(t, handle, undefined, { encoding: 'json' });
  const expected = Math.floor(40 * (request.length / written.length));
  assert.ok(result.kind === 'too_large' && result.limitBytes > 0 && result.limitBytes < 40);
  // The JSON that goes out has `status`, `resource` and `scope` too: longer than the text above.
  assert.ok(result.limitBytes <= expected, `${result.limitBytes} ${expected}`);
});

test('partial success is understood in both encodings', async (t) => {
  const partial = Buffer.of(0x0a, 6, 0x08, 2, 0x12, 2, 0x6e, 0x6f);
  const expected = { kind: 'partial', rejectedSpans: 2, message: 'no' };
  assert.deepEqual(await resultOf(t, answer(200, 'application/x-protobuf', partial)), expected);
  const json = '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}';
  assert.deepEqual(await resultOf(t, answer(200, 'application/json', json)), expected);
});

test('a 2xx that is no answer of OTLP is accepted, and said once', async (t) => {
  const { log, lines } = collecting();
  const server = await startHttp(t, answer(200, 'text/html', '<html>sign in</html>'));
  const exporter = await exporterFor(t, server.url, {}, log);
  for (let i = 0; i < 3; i++) assert.deepEqual(await exporter.export(batch, never), { kind: 'accepted' });
  assert.equal(lines.length, 1);
  assert.match(String(lines[0].peer), /content-type "text\/html", which is no answer of OTLP\/HTTP/);
});

test('a 2xx whose body is larger than 64 KiB, or compressed, is accepted with a warning', async (t) => {
  for (const handle of [
    answer(200, 'application/x-protobuf', Buffer.alloc(70_000)),
    answer(200, 'application/x-protobuf', zlib.gzipSync('x'), { 'content-encoding': 'gzip' }),
  ]) {
    const { log, lines } = collecting();
    assert.deepEqual(await resultOf(t, handle, log), { kind: 'accepted' });
    assert.match(String(lines[0].peer), /cannot be read/);
  }
});

test('a redirect on the same host is followed and said once; others are final', async (t) => {
  const { log, lines } = collecting();
  const server = await startHttp(t, (response, { url }) => {
    if (url === '/v1/traces/') response.end();
    else response.writeHead(308, { location: '/v1/traces/' }).end();
  });
  const exporter = await exporterFor(t, server.url, {}, log);
  for (let i = 0; i < 2; i++) assert.deepEqual(await exporter.export(batch, never), { kind: 'accepted' });
  assert.deepEqual([lines.length, lines[0].to], [1, `${server.url}/v1/traces/`]);
  const away = await resultOf(t, answer(307, '', '', { location: 'http://elsewhere/x' }));
  assert.equal(away.kind === 'refused' && away.reason, 'redirect');
  const moved = await resultOf(t, answer(301, '', '', { location: '/x' }));
  assert.match(
    moved.kind === 'refused' ? moved.message : '',
    /^HTTP 301 Moved Permanently; only 307 and 308 keep a POST/,
  );
});

test('a backend that cannot be reached, goes away or speaks no HTTP is tried again', async (t) => {
  const raw = [
    await startRaw(t, (socket) => socket.once('data', () => socket.resetAndDestroy())),
    await startRaw(t, (socket) => socket.once('data', () => socket.destroy())),
    await startRaw(t, (socket) => socket.end('220 mail.example.com ESMTP\r\n')),
  ];
  for (const url of [
    `http://127.0.0.1:${await closedPort()}`,
    'http://no-such-name.invalid',
    ...raw.map(({ url }) => url),
  ]) {
    const result = await (await exporterFor(t, url)).export(batch, never);
    assert.equal(result.kind === 'retry' && result.reason, 'unavailable', JSON.stringify(result));
  }
});

for (const reason of ['timeout', 'shutdown']) {
  test(`an attempt ended by its signal is retryable with the reason ${reason}`, async (t) => {
    const controller = new AbortController();
    const server = await startRaw(t, (socket) => socket.once('data', () => controller.abort(reason)));
    const result = await (await exporterFor(t, server.url)).export(batch, controller.signal);
    assert.equal(result.kind === 'retry' && result.reason, reason);
  });
}

test('before start and after stop nothing is sent and nothing is lost', async (t) => {
  const server = await startHttp(t, (response) => response.end());
  const exporter = otlpHttp.create(otlpHttp.config.parse({ endpoint: server.url }), {
    id: 'otlp_http',
    log: pino({ level: 'silent' }),
    extensions: noExtensions,
  });
  assert.equal((await exporter.export(batch, never)).kind, 'retry');
  await exporter.stop();
  await exporter.start();
  await exporter.stop();
  await exporter.stop();
  assert.equal((await exporter.export(batch, never)).kind, 'retry');
  assert.equal(server.seen.length, 0);
});

test('certificates that cannot be read are an error at the start that names the field', async () => {
  const config = otlpHttp.config.parse({ endpoint: 'https://backend', tls: { ca_file: '/no/such/file.pem' } });
  const exporter = otlpHttp.create(config, {
    id: 'otlp_http',
    log: pino({ level: 'silent' }),
    extensions: noExtensions,
  });
  await assert.rejects(exporter.start(), { code: 'AUTH', message: /tls\.ca_file.*ENOENT/ });
  await exporter.stop();
});
