// What random rules on random spans have found, one case each.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeRequest } from '../../../src/wire/reference/codec.ts';
import { attribute, attributesAfter, requestWith, run, statement } from './hostile-rules.ts';
import { sampleRequest } from './sample.ts';

describe('found by random rules', () => {
  it('a constant that always fails does so at the span, not while the rule is compiled', () => {
    const { outcomes } = run([statement('delete_key(attributes, Duration("1h30m"))')], requestWith([]));
    assert.ok('fault' in outcomes[0]);
  });

  it('an editor that fails has written nothing', () => {
    const { outcomes, after } = run(
      [statement('merge_maps(attributes, {"a": 1, "b": span.start_time}, "upsert")')],
      requestWith([attribute('a', { intValue: 2n })]),
    );
    assert.ok('fault' in outcomes[0]);
    assert.deepEqual(attributesAfter({ outcomes, after }), [['a', 2n]]);
  });

  it('a list is written to a scope that the request does not have, or that holds another', () => {
    for (const hasScope of [false, true]) {
      const request = sampleRequest();
      const [scopeSpans] = request.resourceSpans[0].scopeSpans;
      if (!hasScope) delete scopeSpans.scope;
      const rules = ['set(scope.attributes["list"], [1, [2]])', 'set(resource.attributes["map"], {"k": []})'];
      const { after } = run(rules.map(statement), encodeRequest(request));
      const found = after[0].scopes[0].attributes.find(({ key }) => key === 'list');
      assert.deepEqual(found?.value, [1n, [2n]]);
    }
  });

  it('what is flat goes before what was nested only where it stood before it', () => {
    const { after } = run(
      [statement('flatten(attributes)')],
      requestWith([
        attribute('m', {
          kvlistValue: { values: [attribute('a', { intValue: 1n }), attribute('b', { intValue: 2n })] },
        }),
        attribute('last', { intValue: 3n }),
      ]),
    );
    assert.deepEqual(attributesAfter({ outcomes: [], after }), [
      ['m.a', 1n],
      ['m.b', 2n],
      ['last', 3n],
    ]);
  });

  it('of a key that occurs twice the first is made flat, be it empty', () => {
    const list = (...values: bigint[]) => ({ arrayValue: { values: values.map((intValue) => ({ intValue })) } });
    for (const [first, wanted] of [
      [list(), []],
      [
        { intValue: 1n },
        [
          ['k', 1n],
          ['k', [2n]],
        ],
      ],
    ] as const) {
      const request = requestWith([attribute('k', first), attribute('k', list(2n))]);
      assert.deepEqual(attributesAfter(run([statement('flatten(attributes)')], request)), wanted);
    }
  });

  it('what comes of a map stays when a list behind it, with the same key, is taken apart too', () => {
    const kvlistValue = { values: [attribute('x', { intValue: 1n })] };
    const arrayValue = { values: [{ intValue: 2n }] };
    const request = requestWith([attribute('m', { kvlistValue }), attribute('m.x', { arrayValue })]);
    // A key that stands in a rule has a number.
    const rules = ['delete_key(attributes, "m.x") where attributes["m.x"] == nil', 'flatten(attributes)'];
    assert.deepEqual(attributesAfter(run(rules.map(statement), request)), [
      ['m.x', 1n],
      ['m.x.0', 2n],
    ]);
  });

  it('a replacement that always fails does so in an empty map, too', () => {
    const text = 'replace_all_patterns(attributes, "key", ".", TraceID(0x0102030405060708090a0b0c0d0e0f10))';
    assert.ok('fault' in run([statement(text)], requestWith([])).outcomes[0]);
  });
});
