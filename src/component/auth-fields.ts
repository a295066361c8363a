// The blocks `auth` of receivers and exporters, and the fields of secrets.
import { z } from 'zod';
import { Secret } from '../lib/secret.ts';
import type { ClientAuthenticator, ExtensionLookup, ExtensionReference, ServerAuthenticator } from './capabilities.ts';
import type { ConfigIssue, MetricSpec, MetricValue } from './definition.ts';
import { notBuiltIn } from './delivery-fields.ts';
import { optionalBlock, problem, stringList } from './fields.ts';

/** A text that nothing shows: parsed as a Secret. Required unless `.optional()` or a `.prefault('')` follows. */
export const secretText = () => z.string().transform((text) => new Secret(text));

const secretPairs = z
  .array(
    z.strictObject({
      name: z.string().min(1).describe('In the form of a list: the name.'),
      value: secretText().prefault('').describe('In the form of a list: the value.'),
    }),
  )
  .superRefine((pairs, context) => {
    const names = new Set<string>();
    for (const [index, { name }] of pairs.entries()) {
      if (names.has(name)) {
        const issue = problem('CONFIG_CONFLICT', `"${name}" is there twice`);
        context.addIssue({ code: 'custom', path: [index, 'name'], ...issue });
      }
      names.add(name);
    }
  })
  .transform((pairs) => Object.fromEntries(pairs.map(({ name, value }) => [name, value])));

/** A map of such texts (`headers`), also as a list of `name` and `value` (the Collector's configopaque.MapList); default {}. */
export const secretMap = () => z.union([z.record(z.string(), secretText()), secretPairs]).prefault({});

/** The texts of a secretMap. */
export const revealed = (secrets: Readonly<Record<string, Secret>>): Record<string, string> =>
  Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, secret.reveal()]));

/** `response_headers` of an HTTP server. */
export const responseHeaders = () => secretMap().describe('Headers of every answer.');

/** RFC 9110 5.1: token. */
const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** 5.5, and of it what is not binary. */
const [unfit, unfitAscii] = [/[^\t\x20-\x7e\x80-\xff]/, /[^\t\x20-\x7e]/];

export interface HeaderRules {
  /** Names, in lower case, that whoever sends the headers sets itself. */
  readonly reserved?: ReadonlySet<string>;
  /** Whether values may have characters of Latin-1, which go out as a byte each. */
  readonly isLatin1?: boolean;
}

/** For `check` of a definition. `path`: of the block. No value is shown: it may be a secret. */
export const headerIssues = (
  headers: Readonly<Record<string, Secret>>,
  path: readonly (string | number)[],
  { reserved, isLatin1 = false }: HeaderRules = {},
): ConfigIssue[] =>
  Object.entries(revealed(headers)).flatMap(([name, value]): ConfigIssue[] => {
    const message = headerProblem(name, value, reserved?.has(name.toLowerCase()) ?? false, isLatin1);
    return message === null ? [] : [{ path: [...path, name], code: 'CONFIG_VALUE', message }];
  });

function headerProblem(name: string, value: string, isReserved: boolean, isLatin1: boolean): string | null {
  if (!headerName.test(name)) return `"${name}" is not a name that a header field can have`;
  if (isReserved) return `${name.toLowerCase()} is set by the sender itself; remove it`;
  if (!(isLatin1 ? unfit : unfitAscii).test(value)) return null;
  return 'the value has a character that no header field can have here, such as the end of a line';
}

const authenticator = (what: string) =>
  z
    .string()
    .min(1)
    .describe(`Id of the extension that ${what}, such as bearertokenauth; it must be in service.extensions.`);

/** `auth` of a gRPC server. */
export const serverAuth = () =>
  optionalBlock({
    authenticator: authenticator('checks clients'),
    request_params: notBuiltIn('gRPC has no query parameters; remove request_params').describe('Not built in.'),
  })
    .optional()
    .describe('Clients must show a credential, but for the gRPC health service. Absent: all are let in.');

/** `auth` of an HTTP server. */
export const httpServerAuth = () =>
  optionalBlock({
    authenticator: authenticator('checks clients'),
    request_params: stringList().describe(
      'Query parameters that the authenticator sees as if they were headers of that name, before the headers.',
    ),
  })
    .optional()
    .describe('Clients must show a credential. Absent: all are let in.');

/** `auth` of an exporter. */
export const clientAuth = () =>
  optionalBlock({ authenticator: authenticator('gives the credentials') })
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
