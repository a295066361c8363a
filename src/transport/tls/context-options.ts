// TlsSettings and what their files say -> the options that node:tls takes, for servers and clients alike.
import * as tls from 'node:tls';
import { unusable } from '../fresh-files.ts';
import { authoritiesOf, type Identity, identityOf } from './pem.ts';
import type { Pem, TlsSettings } from './settings.ts';

type PemName = 'ca' | 'cert' | 'key';
const pemNames: readonly PemName[] = ['ca', 'cert', 'key'];

const fieldOf = ({ field }: TlsSettings, name: PemName, pem: Pem): string =>
  `${field}.${name}_${'file' in pem ? 'file' : 'pem'}`;

/** Field -> path of the files to be read. */
export function filesOf(settings: TlsSettings): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of pemNames) {
    const pem = settings[name];
    if (pem !== null && 'file' in pem) files[fieldOf(settings, name, pem)] = pem.file;
  }
  return files;
}

export interface Material {
  /** Authorities that were named; empty: none were. */
  readonly authorities: readonly string[];
  readonly identity: Identity | null;
}

/** `texts`: of `filesOf`. Throws a SpanmillError AUTH. */
export function materialOf(settings: TlsSettings, texts: Readonly<Record<string, string>>): Material {
  const textOf = (name: PemName): { field: string; text: string } | null => {
    const pem = settings[name];
    if (pem === null) return null;
    const field = fieldOf(settings, name, pem);
    return { field, text: 'file' in pem ? (texts[field] ?? '') : pem.text.reveal() };
  };
  const [ca, cert, key] = [textOf('ca'), textOf('cert'), textOf('key')];
  return {
    authorities: ca === null ? [] : authoritiesOf(ca.field, ca.text),
    identity: cert === null || key === null ? null : identityOf(cert.field, cert.text, key.field, key.text),
  };
}

/**
 * The machine's store, which is what Go trusts; an image without one has the authorities that the runtime carries. With
 * NODE_EXTRA_CA_CERTS in either case.
 */
export function systemAuthorities(): readonly string[] {
  const system = tls.getCACertificates('system');
  if (system.length === 0) return tls.getCACertificates('default');
  // A store has most of them twice: in files of their own, and in one of all.
  return [...new Set([...system, ...tls.getCACertificates('extra')])];
}

/** Without authorities: servers and clients mean different ones. Checked by OpenSSL. Throws a SpanmillError AUTH. */
export function contextOptions(settings: TlsSettings, { identity }: Material): tls.SecureContextOptions {
  const options: tls.SecureContextOptions = {
    minVersion: settings.minVersion,
    maxVersion: settings.maxVersion,
    ...(settings.ciphers === '' ? {} : { ciphers: settings.ciphers }),
    ...(settings.curves === '' ? {} : { ecdhCurve: settings.curves }),
    ...(identity === null ? {} : { cert: identity.cert, key: identity.key }),
  };
  try {
    tls.createSecureContext(options);
  } catch (error) {
    throw unusable(settings.field, `cannot be used: ${(error as Error).message}`);
  }
  return options;
}
