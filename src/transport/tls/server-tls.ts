// TLS of a server: its certificate, whom it lets in, and both anew when their files change.
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import type { Logger } from 'pino';
import { createFreshFiles, type FreshFiles, watchIntervalMs } from '../fresh-files.ts';
import { contextOptions, filesOf, type Material, materialOf } from './context-options.ts';
import { watchExpiry } from './expiry.ts';
import { authoritiesOf } from './pem.ts';
import type { ServerTlsSettings, TlsStats } from './settings.ts';

export interface ServerTls {
  /** Reads the files. Once, before the others. Rejects with a SpanmillError AUTH that names the field and the file. */
  start(): Promise<void>;
  /** For `tls.createServer`, as of now. Throws before start. */
  options(): TlsOptions;
  /** `apply` gets the options whenever they have changed: for `server.setSecureContext`. May throw; then the old ones stay. */
  onChange(apply: (options: TlsOptions) => void): void;
  readonly stats: TlsStats;
  /** Looks at no file any more. May be called twice and before start. */
  stop(): void;
}

export function createServerTls(settings: ServerTlsSettings, log: Logger): ServerTls {
  const { clientCaFile, field, reloadIntervalMs } = settings;
  const clientCaField = `${field}.client_ca_file`;
  const listeners: ((options: TlsOptions) => void)[] = [];
  const expiry = watchExpiry(`${field}.cert`, log);
  let material: Material | null = null;
  let context: SecureContextOptions = {};
  let clientCas: readonly string[] = [];

  const optionsNow = (): TlsOptions => {
    if (material === null) throw new Error('the files of TLS were not read yet');
    // Of a server `ca` is whom it trusts as clients. Its own ca_file says nothing about them, as in the Collector.
    if (clientCas.length === 0) return context;
    return { ...context, ca: [...clientCas], requestCert: true, rejectUnauthorized: true };
  };
  const take = (read: Material): void => {
    context = contextOptions(settings, read);
    material = read;
    expiry.use(read.identity);
  };
  const tell = (): void => {
    const options = optionsNow();
    for (const apply of listeners) apply(options);
  };

  const own = createFreshFiles<Material>({
    files: filesOf(settings),
    intervalMs: reloadIntervalMs,
    parse: (texts) => materialOf(settings, texts),
    changed(read) {
      take(read);
      tell();
    },
    log,
  });
  const clients: FreshFiles<readonly string[]> = createFreshFiles<readonly string[]>({
    files: clientCaFile === '' ? {} : { [clientCaField]: clientCaFile },
    intervalMs: settings.watchesClientCaFile ? watchIntervalMs : reloadIntervalMs,
    parse: (texts) => (clientCaFile === '' ? [] : authoritiesOf(clientCaField, texts[clientCaField] ?? '')),
    changed(read) {
      clientCas = read;
      tell();
    },
    log,
  });
  return {
    async start() {
      take(await own.start());
      clientCas = await clients.start();
    },
    options: optionsNow,
    onChange: (apply) => void listeners.push(apply),
    get stats() {
      return {
        reloads: own.reloads + clients.reloads,
        failedReloads: own.failures + clients.failures,
        certificateEndsAtMs: material?.identity?.endsAtMs ?? null,
      };
    },
    stop() {
      own.stop();
      clients.stop();
      expiry.stop();
    },
  };
}

/** Options that never change. */
export function fixedServerTls(options: TlsOptions): ServerTls {
  return {
    start: async () => undefined,
    options: () => options,
    onChange: () => undefined,
    stats: { reloads: 0, failedReloads: 0, certificateEndsAtMs: null },
    stop: () => undefined,
  };
}
