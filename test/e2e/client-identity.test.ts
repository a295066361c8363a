// What is known of a client, from the receiver that let it in to the headers of the requests that carry its spans on.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { createHttp2GrpcServer } from '../../src/transport/http2/grpc-server.ts';
import { decodeRequest } from '../../src/wire/reference/codec.ts';
import { type Bench, startBench } from '../conformance/grpc/server-bench.ts';
import { exportPath } from './support/client.ts';
import { configOf } from './support/config.ts';
import { startHttpSink } from './support/http-sink.ts';
import { assertClean, type Service, startService } from './support/service.ts';
import { createSpanSource, idsOf } from './support/spans.ts';

const source = createSpanSource();
const same = (bytes: Buffer): Buffer => bytes;
const basic = (user: string): string => `Basic ${Buffer.from(`${user}:secret-${user}`).toString('base64')}`;
const users = ['ann', 'ben', 'zoë'].map((name) => `${name}:secret-${name}`).join('\n');

const startBackend = (t: TestContext): Promise<Bench> =>
  startBench(t, createHttp2GrpcServer, { includeMetadata: true });

/** Sends one span as each of the users, and says whose it was, by its id. */
async function sendAs(t: TestContext, service: Service, names: readonly string[], more: Record<string, string> = {}) {
  const client = new grpc.Client(service.address, grpc.credentials.createInsecure());
  t.after(() => client.close());
  service.clients.push(() => client.close());
  const owners = new Map<string, string>();
  for (const name of names) {
    const metadata = new grpc.Metadata();
    for (const [key, value] of Object.entries({ authorization: basic(name), ...more })) metadata.set(key, value);
    const { message, ids } = source.request(1);
    owners.set(ids[0], name);
    const code = await new Promise((resolve) => {
      const options = { deadline: Date.now() + 10_000 };
      client.makeUnaryRequest(exportPath, same, same, message, metadata, options, (error) => resolve(error?.code ?? 0));
    });
    assert.equal(code, 0, name);
  }
  return owners;
}

const extensions = {
  basicauth: { htpasswd: { inline: users } },
  headers_setter: {
    headers: [
      { key: 'X-Scope-OrgID', from_attribute: 'username' },
      { key: 'x-raw', from_attribute: 'raw' },
    ],
  },
};
const auth = { authenticator: 'headers_setter' };
const retry_on_failure = { initial_interval: '20ms', max_interval: '100ms' };
const grpcExporter = ({ port }: { port: number }, more: object = {}) => ({
  endpoint: `127.0.0.1:${port}`,
  tls: { insecure: true },
  auth,
  retry_on_failure,
  ...more,
});

test('whom basicauth let in is what the backends are told, over gRPC and HTTP, each span under its own client', async (t) => {
  const backend = await startBackend(t);
  const sink = await startHttpSink(t);
  const service = await startService(
    t,
    configOf({
      grpc: { auth: { authenticator: 'basicauth' } },
      extensions,
      exporters: { otlp: grpcExporter(backend), otlp_http: { endpoint: sink.url, auth, retry_on_failure } },
    }),
  );
  const names = ['ann', 'ben', 'zoë', 'ann', 'zoë', 'ben'];
  const owners = await sendAs(t, service, names);
  await backend.method.handledCount(names.length);
  await sink.until(() => sink.spans.size === names.length);
  const asSent = (name: string): string => Buffer.from(name).toString('latin1');
  for (const { message, call } of backend.method.handled) {
    const [name] = idsOf(message).map((id) => owners.get(id) ?? '');
    assert.deepEqual(call.metadata('x-scope-orgid'), [asSent(name)]);
    assert.deepEqual(call.metadata('x-raw'), [basic(name).slice('Basic '.length)]);
  }
  for (const { headers, ids } of sink.exports) {
    assert.deepEqual(headers['x-scope-orgid'], asSent(owners.get(ids[0]) ?? ''));
  }
  assertClean(await service.end(), service);
  const raws = names.map((name) => basic(name).slice('Basic '.length));
  for (const secret of ['secret-', ...raws]) assert.ok(!service.log().includes(secret), 'the log shows a credential');
});

test('a batch and a queue on the way keep clients apart by what the authenticator knows', async (t) => {
  const backend = await startBackend(t);
  const batch = { partition: { metadata_keys: ['auth.username'] }, flush_timeout: '50ms' };
  const { headers_setter } = extensions;
  const service = await startService(
    t,
    configOf({
      grpc: { auth: { authenticator: 'basicauth' } },
      extensions: { ...extensions, headers_setter: { headers: headers_setter.headers.slice(0, 1) } },
      processors: { batch: { metadata_keys: ['auth.username'], timeout: '50ms' } },
      exporters: { otlp: grpcExporter(backend, { sending_queue: { batch } }) },
    }),
  );
  const names = ['ann', 'ben', 'ann', 'ben', 'ann', 'ben'];
  const owners = await sendAs(t, service, names);
  const arrived = (): string[] => backend.method.handled.flatMap(({ message }) => idsOf(message));
  for (let requests = 1; arrived().length < names.length; requests++) await backend.method.handledCount(requests);
  for (const { message, call } of backend.method.handled) {
    const named = new Set(idsOf(message).map((id) => owners.get(id)));
    assert.deepEqual([...named], call.metadata('x-scope-orgid'));
  }
  assertClean(await service.end(), service);
});

test('whom basicauth let in can stand on the resource and on the spans, and no client can say it is another', async (t) => {
  const backend = await startBackend(t);
  const fromUser = { from_context: 'auth.username', action: 'upsert' };
  const service = await startService(
    t,
    configOf({
      grpc: { auth: { authenticator: 'basicauth' }, include_metadata: true },
      extensions: { basicauth: extensions.basicauth },
      processors: {
        resource: { attributes: [{ key: 'tenant', ...fromUser }] },
        attributes: { actions: [{ key: 'user', ...fromUser }] },
      },
      exporters: { otlp: grpcExporter(backend, { auth: undefined }) },
    }),
  );
  const names = ['ann', 'ben', 'zoë', 'ann'];
  const owners = await sendAs(t, service, names, { 'auth.username': 'ben', username: 'ben' });
  await backend.method.handledCount(names.length);
  for (const { message } of backend.method.handled) {
    for (const { resource, scopeSpans } of decodeRequest(message).resourceSpans) {
      const owner = owners.get(idsOf(message)[0]);
      assert.equal(resource?.attributes.find(({ key }) => key === 'tenant')?.value?.stringValue, owner);
      const span = scopeSpans[0].spans[0];
      assert.equal(span.attributes.find(({ key }) => key === 'user')?.value?.stringValue, owner);
    }
  }
  assertClean(await service.end(), service);
});

test('what a headers_setter behind another authenticator reads of the client gets there', async (t) => {
  const backend = await startBackend(t);
  const service = await startService(
    t,
    configOf({
      grpc: { include_metadata: true },
      extensions: {
        'headers_setter/outer': {
          headers: [{ key: 'x-outer', value: 'yes' }],
          additional_auth: 'headers_setter/middle',
        },
        'headers_setter/middle': {
          headers: [{ key: 'x-middle', value: 'yes' }],
          additional_auth: 'headers_setter/inner',
        },
        'headers_setter/inner': { headers: [{ key: 'x-inner', from_context: 'X-Tenant', default_value: 'nobody' }] },
      },
      exporters: { otlp: grpcExporter(backend, { auth: { authenticator: 'headers_setter/outer' } }) },
    }),
  );
  await sendAs(t, service, ['ann'], { 'x-tenant': 'blue' });
  await sendAs(t, service, ['ann'], { 'x-tenant': 'red' });
  await sendAs(t, service, ['ann']);
  await backend.method.handledCount(3);
  assert.deepEqual(backend.method.handled.map(({ call }) => call.metadata('x-inner')[0]).toSorted(), [
    'blue',
    'nobody',
    'red',
  ]);
  for (const name of ['x-outer', 'x-middle']) {
    for (const { call } of backend.method.handled) assert.deepEqual(call.metadata(name), ['yes']);
  }
  assertClean(await service.end(), service);
});

test('a filter drops by what is known of the client: header, credential, protocol and address', async (t) => {
  const sink = await startHttpSink(t);
  const service = await startService(
    t,
    configOf({
      grpc: { auth: { authenticator: 'basicauth' }, include_metadata: true },
      http: { include_metadata: true },
      extensions: { basicauth: extensions.basicauth },
      processors: {
        filter: {
          error_mode: 'propagate',
          trace_conditions: [
            'otelcol.client.metadata["X-Tenant"][0] == "red"',
            'otelcol.client.auth.attributes["username"] == "ben"',
            'otelcol.grpc.metadata["x-via"][0] == "grpc only"',
            'otelcol.client.metadata["x-by"][0] == "port" and IsMatch(otelcol.client.addr, "^127[.]0[.]0[.]1:[0-9]+$")',
            'span.name != "" and otelcol.client.metadata["x-by"][0] == "host" and otelcol.client.addr == "127.0.0.1"',
          ],
        },
      },
      exporters: { otlp_http: { endpoint: sink.url, retry_on_failure } },
    }),
  );
  const { listening } = (await service.line(({ msg }) => msg === 'spanmill is ready')) as { listening?: string[] };
  const http = listening?.find((text) => text.startsWith('http '))?.slice('http '.length);
  const kept: string[] = [];
  const post = async (headers: Record<string, string>, isKept: boolean): Promise<void> => {
    const { message, ids } = source.request(1);
    const body = Uint8Array.from(message);
    const type = { 'content-type': 'application/x-protobuf' };
    const answer = await fetch(`http://${http}/v1/traces`, { method: 'POST', headers: { ...type, ...headers }, body });
    assert.equal(answer.status, 200);
    if (isKept) kept.push(ids[0]);
  };
  const call = async (name: string, headers: Record<string, string>, isKept: boolean): Promise<void> => {
    const [id] = (await sendAs(t, service, [name], headers)).keys();
    if (isKept) kept.push(id);
  };
  await call('ann', { 'x-tenant': 'red' }, false);
  await call('ann', { 'x-tenant': 'blue' }, true);
  await call('ben', {}, false);
  await call('ann', { 'x-via': 'grpc only' }, false);
  await call('ann', { 'x-by': 'port' }, false);
  await call('ann', { 'x-by': 'host' }, true);
  await post({ 'x-tenant': 'red' }, false);
  await post({ 'x-via': 'grpc only' }, true);
  await post({ 'x-by': 'port' }, true);
  await post({ 'x-by': 'host' }, false);
  await sink.until(() => sink.spans.size === kept.length);
  assert.deepEqual([...sink.spans.keys()].toSorted(), kept.toSorted());
  const end = await service.end();
  assertClean(end, service);
  assert.deepEqual(
    end.accounts.map(({ received, exported, dropped }) => [received, exported, dropped]),
    [[10, 4, 6]],
  );
});
