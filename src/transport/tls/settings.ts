// What TLS is made of, as components hand it over: their configuration (component/tls-fields.ts) without its spelling.
import type { Secret } from '../../lib/secret.ts';

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** PEM, in a file or as it is. */
export type Pem = { readonly file: string } | { readonly text: Secret };

export interface TlsSettings {
  /** The field that the settings stand under, for messages: `protocols.grpc.tls`. */
  readonly field: string;
  readonly ca: Pem | null;
  readonly cert: Pem | null;
  readonly key: Pem | null;
  /** The machine's certificate authorities beside `ca`. */
  readonly includeSystemCas: boolean;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** OpenSSL's names with colons between; '': the runtime's. */
  readonly ciphers: string;
  readonly curves: string;
  /** Files are looked at again this often; 0: never. */
  readonly reloadIntervalMs: number;
}

export interface ServerTlsSettings extends TlsSettings {
  /** Clients need a certificate of one of these authorities; '': they need none. */
  readonly clientCaFile: string;
  readonly watchesClientCaFile: boolean;
}

export interface ClientTlsSettings extends TlsSettings {
  readonly insecureSkipVerify: boolean;
  /** Name that the server's certificate must carry; '': the endpoint's host. */
  readonly serverName: string;
}

/** What becomes of the files, for metrics. */
export interface TlsStats {
  readonly reloads: number;
  readonly failedReloads: number;
  /** When the own certificate ends, milliseconds since 1970; null: there is none. */
  readonly certificateEndsAtMs: number | null;
}
