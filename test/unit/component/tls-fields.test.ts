import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tls from 'node:tls';
import { adviseCredentials, adviseListening } from '../../../src/component/exposure.ts';
import {
  adviseServerTls,
  checkClientTls,
  checkServerTls,
  clientTls,
  clientTlsSettings,
  isPlainText,
  serverTls,
  serverTlsSettings,
} from '../../../src/component/tls-fields.ts';
import { curves, openSslCiphers, openSslCurves, tls12Suites, tls13Suites } from '../../../src/component/tls-names.ts';

const own = { cert_file: 'a', key_file: 'b' };
type Parsed = {
  readonly success: boolean;
  readonly error?: { readonly issues: readonly { readonly message: string }[] };
};
const messageOf = (result: Parsed): string => result.error?.issues[0]?.message ?? '';
const serverProblems = (config: object): string[] =>
  checkServerTls(serverTls().parse(config), ['tls']).map(({ path, message }) => `${path.join('.')}: ${message}`);
const clientProblems = (config: object): string[] =>
  checkClientTls(clientTls().parse(config), ['tls']).map(({ path, message }) => `${path.join('.')}: ${message}`);

test('the defaults are the Collector’s: 1.2 at least, nothing read again, no plain text for a client', () => {
  const settings = clientTlsSettings(clientTls().parse({}));
  assert.deepEqual(
    [settings.minVersion, settings.maxVersion, settings.reloadIntervalMs, settings.ciphers, settings.curves],
    ['TLSv1.2', 'TLSv1.3', 0, '', ''],
  );
  assert.equal(isPlainText(clientTls().parse({})), false);
  assert.equal(serverTls().parse(undefined), undefined);
});

test('insecure is plain text, but not where authorities are named, as in the Collector', () => {
  assert.equal(isPlainText(clientTls().parse({ insecure: true })), true);
  assert.equal(isPlainText(clientTls().parse({ insecure: true, ca_file: 'a' })), false);
  assert.equal(isPlainText(clientTls().parse({ insecure: true, ca_pem: 'a' })), false);
  assert.equal(isPlainText(clientTls().parse({ insecure: true, ca_file: '' })), true);
});

test('what cannot stand together is refused at its place, and no file is opened for it', () => {
  assert.deepEqual(serverProblems(own), []);
  assert.deepEqual(serverProblems({ ...own, client_ca_file: '/no/such/file', client_ca_file_reload: true }), []);
  assert.deepEqual(serverProblems({}), ['tls: a server needs a certificate: cert_file and key_file']);
  assert.deepEqual(serverProblems({ cert_file: 'a' }), ['tls: a certificate needs its key, and a key its certificate']);
  assert.deepEqual(clientProblems({ key_pem: 'a' }), ['tls: a certificate needs its key, and a key its certificate']);
  assert.deepEqual(clientProblems({ ca_file: 'a', ca_pem: 'b' }), [
    'tls.ca_file: ca_file and ca_pem cannot stand together',
  ]);
  assert.deepEqual(clientProblems({ cert_file: '', key_file: '' }), []);
  assert.deepEqual(clientProblems({ min_version: '1.3', max_version: '1.2' }), [
    'tls.min_version: is above max_version',
  ]);
  const of13 = { max_version: '1.2', cipher_suites: ['TLS_AES_128_GCM_SHA256'] };
  assert.match(clientProblems(of13)[0], /^tls.cipher_suites: names suites of TLS 1.3 only/);
});

test('what is not built in, or nobody knows, is refused by name', () => {
  for (const [config, message] of [
    [{ min_version: '1.0' }, /TLS 1.0 and 1.1 are broken/],
    [{ include_insecure_cipher_suites: true }, /insecure cipher suites are not available/],
    [{ cipher_suites: ['TLS_RSA_WITH_RC4_128_SHA'] }, /"TLS_RSA_WITH_RC4_128_SHA" is insecure and not available/],
    [{ cipher_suites: ['TLS_NOPE'] }, /"TLS_NOPE" is no cipher suite; known are TLS_AES_128_GCM_SHA256/],
    [{ tpm: { enabled: true } }, /TPM are not built in/],
  ] as const) {
    assert.match(messageOf(clientTls().safeParse(config)), message);
    assert.match(messageOf(serverTls().safeParse({ ...own, ...config })), message);
  }
  assert.equal(clientTls().safeParse({ curve_preferences: ['P224'] }).success, false);
  assert.equal(clientTls().safeParse({ insecur: true }).success, false);
});

test('every suite and every curve of Go is one that the runtime has', () => {
  for (const name of tls12Suites.keys()) tls.createSecureContext({ ciphers: openSslCiphers([name]) });
  for (const name of tls13Suites) tls.createSecureContext({ ciphers: openSslCiphers([name]) });
  for (const name of curves.keys()) tls.createSecureContext({ ecdhCurve: openSslCurves([name]) });
  const known = tls.getCiphers();
  for (const name of tls12Suites.values()) assert.ok(known.includes(name.toLowerCase()), name);
  for (const name of tls13Suites) assert.ok(known.includes(name.toLowerCase()), name);
});

test('without a suite of TLS 1.3 in the list all of them are used, as in Go', () => {
  const rsa = 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256';
  assert.equal(openSslCiphers([rsa]), `${tls13Suites.join(':')}:ECDHE-RSA-AES128-GCM-SHA256`);
  assert.equal(openSslCiphers([rsa, tls13Suites[1]]), `${tls13Suites[1]}:ECDHE-RSA-AES128-GCM-SHA256`);
});

test('keys as text are in no output', () => {
  const text = 'words of a key';
  const config = serverTls().parse({ cert_pem: 'a', key_pem: text });
  assert.ok(config);
  assert.doesNotMatch(JSON.stringify([config, serverTlsSettings(config, 'tls')]), /words of a key/);
  const { key } = serverTlsSettings(config, 'tls');
  assert.ok(key !== null && 'text' in key);
  assert.equal(key.text.reveal(), text);
});

test('ca_file of a server is warned of: it asks no client for a certificate', () => {
  const advice = (config: object) => adviseServerTls(serverTls().parse({ ...own, ...config }), ['tls']);
  assert.deepEqual(advice({}), []);
  assert.deepEqual(advice({ ca_file: 'a', client_ca_file: 'b' }), []);
  assert.deepEqual(
    advice({ ca_file: 'a' }).map(({ path, code }) => [path.join('.'), code]),
    [['tls.ca_file', 'CONFIG_EXPOSED']],
  );
});

test('listening for everybody without TLS and credentials is warned of, and credentials as plain text', () => {
  const warned = (endpoint: string, more: object = {}, transport = 'tcp'): boolean =>
    adviseListening({ endpoint, transport, ...more }, ['grpc']).length > 0;
  for (const endpoint of [':4317', '0.0.0.0:4317', '[::]:4317', '[0:0:0:0:0:0:0:0]:4317']) {
    assert.equal(warned(endpoint), true, endpoint);
    assert.equal(warned(endpoint, { tls: {} }), false, endpoint);
    assert.equal(warned(endpoint, { auth: {} }), true, 'credentials cross the network');
    assert.equal(warned(endpoint, { auth: {}, tls: {} }), false);
  }
  for (const endpoint of ['localhost:4317', '127.0.0.1:4317', '[::1]:4317', '127.1.2.3:0']) {
    assert.equal(warned(endpoint), false, endpoint);
    assert.equal(warned(endpoint, { auth: {} }), false, endpoint);
  }
  assert.equal(warned('10.0.0.1:4317'), false, 'one address was chosen');
  assert.equal(warned('10.0.0.1:4317', { auth: {} }), true);
  assert.equal(warned('/run/spanmill.sock', {}, 'unix'), false);
});

test('credentials of an exporter without TLS are warned of, unless they stay on the machine', () => {
  const warned = (endpoint: string, isPlain = true): boolean =>
    adviseCredentials(endpoint, isPlain, ['auth']).length > 0;
  assert.equal(warned('backend:4317'), true);
  assert.equal(warned('http://backend:4317'), true);
  assert.equal(warned('dns:///backend:4317'), true);
  assert.equal(warned('backend:4317', false), false);
  for (const near of ['localhost:4317', 'http://127.0.0.1:4317', '[::1]:4317', 'unix:///run/a.sock']) {
    assert.equal(warned(near), false, near);
  }
});
