// The Collector's health_check extension, with readiness that is true and liveness apart from it.
import { z } from 'zod';
import {
  headerIssues,
  httpServerAuth,
  responseHeaders,
  revealed,
  serverAuthenticator,
  serverAuthReferences,
} from '../../component/auth-fields.ts';
import { defineExtension } from '../../component/define.ts';
import type { ConfigIssue } from '../../component/definition.ts';
import { notBuiltIn, onlyOff } from '../../component/delivery-fields.ts';
import { adviseListening } from '../../component/exposure.ts';
import type { Extension, ExtensionHost } from '../../component/extension.ts';
import { durationMs, integer, problem } from '../../component/fields.ts';
import {
  adviseServerTls,
  checkServerTls,
  serverTls,
  serverTlsSettings,
  tlsMetrics,
  tlsMetricValues,
} from '../../component/tls-fields.ts';
import { parseListenTarget } from '../../transport/listen-target.ts';
import { createServerTls } from '../../transport/tls/server-tls.ts';
import { readinessField, toHealthPolicy } from './readiness-fields.ts';
import { createHealthCheck } from './server.ts';

const secondVersion = notBuiltIn(
  'of the second version of this extension; readiness and ?verbose have what you need',
).describe('Not built in.');

const urlPath = () => z.string().regex(/^\//, problem('CONFIG_VALUE', 'must begin with /'));

const noBodies = 'Accepted; the bodies of requests are not read.';
const ownTimes = 'Accepted; a connection carries one request, and is closed after five seconds at most.';

const config = z.strictObject({
  endpoint: z
    .string()
    .prefault('localhost:13133')
    .describe('host:port to listen on (`:13133` is every address); with transport unix the path of the socket.'),
  transport: z
    .enum(['tcp', 'tcp4', 'tcp6', 'unix'])
    .prefault('tcp')
    .describe('tcp4 and tcp6 take addresses of one family only.'),
  tls: serverTls(),
  auth: httpServerAuth(),
  response_headers: responseHeaders(),
  path: urlPath()
    .prefault('/')
    .describe(
      'Path where readiness is answered; / answers all paths. `?verbose` adds each pipeline and component with what is wrong, `?pipeline=traces` asks for one pipeline.',
    ),
  liveness_path: urlPath()
    .optional()
    .describe(
      'An addition of spanmill: path where liveness is answered, before `path`: 200 as long as the process gets on, also while it drains or its backends are gone; for a Kubernetes livenessProbe. Default: none.',
    ),
  response_body: z
    .strictObject({
      healthy: z.string().prefault('').describe('Body while the service is ready.'),
      unhealthy: z.string().prefault('').describe('Body while it is not.'),
    })
    .optional()
    .describe('Texts instead of the JSON status.'),
  readiness: readinessField(),
  drain_delay: durationMs('0s').describe(
    'An addition of spanmill: at SIGTERM readiness is 503 and the gRPC health service says NOT_SERVING for this long, while requests are still taken; the drain that follows has what is left of 25 s, at least 10 s. Another signal ends the delay. For load balancers that need time to move away.',
  ),
  check_collector_pipeline: z
    .looseObject({ enabled: onlyOff('does not work in the Collector either; use readiness').describe('Only false.') })
    .optional()
    .describe('Not built in.'),
  use_v2: onlyOff('only the first version of this extension is built in; readiness has what you need').describe(
    'Only false.',
  ),
  http: secondVersion,
  grpc: secondVersion,
  component_health: secondVersion,
  max_request_body_size: integer().optional().describe(noBodies),
  compression_algorithms: z.array(z.string()).optional().describe(noBodies),
  include_metadata: z.boolean().optional().describe(noBodies),
  read_timeout: durationMs('0s').describe(ownTimes),
  read_header_timeout: durationMs('0s').describe(ownTimes),
  write_timeout: durationMs('0s').describe(ownTimes),
  idle_timeout: durationMs('0s').describe(ownTimes),
  keep_alives_enabled: z.boolean().optional().describe(ownTimes),
  cors: notBuiltIn('pages of other origins cannot read health checks; remove cors').describe('Not built in.'),
  middlewares: notBuiltIn('middlewares are not available; remove them').describe('Not built in.'),
});
type Config = z.output<typeof config>;

function check(c: Config): ConfigIssue[] {
  const issues = [...checkServerTls(c.tls, ['tls']), ...headerIssues(c.response_headers, ['response_headers'])];
  if (parseListenTarget(c.endpoint, c.transport) === null) {
    const expected = c.transport === 'unix' ? 'a path' : 'host:port, such as localhost:13133';
    issues.push({ path: ['endpoint'], code: 'CONFIG_VALUE', message: `"${c.endpoint}" is not ${expected}` });
  }
  if (c.path === c.liveness_path) {
    issues.push({ path: ['liveness_path'], code: 'CONFIG_CONFLICT', message: 'must not be the same as path' });
  }
  return issues;
}

/** That everybody can ask is what most want; that everybody can read credentials is not. */
const advise = (c: Config): ConfigIssue[] => [
  ...(c.auth === undefined ? [] : adviseListening(c, [])),
  ...adviseServerTls(c.tls, ['tls']),
];

function create(c: Config, host: ExtensionHost): Extension {
  const listen = parseListenTarget(c.endpoint, c.transport);
  if (listen === null) throw new Error(`"${c.endpoint}" got past the configuration check`);
  const tls = c.tls === undefined ? null : createServerTls(serverTlsSettings(c.tls, 'tls'), host.log);
  const extension = createHealthCheck({
    listen,
    tls,
    auth: serverAuthenticator(c.auth, host.extensions),
    credentialParams: c.auth?.request_params ?? [],
    path: c.path,
    livenessPath: c.liveness_path ?? null,
    sockets: host.sockets,
    bodies: c.response_body ?? null,
    headers: revealed(c.response_headers),
    health: () => host.health(),
  });
  return tls === null ? extension : { ...extension, metricValues: () => tlsMetricValues('extension', {}, tls.stats) };
}

export const healthCheck = defineExtension<Config>({
  kind: 'extension',
  type: 'health_check',
  aliases: [],
  stability: 'beta',
  summary: 'Answers over HTTP whether the service is ready, with reasons, and whether it lives: 200 or 503.',
  config,
  check,
  advise,
  references: ({ auth }) => serverAuthReferences(['auth'], auth),
  health: ({ readiness, drain_delay }) => toHealthPolicy(readiness, drain_delay),
  create,
  examples: [
    { title: 'For the local machine', yaml: '{}' },
    {
      title: 'For Kubernetes: readinessProbe on /readyz, livenessProbe on /livez; five seconds for the load balancers',
      yaml: 'endpoint: 0.0.0.0:13133\npath: /readyz\nliveness_path: /livez\ndrain_delay: 5s',
    },
    {
      title: 'Over TLS',
      yaml: 'endpoint: 0.0.0.0:13133\ntls:\n  cert_file: /etc/spanmill/cert.pem\n  key_file: /etc/spanmill/key.pem',
    },
    {
      title:
        'Also not ready when a backend has taken nothing for ten minutes, where other instances have other backends',
      yaml: 'readiness:\n  not_ready:\n    queue_age: 10m',
    },
  ],
  metrics: tlsMetrics('extension', []),
});
