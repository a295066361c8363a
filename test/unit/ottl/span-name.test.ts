// Names as Collector 0.155 gave them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { transform } from '../../../src/processors/transform/index.ts';
import { decodeRequest, encodeRequest } from '../../../src/wire/reference/codec.ts';
import { readJson } from '../../../src/wire/reference/json-reader.ts';
import { createStage } from '../../wire/chain-support.ts';
import { spanNames } from './span-names.ts';

function named(
  kind: number,
  values: Readonly<Record<string, object>>,
  rule = 'set_semconv_span_name("1.37.0", "was")',
) {
  const stage = createStage([transform], [transform.config.parse({ trace_statements: [rule] })]);
  const attributes = Object.entries(values).map(([key, value]) => ({ key, value }));
  const spans = [{ traceId: '01'.repeat(16), spanId: '02'.repeat(8), name: 'before', kind, attributes }];
  const { output } = stage.run(
    encodeRequest(readJson(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }))),
  );
  return decodeRequest(output).resourceSpans[0].scopeSpans[0].spans[0];
}

describe('set_semconv_span_name', () => {
  for (const [i, { kind, attributes, name }] of spanNames.entries()) {
    it(`names a span of kind ${kind} with ${Object.keys(attributes).join(', ')}: ${name} (${i})`, () => {
      const span = named(kind, attributes);
      assert.equal(span.name, name);
      const was = span.attributes.find(({ key }) => key === 'was')?.value?.stringValue;
      assert.equal(was, name === 'before' ? undefined : 'before');
    });
  }

  it('keeps no name where none is asked for', () => {
    const span = named(2, { 'http.method': { stringValue: 'GET' } }, 'set_semconv_span_name("1.43.0")');
    assert.equal(span.name, 'GET');
    assert.equal(span.attributes.length, 1);
  });
});
