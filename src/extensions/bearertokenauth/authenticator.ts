// Compares tokens of clients, and gives one to requests that go out.
import { hash, timingSafeEqual } from 'node:crypto';
import type { Logger } from 'pino';
import { credentialMetricValues } from '../../component/auth-fields.ts';
import type { AuthRefusal, HeaderReader } from '../../component/capabilities.ts';
import type { Extension } from '../../component/extension.ts';
import type { Secret } from '../../lib/secret.ts';
import { createFreshFiles, watchIntervalMs } from '../../transport/fresh-files.ts';
import { tokensOf } from './tokens.ts';

export interface BearerTokenAuthOptions {
  /** In lower case. */
  readonly header: string;
  /** '': the token stands alone. */
  readonly scheme: string;
  /** Not used when there is a file. */
  readonly tokens: readonly Secret[];
  /** '': none. */
  readonly filename: string;
  readonly log: Logger;
  /** How often the file is looked at. */
  readonly watchMs?: number;
}

/** Equally long for every token, so that comparing takes the same time and says nothing of lengths. */
const digestOf = (token: string): Buffer => hash('sha256', token, 'buffer');

export function createBearerTokenAuth(options: BearerTokenAuthOptions): Extension {
  const { header, scheme, filename } = options;
  const missing: AuthRefusal = { message: `no credential: the header ${header} is missing`, retryDelayMs: 0 };
  const wrong: AuthRefusal = { message: `the credential in the header ${header} is not accepted`, retryDelayMs: 0 };
  let digests: readonly Buffer[] = [];
  let outgoing = '';
  let version = 0;

  const use = (tokens: readonly string[]): void => {
    digests = tokens.map(digestOf);
    outgoing = scheme === '' ? tokens[0] : `${scheme} ${tokens[0]}`;
    version++;
  };
  const files = createFreshFiles<readonly string[]>({
    files: filename === '' ? {} : { filename },
    intervalMs: options.watchMs ?? watchIntervalMs,
    parse: (texts) =>
      filename === '' ? options.tokens.map((token) => token.reveal()) : tokensOf('filename', texts.filename),
    changed: use,
    log: options.log,
  });

  /** RFC 9110 11.1: the scheme is compared without regard to case. '' where the value has another: no token is that. */
  const tokenOf = (value: string): string => {
    if (scheme === '') return value;
    const at = scheme.length;
    const isScheme = value.charCodeAt(at) === 0x20 && value.slice(0, at).toLowerCase() === scheme.toLowerCase();
    return isScheme ? value.slice(at).trim() : '';
  };

  return {
    start: async () => use(await files.start()),
    stop: async () => files.stop(),
    addresses: () => [],
    offers: {
      serverAuth: {
        refusal(read: HeaderReader) {
          const value = read(header)[0] ?? '';
          if (value === '') return missing;
          const shown = digestOf(tokenOf(value));
          let matches = 0;
          // All of them, always: how many were compared says nothing of which one is near.
          for (const known of digests) if (timingSafeEqual(shown, known)) matches++;
          return matches > 0 ? null : wrong;
        },
        get version() {
          return version;
        },
      },
      clientAuth: {
        headers: (_metadata, given) => ({ ...given, [header]: outgoing }),
      },
    },
    metricValues: () => (filename === '' ? [] : credentialMetricValues(files)),
  };
}
