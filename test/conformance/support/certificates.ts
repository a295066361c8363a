// Certificates for the tests of TLS, made by openssl where the machine has it.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** The file of `cert`; gone after the test. */
  readonly certFile: string;
}

/** Self-signed, for a DNS name or the address 127.0.0.1. */
export async function selfSigned(
  t: { after(remove: () => Promise<void>): void },
  openssl: string,
  name: string,
): Promise<Certificate> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'spanmill-tls-'));
  t.after(() => rm(folder, { recursive: true }));
  const [certFile, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const alternative = name === '127.0.0.1' ? `IP:${name}` : `DNS:${name}`;
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${alternative}`];
  execFileSync(openssl, [...kind, ...subject, '-keyout', key, '-out', certFile], { stdio: 'ignore' });
  return { cert: await readFile(certFile, 'utf8'), key: await readFile(key, 'utf8'), certFile };
}
