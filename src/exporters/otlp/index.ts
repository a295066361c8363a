// The Collector's otlp_grpc exporter, known as `otlp` for longer.
import { z } from 'zod';
import {
  clientAuth,
  clientAuthenticator,
  clientAuthReferences,
  headerIssues,
  revealed,
  secretMap,
} from '../../component/auth-fields.ts';
import { defineExporter } from '../../component/define.ts';
import type { ConfigIssue } from '../../component/definition.ts';
import {
  checkDelivery,
  clientMiddlewares,
  deliveryFields,
  deliveryReferences,
  toDeliveryOptions,
} from '../../component/delivery-fields.ts';
import type { Exporter, ExporterHost } from '../../component/exporter.ts';
import { adviseCredentials } from '../../component/exposure.ts';
import { durationMs, integer, optionalUnlessEmpty, problem } from '../../component/fields.ts';
import {
  checkClientTls,
  clientTls,
  clientTlsSettings,
  isPlainText,
  tlsMetrics,
  tlsMetricValues,
} from '../../component/tls-fields.ts';
import { parseEndpoint } from '../../transport/endpoint.ts';
import type { GrpcClientOptions } from '../../transport/grpc-client.ts';
import { grpcClientProblem, pickGrpcClient } from '../../transport/pick-grpc-client.ts';
import { createClientTls } from '../../transport/tls/client-tls.ts';
import { createOtlpExporter } from './exporter.ts';

const keepalive = optionalUnlessEmpty({
  time: durationMs('10s').describe('A connection that was silent for this long is pinged; at least 10 seconds.'),
  timeout: durationMs('10s').describe('It is closed when the ping is not answered in this time.'),
  permit_without_stream: z.boolean().prefault(false).describe('Ping also while nothing is being sent.'),
}).describe('Pings that find dead connections. Absent: none.');

const config = z.strictObject({
  endpoint: z
    .string()
    .min(1)
    .describe(
      'host:port of the backend; https://host:port, unix:///path and dns:///name:port work too. HTTPS_PROXY and NO_PROXY of the environment name a proxy before it.',
    ),
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
  middlewares: clientMiddlewares(),
});
type Config = z.output<typeof config>;

/** RFC 9113 8.2.2: "An endpoint MUST NOT generate an HTTP/2 message containing connection-specific header fields." */
const notOfHttp2: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** What of a client's options needs no file to be read. */
function clientOptions(c: Config): GrpcClientOptions {
  return {
    // For the client a scheme decides.
    endpoint: isSecure(c) ? c.endpoint.replace(httpScheme, '') : c.endpoint,
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
            // "If this is set below 10s, a minimum value of 10s will be used instead" (grpc-go, keepalive.ClientParameters).
            timeMs: Math.max(c.keepalive.time, 10_000),
            timeoutMs: c.keepalive.timeout,
            permitWithoutStream: c.keepalive.permit_without_stream,
          },
        }),
  };
}

/** As the Collector: https:// makes it TLS in any case, http:// says nothing; the block does. */
const isSecure = (c: Config): boolean => parseEndpoint(c.endpoint)?.secure === true || !isPlainText(c.tls);
const httpScheme = /^\s*http:\/\//i;

/** The Collector refuses an endpoint without; https:// has one of its own. */
const namesPort = (endpoint: string): boolean => /^\s*(?:https:\/\/|unix:)|:\d+\/?\s*$/i.test(endpoint);

function check(c: Config): ConfigIssue[] {
  const issues = checkDelivery(c);
  const clientProblem = grpcClientProblem(clientOptions(c));
  if (clientProblem !== null) {
    const path = [parseEndpoint(c.endpoint) === null ? 'endpoint' : 'compression'];
    issues.push({ path, code: 'CONFIG_VALUE', message: clientProblem });
  }
  if (clientProblem === null && !namesPort(c.endpoint)) {
    const message = `"${c.endpoint}" names no port, such as 4317`;
    issues.push({ path: ['endpoint'], code: 'CONFIG_VALUE', message });
  }
  issues.push(...headerIssues(c.headers, ['headers'], { reserved: notOfHttp2 }), ...checkClientTls(c.tls, ['tls']));
  return issues;
}

function advise(c: Config): ConfigIssue[] {
  const issues = c.auth === undefined ? [] : adviseCredentials(c.endpoint, !isSecure(c), ['auth']);
  if (!httpScheme.test(c.endpoint) || !isSecure(c)) return issues;
  const message = 'http:// does not switch TLS off; for plain text set tls.insecure to true, for TLS write https://';
  return [...issues, { path: ['endpoint'], code: 'CONFIG_CONFLICT', message }];
}

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
