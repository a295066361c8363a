// The Collector's otlp receiver.
import { z } from 'zod';
import { serverAuth, serverAuthReferences } from '../../component/auth-fields.ts';
import { defineReceiver } from '../../component/define.ts';
import type { ConfigIssue } from '../../component/definition.ts';
import { serverMiddlewares } from '../../component/delivery-fields.ts';
import { adviseListening } from '../../component/exposure.ts';
import { dialer, durationMs, integer, optionalBlock, sizeMib } from '../../component/fields.ts';
import { adviseServerTls, checkServerTls, serverTls, tlsMetrics } from '../../component/tls-fields.ts';
import { parseListenTarget } from '../../transport/listen-target.ts';
import { http, httpAdvice, httpIssues, httpReferences } from './http-fields.ts';
import { serverMetrics } from './metrics.ts';
import { createOtlpReceiver } from './receiver.ts';

const serverParameters = optionalBlock({
  max_connection_idle: durationMs('0s').describe('A connection without calls for this long is sent away; 0: never.'),
  max_connection_age: durationMs('0s').describe(
    'A connection is sent away after this time, spread by 10 % either way; 0: never.',
  ),
  max_connection_age_grace: durationMs('0s').describe(
    'What such a connection gets to finish its calls before it is cut; 0: as long as they take.',
  ),
  time: durationMs('0s').describe('A connection that was silent for this long is pinged; 0: 2 hours.'),
  timeout: durationMs('0s').describe('It is cut when the ping is not answered in this time; 0: 20 seconds.'),
})
  .prefault({})
  .describe('How connections live and end.');

const enforcementPolicy = optionalBlock({
  min_time: durationMs('0s').describe(
    'Clients that ping more often are disconnected (GOAWAY too_many_pings); 0: 5 minutes.',
  ),
  permit_without_stream: z
    .boolean()
    .prefault(false)
    .describe('False: without calls under way a client may ping every two hours only.'),
})
  .prefault({})
  .describe('How often clients may ping.');

const grpc = optionalBlock({
  endpoint: z
    .string()
    .prefault('localhost:4317')
    .describe('host:port to listen on (`:4317` is every address); with transport unix the path of the socket.'),
  transport: z
    .enum(['tcp', 'tcp4', 'tcp6', 'unix'])
    .prefault('tcp')
    .describe('tcp4 and tcp6 take addresses of one family only.'),
  dialer: dialer(),
  max_recv_msg_size_mib: sizeMib()
    .refine((mib) => mib < 4096, 'a gRPC message is smaller than 4096 MiB')
    .prefault(0)
    .describe('Largest request, as sent and decompressed, in MiB; 0: 4.'),
  max_concurrent_streams: integer(0, 2 ** 31 - 1)
    .prefault(0)
    .describe('Calls under way on one connection; 0: 1000.'),
  intake: z
    .enum(['native', 'node'])
    .prefault('native')
    .describe(
      'The HTTP/2 implementation: `native` is spanmill’s own, `node` the one of Node.js (nghttp2), at several times the CPU for small requests.',
    ),
  read_buffer_size: integer().prefault(524_288).describe('Accepted; the runtime sizes its own buffers.'),
  write_buffer_size: integer().prefault(0).describe('Accepted; the runtime sizes its own buffers.'),
  keepalive: optionalBlock({ server_parameters: serverParameters, enforcement_policy: enforcementPolicy })
    .prefault({})
    .describe('Idle and age limits, pings.'),
  include_metadata: z
    .boolean()
    .prefault(false)
    .describe('Whether processors can read the headers of requests (`:authority` as host).'),
  tls: serverTls(),
  auth: serverAuth(),
  middlewares: serverMiddlewares(),
}).describe('OTLP over gRPC. `grpc:` alone switches it on with all defaults.');

const config = z.strictObject({
  protocols: z
    .strictObject({
      grpc: grpc.optional(),
      http: http.optional(),
    })
    .describe('What to listen for; at least one.'),
});

export type OtlpReceiverConfig = z.infer<typeof config>;
export type GrpcProtocolConfig = NonNullable<z.infer<typeof grpc>>;

const grpcBlock = ['protocols', 'grpc'] as const;

function check({ protocols }: OtlpReceiverConfig): ConfigIssue[] {
  const issues: ConfigIssue[] = protocols.http === undefined ? [] : httpIssues(protocols.http);
  if (protocols.grpc === undefined) {
    if (protocols.http === undefined) {
      const message = 'at least one protocol is needed: grpc or http';
      issues.push({ path: ['protocols'], code: 'CONFIG_MISSING', message });
    }
  } else if (parseListenTarget(protocols.grpc.endpoint, protocols.grpc.transport) === null) {
    const expected = protocols.grpc.transport === 'unix' ? 'a path' : 'host:port, such as localhost:4317';
    const message = `"${protocols.grpc.endpoint}" is not ${expected}`;
    issues.push({ path: [...grpcBlock, 'endpoint'], code: 'CONFIG_VALUE', message });
  }
  issues.push(...checkServerTls(protocols.grpc?.tls, [...grpcBlock, 'tls']));
  return issues;
}

function advise({ protocols: { grpc: grpcConfig, http: httpConfig } }: OtlpReceiverConfig): ConfigIssue[] {
  const ofGrpc =
    grpcConfig === undefined
      ? []
      : [...adviseListening(grpcConfig, grpcBlock), ...adviseServerTls(grpcConfig.tls, [...grpcBlock, 'tls'])];
  return [...ofGrpc, ...(httpConfig === undefined ? [] : httpAdvice(httpConfig))];
}

export const otlp = defineReceiver<OtlpReceiverConfig>({
  kind: 'receiver',
  type: 'otlp',
  aliases: [],
  stability: 'beta',
  summary: 'Receives spans over OTLP/gRPC and OTLP/HTTP.',
  config,
  check,
  advise,
  references: ({ protocols: { grpc: grpcConfig, http: httpConfig } }) => [
    ...serverAuthReferences([...grpcBlock, 'auth'], grpcConfig?.auth),
    ...(httpConfig === undefined ? [] : httpReferences(httpConfig)),
  ],
  showsHeaders: ({ protocols }) => Object.values(protocols).some((protocol) => protocol?.include_metadata === true),
  examples: [
    { title: 'For this machine only, ports 4317 and 4318', yaml: 'protocols:\n  grpc:\n  http:\n' },
    {
      title: 'OTLP/HTTP from everywhere, also from pages of one origin',
      yaml: [
        'protocols:',
        '  http:',
        '    endpoint: 0.0.0.0:4318',
        '    cors:',
        '      allowed_origins: ["https://*.example.com"]',
        '',
      ].join('\n'),
    },
    {
      title: 'From everywhere, requests up to 16 MiB, connections spread again every five minutes',
      yaml: [
        'protocols:',
        '  grpc:',
        '    endpoint: 0.0.0.0:4317',
        '    max_recv_msg_size_mib: 16',
        '    keepalive:',
        '      server_parameters:',
        '        max_connection_age: 5m',
        '        max_connection_age_grace: 30s',
        '',
      ].join('\n'),
    },
  ],
  metrics: [...serverMetrics, ...tlsMetrics('receiver', ['transport'])],
  create: createOtlpReceiver,
});
