// Schema URLs that a processor sets: they stand in the messages around resource and scope, which are opened again wherever a
// segment ends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Touch } from '../../src/component/processor.ts';
import { decodeRequest, encodeRequest } from '../../src/wire/reference/codec.ts';
import type { ExportTraceServiceRequest } from '../../src/wire/reference/messages.ts';
import { rewriteOutcome } from '../../src/wire/rewriter.ts';
import { request } from './arbitraries.ts';
import { createStage, processor } from './chain-support.ts';

/** Writes what it read with something behind, or nothing where that is null. */
const setting = (resourceTail: string | null, scopeTail: string | null, alsoEdits = false) =>
  processor('setting', ({ resource, scope, intern }) => {
    const key = intern('edited');
    return {
      resource() {
        if (resourceTail !== null) resource.schemaUrl += resourceTail;
        if (alsoEdits) resource.attributes.set(key, 1n);
      },
      scope() {
        if (scopeTail !== null) scope.schemaUrl += scopeTail;
        if (alsoEdits) scope.attributes.set(key, 1n);
      },
    };
  });

/** Of each span: its name and both URLs. */
function urlsOf(decoded: ExportTraceServiceRequest): [string, string, string][] {
  return decoded.resourceSpans.flatMap(({ schemaUrl, scopeSpans }) =>
    scopeSpans.flatMap((scoped) =>
      scoped.spans.map(({ name }): [string, string, string] => [name, schemaUrl, scoped.schemaUrl]),
    ),
  );
}

/** All but the URLs, of each span. */
function othersOf(decoded: ExportTraceServiceRequest): unknown[] {
  return decoded.resourceSpans.flatMap(({ resource, scopeSpans, unknownFields }) =>
    scopeSpans.flatMap(({ scope, spans, unknownFields: scopeUnknown }) =>
      spans.map((span) => ({ resource, unknownFields, scope, scopeUnknown, span })),
    ),
  );
}

for (const [resourceTail, scopeTail] of [
  ['/r', null],
  [null, '/s'],
  ['/r', '/s'],
] as const) {
  test(`what is set comes out on every span, and nothing else changes: ${resourceTail}, ${scopeTail}`, () => {
    const stage = createStage([setting(resourceTail, scopeTail)]);
    fc.assert(
      fc.property(request, fc.constantFrom(undefined, 1, 2), (made, maxSpans) => {
        const bytes = Uint8Array.from(encodeRequest(made));
        const { outcome, segments } = stage.run(bytes, maxSpans === undefined ? {} : { maxSpans });
        assert.equal(outcome, rewriteOutcome.written);
        const before = decodeRequest(bytes);
        const after = { resourceSpans: segments.flatMap((segment) => decodeRequest(segment.bytes).resourceSpans) };
        assert.deepEqual(
          urlsOf(after),
          urlsOf(before).map(([name, resource, scope]) => [
            name,
            resource + (resourceTail ?? ''),
            scope + (scopeTail ?? ''),
          ]),
        );
        assert.deepEqual(othersOf(after), othersOf(before));
      }),
      { numRuns: 150 },
    );
  });
}

test('an empty one is gone, and what comes next is as it came', () => {
  const url = (schemaUrl: string) => ({
    schemaUrl,
    scopeSpans: [{ schemaUrl, spans: [{ name: schemaUrl }] }],
  });
  const bytes = Uint8Array.from(
    encodeRequest({ resourceSpans: ['a', 'b', 'c'].map(url) } as unknown as ExportTraceServiceRequest),
  );
  const emptying = processor('emptying', ({ resource, scope }) => ({
    resource: () => {
      if (resource.schemaUrl === 'b') resource.schemaUrl = '';
    },
    scope: () => {
      if (scope.schemaUrl === 'a') scope.schemaUrl = '';
    },
  }));
  assert.deepEqual(urlsOf(decodeRequest(createStage([emptying]).run(bytes).output)), [
    ['a', 'a', ''],
    ['b', '', 'b'],
    ['c', 'c', 'c'],
  ]);
});

test('a long one counts: no segment is larger than it may be, unless one span alone is', () => {
  const tail = 'é'.repeat(300);
  const stage = createStage([setting(tail, tail, true)]);
  fc.assert(
    fc.property(request, fc.integer({ min: 2_000, max: 6_000 }), (made, maxBytes) => {
      const bytes = Uint8Array.from(encodeRequest(made));
      const { outcome, segments } = stage.run(bytes, { maxBytes });
      assert.equal(outcome, rewriteOutcome.written);
      for (const segment of segments) assert.ok(segment.spans === 1 || segment.bytes.length <= maxBytes);
      const urls = segments.flatMap((segment) => urlsOf(decodeRequest(segment.bytes)));
      assert.ok(urls.every(([, resource, scope]) => resource.endsWith(tail) && scope.endsWith(tail)));
      assert.equal(urls.length, urlsOf(made).length);
    }),
    { numRuns: 150 },
  );
});

test('an output with too little room for it is full, and leaves nothing behind', () => {
  const tail = 'x'.repeat(1_000);
  const stage = createStage([setting(tail, tail)]);
  const bytes = Uint8Array.from(
    encodeRequest({
      resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'a' }] }] }],
    } as unknown as ExportTraceServiceRequest),
  );
  const { output } = stage.run(bytes);
  for (let room = 0; room < output.length; room += 7) {
    const { outcome, output: left } = stage.run(bytes, { room });
    assert.equal(outcome, rewriteOutcome.full, `${room} bytes`);
    assert.equal(left.length, 0);
  }
});

test('spans may set them too: each span sees what the one before it wrote, and all get what the last wrote', () => {
  const touches: Touch[] = (['resource', 'scope'] as const).map((what) => ({ what, from: 'span', writes: true }));
  const seen: string[] = [];
  const appending = processor(
    'appending',
    ({ span, resource, scope }) => ({
      span() {
        seen.push(resource.schemaUrl);
        resource.schemaUrl += span.name;
        scope.schemaUrl = span.name;
        resource.droppedAttributesCount += 1;
      },
    }),
    touches,
  );
  const spans = ['a', 'b', 'c'].map((name) => ({ name }));
  const bytes = Uint8Array.from(
    encodeRequest({
      resourceSpans: [{ schemaUrl: '/', scopeSpans: [{ spans }, { spans: spans.slice(1) }] }],
    } as unknown as ExportTraceServiceRequest),
  );
  const [{ resource, schemaUrl, scopeSpans }] = decodeRequest(createStage([appending]).run(bytes).output).resourceSpans;
  assert.deepEqual(seen, ['/', '/a', '/ab', '/abc', '/abcb']);
  assert.deepEqual([schemaUrl, ...scopeSpans.map((one) => one.schemaUrl)], ['/abcbc', 'c', 'c']);
  assert.equal(resource?.droppedAttributesCount, 5);
});
