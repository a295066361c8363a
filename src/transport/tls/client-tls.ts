// TLS of a client: whom it trusts, its own certificate, and both anew for the next connection when their files change.
import { isIP } from 'node:net';
import * as tls from 'node:tls';
import type { Logger } from 'pino';
import { createFreshFiles } from '../fresh-files.ts';
import { contextOptions, filesOf, type Material, materialOf, systemAuthorities } from './context-options.ts';
import { watchExpiry } from './expiry.ts';
import type { ClientTlsSettings, TlsStats, TlsVersion } from './settings.ts';

/** What a client's transport needs to know. PEM texts are whole files. */
export interface ClientTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Instead of `ca`, `cert`, `key` and the versions. Asked for each connection: another object when they changed. */
  readonly context?: () => tls.SecureContext;
  readonly insecureSkipVerify?: boolean;
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
  /** Name that the server's certificate must carry, where it is not the endpoint's host. */
  readonly serverNameOverride?: string;
}

export interface ClientTlsSource {
  /** Reads the files. Once, before anything connects. Rejects with a SpanmillError AUTH that names the field and the file. */
  start(): Promise<ClientTls>;
  readonly stats: TlsStats;
  /** Looks at no file any more. May be called twice and before start. */
  stop(): void;
}

export function createClientTls(settings: ClientTlsSettings, log: Logger): ClientTlsSource {
  const expiry = watchExpiry(`${settings.field}.cert`, log);
  let material: Material | null = null;
  let context: tls.SecureContext | null = null;

  const take = (read: Material): void => {
    const trusted = [...read.authorities, ...(needsSystem(settings) ? systemAuthorities() : [])];
    // One text is read in half the time of a list.
    context = tls.createSecureContext({ ...contextOptions(settings, read), ca: trusted.join('\n') });
    material = read;
    expiry.use(read.identity);
  };
  const files = createFreshFiles<Material>({
    files: filesOf(settings),
    intervalMs: settings.reloadIntervalMs,
    parse: (texts) => materialOf(settings, texts),
    changed: take,
    log,
  });
  return {
    async start() {
      take(await files.start());
      return {
        context() {
          if (context === null) throw new Error('the files of TLS were not read yet');
          return context;
        },
        insecureSkipVerify: settings.insecureSkipVerify,
        ...(settings.serverName === '' ? {} : { serverNameOverride: settings.serverName }),
      };
    },
    get stats() {
      return {
        reloads: files.reloads,
        failedReloads: files.failures,
        certificateEndsAtMs: material?.identity?.endsAtMs ?? null,
      };
    },
    stop() {
      files.stop();
      expiry.stop();
    },
  };
}

/** As Go: named authorities stand instead of the machine's, unless these are asked for beside them. */
const needsSystem = ({ ca, includeSystemCas, insecureSkipVerify }: ClientTlsSettings): boolean =>
  !insecureSkipVerify && (ca === null || includeSystemCas);

/** For `tls.connect` to `host`, a name or an address; where and with which ALPN is the caller's to add. */
export function tlsConnectOptions(client: ClientTls, host: string): tls.ConnectionOptions {
  const name = client.serverNameOverride ?? host;
  const { ca, cert, key, context, minVersion, maxVersion } = client;
  return {
    // RFC 6066: an address is not a server name.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    // Node would check the host of the connection where the name is an address.
    checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(name, certificate),
    rejectUnauthorized: client.insecureSkipVerify !== true,
    ...(context === undefined
      ? { ...given({ ca, cert, key }), ...given({ minVersion, maxVersion }) }
      : { secureContext: context() }),
  };
}

/** The versions as node:tls takes them. */
export const tlsVersions = ({
  minVersion,
  maxVersion,
}: ClientTls): Pick<tls.SecureContextOptions, 'minVersion' | 'maxVersion'> => given({ minVersion, maxVersion });

/** Without the fields that are not set. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
