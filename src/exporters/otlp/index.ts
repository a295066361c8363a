// The Collector's otlp_grpc exporter, known as `otlp` for longer.
import { z } from 'zod';
import {
  clientAuth,
  clientAuthenticator,
  clientAuthReferences,
  revealed,
  secretMap,
} from '../../component/auth-fields.ts';
import { defineExporter } from '../../component/define.ts';
import {
  checkDelivery,
  deliveryFields,
  deliveryReferences,
  notBuiltIn,
  toDeliveryOptions,
} from '../../component/delivery-fields.ts';
import { adviseCredentials } from '../../component/exposure.ts';
import { durationMs, integer, problem } from '../../component/fields.ts';
import {
  checkClientTls,
  clientTls,
  clientTlsSettings,
  isPlainText,
  tlsMetrics,
  tlsMetricValues,
} from '../../component/tls-fields.ts';
import type { ConfigIssue, Exporter, ExporterHost } from '../../component/types.ts';
import { parseEndpoint } from '../../transport/endpoint.ts';
import type { GrpcClientOptions } from '../../transport/grpc-client.ts';
import { grpcClientProblem, pickGrpcClient } from '../../transport/pick-grpc-client.ts';
import { createClientTls } from '../../transport/tls/client-tls.ts';
import { createOtlpExporter } from './exporter.ts';

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
  tls: clientTls(),
  headers: secretMap().describe('Metadata sent with every request.'),
  compression: z
    .enum(['gzip', 'zstd', 'none', '', 'snappy', 'zlib', 'deflate'])
    .refine(
      (name) => !['snappy', 'zlib', 'deflate'].includes(name),
      problem('CONFIG_UNSUPPORTED', 'this compression is not built in; use gzip, zstd or none'),
    )
    .prefault('gzip')
    .describe('gzip, zstd or none.'),
  timeout: durationMs('5s').describe('For each attempt; 0: none.'),
  ...deliveryFields(),
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
  auth: clientAuth(),
  middlewares: notBuiltIn('middlewares are not built in').describe('Not built in.'),
});
type Config = z.output<typeof config>;

/** What of a client's options needs no file to be read. */
function clientOptions(c: Config): GrpcClientOptions {
  return {
    endpoint: c.endpoint,
    compression: c.compression === 'gzip' || c.compression === 'zstd' ? c.compression : 'none',
    headers: revealed(c.headers),
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

/** Whether TLS is used: the endpoint's scheme says, or else the block. */
const isSecure = (c: Config): boolean => parseEndpoint(c.endpoint)?.secure ?? !isPlainText(c.tls);

function check(c: Config): ConfigIssue[] {
  const issues = checkDelivery(c);
  const clientProblem = grpcClientProblem(clientOptions(c));
  if (clientProblem !== null) {
    const path = [parseEndpoint(c.endpoint) === null ? 'endpoint' : 'compression'];
    issues.push({ path, code: 'CONFIG_VALUE', message: clientProblem });
  }
  issues.push(...checkClientTls(c.tls, ['tls']));
  return issues;
}

const advise = (c: Config): ConfigIssue[] =>
  c.auth === undefined ? [] : adviseCredentials(c.endpoint, !isSecure(c), ['auth']);

function create(c: Config, { log, extensions }: ExporterHost): Exporter {
  const tls = isSecure(c) ? createClientTls(clientTlsSettings(c.tls), log) : null;
  const exporter = createOtlpExporter({
    connect: async () => pickGrpcClient({ ...clientOptions(c), tls: tls === null ? null : await tls.start() }),
    auth: clientAuthenticator(c.auth, extensions),
    headers: revealed(c.headers),
    timeoutMs: c.timeout,
    log,
  });
  return {
    ...exporter,
    async stop() {
      tls?.stop();
      await exporter.stop();
    },
    metricValues: () => (tls === null ? [] : tlsMetricValues('exporter', {}, tls.stats)),
  };
}

export const otlp = defineExporter<Config>({
  kind: 'exporter',
  type: 'otlp',
  aliases: ['otlp_grpc'],
  stability: 'stable',
  summary: 'Sends spans over OTLP/gRPC.',
  config,
  check,
  references: (c) => [...clientAuthReferences(c.auth), ...deliveryReferences(c)],
  delivery: toDeliveryOptions,
  advise,
  create,
  examples: [
    { title: 'A backend in the same network, without TLS', yaml: 'endpoint: backend:4317\ntls:\n  insecure: true' },
    {
      title: 'A hosted backend with a key, and a queue bounded in bytes',
      yaml: `endpoint: https://otlp.example.com:4317\nheaders:\n  x-api-key: \${env:BACKEND_KEY:-none}\ncompression: zstd\nsending_queue:\n  sizer: bytes\n  queue_size: 67108864`,
    },
  ],
  metrics: tlsMetrics('exporter', []),
});
