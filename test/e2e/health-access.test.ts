// Health checks for those only who show a credential, over TLS, while what lets them in changes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import * as https from 'node:https';
import { test } from 'node:test';
import { makeAuthority, makeCertificate, makeFolder } from '../unit/transport/tls/certificates.ts';
import { configOf } from './support/config.ts';
import { reload } from './support/reload.ts';
import { assertClean, startService } from './support/service.ts';

const authority = makeAuthority('ca.example');
const basic = (password: string): string => `Basic ${Buffer.from(`ann:${password}`).toString('base64')}`;

test('health is for who has a password, over TLS; a reload with another password closes the door to the old one', async (t) => {
  const folder = makeFolder(t);
  const { cert, key } = makeCertificate('127.0.0.1', { by: authority });
  const tls = { cert_file: folder.write('cert.pem', cert), key_file: folder.write('key.pem', key) };
  const configWith = (endpoint: string, password: string): object =>
    configOf({
      exporters: { nop: {} },
      // It is named before the authenticator that it needs.
      extensions: {
        health_check: { endpoint, tls, auth: { authenticator: 'basicauth' } },
        basicauth: { htpasswd: { inline: `ann:${password}` } },
      },
    });
  const service = await startService(t, configWith('127.0.0.1:0', 'secret-1'));
  const { listening } = await service.line(({ listening }) => Array.isArray(listening));
  const address = (listening as string[]).find((one) => one.startsWith('health '))?.slice('health '.length) ?? '';
  const port = Number(address.split(':').at(-1));
  const status = async (password: string): Promise<number | undefined> => {
    const headers = password === '' ? {} : { authorization: basic(password) };
    const request = https.get({ host: '127.0.0.1', port, ca: authority.cert, headers, agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };
  assert.deepEqual([await status('secret-1'), await status('secret-2'), await status('')], [200, 401, 401]);
  const { msg } = await reload(service, configWith(address, 'secret-2'));
  assert.match(msg ?? '', /^reloaded/);
  assert.deepEqual([await status('secret-1'), await status('secret-2')], [401, 200]);
  assertClean(await service.end(), service);
  assert.doesNotMatch(service.log(), /secret-/);
});
