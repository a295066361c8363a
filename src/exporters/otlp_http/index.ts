// The Collector's otlp_http exporter, known as `otlphttp` for longer.
import { z } from 'zod';
import {
  clientAuth,
  clientAuthenticator,
  clientAuthReferences,
  headerIssues,
  revealed,
  secretMap,
  secretText,
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
  tlsMetrics,
  tlsMetricValues,
} from '../../component/tls-fields.ts';
import { createHttpClient } from '../../transport/http-client/client.ts';
import { usableProxy } from '../../transport/http-client/proxy.ts';
import { below, type HttpTarget, parseHttpTarget } from '../../transport/http-client/target.ts';
import { createClientTls } from '../../transport/tls/client-tls.ts';
import { type Compression, createOtlpHttpExporter, reservedHeaders } from './exporter.ts';

const tracesPath = '/v1/traces';
const withoutEffect = 'Accepted, without effect.';
const otherSignal = (signal: string) =>
  z.string().prefault('').describe(`Accepted, without effect: there are no ${signal} here.`);

const compressionParams = z
  .strictObject({
    level: z
      .int()
      .prefault(0)
      .describe('1 (fast) to 9 (small), for zstd to 11; 0 or -1: 1; -2: gzip, zlib and deflate only as Huffman codes.'),
  })
  .prefault({})
  .describe('How hard it compresses.');

const config = z.strictObject({
  endpoint: z
    .string()
    .prefault('')
    .describe('Base URL of the backend, such as https://backend:4318, to which /v1/traces is added; or unix:///path.'),
  traces_endpoint: z.string().prefault('').describe('URL that spans are sent to as it stands; instead of `endpoint`.'),
  metrics_endpoint: otherSignal('metrics'),
  logs_endpoint: otherSignal('logs'),
  profiles_endpoint: otherSignal('profiles'),
  encoding: z
    .enum(['proto', 'json'])
    .prefault('proto')
    .describe(
      'proto or json. JSON takes about 8 µs a span of the thread that also receives (a slice of 64 KiB at a time), and twice the bytes.',
    ),
  tls: clientTls().describe('How https:// endpoints are reached; whether TLS is used, the scheme says.'),
  proxy_url: secretText()
    .refine(
      (url) => url.isEmpty || usableProxy(url.reveal()) !== null,
      problem('CONFIG_VALUE', 'not a proxy such as http://host:port or https://user:password@host:port'),
    )
    .prefault('')
    .describe('HTTP proxy to go through; by default HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment say.'),
  headers: secretMap().describe('Header fields sent with every request.'),
  compression: z
    .enum(['gzip', 'zstd', 'deflate', 'zlib', 'none', '', 'snappy', 'x-snappy-framed', 'lz4'])
    .refine(
      (name) => !['snappy', 'x-snappy-framed', 'lz4'].includes(name),
      problem('CONFIG_UNSUPPORTED', 'this compression is not built in; use gzip, zstd, deflate or none'),
    )
    .prefault('gzip')
    .describe('gzip, zstd, deflate, zlib or none.'),
  compression_params: compressionParams,
  timeout: durationMs('30s').describe('For each attempt; 0: none.'),
  ...deliveryFields(),
  max_conns_per_host: integer()
    .prefault(0)
    .describe('Connections at a time, one a request; 0: no limit but `num_consumers`.'),
  max_idle_conns: integer().prefault(100).describe('Connections that are kept without a request; 0: all.'),
  max_idle_conns_per_host: integer().prefault(0).describe('As `max_idle_conns`, if it is less; 0: `max_idle_conns`.'),
  idle_conn_timeout: durationMs('90s').describe('For which a connection is kept without a request; 0: no end.'),
  disable_keep_alives: z.boolean().prefault(false).describe('True: a connection for each request.'),
  force_attempt_http2: z.boolean().prefault(true).describe('Accepted, without effect: HTTP/1.1 is spoken.'),
  http2_read_idle_timeout: durationMs('0s').describe(withoutEffect),
  http2_ping_timeout: durationMs('0s').describe(withoutEffect),
  read_buffer_size: integer().prefault(0).describe(withoutEffect),
  write_buffer_size: integer().prefault(524_288).describe(withoutEffect),
  cookies: optionalUnlessEmpty({}).describe(
    'There, as `{}`: cookies that the backend sets are sent back to it, which keeps requests with one instance behind a load balancer.',
  ),
  auth: clientAuth(),
  middlewares: clientMiddlewares(),
});
type Config = z.output<typeof config>;

/** null where the endpoint is none. */
function targetOf(c: Config): HttpTarget | null {
  if (c.traces_endpoint !== '') {
    return c.traces_endpoint.startsWith('unix:') ? null : parseHttpTarget(c.traces_endpoint);
  }
  const base = parseHttpTarget(c.endpoint);
  return base === null ? null : below(base, tracesPath);
}

function compressionOf(c: Config): Compression | null {
  const { compression: name } = c;
  const known = name === 'gzip' || name === 'zstd' || name === 'deflate' || name === 'zlib';
  return known ? { encoding: name, level: c.compression_params.level } : null;
}

function check(c: Config): ConfigIssue[] {
  const issues = checkDelivery(c);
  const value = (path: string[], message: string): void => void issues.push({ path, code: 'CONFIG_VALUE', message });
  if (c.endpoint === '' && c.traces_endpoint === '') {
    issues.push({ path: [], code: 'CONFIG_MISSING', message: 'endpoint is required, or traces_endpoint' });
  } else if (targetOf(c) === null) {
    const field = c.traces_endpoint === '' ? 'endpoint' : 'traces_endpoint';
    value([field], 'not a URL such as http://backend:4318 or https://backend');
  }
  issues.push(...headerIssues(c.headers, ['headers'], { reserved: reservedHeaders, isLatin1: true }));
  issues.push(...checkClientTls(c.tls, ['tls']));
  const { level } = c.compression_params;
  const compression = compressionOf(c);
  if (compression === null ? level !== 0 : compression.encoding !== 'zstd' && (level < -2 || level > 9)) {
    value(['compression_params', 'level'], compression === null ? 'needs a compression' : 'must be between -2 and 9');
  }
  return issues;
}

const lowerCaseKeys = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

function advise(c: Config): ConfigIssue[] {
  const target = targetOf(c);
  if (c.auth === undefined || target === null || target.socketPath !== null) return [];
  return adviseCredentials(c.traces_endpoint || c.endpoint, target.protocol === 'http:', ['auth']);
}

function create(c: Config, host: ExporterHost): Exporter {
  const target = targetOf(c);
  if (target === null) throw new Error('the endpoint was not checked');
  const tls = target.protocol === 'https:' ? createClientTls(clientTlsSettings(c.tls), host.log) : null;
  const idle = [c.max_idle_conns, c.max_idle_conns_per_host].filter((limit) => limit > 0);
  const exporter = createOtlpHttpExporter({
    connect: async () =>
      createHttpClient(target, {
        tls: (await tls?.start()) ?? {},
        maxConnections: c.max_conns_per_host,
        maxIdleConnections: idle.length === 0 ? 0 : Math.min(...idle),
        idleTimeoutMs: c.idle_conn_timeout,
        keepAlive: !c.disable_keep_alives,
        proxyUrl: c.proxy_url.reveal(),
        keepsCookies: c.cookies !== undefined,
      }),
    auth: clientAuthenticator(c.auth, host.extensions),
    encoding: c.encoding,
    compression: compressionOf(c),
    headers: lowerCaseKeys(revealed(c.headers)),
    log: host.log,
  });
  if (tls === null) return exporter;
  return {
    ...exporter,
    async stop() {
      tls.stop();
      await exporter.stop();
    },
    metricValues: () => tlsMetricValues('exporter', {}, tls.stats),
  };
}

export const otlpHttp = defineExporter<Config>({
  kind: 'exporter',
  type: 'otlp_http',
  aliases: ['otlphttp'],
  stability: 'stable',
  summary: 'Sends spans over OTLP/HTTP, as protobuf or JSON.',
  config,
  check,
  advise,
  references: (c) => [...clientAuthReferences(c.auth), ...deliveryReferences(c)],
  delivery: toDeliveryOptions,
  create,
  examples: [
    { title: 'A backend in the same network, without TLS', yaml: 'endpoint: http://backend:4318' },
    {
      title: 'A hosted backend with a key, whose path is not /v1/traces',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: shows how references are written
      yaml: 'traces_endpoint: https://otlp.example.com/api/v2/otlp\nheaders:\n  x-api-key: ${env:BACKEND_KEY:-none}\ncompression: zstd',
    },
  ],
  metrics: tlsMetrics('exporter', []),
});
