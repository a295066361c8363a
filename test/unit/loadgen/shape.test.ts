import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chatRequests } from '../../../loadgen/shape/chat.ts';
import { createSpanStream, type StreamOptions, samplerThreshold } from '../../../loadgen/shape/identity.ts';
import { encodeRequest, grpcPrefixBytes, type RequestTemplate } from '../../../loadgen/shape/span-template.ts';
import { type DecodedSpan, decodeRequest } from './decode.ts';

const streamOptions: StreamOptions = { run: 0xabcd, stream: 3, seed: 1, spansPerTrace: 8, samplingPercentage: null };
const noTime = [0, 0] as const;

function spansOf(message: Buffer): readonly DecodedSpan[] {
  return decodeRequest(message.subarray(grpcPrefixBytes)).resourceSpans[0].scopeSpans[0].spans;
}

function stamped(template: RequestTemplate, stream = createSpanStream(streamOptions)): readonly DecodedSpan[] {
  stream.stamp(template.message, template, ...noTime);
  return spansOf(template.message);
}

test('a template is a gRPC message whose prefix announces its body', () => {
  const [template] = chatRequests(100);
  assert.equal(template.message[0], 0);
  assert.equal(template.message.readUInt32BE(1), template.message.length - grpcPrefixBytes);
  assert.equal(template.spans, 100);
});

test('an encoded request gives back its resource, scope, names, kinds, statuses and attributes of every type', () => {
  const { message } = encodeRequest({
    resource: { 'service.name': 'a' },
    scope: { name: 'scope', version: '9' },
    spans: [
      { name: 'one', kind: 2, status: 2, attributes: { s: 'ü', i: 5_000_000_000, d: -0.5, b: true } },
      { name: '', kind: 0, status: 0, attributes: {} },
    ],
  });
  const request = decodeRequest(message.subarray(grpcPrefixBytes));
  assert.equal(request.resourceSpans.length, 1);
  const [{ resource, scopeSpans }] = request.resourceSpans;
  assert.deepEqual(resource.attributes, [{ key: 'service.name', value: { stringValue: 'a' } }]);
  assert.deepEqual(scopeSpans[0].scope, { name: 'scope', version: '9' });
  const [one, two] = scopeSpans[0].spans;
  assert.equal(one.name, 'one');
  assert.equal(one.kind, 'SPAN_KIND_SERVER');
  assert.equal(one.status.code, 'STATUS_CODE_ERROR');
  assert.deepEqual(one.attributes, [
    { key: 's', value: { stringValue: 'ü' } },
    { key: 'i', value: { intValue: '5000000000' } },
    { key: 'd', value: { doubleValue: -0.5 } },
    { key: 'b', value: { boolValue: true } },
  ]);
  assert.equal(two.attributes, undefined);
});

test('a span of the bench has 10 attributes and 418 bytes in a large request', () => {
  const [template] = chatRequests(512);
  assert.equal(Math.round(template.message.length / 512), 418);
  for (const span of stamped(template)) assert.equal(span.attributes.length, 10);
});

test('small requests take turns with different spans', () => {
  const templates = chatRequests(1);
  const emails = templates.map((template) => JSON.stringify(stamped(template)[0].attributes));
  assert.equal(new Set(emails).size, templates.length);
  assert.ok(templates.length >= 32);
});

test('ids are fresh in every request, traces have the size asked for, and the first span is the parent of the others', () => {
  const [template] = chatRequests(20);
  const stream = createSpanStream(streamOptions);
  const spans = [...stamped(template, stream), ...stamped(template, stream)];
  assert.equal(new Set(spans.map((span) => span.spanId)).size, 40);
  const traces = Map.groupBy(spans, (span) => span.traceId);
  assert.deepEqual(
    [...traces.values()].map((trace) => trace.length),
    [8, 8, 4, 8, 8, 4],
  );
  const allIds = new Set(spans.map((span) => span.spanId));
  for (const [root, ...others] of traces.values()) {
    assert.ok(!allIds.has(root.parentSpanId));
    for (const span of others) assert.equal(span.parentSpanId, root.spanId);
  }
});

test('an id says run, stream and sequence', () => {
  const [template] = chatRequests(4);
  const stream = createSpanStream(streamOptions);
  stamped(template, stream);
  assert.deepEqual(
    stamped(template, stream).map((span) => span.spanId),
    ['abcd000300000004', 'abcd000300000005', 'abcd000300000006', 'abcd000300000007'],
  );
});

test('the same seed gives the same spans, another seed or stream others', () => {
  const [template] = chatRequests(8);
  const traceOf = (options: Partial<StreamOptions>) =>
    stamped(template, createSpanStream({ ...streamOptions, ...options }))[0].traceId.slice(16);
  assert.equal(traceOf({}), traceOf({}));
  assert.notEqual(traceOf({}), traceOf({ seed: 2 }));
  assert.notEqual(traceOf({}), traceOf({ stream: 4 }));
});

test('times are written as nanoseconds, the end a millisecond later, over the border of 32 bits too', () => {
  const [template] = chatRequests(2);
  for (const start of [1_700_000_000_123_456_789n, (400_000_000n << 32n) + 0xffff_ffffn]) {
    createSpanStream(streamOptions).stamp(
      template.message,
      template,
      Number(start & 0xffff_ffffn),
      Number(start >> 32n),
    );
    for (const span of spansOf(template.message)) {
      assert.equal(span.startTimeUnixNano, String(start));
      assert.equal(span.endTimeUnixNano, String(start + 1_000_000n));
    }
  }
});

test('the spans that a sampler is to drop are those of the traces whose 56 random bits are below its threshold', () => {
  const [template] = chatRequests(64);
  const samplingPercentage = 60;
  const stream = createSpanStream({ ...streamOptions, samplingPercentage });
  const threshold = BigInt(Math.round(samplerThreshold(samplingPercentage)));
  let all = 0;
  let dropped = 0;
  for (let request = 0; request < 50; request++) {
    const { toDrop } = stream.stamp(template.message, template, ...noTime);
    const below = spansOf(template.message).filter((span) => BigInt(`0x${span.traceId.slice(18)}`) < threshold);
    assert.equal(toDrop, below.length);
    all += 64;
    dropped += toDrop;
  }
  assert.ok(Math.abs(dropped / all - 0.4) < 0.08, `${dropped} of ${all} are to be dropped`);
});

test('spans at the threshold of a sampler are counted as unsure, and none without a sampler', () => {
  const [template] = chatRequests(512);
  const counts = (samplingPercentage: number | null) => {
    const stream = createSpanStream({ ...streamOptions, spansPerTrace: 1, samplingPercentage });
    let unsure = 0;
    let toDrop = 0;
    for (let request = 0; request < 100; request++) {
      const stamp = stream.stamp(template.message, template, ...noTime);
      unsure += stamp.unsure;
      toDrop += stamp.toDrop;
    }
    return { unsure, toDrop };
  };
  // 51,200 traces, of which a thousandth of the half on either side of the threshold is unsure: 51.
  const { unsure } = counts(50);
  assert.ok(unsure > 20 && unsure < 90, `${unsure}`);
  assert.deepEqual(counts(null), { unsure: 0, toDrop: 0 });
});
