// Which spans the shared include/exclude properties mean, over real bytes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matchProperties } from '../../../src/component/span-match-fields.ts';
import { compileSpanMatcher } from '../../../src/component/span-matcher.ts';
import { encodeRequest } from '../../../src/wire/reference/codec.ts';
import { createStage, processor } from '../../wire/chain-support.ts';
import { sampleRequest } from '../ottl/sample.ts';

function matches(raw: unknown, change: (request: ReturnType<typeof sampleRequest>) => void = () => {}): boolean {
  const properties = matchProperties.parse(raw);
  let matched: boolean | null = null;
  const stage = createStage([
    processor('matcher', (builder) => {
      const test = compileSpanMatcher(properties, builder);
      return {
        span: () => {
          matched = test();
        },
      };
    }),
  ]);
  const request = sampleRequest();
  change(request);
  stage.run(encodeRequest(request));
  assert.notEqual(matched, null);
  return matched === true;
}

const strict = (rest: object): object => ({ match_type: 'strict', ...rest });
const regexp = (rest: object): object => ({ match_type: 'regexp', ...rest });
const attribute = (key: string, value?: unknown): object => (value === undefined ? { key } : { key, value });

describe('a span matcher', () => {
  const table: readonly (readonly [raw: object, expected: boolean])[] = [
    [strict({ services: ['other', 'shop'] }), true],
    [strict({ services: ['sho'] }), false],
    [regexp({ services: ['^sh'] }), true],
    [strict({ span_names: ['GET /api/v2/users'] }), true],
    [regexp({ span_names: ['^POST', '/v\\d/'] }), true],
    [strict({ span_kinds: ['SPAN_KIND_SERVER', 'SPAN_KIND_CLIENT'] }), true],
    [strict({ span_kinds: ['SPAN_KIND_CLIENT'] }), false],
    [regexp({ span_kinds: ['SERVER$'] }), true],
    [strict({ attributes: [attribute('str', 'hello world')] }), true],
    [strict({ attributes: [attribute('str', 'hello')] }), false],
    [strict({ attributes: [attribute('str')] }), true],
    [strict({ attributes: [attribute('absent')] }), false],
    [strict({ attributes: [attribute('nothing')] }), true],
    [strict({ attributes: [attribute('str', 'hello world'), attribute('one', 1n)] }), true],
    [strict({ attributes: [attribute('str', 'hello world'), attribute('one', 2n)] }), false],
    [strict({ attributes: [attribute('one', '1')] }), false],
    [strict({ attributes: [attribute('dbl', 2.5)] }), true],
    [strict({ attributes: [attribute('dbl_int', 200n)] }), false],
    [strict({ attributes: [attribute('yes', true)] }), true],
    [strict({ attributes: [attribute('no', true)] }), false],
    [strict({ attributes: [attribute('list', ['a', 'b', 3n, 1.5])] }), true],
    [regexp({ attributes: [attribute('str', 'w.r')] }), true],
    [regexp({ attributes: [attribute('neg', '^-5$')] }), true],
    [regexp({ attributes: [attribute('dbl_big', '^1000000000000000000000$')] }), true],
    [regexp({ attributes: [attribute('dbl_small', '^0\\.0000001$')] }), true],
    [regexp({ attributes: [attribute('yes', '^true$')] }), true],
    [regexp({ attributes: [attribute('list', 'a')] }), false],
    [strict({ resources: [attribute('host', 'h1')] }), true],
    [strict({ resources: [attribute('host', 'h2')] }), false],
    [strict({ libraries: [{ name: 'lib' }] }), true],
    [strict({ libraries: [{ name: 'lib', version: '1.2' }] }), true],
    [strict({ libraries: [{ name: 'lib', version: '' }] }), false],
    [strict({ libraries: [{ name: 'lib' }, { name: 'other' }] }), false],
    [regexp({ libraries: [{ name: 'i', version: '^1' }] }), true],
    [strict({ services: ['shop'], span_names: ['other'] }), false],
  ];
  for (const [raw, expected] of table) {
    it(`${JSON.stringify(raw, (_, v) => (typeof v === 'bigint' ? Number(v) : v))} is ${expected}`, () => {
      assert.equal(matches(raw), expected);
    });
  }

  it('takes a service without a name for <nil-service-name>', () => {
    const unnamed = (request: ReturnType<typeof sampleRequest>): void => {
      request.resourceSpans[0].resource?.attributes.splice(0);
    };
    assert.equal(matches(strict({ services: ['<nil-service-name>'] }), unnamed), true);
    assert.equal(matches(strict({ services: [''] }), unnamed), false);
  });

  it('needs at least one property', () => {
    assert.equal(matchProperties.safeParse({ match_type: 'strict' }).success, false);
    assert.equal(matchProperties.safeParse({ services: ['a'] }).success, false);
  });
});
