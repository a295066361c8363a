// The service between clients with tokens over TLS and a backend that wants one too: who gets in, tokens and certificates that
// change while it runs, and no secret in what it says.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { createHttp2GrpcServer } from '../../src/transport/http2/grpc-server.ts';
import type { AuthRefusal, RequestAuth } from '../../src/transport/request-auth.ts';
import { type Bench, startBench } from '../conformance/grpc/server-bench.ts';
import {
  type Certificate,
  type Folder,
  makeAuthority,
  makeCertificate,
  makeFolder,
} from '../unit/transport/tls/certificates.ts';
import { exportPath, type Reply } from './support/client.ts';
import { configOf } from './support/config.ts';
import { assertClean, type Service, startService } from './support/service.ts';
import { createSpanSource, idsOf } from './support/spans.ts';

const authority = makeAuthority('ca.example');
const other = makeAuthority('other.example');
const source = createSpanSource();
const same = (bytes: Buffer): Buffer => bytes;

interface Backend extends Bench {
  /** The token that it wants. */
  token: string;
  readonly refused: () => number;
}

async function startBackend(t: TestContext, token: string, by = authority): Promise<Backend> {
  const auth: RequestAuth & { token: string } = {
    token,
    version: 0,
    refusal(header): AuthRefusal | null {
      return header('authorization')[0] === auth.token ? null : { message: 'not with that', retryDelayMs: 0 };
    },
  };
  // Each call is judged: who was welcome once is asked again.
  Object.defineProperty(auth, 'version', { get: () => performance.now() });
  const { cert, key } = makeCertificate('127.0.0.1', { by });
  const bench = await startBench(t, createHttp2GrpcServer, { tls: { cert, key }, auth });
  const set = (next: string): void => {
    auth.token = next;
  };
  return Object.defineProperties(bench as Backend, {
    token: { get: () => auth.token, set },
    refused: { value: () => bench.server.counters.refused.unauthenticated },
  });
}

function clientOf(
  t: TestContext,
  service: Service,
  credentials = grpc.credentials.createSsl(Buffer.from(authority.cert)),
) {
  const client = new grpc.Client(service.address, credentials, {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
  });
  t.after(() => client.close());
  service.clients.push(() => client.close());
  return (token: string, spans = 1): Promise<Pick<Reply, 'code' | 'message'>> =>
    new Promise((resolve) => {
      const metadata = new grpc.Metadata();
      if (token !== '') metadata.set('authorization', token);
      const { message } = source.request(spans);
      client.makeUnaryRequest(exportPath, same, same, message, metadata, { deadline: Date.now() + 10_000 }, (error) =>
        resolve({ code: error?.code ?? 0, message: error?.details ?? '' }),
      );
    });
}

interface Files {
  readonly folder: Folder;
  readonly own: Certificate;
}

function filesOf(t: TestContext): Files {
  const folder = makeFolder(t);
  const own = makeCertificate('127.0.0.1', { by: authority });
  folder.write('ca.pem', authority.cert);
  folder.write('cert.pem', own.cert);
  folder.write('key.pem', own.key);
  folder.write('tokens', 'in-secret-1\n');
  folder.write('token-out', 'out-secret-1\n');
  return { folder, own };
}

function serviceConfig({ folder }: Files, backend: Bench, grpcMore: object = {}): object {
  return configOf({
    grpc: {
      tls: { cert_file: folder.path('cert.pem'), key_file: folder.path('key.pem'), reload_interval: '50ms' },
      auth: { authenticator: 'bearertokenauth/in' },
      ...grpcMore,
    },
    extensions: {
      'bearertokenauth/in': { filename: folder.path('tokens') },
      'bearertokenauth/out': { filename: folder.path('token-out') },
    },
    exporters: {
      otlp: {
        endpoint: `127.0.0.1:${backend.port}`,
        tls: { ca_file: folder.path('ca.pem') },
        auth: { authenticator: 'bearertokenauth/out' },
        retry_on_failure: { initial_interval: '20ms', max_interval: '100ms' },
      },
    },
  });
}

const arrived = ({ method }: Bench): number =>
  method.handled.reduce((sum, { message }) => sum + idsOf(message).length, 0);

test('tokens over TLS on both sides: only right ones pass, rotation loses nothing, and the log shows none of them', async (t) => {
  const files = filesOf(t);
  const backend = await startBackend(t, 'Bearer out-secret-1');
  const service = await startService(t, serviceConfig(files, backend));
  const send = clientOf(t, service);
  assert.equal((await send('Bearer in-secret-1', 3)).code, 0);
  for (const token of ['Bearer in-secret-2', 'in-secret-1', '']) assert.equal((await send(token)).code, 16, token);
  const plain = clientOf(t, service, grpc.credentials.createInsecure());
  assert.notEqual((await plain('Bearer in-secret-1')).code, 0);
  const stranger = clientOf(t, service, grpc.credentials.createSsl(Buffer.from(other.cert)));
  assert.notEqual((await stranger('Bearer in-secret-1')).code, 0);
  await backend.method.handledCount(1);

  // Clients get another token.
  files.folder.write('tokens', 'in-secret-2\n');
  while ((await send('Bearer in-secret-2')).code !== 0) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal((await send('Bearer in-secret-1')).code, 16, 'the same connection was welcome before');
  // And so does the backend, a moment before the service knows.
  const before = backend.refused();
  backend.token = 'Bearer out-secret-2';
  assert.equal((await send('Bearer in-secret-2', 5)).code, 0);
  while (backend.refused() === before) await new Promise((resolve) => setTimeout(resolve, 5));
  files.folder.write('token-out', 'out-secret-2\n');
  while (arrived(backend) < 3 + 1 + 5) await new Promise((resolve) => setTimeout(resolve, 10));

  const end = await service.end();
  assertClean(end, service);
  assert.equal(end.accounts[0].exported, arrived(backend));
  assert.equal(end.accounts[0].failed, 0);
  assert.doesNotMatch(service.log(), /secret-/);
});

test('a certificate is replaced while requests come: none is refused, new clients see the new one', async (t) => {
  const files = filesOf(t);
  const backend = await startBackend(t, 'Bearer out-secret-1');
  const service = await startService(t, serviceConfig(files, backend));
  let goesOn = true;
  const codes = new Map<number, number>();
  const load = async (): Promise<void> => {
    while (goesOn) {
      const send = clientOf(t, service);
      for (let i = 0; i < 10 && goesOn; i++) {
        const { code } = await send('Bearer in-secret-1');
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
    }
  };
  const slots = [load(), load(), load()];
  const renewed = makeCertificate('127.0.0.1', { by: other });
  files.folder.write('cert.pem', renewed.cert);
  files.folder.write('key.pem', renewed.key);
  await service.line(({ msg }) => msg === 'files of the configuration changed and were read again');
  goesOn = false;
  await Promise.all(slots);
  // Connections that were made behind the change do not trust the new authority.
  assert.deepEqual(
    [...codes.keys()].filter((code) => code !== 0 && code !== 14),
    [],
  );
  const send = clientOf(t, service, grpc.credentials.createSsl(Buffer.from(other.cert)));
  assert.equal((await send('Bearer in-secret-1')).code, 0);
  assertClean(await service.end(), service);
});

test('mTLS and a unix socket: a client with a certificate gets in, one without does not', async (t) => {
  const files = filesOf(t);
  const { folder } = files;
  const backend = await startBackend(t, 'Bearer out-secret-1');
  const config = serviceConfig(files, backend, {
    tls: {
      cert_file: folder.path('cert.pem'),
      key_file: folder.path('key.pem'),
      client_ca_file: folder.path('ca.pem'),
    },
  });
  const service = await startService(t, config);
  const own = makeCertificate('client.example', { by: authority });
  const pems = [authority.cert, own.key, own.cert].map((text) => Buffer.from(text));
  const send = clientOf(t, service, grpc.credentials.createSsl(pems[0], pems[1], pems[2]));
  assert.equal((await send('Bearer in-secret-1')).code, 0);
  assert.equal((await send('Bearer wrong')).code, 16);
  assert.equal((await clientOf(t, service)('Bearer in-secret-1')).code, 14);
  assertClean(await service.end(), service);
});

const launcher = join(import.meta.dirname, '../../bin/spanmill');

test('what is wrong with files is said at the start, by field and file; validate opens none of them', (t) => {
  const files = filesOf(t);
  const { folder } = files;
  const config = folder.write('config.yaml', JSON.stringify(serviceConfig(files, { port: 1 } as Bench)));
  const run = (command: string) =>
    spawnSync(launcher, [command, '--config', config], { encoding: 'utf8', timeout: 30_000 });
  folder.write('key.pem', makeCertificate('a.example').key);
  assert.equal(run('validate').status, 0);
  const wrongKey = run('run');
  assert.equal(wrongKey.status, 1);
  assert.match(wrongKey.stderr, /AUTH protocols\.grpc\.tls\.key_file holds a key that does not belong/);
  folder.write('tokens', '\n');
  assert.match(run('run').stderr, /AUTH filename holds no token/);
});

test('validate warns of literal secrets, and shows none of them', (t) => {
  const folder = makeFolder(t);
  const config = folder.write(
    'config.yaml',
    [
      'receivers: {otlp: {protocols: {grpc: {auth: {authenticator: bearertokenauth}}}}}',
      'exporters: {otlp: {endpoint: "backend:4317", headers: {x-api-key: literal-1}}}',
      'extensions: {bearertokenauth: {token: literal-2}}',
      'service: {extensions: [bearertokenauth], pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}',
    ].join('\n'),
  );
  const { status, stderr, stdout } = spawnSync(launcher, ['validate', '--config', config], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(stderr.match(/CONFIG_SECRET/g)?.length, 2, stderr);
  assert.doesNotMatch(stderr + stdout, /literal/);
});
