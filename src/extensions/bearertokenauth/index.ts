// The Collector's bearertokenauth extension: tokens for both sides.
import { z } from 'zod';
import { credentialMetrics, secretText } from '../../component/auth-fields.ts';
import { defineExtension } from '../../component/define.ts';
import type { ConfigIssue } from '../../component/definition.ts';
import { notBuiltIn, onlyOff } from '../../component/delivery-fields.ts';
import { problem } from '../../component/fields.ts';
import { createBearerTokenAuth } from './authenticator.ts';
import { tokenProblem } from './tokens.ts';

/** RFC 9110 5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const config = z.strictObject({
  header: z
    .string()
    .regex(token, problem('CONFIG_VALUE', 'not a name that a header field can have'))
    .prefault('Authorization')
    .describe('Header field that carries the token.'),
  scheme: z
    .string()
    .refine((text) => text === '' || token.test(text), problem('CONFIG_VALUE', 'not a scheme such as Bearer'))
    .prefault('Bearer')
    .describe('Stands before the token, with a space between; empty: the token stands alone.'),
  token: secretText().prefault('').describe('The token.'),
  tokens: z
    .array(secretText())
    .prefault([])
    .describe('Several tokens: clients may show any of them; requests that go out carry the first.'),
  filename: z
    .string()
    .prefault('')
    .describe(
      'A file with a token as the first word of each line, instead of token and tokens; what follows it is a comment. It is watched, and read when it changes.',
    ),
  retry_on_failure: notBuiltIn('the file has to be there at the start; remove retry_on_failure').describe(
    'Not built in.',
  ),
  wait_for_token_file: onlyOff('the file has to be there at the start').describe('Only false.'),
});
type Config = z.output<typeof config>;

function check({ token: single, tokens, filename }: Config): ConfigIssue[] {
  if (single.isEmpty && tokens.length === 0 && filename === '') {
    return [{ path: [], code: 'CONFIG_MISSING', message: 'no token: set token, tokens or filename' }];
  }
  const issues: ConfigIssue[] = [];
  if (!single.isEmpty && tokens.length > 0) {
    issues.push({ path: ['tokens'], code: 'CONFIG_CONFLICT', message: 'token and tokens cannot stand together' });
  }
  const look = (path: (string | number)[], text: string): void => {
    const message = tokenProblem(text);
    if (message !== null) issues.push({ path, code: 'CONFIG_VALUE', message });
  };
  if (!single.isEmpty) look(['token'], single.reveal());
  for (const [index, one] of tokens.entries()) look(['tokens', index], one.reveal());
  return issues;
}

/** As the Collector, which says so when it starts. */
function advise({ token: single, tokens, filename }: Config): ConfigIssue[] {
  if (filename === '' || (single.isEmpty && tokens.length === 0)) return [];
  return [{ path: ['filename'], code: 'CONFIG_CONFLICT', message: 'the file is used; token and tokens are not' }];
}

export const bearertokenauth = defineExtension<Config>({
  kind: 'extension',
  type: 'bearertokenauth',
  aliases: [],
  stability: 'beta',
  summary: 'Lets in clients that show a bearer token, and gives one to exporters.',
  config,
  check,
  advise,
  offers: () => ['serverAuth', 'clientAuth'],
  create: (c, host) =>
    createBearerTokenAuth({
      header: c.header.toLowerCase(),
      scheme: c.scheme,
      tokens: c.tokens.length > 0 ? c.tokens : [c.token],
      filename: c.filename,
      log: host.log,
    }),
  examples: [
    { title: 'The tokens of a file, one a line, read again when it changes', yaml: 'filename: /etc/spanmill/tokens' },
    { title: 'A token of the environment', yaml: `token: \${env:OTLP_TOKEN:-change-me}` },
  ],
  metrics: credentialMetrics,
});
