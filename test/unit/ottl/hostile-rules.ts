// Rules on requests as hostile or broken clients send them.
import assert from 'node:assert/strict';
import { functions } from '../../../src/ottl/functions/table.ts';
import type { OttlValue } from '../../../src/ottl/values.ts';
import { encodeRequest } from '../../../src/wire/reference/codec.ts';
import type { AnyValue, KeyValue } from '../../../src/wire/reference/messages.ts';
import { isAccepted, type Outcome, type Rule, type Run, runCompiled, runInterpreted } from './oracle/both-ways.ts';
import { sampleRequest } from './sample.ts';

export const attribute = (key: string, value?: AnyValue): KeyValue => ({
  key,
  keyStrindex: 0,
  ...(value === undefined ? {} : { value }),
});

/** The sample with one span, no events, and these attributes only. */
export function requestWith(attributes: KeyValue[]): Uint8Array {
  const request = sampleRequest();
  Object.assign(request.resourceSpans[0].scopeSpans[0].spans[0], { attributes, events: [] });
  return encodeRequest(request);
}

export const statement = (text: string): Rule => ({ form: 'statement', context: 'span', text });
export const expression = (text: string): Rule => ({ form: 'expression', context: 'span', text });

/** Over bytes, which must be what the oracle makes of it. */
export function run(rules: readonly Rule[], request: Uint8Array): Run {
  for (const rule of rules) assert.ok(isAccepted(rule), `refused: ${rule.text}`);
  const compiled = runCompiled(rules, request);
  const wanted = runInterpreted(rules, request);
  assert.deepEqual(compiled.outcomes.map(shown), wanted.outcomes.map(shown));
  assert.deepEqual(compiled.after, wanted.after);
  return compiled;
}

/** Short enough to be read when it differs. */
function shown(outcome: Outcome): unknown {
  const { rule, ...result } = outcome;
  assert.ok(!('crash' in result), `${rule.text}: ${'crash' in result ? result.crash : ''}`);
  return [rule.text.slice(0, 200), result];
}

export const attributesAfter = ({ after }: Run): (readonly [string, OttlValue])[] =>
  after[0].scopes[0].spans[0].attributes.map(({ key, value }) => [key, value] as const);

/** What gives a value. */
export const converters = [...functions.values()].filter(({ kind }) => kind === 'converter');
/** What gives the same twice. */
export const steady = converters.filter(({ name }) => !['Now', 'UUID', 'UUIDv7'].includes(name));
