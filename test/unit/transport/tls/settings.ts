// TlsSettings for tests: nothing but what they name.
import type { ClientTlsSettings, ServerTlsSettings } from '../../../../src/transport/tls/settings.ts';

const common = {
  field: 'tls',
  ca: null,
  cert: null,
  key: null,
  includeSystemCas: false,
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: '',
  curves: '',
  reloadIntervalMs: 0,
} as const;

export const serverSettings = (change: Partial<ServerTlsSettings> = {}): ServerTlsSettings => ({
  ...common,
  clientCaFile: '',
  watchesClientCaFile: false,
  ...change,
});

export const clientSettings = (change: Partial<ClientTlsSettings> = {}): ClientTlsSettings => ({
  ...common,
  insecureSkipVerify: false,
  serverName: '',
  ...change,
});
