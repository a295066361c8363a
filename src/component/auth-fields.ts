// The blocks `auth` of receivers and exporters, and the fields of secrets.
import { z } from 'zod';
import { Secret } from '../lib/secret.ts';
import type { ClientAuthenticator, ExtensionLookup, ExtensionReference, ServerAuthenticator } from './capabilities.ts';
import { notBuiltIn } from './delivery-fields.ts';
import { stringList } from './fields.ts';
import type { ConfigIssue, MetricSpec, MetricValue } from './types.ts';

/** A text that nothing shows: parsed as a Secret. Required unless `.optional()` or a `.prefault('')` follows. */
export const secretText = () => z.string().transform((text) => new Secret(text));

/** A map of such texts (`headers`); default {}. */
export const secretMap = () => z.record(z.string(), secretText()).prefault({});

/** The texts of a secretMap. */
export const revealed = (secrets: Readonly<Record<string, Secret>>): Record<string, string> =>
  Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, secret.reveal()]));

/** `response_headers` of an HTTP server. */
export const responseHeaders = () => secretMap().describe('Headers of every answer.');

/** RFC 9110 5.1 and 5.5, of what is not binary. */
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const headerValue = /^[\t\x20-\x7e]*$/;

/** For `check` of a definition. `path`: of the block. */
export const checkResponseHeaders = (
  headers: Readonly<Record<string, Secret>>,
  path: readonly (string | number)[],
): ConfigIssue[] =>
  Object.entries(revealed(headers)).flatMap(([name, value]): ConfigIssue[] => {
    if (headerName.test(name) && headerValue.test(value)) return [];
    const message = headerName.test(name)
      ? 'the value has characters that a header cannot have'
      : `"${name}" is not the name of a header`;
    return [{ path: [...path, name], code: 'CONFIG_VALUE', message }];
  });

const authenticator = (what: string) =>
  z
    .string()
    .min(1)
    .describe(`Id of the extension that ${what}, such as bearertokenauth; it must be in service.extensions.`);

/** `auth` of a gRPC server. */
export const serverAuth = () =>
  z
    .strictObject({
      authenticator: authenticator('checks clients'),
      request_params: notBuiltIn('gRPC has no query parameters; remove request_params').describe('Not built in.'),
    })
    .optional()
    .describe('Clients must show a credential, but for the gRPC health service. Absent: all are let in.');

/** `auth` of an HTTP server. */
export const httpServerAuth = () =>
  z
    .strictObject({
      authenticator: authenticator('checks clients'),
      request_params: stringList().describe(
        'Query parameters that the authenticator sees as if they were headers of that name, before the headers.',
      ),
    })
    .optional()
    .describe('Clients must show a credential. Absent: all are let in.');

/** `auth` of an exporter. */
export const clientAuth = () =>
  z
    .strictObject({ authenticator: authenticator('gives the credentials') })
    .optional()
    .describe('Credentials for every request. Absent: none but those in headers.');

interface AuthConfig {
  readonly authenticator: string;
}

/** For `references` of a receiver. `path`: of the block in the component's configuration. */
export const serverAuthReferences = (
  path: readonly (string | number)[],
  auth: AuthConfig | undefined,
): ExtensionReference[] =>
  auth === undefined ? [] : [{ path: [...path, 'authenticator'], id: auth.authenticator, capability: 'serverAuth' }];

/** For `references` of an exporter. */
export const clientAuthReferences = (auth: AuthConfig | undefined): ExtensionReference[] =>
  auth === undefined ? [] : [{ path: ['auth', 'authenticator'], id: auth.authenticator, capability: 'clientAuth' }];

/** The authenticator of a block, looked up when it is first asked: servers are made before there are extensions. */
export function serverAuthenticator(
  auth: AuthConfig | undefined,
  extensions: ExtensionLookup,
): ServerAuthenticator | null {
  if (auth === undefined) return null;
  let found: ServerAuthenticator | null = null;
  const get = (): ServerAuthenticator => {
    found ??= extensions.get(auth.authenticator, 'serverAuth');
    return found;
  };
  return {
    refusal: (header, peer) => get().refusal(header, peer),
    get version() {
      return get().version;
    },
    attribute: (header, name) => get().attribute?.(header, name) ?? null,
  };
}

/** As serverAuthenticator, for an exporter. */
export function clientAuthenticator(
  auth: AuthConfig | undefined,
  extensions: ExtensionLookup,
): ClientAuthenticator | null {
  if (auth === undefined) return null;
  let found: ClientAuthenticator | null = null;
  return {
    headers(metadata, given) {
      found ??= extensions.get(auth.authenticator, 'clientAuth');
      return found.headers(metadata, given);
    },
  };
}

/** Metrics of an extension that reads credentials from files. */
export const credentialMetrics: readonly [MetricSpec] = [
  {
    name: 'spanmill_credential_reloads',
    kind: 'counter',
    help: 'Times that files with credentials changed: outcome used, or failed, where what was read before stays in use.',
    labels: ['extension', 'outcome'],
  },
];

/** `files`: of transport/fresh-files.ts. */
export function* credentialMetricValues(files: {
  readonly reloads: number;
  readonly failures: number;
}): Iterable<MetricValue> {
  const [{ name }] = credentialMetrics;
  yield { name, labels: { outcome: 'used' }, value: files.reloads };
  yield { name, labels: { outcome: 'failed' }, value: files.failures };
}
