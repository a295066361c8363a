// The Collector's health_check extension.
import { z } from 'zod';
import { defineExtension } from '../../component/define.ts';
import { notBuiltIn, onlyOff } from '../../component/delivery-fields.ts';
import { listenAddress, problem } from '../../component/fields.ts';
import { createHealthCheck } from './server.ts';

const config = z.strictObject({
  endpoint: listenAddress().prefault('localhost:13133').describe('Address to listen on.'),
  path: z
    .string()
    .regex(/^\//, problem('CONFIG_VALUE', 'must begin with /'))
    .prefault('/')
    .describe('Path that is answered; / answers all.'),
  response_body: z
    .strictObject({
      healthy: z.string().prefault('').describe('Body while the service is ready.'),
      unhealthy: z.string().prefault('').describe('Body while it is not.'),
    })
    .optional()
    .describe('Texts instead of the JSON status.'),
  check_collector_pipeline: z
    .looseObject({ enabled: onlyOff('does not work in the Collector either; remove it').describe('Only false.') })
    .optional()
    .describe('Not built in.'),
  use_v2: onlyOff('only the first version of this extension is built in').describe('Only false.'),
  tls: notBuiltIn('health checks are served without TLS').describe('Not built in.'),
  auth: notBuiltIn('health checks are served without authentication').describe('Not built in.'),
});

export const healthCheck = defineExtension<z.output<typeof config>>({
  kind: 'extension',
  type: 'health_check',
  aliases: [],
  stability: 'beta',
  summary: 'Answers over HTTP whether the service is ready: 200 or 503.',
  config,
  create: (c, host) =>
    createHealthCheck({
      endpoint: c.endpoint,
      path: c.path,
      bodies: c.response_body ?? null,
      state: () => host.state(),
    }),
  examples: [
    { title: 'For the local machine', yaml: '{}' },
    { title: 'For a load balancer', yaml: 'endpoint: 0.0.0.0:13133\npath: /healthz' },
  ],
  metrics: [],
});
