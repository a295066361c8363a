// X.509 certificates for tests (RFC 5280), made without any program: of authorities, of servers and clients that they signed,
// expired, not valid yet. Keys are ECDSA P-256.
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const dayMs = 24 * 3_600_000;

/** Tag, length, content (X.690 8.1). */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 128) return Buffer.concat([Buffer.of(tag, length), content]);
  const bytes = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...bytes), content]);
}
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const oid = (...bytes: readonly number[]): Buffer => der(0x06, Buffer.from(bytes));
const boolean = (value: boolean): Buffer => der(0x01, Buffer.of(value ? 255 : 0));

const commonName = oid(0x55, 0x04, 0x03);
const basicConstraints = oid(0x55, 0x1d, 0x13);
const subjectAltName = oid(0x55, 0x1d, 0x11);
const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));

const nameOf = (name: string): Buffer => sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from(name)))));
/** GeneralizedTime, YYYYMMDDHHMMSSZ. */
const timeOf = (ms: number): Buffer =>
  der(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]|\..*/g, '')}Z`));
/** GeneralName: iPAddress 7 or dNSName 2. */
const generalName = (name: string): Buffer =>
  isIP(name) === 4 ? der(0x87, Buffer.from(name.split('.').map(Number))) : der(0x82, Buffer.from(name));
const pem = (label: string, bytes: Buffer): string =>
  `-----BEGIN ${label}-----\n${bytes.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`;

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  readonly keyObject: KeyObject;
  readonly name: string;
}

export interface CertificateOptions {
  /** Who signs; absent: itself. */
  readonly by?: Certificate;
  readonly isAuthority?: boolean;
  /** From and until, in days from now; default: yesterday to in 30 days. */
  readonly fromDays?: number;
  readonly untilDays?: number;
}

/** `name`: a DNS name or an IPv4 address, which the certificate is for. */
export function makeCertificate(name: string, options: CertificateOptions = {}): Certificate {
  const { by, isAuthority = false, fromDays = -1, untilDays = 30 } = options;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serial = randomBytes(8);
  serial[0] = (serial[0] & 0x7f) | 0x40;
  const extensions = sequence(
    sequence(basicConstraints, boolean(true), der(0x04, sequence(...(isAuthority ? [boolean(true)] : [])))),
    sequence(subjectAltName, der(0x04, sequence(generalName(name)))),
  );
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, serial),
    ecdsaWithSha256,
    nameOf(by?.name ?? name),
    sequence(timeOf(Date.now() + fromDays * dayMs), timeOf(Date.now() + untilDays * dayMs)),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = sign('sha256', body, by?.keyObject ?? privateKey);
  const whole = sequence(body, ecdsaWithSha256, der(0x03, Buffer.of(0), signature));
  return {
    cert: pem('CERTIFICATE', whole),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    keyObject: privateKey,
    name,
  };
}

export const makeAuthority = (name: string): Certificate => makeCertificate(name, { isAuthority: true });

export interface Folder {
  path(name: string): string;
  /** Returns the path. */
  write(name: string, text: string): string;
}

/** A folder for the files of one test. */
export function makeFolder(t: TestContext): Folder {
  const folder = mkdtempSync(join(tmpdir(), 'spanmill-files-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  return {
    path,
    write(name, text) {
      writeFileSync(path(name), text);
      return path(name);
    },
  };
}
