// Go's names of cipher suites and curves, which the Collector's configuration has, and OpenSSL's, which the runtime takes.

/** TLS 1.3: the names are the same on both sides. */
export const tls13Suites: readonly string[] = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
];

/** TLS 1.2: those that Go calls secure (crypto/tls, CipherSuites). */
export const tls12Suites: ReadonlyMap<string, string> = new Map([
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'ECDHE-ECDSA-AES128-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA', 'ECDHE-ECDSA-AES256-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'ECDHE-RSA-AES128-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA', 'ECDHE-RSA-AES256-SHA'],
]);

/** Those that Go calls insecure (InsecureCipherSuites), and the Collector takes with include_insecure_cipher_suites. */
export const insecureSuites: ReadonlySet<string> = new Set([
  'TLS_RSA_WITH_RC4_128_SHA',
  'TLS_RSA_WITH_3DES_EDE_CBC_SHA',
  'TLS_RSA_WITH_AES_128_CBC_SHA',
  'TLS_RSA_WITH_AES_256_CBC_SHA',
  'TLS_RSA_WITH_AES_128_CBC_SHA256',
  'TLS_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_RC4_128_SHA',
  'TLS_ECDHE_RSA_WITH_RC4_128_SHA',
  'TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256',
]);

export const curves: ReadonlyMap<string, string> = new Map([
  ['X25519', 'X25519'],
  ['P256', 'P-256'],
  ['P384', 'P-384'],
  ['P521', 'P-521'],
  ['X25519MLKEM768', 'X25519MLKEM768'],
]);

/** Why it is no suite that can be configured; null: it is one. */
export function suiteProblem(name: string): string | null {
  if (tls13Suites.includes(name) || tls12Suites.has(name)) return null;
  if (insecureSuites.has(name)) return `"${name}" is insecure and not available`;
  return `"${name}" is no cipher suite; known are ${[...tls13Suites, ...tls12Suites.keys()].join(', ')}`;
}

/**
 * OpenSSL's list; '' for none, which leaves it to the runtime. Where no suite of TLS 1.3 is named all are used: Go's list is
 * about 1.2 only.
 */
export function openSslCiphers(names: readonly string[]): string {
  if (names.length === 0) return '';
  const of13 = names.filter((name) => tls13Suites.includes(name));
  const of12 = names.map((name) => tls12Suites.get(name)).filter((name) => name !== undefined);
  return [...(of13.length === 0 ? tls13Suites : of13), ...of12].join(':');
}

/** OpenSSL's list; '' for none, which leaves it to the runtime. */
export const openSslCurves = (names: readonly string[]): string => names.map((name) => curves.get(name)).join(':');
