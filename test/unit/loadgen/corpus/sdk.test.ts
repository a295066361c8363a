import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildCorpus } from '../../../../loadgen/corpus/build.ts';
import type { CorpusOptions } from '../../../../loadgen/corpus/corpus.ts';
import type { CorpusLimits } from '../../../../loadgen/corpus/plan.ts';
import { createSdkRequests, serializeSpans } from '../../../../loadgen/corpus/sdk.ts';
import type { Attributes, SpanShape, Value } from '../../../../loadgen/corpus/shape.ts';
import { createStamper } from '../../../../loadgen/corpus/stamp.ts';
import { decodeRequest } from '../../../../src/wire/reference/codec.ts';
import { readJson } from '../../../../src/wire/reference/json-reader.ts';
import type { ExportTraceServiceRequest, Span } from '../../../../src/wire/reference/messages.ts';
import { decodeBody, wordOf } from './expected.ts';
import { type ToySettings, toyOptions, toySources } from './toy-traces.ts';

const small: CorpusLimits = { enoughBytes: 1 << 30, enoughSpans: 200, fewestRequests: 3, mostBytes: 1 << 30 };
const settings: ToySettings = { rich: true, stepNs: 900e6, export: { nextSpans: () => 40 } };
const due = 1_760_000_000_123_456_789n;

/** In JSON the SDK writes null for a number that is not finite. */
const isExpressible = (value: Value): boolean =>
  !(typeof value === 'object' && 'double' in value) || Number.isFinite(value.double);

function sources() {
  const [{ weight, source }] = toySources(settings);
  const wholes: Attributes = [
    ['a-whole-double', { double: 3 }],
    ['negative-zero', { double: -0 }],
    ['large-double', { double: -(2 ** 62) }],
    ['inside', new Map<string, Value>([['list', [{ double: 4 }, { double: 0.5 }]]])],
  ];
  const expressible = (attributes: Attributes) => [
    ...wholes,
    ...attributes.filter(([, value]) => isExpressible(value)),
  ];
  const next = () => {
    const { spans } = source.next();
    // Parents and links point at the spans themselves: these are changed in place.
    for (const span of spans as readonly (SpanShape & { attributes: Attributes })[]) {
      span.attributes = expressible(span.attributes);
    }
    return { spans };
  };
  return [{ weight, source: { export: source.export, next } }];
}

/** Each span with its resource and scope, by its id. */
function bySpanId(request: ExportTraceServiceRequest): Map<string, unknown> {
  const spans = new Map<string, unknown>();
  const put = (span: Span, around: unknown) => spans.set(Buffer.from(span.spanId).toString('hex'), { span, around });
  for (const { resource, schemaUrl, scopeSpans } of request.resourceSpans) {
    for (const { scope, spans: all, schemaUrl: scopeUrl } of scopeSpans) {
      for (const span of all) put(span, { resource, schemaUrl, scope, scopeUrl });
    }
  }
  return spans;
}

for (const encoding of ['protobuf', 'json'] as const) {
  test(`${encoding}: what the SDK makes of a request has the same spans as the corpus`, () => {
    const options: CorpusOptions = {
      ...toyOptions,
      encoding,
      wholeDoubles: 'int',
      rate: { requestsPerSecond: 1_287_001 },
    };
    const corpus = buildCorpus(options, sources(), small);
    const sdk = createSdkRequests(options, sources(), small);
    assert.equal(sdk.spans, corpus.spans);
    assert.equal(sdk.traces, corpus.traces);
    assert.deepEqual(
      sdk.requests,
      corpus.requests.map(({ first, spans, delayNs }) => ({ first, spans, delayNs })),
    );
    const stamper = createStamper(corpus);
    for (const index of corpus.requests.keys()) {
      for (const round of [0, 60_000_000]) {
        stamper.stampRequest(index, round, ...wordOf(due));
        const body = serializeSpans(encoding, sdk.spansOf(index, round, ...wordOf(due)));
        const request = encoding === 'json' ? readJson(Buffer.from(body).toString()) : decodeRequest(body);
        const found = bySpanId(request);
        assert.equal(found.size, corpus.requests[index].spans);
        assert.deepEqual(found, bySpanId(decodeBody(corpus, index)));
      }
    }
  });
}

test('a span of the SDK says of itself what its API promises', () => {
  const sdk = createSdkRequests(toyOptions, sources(), small);
  const spans = sdk.spansOf(0, 0, ...wordOf(due));
  for (const span of spans) {
    assert.equal(span.ended, true);
    assert.ok(span.kind >= 0 && span.kind <= 4);
    const [start, end, lasted] = [span.startTime, span.endTime, span.duration].map(
      ([seconds, nanos]) => BigInt(seconds) * 1_000_000_000n + BigInt(nanos),
    );
    assert.equal(end - start, lasted);
    assert.equal(span.parentSpanContext?.traceId ?? span.spanContext().traceId, span.spanContext().traceId);
    assert.equal(span.resource.merge(null), span.resource);
  }
  assert.ok(spans.some(({ parentSpanContext }) => parentSpanContext === undefined));
  assert.ok(spans.some((span) => span.spanContext().traceState?.serialize() === 'vendor=1'));
});
