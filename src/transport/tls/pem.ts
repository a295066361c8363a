// PEM texts, checked before OpenSSL sees them: it takes an empty file of authorities without a word, and what it says of the
// others names neither the field nor what to do.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { unusable } from '../fresh-files.ts';

export interface Identity {
  readonly cert: string;
  readonly key: string;
  /** The earliest of the chain, milliseconds since 1970. */
  readonly endsAtMs: number;
  /** Of the first certificate. */
  readonly beginsAtMs: number;
}

const certificateBlock = /-----BEGIN (?:X509 )?CERTIFICATE-----[\s\S]*?-----END (?:X509 )?CERTIFICATE-----/g;

function certificatesOf(field: string, pem: string): { readonly block: string; readonly parsed: X509Certificate }[] {
  const blocks = pem.match(certificateBlock) ?? [];
  if (blocks.length === 0) throw unusable(field, 'holds no certificate; it has to be PEM: -----BEGIN CERTIFICATE-----');
  return blocks.map((block, index) => {
    try {
      return { block, parsed: new X509Certificate(block) };
    } catch (error) {
      const which =
        blocks.length === 1 ? 'a certificate' : `${blocks.length} certificates, of which number ${index + 1}`;
      throw unusable(field, `holds ${which} that cannot be read: ${(error as Error).message}`);
    }
  });
}

/** The certificates of authorities, one text each. Throws a SpanmillError AUTH. */
export function authoritiesOf(field: string, pem: string): string[] {
  return certificatesOf(field, pem).map(({ block }) => block);
}

function keyOf(field: string, pem: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    throw unusable(
      field,
      'holds an encrypted key, for which there is no password; decrypt it: openssl pkey -in key -out plain',
    );
  }
  try {
    return createPrivateKey(pem);
  } catch {
    // What OpenSSL says of it is about its decoders.
    throw unusable(field, 'holds no private key; it has to be PEM: -----BEGIN PRIVATE KEY-----');
  }
}

/** A certificate with its chain, and its key. Throws a SpanmillError AUTH that names the field at fault. */
export function identityOf(certField: string, cert: string, keyField: string, key: string): Identity {
  const chain = certificatesOf(certField, cert).map(({ parsed }) => parsed);
  if (!chain[0].checkPrivateKey(keyOf(keyField, key))) {
    throw unusable(keyField, `holds a key that does not belong to the first certificate of ${certField}`);
  }
  return {
    cert,
    key,
    endsAtMs: Math.min(...chain.map(({ validTo }) => Date.parse(validTo))),
    beginsAtMs: Date.parse(chain[0].validFrom),
  };
}
