// The Collector's configtls: the blocks `tls` of servers and clients, their checks, and what transports make of them.
import { z } from 'zod';
import type { Secret } from '../lib/secret.ts';
import { secretText } from './auth-fields.ts';
import type { ConfigIssue, MetricSpec, MetricValue } from './definition.ts';
import { onlyOff } from './delivery-fields.ts';
import { durationMs, optionalUnlessEmpty, problem, textList } from './fields.ts';
import { curves, openSslCiphers, openSslCurves, suiteProblem, tls12Suites, tls13Suites } from './tls-names.ts';

const file = (what: string) => z.string().optional().describe(`${what}, a PEM file.`);
const pem = (what: string) => secretText().optional().describe(`${what}, as PEM text.`);

const version = (which: string, fallback: string) =>
  z
    .enum(['', '1.0', '1.1', '1.2', '1.3'])
    .refine(
      (text) => text !== '1.0' && text !== '1.1',
      problem('CONFIG_UNSUPPORTED', 'TLS 1.0 and 1.1 are broken and not available; use 1.2 or 1.3'),
    )
    .prefault('')
    .describe(`${which} version of TLS; empty: ${fallback}.`);

const suites = textList(
  z.string().superRefine((name, context) => {
    const message = suiteProblem(name);
    if (message !== null) context.addIssue({ code: 'custom', ...problem('CONFIG_VALUE', message) });
  }),
)
  .prefault([])
  .describe("Cipher suites by Go's names, for TLS 1.2; for 1.3 too where one of 1.3 is named. Empty: the runtime's.");

const tpm = z
  .strictObject({
    enabled: onlyOff('keys in a TPM are not built in; name the key in key_file').describe('Only false.'),
    path: z.string().optional().describe('Accepted, without effect.'),
    owner_auth: secretText().optional().describe('Accepted, without effect.'),
    auth: secretText().optional().describe('Accepted, without effect.'),
  })
  .optional()
  .describe('Not built in.');

const commonFields = (own: string, ca: string) => ({
  ca_file: file(ca),
  ca_pem: pem(ca),
  cert_file: file(`${own} certificate, with its chain`),
  cert_pem: pem(`${own} certificate, with its chain`),
  key_file: file(`${own} key`),
  key_pem: pem(`${own} key`),
  include_system_ca_certs_pool: z
    .boolean()
    .prefault(false)
    .describe("True: the machine's authorities beside those of ca_file; without ca_file they are used anyway."),
  min_version: version('Oldest', '1.2'),
  max_version: version('Newest', '1.3'),
  cipher_suites: suites,
  curve_preferences: z
    .array(z.enum([...curves.keys()]))
    .prefault([])
    .describe("Curves for the key exchange, the preferred one first. Empty: the runtime's."),
  include_insecure_cipher_suites: onlyOff('insecure cipher suites are not available').describe('Only false.'),
  reload_interval: durationMs('0s').describe(
    'The files are looked at again this often, and used when they changed; 0: never.',
  ),
  tpm,
});

/** The block `tls` of a server. Absent, or with nothing in it but comments (YAML's null): plain text, as in the Collector. */
export const serverTls = () =>
  optionalUnlessEmpty({
    ...commonFields(
      "The server's",
      'Has no effect on a server; authorities of clients stand in client_ca_file. Certificates',
    ),
    client_ca_file: z
      .string()
      .prefault('')
      .describe('Certificates of authorities, a PEM file: clients need a certificate of one of them.'),
    client_ca_file_reload: z
      .boolean()
      .prefault(false)
      .describe('True: client_ca_file is watched and used when it changes.'),
  }).describe('TLS. Absent: plain text.');

/** The block `tls` of a client; what `insecure` leaves is TLS. */
export const clientTls = () =>
  z
    .strictObject({
      insecure: z.boolean().prefault(false).describe('True: no TLS, unless authorities are named (ca_file, ca_pem).'),
      insecure_skip_verify: z.boolean().prefault(false).describe("True: the server's certificate is not checked."),
      server_name_override: z.string().prefault('').describe("Name that the server's certificate must carry."),
      ...commonFields("The client's", 'Certificates of authorities that the server is checked against'),
    })
    .prefault({})
    .describe('TLS is used unless `insecure` is true; an endpoint with https:// uses it in any case.');

type CommonTlsConfig = z.output<z.ZodObject<ReturnType<typeof commonFields>>>;
export type ServerTlsConfig = NonNullable<z.output<ReturnType<typeof serverTls>>>;
export type ClientTlsConfig = z.output<ReturnType<typeof clientTls>>;

type Name = 'ca' | 'cert' | 'key';
type Path = readonly (string | number)[];
const names: readonly Name[] = ['ca', 'cert', 'key'];

/** Empty is as good as absent, as in Go. */
const fileOf = (c: CommonTlsConfig, name: Name): string => c[`${name}_file`] ?? '';
const pemOf = (c: CommonTlsConfig, name: Name): Secret | null => {
  const text = c[`${name}_pem`];
  return text === undefined || text.isEmpty ? null : text;
};
const has = (c: CommonTlsConfig, name: Name): boolean => fileOf(c, name) !== '' || pemOf(c, name) !== null;

function commonIssues(c: CommonTlsConfig, path: Path): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const conflict = (key: string, message: string): void =>
    void issues.push({ path: key === '' ? path : [...path, key], code: 'CONFIG_CONFLICT', message });
  for (const name of names) {
    if (fileOf(c, name) !== '' && pemOf(c, name) !== null) {
      conflict(`${name}_file`, `${name}_file and ${name}_pem cannot stand together`);
    }
  }
  if (has(c, 'cert') !== has(c, 'key')) conflict('', 'a certificate needs its key, and a key its certificate');
  if (c.min_version === '1.3' && c.max_version === '1.2') conflict('min_version', 'is above max_version');
  const without12 = c.cipher_suites.length > 0 && !c.cipher_suites.some((name) => tls12Suites.has(name));
  if (without12 && c.max_version === '1.2') {
    conflict('cipher_suites', `names suites of TLS 1.3 only (${tls13Suites.join(', ')}), and max_version is 1.2`);
  }
  return issues;
}

/** For `check` of a definition. `path`: of the block in the component's configuration. No file is opened. */
export function checkServerTls(c: ServerTlsConfig | undefined, path: Path): ConfigIssue[] {
  if (c === undefined) return [];
  const issues = commonIssues(c, path);
  if (!has(c, 'cert') && !has(c, 'key')) {
    issues.push({ path, code: 'CONFIG_MISSING', message: 'a server needs a certificate: cert_file and key_file' });
  }
  return issues;
}

/** For `check` of a definition. */
export const checkClientTls = (c: ClientTlsConfig, path: Path): ConfigIssue[] => commonIssues(c, path);

/** For `advise` of a definition. */
export function adviseServerTls(c: ServerTlsConfig | undefined, path: Path): ConfigIssue[] {
  if (c === undefined || !has(c, 'ca') || c.client_ca_file !== '') return [];
  const message = 'does not ask clients for certificates; for that name the authorities in client_ca_file';
  const key = fileOf(c, 'ca') === '' ? 'ca_pem' : 'ca_file';
  return [{ path: [...path, key], code: 'CONFIG_EXPOSED', message }];
}

/** Whether the client speaks plain text where the endpoint's scheme does not say. */
export const isPlainText = (c: ClientTlsConfig): boolean => c.insecure && !has(c, 'ca');

const pemSetting = (c: CommonTlsConfig, name: Name): { file: string } | { text: Secret } | null => {
  if (fileOf(c, name) !== '') return { file: fileOf(c, name) };
  const text = pemOf(c, name);
  return text === null ? null : { text };
};

type Version = 'TLSv1.2' | 'TLSv1.3';
const versionOf = (text: string, fallback: Version): Version => {
  if (text === '1.2') return 'TLSv1.2';
  return text === '1.3' ? 'TLSv1.3' : fallback;
};

const commonSettings = (c: CommonTlsConfig, field: string) => ({
  field,
  ca: pemSetting(c, 'ca'),
  cert: pemSetting(c, 'cert'),
  key: pemSetting(c, 'key'),
  includeSystemCas: c.include_system_ca_certs_pool,
  minVersion: versionOf(c.min_version, 'TLSv1.2'),
  maxVersion: versionOf(c.max_version, 'TLSv1.3'),
  ciphers: openSslCiphers(c.cipher_suites),
  curves: openSslCurves(c.curve_preferences),
  reloadIntervalMs: c.reload_interval,
});

/** For `createServerTls` of transport/tls. `field`: the block, as messages name it (`protocols.grpc.tls`). */
export const serverTlsSettings = (c: ServerTlsConfig, field: string) => ({
  ...commonSettings(c, field),
  clientCaFile: c.client_ca_file,
  watchesClientCaFile: c.client_ca_file_reload,
});

/** For `createClientTls` of transport/tls. */
export const clientTlsSettings = (c: ClientTlsConfig, field = 'tls') => ({
  ...commonSettings(c, field),
  insecureSkipVerify: c.insecure_skip_verify,
  serverName: c.server_name_override,
});

interface TlsStats {
  readonly reloads: number;
  readonly failedReloads: number;
  readonly certificateEndsAtMs: number | null;
}

type Kind = 'receiver' | 'exporter' | 'extension';

/** Metrics of a component with TLS. `kind`: of the component, for names and its own label; `more`: labels beside that. */
export const tlsMetrics = (kind: Kind, more: readonly string[]): readonly MetricSpec[] => [
  {
    name: `spanmill_${kind}_tls_certificate_end_seconds`,
    kind: 'gauge',
    help: 'When the certificate in use ends, in seconds since 1970.',
    labels: [kind, ...more],
  },
  {
    name: `spanmill_${kind}_tls_reloads`,
    kind: 'counter',
    help: 'Times that files of TLS changed: outcome used, or failed, where what was read before stays in use.',
    labels: [kind, ...more, 'outcome'],
  },
];

/** `stats`: of transport/tls. `labels`: those of the specs that the component itself knows. */
export function* tlsMetricValues(
  kind: Kind,
  labels: Readonly<Record<string, string>>,
  stats: TlsStats,
): Iterable<MetricValue> {
  const reloads = `spanmill_${kind}_tls_reloads`;
  if (stats.certificateEndsAtMs !== null) {
    const value = stats.certificateEndsAtMs / 1000;
    yield { name: `spanmill_${kind}_tls_certificate_end_seconds`, labels, value };
  }
  yield { name: reloads, labels: { ...labels, outcome: 'used' }, value: stats.reloads };
  yield { name: reloads, labels: { ...labels, outcome: 'failed' }, value: stats.failedReloads };
}
