// A span whose edits have no room: an error of the rule, like any other.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { transform } from '../../../../src/processors/transform/index.ts';
import { decodeRequest, encodeRequest } from '../../../../src/wire/reference/codec.ts';
import { readJson } from '../../../../src/wire/reference/json-reader.ts';
import { rewriteOutcome } from '../../../../src/wire/rewriter.ts';
import { createStage } from '../../../wire/chain-support.ts';

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });

function run(attributes: readonly object[], statements: readonly string[], mode = 'ignore') {
  const config = transform.config.parse({ error_mode: mode, trace_statements: statements });
  const stage = createStage([transform], [config]);
  const spans = [{ traceId: '01'.repeat(16), spanId: '02'.repeat(8), name: 'a', attributes }];
  const request = readJson(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }));
  const { outcome, output, message } = stage.run(encodeRequest(request));
  const warnings = stage.chain.takeWarnings();
  return { outcome, message, output, failed: warnings.reduce((sum, { count }) => sum + count, 0) };
}
const spanOf = (output: Uint8Array) => decodeRequest(output).resourceSpans[0].scopeSpans[0].spans[0];

describe('a rule that has no room for what it writes', () => {
  const full = Array.from({ length: 65_536 }, (_, i) => attribute(`k${i}`, ''));

  it('fails on an item with as many attributes as there may be, and the rules behind it run', () => {
    const add = ['set(span.attributes["new"], 1)', 'set(span.attributes[Concat([span.name, "b"], "")], [1])'];
    const { outcome, output, failed } = run(full, [...add, 'set(span.attributes["k7"], "x")', 'set(span.name, "b")']);
    assert.equal(outcome, rewriteOutcome.written);
    assert.equal(failed, 2);
    const span = spanOf(output);
    assert.equal(span.name, 'b');
    assert.equal(span.attributes.length, full.length);
    assert.equal(span.attributes[7].value?.stringValue, 'x');
  });

  it('fails where a text grows beyond the memory for edits, and leaves what it could not write as it was', () => {
    const mebi = 'x'.repeat(1 << 20);
    const twice = (key: string) =>
      `set(span.attributes["${key}"], Concat([span.attributes["a"], span.attributes["a"]], ""))`;
    const { outcome, output, failed } = run(
      [attribute('a', mebi), attribute('b', 'old')],
      [...Array.from({ length: 5 }, () => twice('a')), twice('b'), twice('new'), 'set(span.attributes["c"], "d")'],
    );
    assert.equal(outcome, rewriteOutcome.written);
    assert.equal(failed, 6);
    const found = spanOf(output).attributes.map(({ key, value }) => [key, value?.stringValue?.length]);
    assert.deepEqual(found, [
      ['a', 2 << 20],
      ['b', 3],
      ['c', 1],
    ]);
  });

  it('refuses the request in mode propagate', () => {
    const { outcome, message } = run(full, ['set(span.attributes["new"], 1)'], 'propagate');
    assert.equal(outcome, rewriteOutcome.failed);
    assert.match(message, /trace_statements\[0\]: more than 65536 attributes on one item/);
  });
});
