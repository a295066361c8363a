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
    check({ otlp }) {
      assert.deepEqual(names(otlp), ['slow', 'broken', 'again']);
      assert.deepEqual(otlp.flat()[2].events, ['exception']);
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
};

async function run(t: TestContext, name: string, { sent, exporters = ['otlp'] }: Row) {
  const sinks = Object.fromEntries(await Promise.all(exporters.map(async (id) => [id, await startSink(t)] as const)));
  const service = await startService(t, localised(name, '', sinks));
  const client = createClient(t, service, createTally());
  // All at once, so that what gathers has something to gather.
  const replies = await Promise.all(
    sent.map(async (one) => await client.send({ message: requestOf(one), ids: [] }, one.headers)),
  );
  for (const { code, message } of replies) assert.equal(code, 0, message);
  assertClean(await service.end(), service);
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

  test('every processor has a file that uses it, and every file is tried', () => {
    const wanted = registry.processors.map(({ type }) => `processors/${type}.yaml`);
    const found = readdirSync(join(pipelineFolder, 'processors')).map((file) => `processors/${file}`);
    assert.deepEqual(found.sort(), wanted.sort());
    assert.deepEqual(Object.keys(table).sort(), wanted.sort());
  });
});
