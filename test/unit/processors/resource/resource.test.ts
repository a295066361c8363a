// The same actions as those of the attributes processor, which are compared with the Collector's results there: so here what
// they do to a resource is compared with what they do to a span.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attributes } from '../../../../src/processors/attributes/index.ts';
import { resource } from '../../../../src/processors/resource/index.ts';
import { span } from '../../../../src/processors/span/index.ts';
import type { ExportTraceServiceRequest, KeyValue } from '../../../../src/wire/reference/messages.ts';
import { configs, headers, spansFor } from '../attributes/inputs.ts';
import { requestOf, spanOf, spansOf, stageOf } from '../attributes/run-chain.ts';

const text = (key: string, stringValue: string): KeyValue => ({ key, value: { stringValue }, keyStrindex: 0 });
const resourcesOf = (request: ExportTraceServiceRequest): KeyValue[][] =>
  request.resourceSpans.map((one) => one.resource?.attributes ?? []);
const joined = (requests: ExportTraceServiceRequest[]): ExportTraceServiceRequest => ({
  resourceSpans: requests.flatMap(({ resourceSpans }) => resourceSpans),
});

const spans = spansFor(1, 40);
const unselected = configs.filter((config) => config.include === undefined && config.exclude === undefined);
const metadata = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toLowerCase(), [value]]));

/** As the loader gives them: an integer is a bigint where any value may stand. */
const withValues = (json: unknown): unknown =>
  JSON.parse(JSON.stringify(json), (_, value) =>
    typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value,
  );

test('there are many lists of actions', () => assert.ok(unselected.length > 40));

for (const { actions } of unselected) {
  test(`${JSON.stringify(actions).slice(0, 120)}: as on a span`, () => {
    const onResource = stageOf([resource, { attributes: withValues(actions) }]);
    const onSpan = stageOf([attributes, { actions: withValues(actions) }]);
    onResource.chain.metadata = metadata;
    onSpan.chain.metadata = metadata;
    const output = onResource.run(joined(spans.map((span) => requestOf([span], span.attributes))));
    assert.deepEqual(
      resourcesOf(output),
      spansOf(onSpan.run(requestOf(spans))).map((span) => span.attributes),
    );
    assert.deepEqual(spansOf(output), spans, 'a span was changed');
  });
}

const upsert = { attributes: [{ key: 'env', value: 'prod', action: 'upsert' }] };

test('spans without a resource get one', () => {
  const request = requestOf([spanOf(0)]);
  const [{ scopeSpans }] = request.resourceSpans;
  const output = stageOf([resource, upsert]).run({
    resourceSpans: [{ scopeSpans, schemaUrl: 'https://example.com/schema' }],
  });
  assert.deepEqual(resourcesOf(output), [[text('env', 'prod')]]);
  assert.equal(output.resourceSpans[0].schemaUrl, 'https://example.com/schema');
  assert.equal(spansOf(output).length, 1);
});

test('what a resource says beside its attributes stays', () => {
  const request = requestOf([spanOf(0), spanOf(1)], [text('host.name', 'a')]);
  const [first] = request.resourceSpans;
  const given: ExportTraceServiceRequest = {
    resourceSpans: [
      { ...first, resource: { ...first.resource, attributes: [], droppedAttributesCount: 7, entityRefs: [] } },
    ],
  };
  const output = stageOf([resource, upsert]).run(given);
  assert.equal(output.resourceSpans[0].resource?.droppedAttributesCount, 7);
  assert.deepEqual(resourcesOf(output), [[text('env', 'prod')]]);
});

test('each resource of a request has its own values', () => {
  const actions = [
    { key: 'instance', from_attribute: 'host.name', default_value: 'nowhere', action: 'insert' },
    { key: 'host.name', action: 'hash' },
    { key: 'tenant', from_context: 'auth.username', action: 'upsert' },
  ];
  const stage = stageOf([resource, { attributes: actions }]);
  stage.chain.metadata = { 'auth.username': ['ann'] };
  const output = stage.run(
    joined([
      requestOf([spanOf(0)], [text('host.name', 'a')]),
      requestOf([spanOf(1)]),
      requestOf([spanOf(2)], [text('host.name', 'b'), text('instance', 'given')]),
    ]),
  );
  const textOf = (key: string) =>
    resourcesOf(output).map((list) => list.find((one) => one.key === key)?.value?.stringValue);
  assert.deepEqual(textOf('instance'), ['a', 'nowhere', 'given']);
  assert.deepEqual(textOf('tenant'), ['ann', 'ann', 'ann']);
  assert.deepEqual(
    textOf('host.name').map((hash) => hash?.length),
    [64, undefined, 64],
  );
});

test('a processor behind it sees what it changed', () => {
  const include = { match_type: 'strict', resources: [{ key: 'env', value: 'prod' }], services: ['renamed'] };
  const output = stageOf(
    [resource, { attributes: [...upsert.attributes, { key: 'service.name', value: 'renamed', action: 'update' }] }],
    [attributes, { include, actions: [{ key: 'seen', value: true, action: 'insert' }] }],
  ).run(joined([requestOf([spanOf(0)], [text('service.name', 'a')]), requestOf([spanOf(1)])]));
  assert.deepEqual(
    spansOf(output).map((span) => span.attributes.map(({ key }) => key)),
    [['seen'], []],
  );
});

test('processors in front of it see the resource as it came, those behind it as it left it', () => {
  const mark = (service: string) => ({
    include: { match_type: 'strict', services: [service] },
    actions: [{ key: `was ${service}`, value: true, action: 'insert' }],
  });
  const rename = (value: string) => ({ attributes: [{ key: 'service.name', value, action: 'update' }] });
  const seen = stageOf(
    [attributes, mark('a')],
    [attributes, mark('b')],
    [resource, rename('b')],
    [attributes, mark('a')],
    [attributes, mark('b')],
    [resource, rename('c')],
    [span, { include: { match_type: 'strict', services: ['c'] }, status: { code: 'Error' } }],
  ).run(joined([requestOf([spanOf(0), spanOf(1)], [text('service.name', 'a')]), requestOf([spanOf(2)])]));
  assert.deepEqual(
    spansOf(seen).map((one) => [one.attributes.map(({ key }) => key).join(), one.status?.code ?? 0]),
    [
      ['was a,was b', 2],
      ['was a,was b', 2],
      ['', 0],
    ],
  );
  assert.deepEqual(resourcesOf(seen), [[text('service.name', 'c')], []]);
});
