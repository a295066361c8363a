// The block `protocols.http` of the otlp receiver: the Collector's confighttp.ServerConfig with the receiver's own fields.
import { z } from 'zod';
import { headerIssues, httpServerAuth, responseHeaders, serverAuthReferences } from '../../component/auth-fields.ts';
import type { ExtensionReference } from '../../component/capabilities.ts';
import type { ConfigIssue } from '../../component/definition.ts';
import { serverMiddlewares } from '../../component/delivery-fields.ts';
import { adviseListening } from '../../component/exposure.ts';
import { dialer, durationMs, integer, optionalBlock, problem, stringList, textList } from '../../component/fields.ts';
import { adviseServerTls, checkServerTls, serverTls } from '../../component/tls-fields.ts';
import { contentEncodings } from '../../transport/http1/http-request.ts';
import { parseListenTarget } from '../../transport/listen-target.ts';

const urlPath = (fallback: string) =>
  z
    .string()
    .refine((text) => /^(?!.*:\/\/)[^\s?#]*$/.test(text), problem('CONFIG_VALUE', 'not a path such as /v1/traces'))
    .transform((text) => (text.startsWith('/') ? text : `/${text}`))
    .prefault(fallback);

const otherSignal = (signal: string) =>
  urlPath(`/v1/${signal}`).describe(`Accepted; spanmill takes no ${signal}, and says so to whoever sends them there.`);

const known = contentEncodings.map((name) => (name === '' ? '"" (none)' : name)).join(', ');

const compressionAlgorithms = textList(
  z
    .string()
    .refine(
      (name) => contentEncodings.includes(name),
      problem('CONFIG_UNSUPPORTED', `not a compression that is built in; there are ${known}`),
    ),
)
  .prefault([])
  .describe(`What bodies may be compressed with: of ${known}. Empty: all of them.`);

const cors = optionalBlock({
  allowed_origins: textList(
    z
      .string()
      .refine(
        (text) => text.split('*').length <= 2,
        problem('CONFIG_VALUE', 'more than one * in an origin; write several origins'),
      ),
  )
    .prefault([])
    .describe(
      'Origins whose pages may send, such as https://app.example.com; one * in it stands for any characters. Empty: the block has no effect.',
    ),
  allowed_headers: stringList().describe(
    'Headers that they may send; * is any. Empty: Accept, Content-Type and X-Requested-With.',
  ),
  exposed_headers: stringList().describe('Headers of answers that they may read.'),
  max_age: integer().prefault(0).describe('Seconds for which a browser may remember the answer; 0: it decides.'),
})
  .optional()
  .describe('Which pages of browsers may send. Absent: none but those of the same origin.');

export const http = optionalBlock({
  endpoint: z
    .string()
    .prefault('localhost:4318')
    .describe('host:port to listen on (`:4318` is every address); with transport unix the path of the socket.'),
  transport: z
    .enum(['tcp', 'tcp4', 'tcp6', 'unix'])
    .prefault('tcp')
    .describe('tcp4 and tcp6 take addresses of one family only.'),
  dialer: dialer(),
  intake: z
    .enum(['native', 'node'])
    .prefault('native')
    .describe(
      'The HTTP/1.1 implementation: `native` is spanmill’s own, `node` the one of Node.js, at several times the CPU for small requests.',
    ),
  traces_url_path: urlPath('/v1/traces').describe('Where traces are sent to.'),
  metrics_url_path: otherSignal('metrics'),
  logs_url_path: otherSignal('logs'),
  max_request_body_size: integer()
    .prefault(0)
    .describe(
      'Largest body in bytes, as sent and decompressed; 0: 20 MiB. OTLP JSON: half of what the memory budget allows at most.',
    ),
  compression_algorithms: compressionAlgorithms,
  include_metadata: z.boolean().prefault(false).describe('Whether processors can read the headers of requests.'),
  response_headers: responseHeaders(),
  cors,
  read_timeout: durationMs('0s').describe(
    'From the end of a request’s headers to the end of its body; 0: as long as some of it comes every minute.',
  ),
  read_header_timeout: durationMs('0s').describe('For the headers of a request; 0: 10 seconds.'),
  write_timeout: durationMs('0s').describe('For a client to take what it was answered; 0: one minute.'),
  idle_timeout: durationMs('0s').describe('A connection without requests is closed after this time; 0: 3 minutes.'),
  keep_alives_enabled: z.boolean().prefault(true).describe('False: each connection is closed behind its first answer.'),
  tls: serverTls(),
  auth: httpServerAuth(),
  middlewares: serverMiddlewares(),
}).describe('OTLP over HTTP/1.1, protobuf and JSON. `http:` alone switches it on with all defaults.');

export type HttpProtocolConfig = NonNullable<z.infer<typeof http>>;

const block = ['protocols', 'http'] as const;

export function httpIssues(config: HttpProtocolConfig): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const { endpoint, transport, response_headers: headers } = config;
  if (parseListenTarget(endpoint, transport) === null) {
    const expected = transport === 'unix' ? 'a path' : 'host:port, such as localhost:4318';
    issues.push({ path: [...block, 'endpoint'], code: 'CONFIG_VALUE', message: `"${endpoint}" is not ${expected}` });
  }
  issues.push(...headerIssues(headers, [...block, 'response_headers']));
  issues.push(...checkServerTls(config.tls, [...block, 'tls']));
  return issues;
}

/** What `validate` warns of. */
export const httpAdvice = (config: HttpProtocolConfig): ConfigIssue[] => [
  ...adviseListening(config, block),
  ...adviseServerTls(config.tls, [...block, 'tls']),
];

export const httpReferences = (config: HttpProtocolConfig): ExtensionReference[] =>
  serverAuthReferences([...block, 'auth'], config.auth);
