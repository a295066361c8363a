import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Attributes, FreshPart, SpanShape, Value } from '../../../../loadgen/corpus/shape.ts';
import {
  attribute,
  checkTrace,
  corpusOf,
  depthOf,
  drawTraces,
  failedTraces,
  hasFailed,
  mapOf,
  serviceOf,
} from './drawn.ts';
import { isConventional } from './semantic-conventions.ts';

const seed = 7;
const traces = drawTraces('collector', 3000, seed);
const spans = traces.flatMap((trace) => [...trace.spans]);
const share = (of: readonly SpanShape[], is: (span: SpanShape) => boolean): number => of.filter(is).length / of.length;
const sorted = traces.map((trace) => trace.spans.length).sort((a, b) => a - b);

const freshParts = (value: Value): FreshPart[] => {
  if (Array.isArray(value)) return value.flatMap(freshParts);
  if (typeof value !== 'object' || !('parts' in value)) return [];
  return value.parts.filter((part) => typeof part !== 'string');
};
const freshOf = (attributes: Attributes): FreshPart[] => attributes.flatMap(([, value]) => freshParts(value));

describe('the profile collector', () => {
  it('draws traces whose parents hold their children', () => {
    for (const trace of traces) checkTrace(trace);
  });

  it('has about thirty services, most with several instances', () => {
    const instances = new Map<unknown, Set<unknown>>();
    for (const span of spans) {
      const pods = instances.get(serviceOf(span)) ?? new Set();
      instances.set(serviceOf(span), pods.add(span.resource));
    }
    assert.ok(instances.size >= 28, `${instances.size} services`);
    assert.ok([...instances.values()].filter((pods) => pods.size > 1).length >= 25);
    const pods = new Set(spans.map(({ resource }) => mapOf(resource.attributes).get('k8s.pod.name')));
    assert.equal(pods.size, new Set(spans.map(({ resource }) => resource)).size, 'every pod has a name of its own');
    assert.ok(pods.size >= 90, `${pods.size} pods`);
  });

  it('crosses many services in a trace, and goes deep', () => {
    const services = traces.map((trace) => new Set(trace.spans.map(serviceOf)).size).sort((a, b) => a - b);
    assert.ok(services[1500] >= 8, `median ${services[1500]} services`);
    assert.ok(services[2999] >= 17, `most ${services[2999]} services`);
    const deep = traces.map(depthOf).sort((a, b) => a - b);
    assert.ok(deep[1500] >= 6, `median depth ${deep[1500]}`);
    assert.ok(deep[2970] >= 14, `1 % are ${deep[2970]} deep or more`);
  });

  it('has traces of about 10,000 spans now and then among those of some tens', () => {
    assert.ok(sorted[1500] >= 15 && sorted[1500] <= 60, `median ${sorted[1500]} spans`);
    const big = sorted.filter((count) => count > 5000);
    assert.ok(big.length >= 1 && big.length <= 18, `${big.length} of 3000 are big`);
    for (const count of big) assert.ok(count >= 8000 && count <= 20_000, `${count} spans`);
  });

  it('fails now and then, with what failed, why and where', () => {
    const share = failedTraces(traces);
    assert.ok(share > 0.02 && share < 0.15, `${share} of the traces`);
    const wrong = spans.filter(hasFailed);
    assert.ok(wrong.length / spans.length > 0.002 && wrong.length / spans.length < 0.04, `${wrong.length} spans`);
    for (const span of wrong) {
      const status = attribute(span, 'http.response.status_code');
      if (typeof status === 'number' && span.kind === 2) assert.ok(status >= 500, `${status}`);
      if (attribute(span, 'rpc.system.name') !== undefined) {
        assert.notEqual(attribute(span, 'rpc.status_code'), 'OK');
        assert.equal(attribute(span, 'error.type'), attribute(span, 'rpc.status_code'));
      }
    }
    const exceptions = wrong.flatMap(({ events }) => events.filter(({ name }) => name === 'exception'));
    assert.ok(exceptions.length / wrong.length > 0.04, `${exceptions.length} exceptions in ${wrong.length} spans`);
    for (const { attributes } of exceptions) {
      const stack = String(mapOf(attributes).get('exception.stacktrace'));
      assert.ok(stack.length > 300 && stack.includes(String(mapOf(attributes).get('exception.type'))));
    }
    assert.ok(
      spans.every((span) => hasFailed(span) || span.events.length === 0),
      'events only where something failed',
    );
  });

  it('names everything as the conventions do', () => {
    const keys = new Set(
      spans.flatMap((span) => [...span.attributes, ...span.resource.attributes].map(([key]) => key)),
    );
    for (const { events } of spans) {
      for (const { attributes } of events) for (const [key] of attributes) keys.add(key);
    }
    assert.deepEqual(
      [...keys].filter((key) => !isConventional(key) && !key.startsWith('graphql.field.')),
      [],
    );
    for (const key of [
      'http.request.method url.path http.route http.response.status_code server.address rpc.method rpc.status_code',
      'db.system.name db.query.text messaging.system.name messaging.destination.name k8s.pod.name error.type',
    ].flatMap((line) => line.split(' '))) {
      assert.ok(keys.has(key), key);
    }
  });

  it('says of each call what its convention requires', () => {
    for (const span of spans) {
      const keys = mapOf(span.attributes);
      const has = (...names: string[]) => {
        for (const name of names)
          assert.ok(keys.has(name), `${String(keys)} ${JSON.stringify([...keys.keys()])}: ${name}`);
      };
      if (keys.has('rpc.system.name')) {
        has('rpc.method', 'rpc.status_code');
        assert.equal(span.name, keys.get('rpc.method'));
        if (span.kind === 3) has('server.address', 'server.port');
      } else if (keys.has('db.system.name')) {
        has('server.address', 'server.port');
        assert.equal(span.kind, 3);
      } else if (keys.has('messaging.system.name')) {
        has('messaging.destination.name', 'messaging.operation.name', 'messaging.operation.type');
        assert.equal(
          span.name,
          `${String(keys.get('messaging.operation.name'))} ${String(keys.get('messaging.destination.name'))}`,
        );
        assert.equal(span.kind, keys.get('messaging.operation.type') === 'send' ? 4 : 5);
      } else if (keys.has('http.request.method')) {
        if (span.kind === 2) has('url.path', 'http.route', 'url.scheme', 'http.response.status_code');
        else has('url.full', 'server.address', 'server.port', 'http.response.status_code');
      }
    }
  });

  it('mixes calls, databases, messages and work inside of services', () => {
    const kinds = [1, 2, 3, 4, 5].map((kind) => share(spans, (span) => span.kind === kind));
    for (const [i, part] of kinds.entries()) assert.ok(part > 0.002, `kind ${i + 1}: ${part}`);
    const systems = new Set(spans.map((span) => attribute(span, 'db.system.name')));
    for (const system of ['redis', 'postgresql', 'mysql', 'opensearch']) assert.ok(systems.has(system), system);
  });

  it('has ids that no other span has, few enough that they can be written at a million spans a second', () => {
    const fresh = spans.map((span) => freshOf(span.attributes).length);
    const mean = fresh.reduce((sum, count) => sum + count, 0) / fresh.length;
    assert.ok(mean > 0.2 && mean < 1, `${mean} fresh parts a span`);
    const withFresh = share(spans, (span) => freshOf(span.attributes).length > 0);
    assert.ok(withFresh > 0.15 && withFresh < 0.6, `${withFresh} of the spans have one`);
  });

  it('makes requests of 512 spans of many resources, 350 to 600 bytes a span', () => {
    const corpus = corpusOf('collector', seed);
    for (const request of corpus.requests.slice(0, -1)) assert.equal(request.spans, 512);
    const bytes = corpus.bytes.length / corpus.spans;
    assert.ok(bytes >= 350 && bytes <= 600, `${bytes} bytes a span`);
    const own = corpus.spanEnd.reduce((sum, end, i) => sum + end - corpus.spanStart[i], 0) / corpus.spans;
    assert.ok(own > 250 && own < bytes - 20, `${own} bytes a span without resources`);
  });
});
