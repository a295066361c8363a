// What is wrong with files of TLS is said at the start, by field and file; certificates that end are said in time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { Secret } from '../../../../src/lib/secret.ts';
import { createClientTls } from '../../../../src/transport/tls/client-tls.ts';
import { systemAuthorities } from '../../../../src/transport/tls/context-options.ts';
import { watchExpiry } from '../../../../src/transport/tls/expiry.ts';
import { identityOf } from '../../../../src/transport/tls/pem.ts';
import { createServerTls } from '../../../../src/transport/tls/server-tls.ts';
import { makeCertificate, makeFolder } from './certificates.ts';
import { clientSettings, serverSettings } from './settings.ts';

const log = pino({ level: 'silent' });
const own = makeCertificate('traces.example');

test('every mistake in the files of a server names the field, and the file where it cannot be read', async (t) => {
  const folder = makeFolder(t);
  const cert = { file: folder.write('cert.pem', own.cert) };
  const key = { file: folder.write('key.pem', own.key) };
  const otherKey = { file: folder.write('other.pem', makeCertificate('other.example').key) };
  const encrypted = own.keyObject.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
  const encryptedKey = { file: folder.write('encrypted.pem', String(encrypted)) };
  const empty = folder.write('empty.pem', '');
  const broken = folder.write(
    'broken.pem',
    `${own.cert}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
  );
  const gone = folder.path('gone.pem');
  for (const [change, message] of [
    [{ cert: { file: gone }, key }, `tls.cert_file cannot be read: ENOENT: no such file or directory, stat '${gone}'`],
    [{ cert, key: { file: gone } }, `tls.key_file cannot be read: ENOENT: no such file or directory, stat '${gone}'`],
    [{ cert: { file: empty }, key }, /^tls.cert_file holds no certificate; it has to be PEM/],
    [{ cert: key, key }, /^tls.cert_file holds no certificate/],
    [{ cert: { file: broken }, key }, /^tls.cert_file holds 2 certificates, of which number 2 /],
    [{ cert, key: cert }, /^tls.key_file holds no private key/],
    [
      { cert, key: otherKey },
      'tls.key_file holds a key that does not belong to the first certificate of tls.cert_file',
    ],
    [{ cert, key: encryptedKey }, /^tls.key_file holds an encrypted key, .*openssl pkey/],
    [{ cert, key: { text: new Secret('nonsense') } }, /^tls.key_pem holds no private key/],
    [{ cert, key, ca: { file: empty } }, /^tls.ca_file holds no certificate/],
    [{ cert, key, clientCaFile: empty }, /^tls.client_ca_file holds no certificate/],
    [{ cert, key, clientCaFile: gone }, /^tls.client_ca_file cannot be read: ENOENT/],
    [{ cert, key, ciphers: 'NO-SUCH' }, /^tls cannot be used: /],
  ] as const) {
    const tls = createServerTls(serverSettings(change), log);
    await assert.rejects(tls.start(), { code: 'AUTH', message });
    tls.stop();
  }
  const good = createServerTls(serverSettings({ cert, key }), log);
  assert.throws(() => good.options(), /not read yet/);
  await good.start();
  assert.equal(good.options().cert, own.cert);
  assert.equal(good.options().requestCert, undefined);
  good.stop();
});

test('no message shows anything of a key', async () => {
  const secret = 'c2VjcmV0IHRleHQgb2YgYSBrZXk=';
  const key = { text: new Secret(`-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`) };
  const tls = createServerTls(serverSettings({ cert: { text: new Secret(own.cert) }, key }), log);
  await assert.rejects(
    tls.start(),
    (error: Error) => !error.message.includes(secret) && error.message.includes('key_pem'),
  );
});

test('a client without files trusts the authorities of the machine, or those of the runtime', async () => {
  const authorities = systemAuthorities();
  assert.ok(authorities.length > 10);
  assert.match(authorities[0], /^-----BEGIN CERTIFICATE-----/);
  const tls = createClientTls(clientSettings(), log);
  const { context } = await tls.start();
  assert.equal(context?.(), context?.(), 'a context is made once');
  assert.deepEqual(tls.stats, { reloads: 0, failedReloads: 0, certificateEndsAtMs: null });
  tls.stop();
});

test('a certificate that ends within seven days, has ended, or is not valid yet is warned of', () => {
  const lines: string[] = [];
  const spoken = pino({}, { write: (line: string) => void lines.push(JSON.parse(line).msg) });
  const expiry = watchExpiry('tls.cert', spoken);
  const identity = (fromDays: number, untilDays: number) => {
    const made = makeCertificate('a.example', { fromDays, untilDays });
    return identityOf('cert', made.cert, 'key', made.key);
  };
  expiry.use(identity(-1, 8));
  assert.deepEqual(lines, []);
  expiry.use(identity(-1, 6));
  expiry.use(identity(-3, -1));
  expiry.use(identity(1, 90));
  expiry.stop();
  expiry.stop();
  assert.match(lines[0], /ends soon/);
  assert.match(lines[1], /has expired/);
  assert.match(lines[2], /not valid yet/);
  assert.equal(lines.length, 3);
});

test('of a chain the certificate that ends first counts', () => {
  const leaf = makeCertificate('a.example', { untilDays: 60 });
  const authority = makeCertificate('ca.example', { untilDays: 5, isAuthority: true });
  const { endsAtMs } = identityOf('cert', `${leaf.cert}\n${authority.cert}`, 'key', leaf.key);
  assert.ok(Math.abs(endsAtMs - Date.now() - 5 * 86_400_000) < 60_000);
});
