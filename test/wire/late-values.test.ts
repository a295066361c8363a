// Lists and maps that a hook of a resource or scope sets are encoded when they are asked for, or written: what stands for them
// must outlast the spans, whose edits use the scratch anew.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRequest, encodeRequest } from '../../src/wire/reference/codec.ts';
import { rewriteOutcome } from '../../src/wire/rewriter.ts';
import { requestOf, spanOf } from '../unit/processors/attributes/run-chain.ts';
import { createStage, processor } from './chain-support.ts';

/** Sets a map on resource and scope; each span reads both in bytes, takes scratch, and every second one ends. */
const setting = processor('setting', ({ span, resource, scope, intern, dropCounter }) => {
  const [key, counter] = [intern('map'), dropCounter('even')];
  const value = new Map([['text', 'as it was set']]);
  let spans = 0;
  return {
    resource: () => resource.attributes.set(key, value),
    scope: () => scope.attributes.set(key, value),
    span() {
      for (const { attributes } of [resource, scope]) attributes.valueOffset(attributes.find(key));
      span.name = 'x'.repeat(100);
      if (spans++ % 2 === 0) span.drop(counter);
    },
  };
});

test('a map that is set on a resource or scope is the same for all spans and segments', () => {
  const stage = createStage([setting]);
  const bytes = encodeRequest(requestOf(Array.from({ length: 6 }, (_, i) => spanOf(i))));
  const { outcome, message, segments } = stage.run(bytes, { maxSpans: 1 });
  assert.equal(outcome, rewriteOutcome.written, message);
  assert.equal(segments.length, 3);
  for (const { bytes: part } of segments) {
    const [{ resource, scopeSpans }] = decodeRequest(part).resourceSpans;
    for (const attributes of [resource?.attributes, scopeSpans[0].scope?.attributes]) {
      const values = attributes?.[0].value?.kvlistValue?.values;
      assert.deepEqual(
        values?.map(({ key, value }) => [key, value?.stringValue]),
        [['text', 'as it was set']],
      );
    }
  }
});
