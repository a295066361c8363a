// pipelines/processors and pipelines/connectors: a file for each of them, that does what its comments say.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { registry } from '../../src/registry.ts';
import { decodeRequest, encodeRequest } from '../../src/wire/reference/codec.ts';
import { readJson } from '../../src/wire/reference/json-reader.ts';
import type { AnyValue, KeyValue, Span } from '../../src/wire/reference/messages.ts';
import { createClient, createTally } from '../e2e/support/client.ts';
import { assertClean, startService } from '../e2e/support/service.ts';
import { startSink } from '../e2e/support/sink.ts';
import { localised, pipelineFolder } from './pipeline-file.ts';

type Plain = string | number | boolean | readonly string[];
type Attributes = Readonly<Record<string, Plain>>;

interface SpanSpec {
  readonly name: string;
  readonly kind?: number;
  readonly attributes?: Attributes;
  /** Names. */
  readonly events?: readonly string[];
  readonly millis?: number;
  readonly status?: { readonly code: number; readonly message?: string };
  /** Of 0 to 255: its place among all trace ids, for samplers. Default 0. */
  readonly trace?: number;
}

interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly resource?: Attributes;
  readonly spans: readonly SpanSpec[];
}

/** What of a span arrived that differs from its defaults. */
interface Seen {
  readonly resource: Attributes;
  readonly name: string;
  readonly attributes: Attributes;
  readonly events?: readonly string[];
  readonly status?: { readonly code: number; readonly message: string };
  readonly traceState?: string;
}

interface Row {
  readonly says: string;
  readonly sent: readonly Sent[];
  /** Exporters of the file; default: otlp. */
  readonly exporters?: readonly string[];
  /** What the account at the end says of spans that were dropped, by `component reason`. */
  readonly droppedBy?: Readonly<Record<string, number>>;
  /** By exporter: its requests, each the spans in order. */
  check(seen: Readonly<Record<string, readonly (readonly Seen[])[]>>): void;
}

const anyValue = (value: Plain): object => {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') {
    return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  }
  return { arrayValue: { values: value.map(anyValue) } };
};
const keyValues = (attributes: Attributes = {}): object[] =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));

const begin = 1_760_000_000_000;
let spanNumber = 0;

function spanJson({ name, kind = 1, attributes, events = [], millis = 20, status, trace = 0 }: SpanSpec): object {
  spanNumber++;
  const spanId = spanNumber.toString(16).padStart(16, '0');
  const share = trace.toString(16).padStart(2, '0');
  return {
    traceId: `0102030405060708${'09'}${share}${'0'.repeat(12)}`,
    spanId,
    name,
    kind,
    startTimeUnixNano: `${begin}000000`,
    endTimeUnixNano: `${begin + millis}000000`,
    attributes: keyValues(attributes),
    events: events.map((event) => ({ name: event, timeUnixNano: `${begin}000000` })),
    ...(status === undefined ? {} : { status }),
  };
}

function requestOf({ resource, spans }: Sent): Buffer {
  const json = {
    resourceSpans: [{ resource: { attributes: keyValues(resource) }, scopeSpans: [{ spans: spans.map(spanJson) }] }],
  };
  return Buffer.from(encodeRequest(readJson(JSON.stringify(json))));
}

function plain(value: AnyValue | undefined): Plain {
  if (value?.intValue !== undefined) return Number(value.intValue);
  if (value?.arrayValue !== undefined) return value.arrayValue.values.map((item) => String(plain(item)));
  return value?.stringValue ?? value?.doubleValue ?? value?.boolValue ?? '';
}
const plainAttributes = (attributes: readonly KeyValue[]): Attributes =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));

function seenSpan(span: Span, resource: Attributes): Seen {
  const { code = 0, message = '' } = span.status ?? {};
  return {
    resource,
    name: span.name,
    attributes: plainAttributes(span.attributes),
    ...(span.events.length === 0 ? {} : { events: span.events.map(({ name }) => name) }),
    ...(code === 0 ? {} : { status: { code, message } }),
    ...(span.traceState === '' ? {} : { traceState: span.traceState }),
  };
}

function seenRequest(message: Buffer): Seen[] {
  return decodeRequest(message).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map((one) => seenSpan(one, plainAttributes(resource?.attributes ?? [])))),
  );
}

const names = (requests: readonly (readonly Seen[])[]): string[] => requests.flat().map(({ name }) => name);

const table: Readonly<Record<string, Row>> = {
  'processors/attributes.yaml': {
    says: 'removes and hashes what identifies a person, renames, converts, extracts and reads a header',
    sent: [
      {
        headers: { 'x-tenant': 'acme' },
        resource: { 'service.name': 'checkout-eu' },
        spans: [
          {
            name: 'pay',
            kind: 2,
            attributes: {
              'user.email': 'ann@example.com',
              'http.request.header.cookie': 'secret',
              'user.id': 'u-17',
              'http.method': 'GET',
              'http.status_code': '200',
              'url.path': '/api/v2/users',
            },
          },
        ],
      },
      {
        resource: { 'service.name': 'shop' },
        spans: [{ name: 'other', attributes: { 'deployment.environment': 'test' } }],
      },
    ],
    check({ otlp }) {
      const [pay, other] = otlp.flat().sort((a, b) => (a.name < b.name ? 1 : -1));
      assert.deepEqual(pay.attributes, {
        'user.id': createHash('sha256').update('u-17').digest('hex'),
        'http.request.method': 'GET',
        'http.status_code': 200,
        'url.path': '/api/v2/users',
        api_version: 'v2',
        'deployment.environment': 'production',
        tenant: 'acme',
        team: 'payments',
      });
      assert.deepEqual(other.attributes, { 'deployment.environment': 'test', tenant: 'unknown' });
    },
  },
  'processors/batch.yaml': {
    says: 'gathers the spans of a tenant, and never those of two',
    sent: ['a', 'b', 'a', 'b'].map((tenant) => ({ headers: { 'x-tenant': tenant }, spans: [{ name: tenant }] })),
    check({ otlp }) {
      assert.deepEqual(otlp.map((request) => names([request]).join('')).sort(), ['aa', 'bb']);
    },
  },
  'processors/filter.yaml': {
    says: 'drops a host, health checks and fast calls of the cache, and of retries the event only',
    sent: [
      { resource: { 'host.name': 'canary-1' }, spans: [{ name: 'canary' }] },
      {
        resource: { 'host.name': 'web-1' },
        spans: [
          { name: 'check', attributes: { 'url.path': '/healthz' } },
          { name: 'fast', kind: 3, millis: 1, attributes: { 'db.system': 'redis' } },
          { name: 'slow', kind: 3, millis: 6, attributes: { 'db.system': 'redis' } },
          { name: 'broken', kind: 3, millis: 1, attributes: { 'db.system': 'redis' }, status: { code: 2 } },
          { name: 'again', events: ['retry', 'exception'] },
        ],
      },
    ],
    droppedBy: { 'filter trace_conditions[0]': 1, 'filter trace_conditions[1]': 1, 'filter trace_conditions[2]': 1 },
    check({ otlp }) {
      assert.deepEqual(names(otlp), ['slow', 'broken', 'again']);
      assert.deepEqual(otlp.flat()[2].events, ['exception']);
    },
  },
  'processors/groupbyattrs.yaml': {
    says: 'puts the spans of each host under a resource of their own, whatever requests they came in',
    sent: [
      {
        resource: { 'service.name': 'shop' },
        spans: [
          { name: 'a', attributes: { 'host.name': 'web-1', kept: true } },
          { name: 'b', attributes: { 'host.name': 'web-2' } },
          { name: 'c', attributes: { 'host.name': 'web-1' } },
          { name: 'd' },
        ],
      },
      { resource: { 'service.name': 'shop', 'host.name': 'web-1' }, spans: [{ name: 'e' }] },
    ],
    check({ otlp }) {
      const [all, ...others] = otlp;
      assert.deepEqual(others, [], 'all of it in one batch');
      const seen = all.map(({ name, resource, attributes }) => [name, resource['host.name'], attributes]);
      assert.deepEqual(seen.sort(), [
        ['a', 'web-1', { kept: true }],
        ['b', 'web-2', {}],
        ['c', 'web-1', {}],
        ['d', undefined, {}],
        ['e', 'web-1', {}],
      ]);
      for (const { resource } of all) assert.equal(resource['service.name'], 'shop');
      const hosts = all.map(({ resource }) => resource['host.name']);
      assert.equal(hosts.filter((host, i) => host !== hosts[i - 1]).length, 3, 'what is alike stands together');
    },
  },
  'processors/groupbytrace.yaml': {
    says: 'puts the spans of a trace one behind the other, whatever requests they came in',
    sent: ['a', 'b', 'c'].map((name) => ({
      resource: { 'service.name': name },
      spans: [1, 2, 3].map((trace) => ({ name: `${trace}${name}`, trace })),
    })),
    check({ otlp }) {
      const [all, ...others] = otlp;
      assert.deepEqual(others, [], 'all of it in one batch');
      assert.deepEqual(
        all.map(({ name }) => name[0]),
        [...'111222333'],
      );
      assert.deepEqual(all.map(({ name }) => name).sort(), ['1a', '1b', '1c', '2a', '2b', '2c', '3a', '3b', '3c']);
      for (const { name, resource } of all) assert.equal(resource['service.name'], name[1]);
    },
  },
  'processors/memory_limiter.yaml': {
    says: 'lets spans through while there is room',
    sent: [{ spans: [{ name: 'a' }, { name: 'b' }] }],
    check: ({ otlp }) => assert.deepEqual(names(otlp), ['a', 'b']),
  },
  'processors/probabilistic_sampler.yaml': {
    says: 'keeps a quarter of the traces, with the rate in their tracestate, and what is forced in',
    sent: [
      {
        spans: [
          ...Array.from({ length: 256 }, (_, trace) => ({ name: 'any', trace })),
          { name: 'forced', trace: 1, attributes: { 'sampling.priority': 1 } },
          { name: 'forced out', trace: 255, attributes: { 'sampling.priority': 0 } },
        ],
      },
    ],
    check({ otlp }) {
      const all = otlp.flat();
      assert.equal(all.filter(({ name }) => name === 'any').length, 64);
      assert.deepEqual(
        names(otlp).filter((name) => name !== 'any'),
        ['forced'],
      );
      for (const { name, traceState } of all) if (name === 'any') assert.equal(traceState, 'ot=th:c');
    },
  },
  'processors/resource.yaml': {
    says: 'says where spans ran, renames an old key and removes what no backend needs',
    sent: [
      {
        resource: { 'service.name': 'shop', 'host.name': 'web-1', 'k8s.namespace': 'prod', 'process.pid': 7 },
        spans: [{ name: 'a', attributes: { 'process.pid': 7 } }],
      },
    ],
    check({ otlp }) {
      const [[{ resource, attributes }]] = otlp;
      assert.deepEqual(resource, {
        'service.name': 'shop',
        'host.name': 'web-1',
        'deployment.environment.name': 'production',
        'service.instance.id': 'web-1',
        'k8s.namespace.name': 'prod',
      });
      assert.deepEqual(attributes, { 'process.pid': 7 });
    },
  },
  'processors/span.yaml': {
    says: 'names spans by attributes, takes ids out of names, and sets a status',
    sent: [
      {
        spans: [
          { name: 'GET', attributes: { 'http.request.method': 'GET', 'http.route': '/users' } },
          { name: '/documents/17/update' },
          { name: 'failed', attributes: { error: true } },
          { name: 'other', attributes: { 'http.route': '/users' } },
        ],
      },
    ],
    check({ otlp }) {
      const [named, document, failed, other] = otlp.flat();
      assert.equal(named.name, 'GET::/users');
      assert.equal(document.name, '/documents/{document_id}/update');
      assert.deepEqual(document.attributes, { document_id: '17' });
      assert.deepEqual(failed.status, { code: 2, message: 'the attribute error says so' });
      assert.deepEqual({ name: other.name, status: other.status }, { name: 'other', status: undefined });
    },
  },
  'connectors/forward.yaml': {
    says: 'joins two pipelines into one',
    sent: [{ spans: [{ name: 'a', attributes: { 'user.email': 'ann@example.com' } }] }],
    check({ otlp }) {
      assert.deepEqual(otlp.flat()[0].attributes, { zone: 'edge' });
    },
  },
  'connectors/routing.yaml': {
    says: 'sends spans where they belong',
    exporters: ['otlp/usual', 'otlp/llm'],
    sent: [
      { resource: { 'deployment.environment.name': 'test' }, spans: [{ name: 'test' }] },
      { spans: [{ name: 'chat', attributes: { 'gen_ai.request.model': 'm' } }, { name: 'other' }] },
    ],
    check(seen) {
      assert.deepEqual(names(seen['otlp/llm']), ['chat']);
      assert.deepEqual(names(seen['otlp/usual']), ['other']);
    },
  },
  'processors/transform.yaml': {
    says: 'renames, takes ids out of names, reads a payload and cuts long texts',
    sent: [
      {
        resource: { 'service.name': 'shop', 'host.name': 'web-1', 'process.pid': 7 },
        spans: [
          { name: 'GET', kind: 2, attributes: { 'http.method': 'GET', 'url.path': '/users/17/cart' } },
          { name: 'order', attributes: { payload: '{"items": [1, 2, 3]}' } },
          { name: 'bad', attributes: { payload: '{"items": ' } },
        ],
      },
    ],
    check({ otlp }) {
      const [get, order, bad] = otlp.flat();
      assert.equal(get.name, 'GET /users/{id}/cart');
      assert.deepEqual(get.attributes, { 'url.path': '/users/{id}/cart', 'http.request.method': 'GET' });
      assert.deepEqual(order.attributes, { 'order.items': 3 });
      // What cannot be read is reported, and the statements behind it still run.
      assert.deepEqual(bad.attributes, {});
      assert.deepEqual(get.resource, { 'service.name': 'shop', 'host.name': 'web-1' });
    },
  },
};

async function run(t: TestContext, name: string, { sent, exporters = ['otlp'], droppedBy }: Row) {
  const sinks = Object.fromEntries(await Promise.all(exporters.map(async (id) => [id, await startSink(t)] as const)));
  const service = await startService(t, localised(name, '', sinks));
  const client = createClient(t, service, createTally());
  // All at once, so that what gathers has something to gather.
  const replies = await Promise.all(
    sent.map(async (one) => await client.send({ message: requestOf(one), ids: [] }, one.headers)),
  );
  for (const { code, message } of replies) assert.equal(code, 0, message);
  const end = await service.end();
  assertClean(end, service);
  if (droppedBy !== undefined) assert.deepEqual(end.accounts[0].droppedBy, droppedBy);
  const requests = Object.entries(sinks).map(([id, sink]) => [
    id,
    sink.exports.map(({ message }) => seenRequest(message)),
  ]);
  return Object.fromEntries(requests) as Record<string, Seen[][]>;
}

describe('a pipeline for each', () => {
  for (const [name, row] of Object.entries(table)) {
    test(`pipelines/${name} ${row.says}`, async (t) => row.check(await run(t, name, row)));
  }

  test('every processor and connector has a file that uses it, and every file is tried', () => {
    const kinds = ['processors', 'connectors'] as const;
    const wanted = kinds.flatMap((kind) => registry[kind].map(({ type }) => `${kind}/${type}.yaml`));
    const found = kinds.flatMap((kind) => readdirSync(join(pipelineFolder, kind)).map((file) => `${kind}/${file}`));
    assert.deepEqual(found.sort(), wanted.sort());
    assert.deepEqual(Object.keys(table).sort(), wanted.sort());
  });
});
