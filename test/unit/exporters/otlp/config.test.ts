import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { parse } from 'yaml';
import { otlp } from '../../../../src/exporters/otlp/index.ts';
import { noExtensions } from '../../component/no-extensions.ts';
import { makeCertificate } from '../../transport/tls/certificates.ts';

/** Paths of what is wrong with it. */
function problems(config: unknown): string[] {
  const result = otlp.config.safeParse(config);
  if (!result.success) return result.error.issues.map((issue) => issue.path.join('.'));
  return (otlp.check?.(result.data) ?? []).map((issue) => issue.path.join('.'));
}
const messageOf = (config: unknown): string => otlp.config.safeParse(config).error?.issues[0]?.message ?? '';
const endpoint = 'backend:4317';

test('the defaults are the Collector’s', () => {
  assert.deepEqual(otlp.delivery(otlp.config.parse({ endpoint })), {
    queue: {
      enabled: true,
      consumers: 10,
      size: 1000,
      sizer: 'requests',
      batch: null,
      blockOnOverflow: false,
      waitForResult: 'no',
      storage: null,
    },
    retry: {
      enabled: true,
      initialIntervalMs: 5000,
      randomizationFactor: 0.5,
      multiplier: 1.5,
      maxIntervalMs: 30_000,
      maxElapsedMs: 300_000,
    },
    timeoutMs: 5000,
    maxRequestBytes: 0,
    shrinks: true,
    deadLetter: null,
  });
  assert.deepEqual(otlp.aliases, ['otlp_grpc']);
});

test('what a Collector file says is accepted', () => {
  for (const config of [
    { endpoint: 'https://otlp.example.com:4317', headers: { a: 'b' }, compression: 'zstd' },
    { endpoint: 'dns:///backend:4317', balancer_name: 'round_robin' },
    { endpoint, tls: { insecure: true, insecure_skip_verify: true, min_version: '1.3', reload_interval: '0s' } },
    { endpoint, keepalive: { time: '30s' }, wait_for_ready: true, read_buffer_size: 1, write_buffer_size: 1 },
    { endpoint, sending_queue: { enabled: false, queue_size: 0, num_consumers: 0 }, compression: '' },
    { endpoint, sending_queue: { block_on_overflow: true, sizer: 'bytes', queue_size: 1e8 } },
    { endpoint, retry_on_failure: { enabled: false, randomization_factor: 3 } },
    { endpoint, retry_on_failure: { initial_interval: '10s', max_interval: '1s' } },
    { endpoint, retry_on_failure: { max_elapsed_time: 0 } },
    ...otlp.examples.map(({ yaml }) => parse(yaml) as unknown),
  ]) {
    assert.deepEqual(problems(config), [], JSON.stringify(config));
  }
});

test('what the Collector refuses is refused at its place', () => {
  for (const [config, ...places] of [
    [{}, 'endpoint'],
    [{ endpoint: 'a b' }, 'endpoint'],
    [{ endpoint, compression: 'br' }, 'compression'],
    [{ endpoint, balancer_name: 'zz' }, 'balancer_name'],
    [{ endpoint, timeout: '-1s' }, 'timeout'],
    [{ endpoint, sending_queue: { num_consumers: 0 } }, 'sending_queue.num_consumers'],
    [{ endpoint, sending_queue: { queue_size: 0 } }, 'sending_queue.queue_size'],
    [{ endpoint, sending_queue: { sizer: 'zz' } }, 'sending_queue.sizer'],
    [{ endpoint, retry_on_failure: { randomization_factor: 3 } }, 'retry_on_failure.randomization_factor'],
    [{ endpoint, retry_on_failure: { multiplier: -1 } }, 'retry_on_failure.multiplier'],
    [{ endpoint, retry_on_failure: { max_elapsed_time: '10s' } }, 'retry_on_failure.max_elapsed_time'],
    [{ endpoint, tls: { ca_file: 'a', ca_pem: 'b' } }, 'tls.ca_file'],
    [{ endpoint, tls: { cert_file: 'a' } }, 'tls'],
    [{ endpoint, batcher: {} }, ''],
  ] as const) {
    assert.deepEqual(problems(config), places, JSON.stringify(config));
  }
});

test('what is not built in says so, and what to do', () => {
  for (const [config, message] of [
    [{ endpoint, compression: 'snappy' }, /not built in; use gzip, zstd or none/],
    [{ endpoint, middlewares: [{ id: 'a' }] }, /middlewares are not built in/],
    [{ endpoint, tls: { include_insecure_cipher_suites: true } }, /insecure cipher suites are not available/],
    [{ endpoint, tls: { tpm: { enabled: true } } }, /keys in a TPM are not built in/],
  ] as const) {
    assert.match(messageOf(config), message);
  }
  assert.deepEqual(problems({ endpoint: 'dns:///backend:4317', compression: 'zstd' }), ['compression']);
});

test('the queue’s own batches and storage are as the Collector’s, and contradictions are found', () => {
  const queueOf = (sending_queue: object) => otlp.delivery(otlp.config.parse({ endpoint, sending_queue })).queue;
  const defaults = { flushTimeoutMs: 200, minSize: 8192, maxSize: 0, sizer: 'items', metadataKeys: [] };
  assert.deepEqual(queueOf({ batch: {}, queue_size: 10_000 }).batch, defaults);
  assert.equal(queueOf({ batch: {}, sizer: 'bytes', queue_size: 1e8 }).batch?.sizer, 'bytes');
  assert.deepEqual(queueOf({ batch: { partition: { metadata_keys: ['X-Tenant'] } } }).batch?.metadataKeys, [
    'x-tenant',
  ]);
  assert.equal(queueOf({ wait_for_result: true }).waitForResult, 'yes');
  assert.equal(queueOf({ enabled: false }).waitForResult, 'unbatched');
  assert.equal(queueOf({ storage: 'file_storage' }).storage, 'file_storage');
  assert.equal(queueOf({ enabled: false, storage: 'file_storage' }).storage, null);
  for (const [sending_queue, place] of [
    [{ batch: { min_size: 100, max_size: 50 } }, 'batch.max_size'],
    [{ sizer: 'items', queue_size: 50, batch: { min_size: 100 } }, 'batch.min_size'],
    [{ storage: 'file_storage', wait_for_result: true }, 'wait_for_result'],
  ] as const) {
    assert.deepEqual(problems({ endpoint, sending_queue }), [`sending_queue.${place}`]);
  }
  const config = otlp.config.parse({
    endpoint,
    sending_queue: { storage: 'file_storage' },
    dead_letter: 'dead_letter',
  });
  assert.deepEqual(
    otlp.references?.(config).map(({ id, capability }) => `${id} ${capability}`),
    ['file_storage storage', 'dead_letter deadLetter'],
  );
});

test('a certificate file that is not there is an error at the start that names the field', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spanmill-otlp-'));
  try {
    const ca = join(folder, 'ca.pem');
    const create = () =>
      otlp.create(otlp.config.parse({ endpoint, tls: { ca_file: ca } }), {
        id: 'otlp',
        extensions: noExtensions,
        log: pino({ level: 'silent' }),
      });
    await assert.rejects(create().start(), { code: 'AUTH', message: /ca_file cannot be read: ENOENT/ });
    writeFileSync(ca, makeCertificate('ca.example').cert);
    const exporter = create();
    await exporter.start();
    await exporter.stop();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
