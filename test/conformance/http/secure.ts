// Connections over TLS, for which the shared read buffer is not used: they live as others do.
import assert from 'node:assert/strict';
import * as https from 'node:https';
import { type TestContext, test } from 'node:test';
import * as tls from 'node:tls';
import { pino } from 'pino';
import { createServerTls, type ServerTls } from '../../../src/transport/tls/server-tls.ts';
import { makeCertificate, makeFolder } from '../../unit/transport/tls/certificates.ts';
import { type CreateServer, headOf, protobuf, startHttpBench, tracesPath } from './http-bench.ts';

function serverTls(t: TestContext): { tls: ServerTls } {
  const folder = makeFolder(t);
  const { cert, key } = makeCertificate('127.0.0.1');
  const settings = {
    field: 'tls',
    ca: null,
    cert: { file: folder.write('cert', cert) },
    key: { file: folder.write('key', key) },
    includeSystemCas: false,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: '',
    curves: '',
    reloadIntervalMs: 0,
    clientCaFile: '',
    watchesClientCaFile: false,
  } as const;
  return { tls: createServerTls(settings, pino({ level: 'silent' })) };
}

/** Sends a body in parts, so that those of several clients come in between. */
function post(port: number, agent: https.Agent, body: Buffer): Promise<number> {
  const options = { host: '127.0.0.1', port, agent, path: tracesPath, method: 'POST', rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    const request = https.request({ ...options, headers: { ...protobuf, 'content-length': body.length } });
    request.on('response', (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject);
    for (let at = 0; at < body.length; at += 30_000) request.write(body.subarray(at, at + 30_000));
    request.end();
  });
}

export function secureTests(create: CreateServer): void {
  test('two clients that keep their connections get their own bodies through, at the same time', async (t) => {
    const bench = await startHttpBench(t, create, serverTls(t));
    const agents = [1, 2].map(() => new https.Agent({ keepAlive: true, maxSockets: 1 }));
    t.after(() => agents.forEach((agent) => void agent.destroy()));
    const rounds = 20;
    const send = async (agent: https.Agent, letter: number): Promise<void> => {
      for (let round = 0; round < rounds; round++) {
        assert.equal(await post(bench.port, agent, Buffer.alloc(100_000 + round, letter)), 200);
      }
    };
    await Promise.all(agents.map((agent, i) => send(agent, 65 + i)));
    assert.equal(bench.server.counters.connections, 2);
    const found = bench.method.handled.map(({ message }) => message);
    assert.equal(found.length, 2 * rounds);
    for (const message of found) assert.ok(message.equals(Buffer.alloc(message.length, message[0])));
  });

  test('requests in one record are answered in turn, and garbage behind them at last', async (t) => {
    const bench = await startHttpBench(t, create, serverTls(t));
    const socket = tls.connect({ host: '127.0.0.1', port: bench.port, rejectUnauthorized: false });
    t.after(() => socket.destroy());
    let said = '';
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
    });
    const closed = new Promise((resolve) => socket.on('close', resolve));
    const one = (body: string): string => `${headOf([`Content-Length: ${body.length}`])}${body}`;
    socket.write(one('first') + one('second') + one(''));
    await bench.method.handledCount(3);
    socket.write('garbage\r\n\r\n');
    await closed;
    const statuses = [...said.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
    // node:http may have answers left when it ends; what it says of the garbage must not stand in their place.
    assert.match(statuses.join(' '), /^(200 200 200 400|(200 ?){0,3})$/);
    assert.deepEqual(
      bench.method.handled.map(({ message }) => message.toString()),
      ['first', 'second', ''],
    );
  });
}
