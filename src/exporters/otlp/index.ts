// The Collector's otlp_grpc exporter, known as `otlp` for longer.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { defineExporter } from '../../component/define.ts';
import {
  checkDelivery,
  notBuiltIn,
  onlyOff,
  retryOnFailure,
  sendingQueue,
  toDeliveryOptions,
} from '../../component/delivery-fields.ts';
import { durationMs, integer, problem, stringMap } from '../../component/fields.ts';
import type { ConfigIssue } from '../../component/types.ts';
import { SpanmillError } from '../../errors.ts';
import { parseEndpoint } from '../../transport/endpoint.ts';
import type { ClientTls, GrpcClientOptions } from '../../transport/grpc-client.ts';
import { grpcClientProblem, pickGrpcClient } from '../../transport/pick-grpc-client.ts';
import { createOtlpExporter } from './exporter.ts';

const pem = (what: string) => z.string().optional().describe(`${what}, as PEM text.`);
const file = (what: string) => z.string().optional().describe(`${what}, a PEM file. Read at the start.`);

const tls = z
  .strictObject({
    insecure: z.boolean().prefault(false).describe('True: no TLS.'),
    insecure_skip_verify: z.boolean().prefault(false).describe("True: the server's certificate is not checked."),
    server_name_override: z.string().prefault('').describe("Name that the server's certificate must carry."),
    ca_file: file('Certificates that the server is checked against'),
    ca_pem: pem('Certificates that the server is checked against'),
    cert_file: file("The client's certificate"),
    cert_pem: pem("The client's certificate"),
    key_file: file("The client's key"),
    key_pem: pem("The client's key"),
    include_system_ca_certs_pool: onlyOff('a ca_file replaces the built-in certificates').describe('Only false.'),
    min_version: z.enum(['', '1.2', '1.3']).prefault('').describe('Oldest version of TLS; empty: 1.2.'),
    max_version: z.enum(['', '1.2', '1.3']).prefault('').describe('Newest version of TLS; empty: 1.3.'),
    cipher_suites: notBuiltIn("cipher suites are the runtime's; remove cipher_suites").describe('Not built in.'),
    curve_preferences: notBuiltIn("curves are the runtime's; remove curve_preferences").describe('Not built in.'),
    include_insecure_cipher_suites: onlyOff('insecure cipher suites are not available').describe('Only false.'),
    reload_interval: durationMs('0s')
      .refine((ms) => ms === 0, problem('CONFIG_UNSUPPORTED', 'certificates are read at the start only; remove it'))
      .describe('Only 0: certificates are read at the start.'),
    tpm: notBuiltIn('keys in a TPM are not built in').describe('Not built in.'),
  })
  .prefault({})
  .describe('TLS is used unless `insecure` is true or the endpoint begins with http://.');

const keepalive = z
  .strictObject({
    time: durationMs('10s').describe('A connection that was silent for this long is pinged.'),
    timeout: durationMs('10s').describe('It is closed when the ping is not answered in this time.'),
    permit_without_stream: z.boolean().prefault(false).describe('Ping also while nothing is being sent.'),
  })
  .optional()
  .describe('Pings that find dead connections. Absent: none.');

const config = z.strictObject({
  endpoint: z
    .string()
    .min(1)
    .describe('host:port of the backend; https://host:port, unix:///path and dns:///name:port work too.'),
  tls,
  headers: stringMap().describe('Metadata sent with every request.'),
  compression: z
    .enum(['gzip', 'zstd', 'none', '', 'snappy', 'zlib', 'deflate'])
    .refine(
      (name) => !['snappy', 'zlib', 'deflate'].includes(name),
      problem('CONFIG_UNSUPPORTED', 'this compression is not built in; use gzip, zstd or none'),
    )
    .prefault('gzip')
    .describe('gzip, zstd or none.'),
  timeout: durationMs('5s').describe('For each attempt; 0: none.'),
  sending_queue: sendingQueue(true),
  retry_on_failure: retryOnFailure(),
  balancer_name: z
    .enum(['', 'round_robin', 'pick_first'])
    .prefault('')
    .describe('How several addresses of a dns:/// endpoint share the calls.'),
  keepalive,
  authority: z.string().prefault('').describe("The :authority header; by default the endpoint's host and port."),
  user_agent: z.string().prefault('').describe('The user-agent header.'),
  wait_for_ready: z
    .boolean()
    .prefault(false)
    .describe('True: an attempt waits for a connection until its timeout instead of failing.'),
  read_buffer_size: integer().prefault(0).describe('Accepted, without effect.'),
  write_buffer_size: integer().prefault(524_288).describe('Accepted, without effect.'),
  auth: notBuiltIn('authenticators are not built in; set an authorization header in `headers`').describe(
    'Not built in.',
  ),
  middlewares: notBuiltIn('middlewares are not built in').describe('Not built in.'),
});
type Config = z.output<typeof config>;

/** What of a client's options needs no file to be read. */
function clientOptions(c: Config): GrpcClientOptions {
  return {
    endpoint: c.endpoint,
    compression: c.compression === 'gzip' || c.compression === 'zstd' ? c.compression : 'none',
    headers: c.headers,
    waitForReady: c.wait_for_ready,
    balancerName: c.balancer_name,
    ...(c.authority === '' ? {} : { authority: c.authority }),
    ...(c.user_agent === '' ? {} : { userAgent: c.user_agent }),
    ...(c.keepalive === undefined
      ? {}
      : {
          keepalive: {
            timeMs: c.keepalive.time,
            timeoutMs: c.keepalive.timeout,
            permitWithoutStream: c.keepalive.permit_without_stream,
          },
        }),
  };
}

/** Reads the files that `tls` names; throws a SpanmillError EXPORT for one that cannot be read. */
function clientTls(c: Config['tls']): ClientTls | null {
  if (c.insecure) return null;
  const text = (name: 'ca' | 'cert' | 'key'): { [key in typeof name]?: string } => {
    const path = c[`${name}_file`];
    const inline = c[`${name}_pem`];
    if (path === undefined) return inline === undefined ? {} : { [name]: inline };
    try {
      return { [name]: readFileSync(path, 'utf8') };
    } catch (error) {
      const message = `tls: ${name}_file cannot be read: ${(error as Error).message}`;
      throw new SpanmillError('EXPORT', message, { cause: error });
    }
  };
  return {
    ...text('ca'),
    ...text('cert'),
    ...text('key'),
    insecureSkipVerify: c.insecure_skip_verify,
    ...(c.min_version === '' ? {} : { minVersion: `TLSv${c.min_version}` as const }),
    ...(c.max_version === '' ? {} : { maxVersion: `TLSv${c.max_version}` as const }),
    ...(c.server_name_override === '' ? {} : { serverNameOverride: c.server_name_override }),
  };
}

function check(c: Config): ConfigIssue[] {
  const issues = checkDelivery(c);
  const clientProblem = grpcClientProblem(clientOptions(c));
  if (clientProblem !== null) {
    const path = [parseEndpoint(c.endpoint) === null ? 'endpoint' : 'compression'];
    issues.push({ path, code: 'CONFIG_VALUE', message: clientProblem });
  }
  for (const name of ['ca', 'cert', 'key'] as const) {
    if (c.tls[`${name}_file`] !== undefined && c.tls[`${name}_pem`] !== undefined) {
      const message = `${name}_file and ${name}_pem cannot stand together`;
      issues.push({ path: ['tls', `${name}_file`], code: 'CONFIG_CONFLICT', message });
    }
  }
  if (hasPart(c.tls, 'cert') !== hasPart(c.tls, 'key')) {
    issues.push({
      path: ['tls'],
      code: 'CONFIG_CONFLICT',
      message: 'a client certificate needs its key, and a key its certificate',
    });
  }
  return issues;
}
const hasPart = (c: Config['tls'], name: 'cert' | 'key'): boolean =>
  c[`${name}_file`] !== undefined || c[`${name}_pem`] !== undefined;

export const otlp = defineExporter<Config>({
  kind: 'exporter',
  type: 'otlp',
  aliases: ['otlp_grpc'],
  stability: 'stable',
  summary: 'Sends spans over OTLP/gRPC.',
  config,
  check,
  delivery: toDeliveryOptions,
  create: (c, host) =>
    createOtlpExporter({
      connect: () => pickGrpcClient({ ...clientOptions(c), tls: clientTls(c.tls) }),
      timeoutMs: c.timeout,
      log: host.log,
    }),
  examples: [
    { title: 'A backend in the same network, without TLS', yaml: 'endpoint: backend:4317\ntls:\n  insecure: true' },
    {
      title: 'A hosted backend with a key, and a queue bounded in bytes',
      yaml: 'endpoint: https://otlp.example.com:4317\nheaders:\n  x-api-key: the-key\ncompression: zstd\nsending_queue:\n  sizer: bytes\n  queue_size: 67108864',
    },
  ],
  metrics: [],
});
