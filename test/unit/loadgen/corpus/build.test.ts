import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildCorpus, type StampableCorpus } from '../../../../loadgen/corpus/build.ts';
import type { CorpusOptions } from '../../../../loadgen/corpus/corpus.ts';
import type { CorpusLimits } from '../../../../loadgen/corpus/plan.ts';
import { createStamper } from '../../../../loadgen/corpus/stamp.ts';
import type { ExportTraceServiceRequest, ResourceSpans } from '../../../../src/wire/reference/messages.ts';
import {
  decodeBody,
  expectedAttributes,
  expectedSpan,
  ordinalOf,
  readOrdinals,
  shapesOf,
  spansIn,
  toyPlace,
  wordOf,
} from './expected.ts';
import { type ToySettings, toyOptions, toyResources, toyScopes, toySources } from './toy-traces.ts';

const due = 1_760_000_000_123_456_789n;
const small: CorpusLimits = { enoughBytes: 1 << 30, enoughSpans: 300, fewestRequests: 3, mostBytes: 1 << 30 };
const rich: ToySettings = { rich: true, export: { nextSpans: () => 50 } };

function stampAll(corpus: StampableCorpus, round: number): void {
  const stamper = createStamper(corpus);
  for (let i = 0; i < corpus.requests.length; i++) stamper.stampRequest(i, round, ...wordOf(due));
}

/** Compares every span of the corpus, stamped for `round`, with its shape. */
function checkSpans(corpus: StampableCorpus, settings: ToySettings, round: number): void {
  stampAll(corpus, round);
  const ordinals = readOrdinals(corpus);
  const stamped = { corpus, round, ordinalsOf: (trace: number) => ordinals.get(trace) ?? [] };
  let checked = 0;
  corpus.requests.forEach((request, index) => {
    const spans = spansIn(decodeBody(corpus, index));
    assert.equal(spans.length, request.spans);
    for (const span of spans) {
      const ordinal = ordinalOf(corpus, round, span);
      assert.equal(ordinal, checked++);
      const start = due + BigInt(corpus.startOffsetNs[ordinal]);
      const [, , place] = toyPlace(span);
      assert.deepEqual(span, expectedSpan(stamped, shapesOf(settings, span), place, start, span));
    }
  });
  assert.equal(checked, corpus.spans);
}

for (const encoding of ['protobuf', 'json'] as const) {
  const options: CorpusOptions = { ...toyOptions, encoding };

  test(`${encoding}: a corpus decodes to exactly what the shapes say`, () => {
    const corpus = buildCorpus(options, toySources(rich), small);
    assert.ok(corpus.requests.length >= 3);
    checkSpans(corpus, rich, 0);
    checkSpans(corpus, rich, 5);
  });

  test(`${encoding}: numbers above 2^32 carry into the upper half of ids`, () => {
    const corpus = buildCorpus(options, toySources(rich), small);
    for (const count of [corpus.spans, corpus.traces]) {
      // In this round the number of some span, or trace, passes a multiple of 2^32.
      const round = Math.floor((3 * 2 ** 32) / count);
      assert.ok(round * count < 3 * 2 ** 32 && (round + 1) * count > 3 * 2 ** 32);
      checkSpans(corpus, rich, round);
    }
  });

  test(`${encoding}: resources and scopes are as the shapes say, each once in a request of one agent`, () => {
    const corpus = buildCorpus(options, toySources(rich), small);
    stampAll(corpus, 0);
    const groups = corpus.requests.map((_, index) => checkGroups(decodeBody(corpus, index)));
    assert.ok(Math.max(...groups) === toyResources.length);
  });

  test(`${encoding}: spanStart and spanEnd are around the message of each span`, () => {
    const corpus = buildCorpus(options, toySources(rich), small);
    stampAll(corpus, 0);
    const around = encoding === 'json' ? 1 : 0;
    for (let ordinal = 0; ordinal < corpus.spans; ordinal++) {
      const [start, end] = [corpus.spanStart[ordinal], corpus.spanEnd[ordinal]];
      assert.equal(corpus.bytes[start], encoding === 'json' ? '{'.charCodeAt(0) : 0x0a);
      if (around === 1) JSON.parse(corpus.bytes.toString('utf8', start, end));
      else assert.equal(lengthBefore(corpus.bytes, start), end - start);
    }
  });

  test(`${encoding}: the same seed gives the same bytes, another seed or run gives others`, () => {
    const bytesOf = (changes: Partial<CorpusOptions>): Buffer => {
      const corpus = buildCorpus({ ...options, ...changes }, toySources(rich), small);
      stampAll(corpus, 1);
      return corpus.bytes;
    };
    const bytes = bytesOf({});
    assert.ok(bytes.equals(bytesOf({})));
    assert.ok(!bytes.equals(bytesOf({ seed: 8 })));
    assert.ok(!bytes.equals(bytesOf({ run: 3 })));
  });
}

/** The varint that ends at `at`. */
function lengthBefore(bytes: Buffer, at: number): number {
  let start = at - 1;
  while ((bytes[start - 1] & 0x80) !== 0) start--;
  let length = 0;
  for (let i = at - 1; i >= start; i--) length = length * 128 + (bytes[i] & 127);
  return length;
}

/** Gives how many resources there are. */
function checkGroups(request: ExportTraceServiceRequest): number {
  const names = request.resourceSpans.map(({ resource }) => resource?.attributes[0].value?.stringValue);
  assert.equal(new Set(names).size, names.length);
  for (const group of request.resourceSpans) checkGroup(group);
  return names.length;
}

function checkGroup({ resource, schemaUrl, scopeSpans }: ResourceSpans): void {
  const shape = toyResources.find(({ attributes }) => attributes[0][1] === resource?.attributes[0].value?.stringValue);
  assert.ok(shape !== undefined);
  assert.deepEqual(resource, {
    attributes: expectedAttributes(shape.attributes, undefined),
    droppedAttributesCount: 0,
    entityRefs: [],
  });
  assert.equal(schemaUrl, shape.schemaUrl);
  assert.equal(new Set(scopeSpans.map(({ scope }) => scope?.version)).size, scopeSpans.length);
  for (const { scope, schemaUrl: scopeUrl } of scopeSpans) {
    const scopeShape = toyScopes.find(({ version }) => version === scope?.version);
    assert.ok(scopeShape !== undefined);
    assert.deepEqual(scope, {
      name: scopeShape.name,
      version: scopeShape.version,
      attributes: expectedAttributes(scopeShape.attributes, undefined),
      droppedAttributesCount: 0,
    });
    assert.equal(scopeUrl, scopeShape.schemaUrl);
  }
}

test('the bytes of a corpus are one allocation of their own', () => {
  const { bytes, requests } = buildCorpus(toyOptions, toySources({}), small);
  assert.equal(bytes.byteOffset, 0);
  assert.equal(bytes.buffer.byteLength, bytes.length);
  assert.equal(requests[0].start, 0);
  for (const [i, { end }] of requests.entries()) assert.equal(end, requests[i + 1]?.start ?? bytes.length);
});

test('a corpus of JSON and one of protobuf hold the same spans under the same numbers', () => {
  const [protobuf, json] = (['protobuf', 'json'] as const).map((encoding) => {
    const corpus = buildCorpus({ ...toyOptions, encoding }, toySources(rich), small);
    stampAll(corpus, 2);
    return corpus;
  });
  assert.equal(protobuf.requests.length, json.requests.length);
  assert.ok(protobuf.bytes.length < json.bytes.length);
  for (let index = 0; index < protobuf.requests.length; index++) {
    assert.deepEqual(decodeBody(protobuf, index), decodeBody(json, index));
  }
});
