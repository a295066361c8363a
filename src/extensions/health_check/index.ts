// The Collector's health_check extension, with readiness that is true and liveness apart from it.
import { z } from 'zod';
import { defineExtension } from '../../component/define.ts';
import { notBuiltIn, onlyOff } from '../../component/delivery-fields.ts';
import { durationMs, listenAddress, problem } from '../../component/fields.ts';
import { readinessField, toHealthPolicy } from './readiness-fields.ts';
import { createHealthCheck } from './server.ts';

const urlPath = () => z.string().regex(/^\//, problem('CONFIG_VALUE', 'must begin with /'));

const config = z.strictObject({
  endpoint: listenAddress().prefault('localhost:13133').describe('Address to listen on.'),
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
  tls: notBuiltIn('health checks are served without TLS').describe('Not built in.'),
  auth: notBuiltIn('health checks are served without authentication').describe('Not built in.'),
});

export const healthCheck = defineExtension<z.output<typeof config>>({
  kind: 'extension',
  type: 'health_check',
  aliases: [],
  stability: 'beta',
  summary: 'Answers over HTTP whether the service is ready, with reasons, and whether it lives: 200 or 503.',
  config,
  check: ({ path, liveness_path }) =>
    path !== liveness_path
      ? []
      : [{ path: ['liveness_path'], code: 'CONFIG_CONFLICT', message: 'must not be the same as path' }],
  health: ({ readiness, drain_delay }) => toHealthPolicy(readiness, drain_delay),
  create: (c, host) =>
    createHealthCheck({
      endpoint: c.endpoint,
      path: c.path,
      livenessPath: c.liveness_path ?? null,
      bodies: c.response_body ?? null,
      health: () => host.health(),
    }),
  examples: [
    { title: 'For the local machine', yaml: '{}' },
    {
      title: 'For Kubernetes: readinessProbe on /readyz, livenessProbe on /livez; five seconds for the load balancers',
      yaml: 'endpoint: 0.0.0.0:13133\npath: /readyz\nliveness_path: /livez\ndrain_delay: 5s',
    },
    {
      title:
        'Also not ready when a backend has taken nothing for ten minutes, where other instances have other backends',
      yaml: 'readiness:\n  not_ready:\n    queue_age: 10m',
    },
  ],
  metrics: [],
});
