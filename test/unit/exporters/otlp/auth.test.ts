// Credentials of an extension in the exporter's calls.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { ClientAuthenticator } from '../../../../src/component/capabilities.ts';
import type { Batch } from '../../../../src/component/exporter.ts';
import { SpanmillError } from '../../../../src/errors.ts';
import { createOtlpExporter } from '../../../../src/exporters/otlp/exporter.ts';
import { otlp } from '../../../../src/exporters/otlp/index.ts';
import { type CallOptions, failedReply, type GrpcReply } from '../../../../src/transport/grpc-client.ts';

const log = pino({ level: 'silent' });
const batch: Batch = { spans: 1, bytes: 1, segments: [Buffer.alloc(1)], metadata: { tenant: ['a'] } };
const ok: GrpcReply = { code: 0, message: '', retryDelayMs: undefined, body: Buffer.alloc(0) };

async function exportWith(auth: ClientAuthenticator | null, reply: GrpcReply) {
  const calls: (CallOptions | undefined)[] = [];
  const exporter = createOtlpExporter({
    connect: async () => ({
      call: async (_path, _segments, options) => {
        calls.push(options);
        return reply;
      },
      close: () => undefined,
    }),
    auth,
    headers: { 'X-Fixed': 'b' },
    timeoutMs: 0,
    log,
  });
  await exporter.start();
  return { result: await exporter.export(batch, new AbortController().signal), calls };
}

test('each call asks for its headers, with the metadata of the batch and the headers of the configuration', async () => {
  const auth: ClientAuthenticator = {
    headers: (metadata, given) => ({ ...given, tenant: metadata.tenant[0], authorization: 'c' }),
  };
  const { result, calls } = await exportWith(auth, ok);
  assert.deepEqual(result, { kind: 'accepted' });
  assert.deepEqual(calls[0]?.headers, { 'x-fixed': 'b', tenant: 'a', authorization: 'c' });
  assert.equal('headers' in ((await exportWith(null, ok)).calls[0] ?? {}), false);
});

test('without a credential the batch is tried again, and nothing is sent', async () => {
  const auth: ClientAuthenticator = {
    headers: () => {
      throw new SpanmillError('EXPORT', 'none now');
    },
  };
  const { result, calls } = await exportWith(auth, ok);
  assert.deepEqual(result, { kind: 'retry', reason: 'no_credentials', message: 'none now', afterMs: 0 });
  assert.equal(calls.length, 0);
});

test('UNAUTHENTICATED is for good with fixed headers, and tried again where the credential may change', async () => {
  const reply = failedReply(16, 'expired');
  assert.equal((await exportWith(null, reply)).result.kind, 'refused');
  const auth: ClientAuthenticator = { headers: (_, given) => given };
  assert.deepEqual((await exportWith(auth, reply)).result, {
    kind: 'retry',
    reason: 'unauthenticated',
    message: 'UNAUTHENTICATED: expired',
    afterMs: 0,
  });
});

test('credentials without TLS to another machine are warned of', () => {
  const warned = (config: object): number => otlp.advise?.(otlp.config.parse(config)).length ?? 0;
  const auth = { authenticator: 'a' };
  assert.equal(warned({ endpoint: 'backend:4317', tls: { insecure: true }, auth }), 1);
  assert.equal(warned({ endpoint: 'http://backend:4317', tls: { insecure: true }, auth }), 1);
  assert.equal(warned({ endpoint: 'backend:4317', auth }), 0);
  assert.equal(warned({ endpoint: 'https://backend:4317', tls: { insecure: true }, auth }), 0);
  assert.equal(warned({ endpoint: 'localhost:4317', tls: { insecure: true }, auth }), 0);
  assert.equal(warned({ endpoint: 'backend:4317', tls: { insecure: true } }), 0);
});
