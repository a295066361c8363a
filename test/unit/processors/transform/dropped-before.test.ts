// What a transform does with a resource or scope of which a processor in front of it has dropped every span: for the Collector
// there is none.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { filter } from '../../../../src/processors/filter/index.ts';
import { transform } from '../../../../src/processors/transform/index.ts';
import { requestOf, spanOf, spansOf, stageOf } from '../attributes/run-chain.ts';

const dropsFirst = { trace_conditions: ['span.attributes["n"] == 1'] };
const fails = (context: string, error_mode: string) => ({
  error_mode,
  trace_statements: [{ context, statements: ['set(attributes["x"], ParseJSON("{"))'] }],
});
const numbered = (n: bigint) =>
  spanOf(Number(n), { attributes: [{ key: 'n', value: { intValue: n }, keyStrindex: 0 }] });

describe('a transform behind a filter that leaves no span of a resource', () => {
  for (const context of ['resource', 'scope']) {
    it(`does not refuse the request for its ${context}`, () => {
      const stage = stageOf([filter, dropsFirst], [transform, fails(context, 'propagate')]);
      assert.deepEqual(spansOf(stage.run(requestOf([numbered(1n)]))), []);
    });

    it(`refuses it for a ${context} that has one left`, () => {
      const stage = stageOf([filter, dropsFirst], [transform, fails(context, 'propagate')]);
      assert.throws(
        () => stage.run(requestOf([numbered(1n), numbered(2n)])),
        /trace_statements\[0\]\.statements\[0\]: the text is not JSON/,
      );
    });
  }
});
