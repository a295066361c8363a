import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import * as fields from '../../../src/component/fields.ts';

const codes = (schema: z.ZodType, input: unknown): unknown[] =>
  (schema.safeParse(input).error?.issues ?? []).map((issue) =>
    issue.code === 'custom' ? issue.params?.code : issue.code,
  );

test('a duration becomes milliseconds, from text or the number 0', () => {
  const schema = fields.durationMs('5s');
  assert.equal(schema.parse('1.5h'), 5_400_000);
  assert.equal(schema.parse(0), 0);
  assert.equal(schema.parse(0n), 0);
  assert.equal(schema.parse(undefined), 5000);
});

test('what is no duration has the code CONFIG_DURATION, an absent one CONFIG_MISSING', () => {
  for (const input of ['5q', 5, true, null, [], '-1s'])
    assert.deepEqual(codes(fields.requiredDurationMs(), input), ['CONFIG_DURATION']);
  assert.deepEqual(codes(fields.requiredDurationMs({ positive: true }), '0s'), ['CONFIG_DURATION']);
  assert.deepEqual(codes(z.strictObject({ d: fields.requiredDurationMs() }), {}), ['CONFIG_MISSING']);
  assert.equal(fields.requiredDurationMs({ negative: true }).parse('-1s'), -1000);
});

test('an optional duration may be absent', () => {
  assert.deepEqual(z.strictObject({ d: fields.requiredDurationMs().optional() }).parse({}), {});
});

test('a duration shows in JSON Schema as text with a pattern, its default and its description', () => {
  const schema = z.toJSONSchema(z.strictObject({ d: fields.durationMs('5s').describe('A time.') }), { io: 'input' });
  const field = (schema.properties as Record<string, Record<string, unknown>>).d;
  assert.equal(field?.default, '5s');
  assert.equal(field?.description, 'A time.');
  assert.deepEqual(field?.type, ['string', 'integer']);
  assert.equal(typeof field?.pattern, 'string');
  assert.equal(schema.required, undefined);
});

test('any value keeps integers and doubles apart, and maps in order', () => {
  const schema = fields.anyValue();
  assert.equal(schema.parse(1n), 1n);
  assert.equal(schema.parse(1), 1);
  assert.deepEqual(
    schema.parse({ b: [1n, 'x', null], a: true }),
    new Map<string, unknown>([
      ['b', [1n, 'x', null]],
      ['a', true],
    ]),
  );
  assert.deepEqual(codes(z.strictObject({ v: schema }), {}), ['CONFIG_MISSING']);
  assert.deepEqual(z.strictObject({ v: schema.optional() }).parse({}), {});
});

test('a listen address needs a port', () => {
  for (const text of ['localhost:4317', ':4317', '[::1]:0', '0.0.0.0:65535'])
    assert.equal(fields.listenAddress().parse(text), text);
  for (const text of ['localhost', 'localhost:', 'localhost:65536', 'localhost:x', '']) {
    assert.deepEqual(codes(fields.listenAddress(), text), ['CONFIG_VALUE']);
  }
});

test('a list of distinct strings ignores case, and names the second', () => {
  const result = fields.distinctStringList().safeParse(['a', 'b', 'A']);
  assert.deepEqual(
    result.error?.issues.map((issue) => issue.path),
    [[2]],
  );
});
