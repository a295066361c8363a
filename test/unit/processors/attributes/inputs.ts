// Spans and actions for comparing the attributes processor with the Collector. No key stands twice on a span: there the
// two differ on purpose (attributes.test.ts).
import type { AnyValue, KeyValue, Span } from '../../../../src/wire/reference/messages.ts';
import { type Random, seededRandom } from '../../../wire/arbitraries.ts';
import { spanOf } from './run-chain.ts';

const list = (...values: AnyValue[]): AnyValue => ({ arrayValue: { values } });
const map = (...entries: [string, AnyValue][]): AnyValue => ({
  kvlistValue: { values: entries.map(([key, value]) => ({ key, value, keyStrindex: 0 })) },
});

const values: readonly AnyValue[] = [
  ...[
    '',
    'text',
    '42',
    '-7',
    '+7',
    '1_000',
    ' 42',
    '9223372036854775808',
    '0x10',
    '1e3',
    '.5',
    'NaN',
    'true',
    'ü€🎉',
  ].map((stringValue) => ({ stringValue })),
  ...['/users/42/orders', '/users/x', '/cart/7?q=1&r=<b>', 'a\nb', 'x'.repeat(300)].map((stringValue) => ({
    stringValue,
  })),
  ...[0n, 1n, -1n, 200n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)].map((intValue) => ({ intValue })),
  ...[0, -0, 1, 1.5, -2.75, 1e21, 1e20, 1.5e-7, 1e-6, 123456.789, 9.3e18, Number.NaN, Infinity, -Infinity].map(
    (doubleValue) => ({ doubleValue }),
  ),
  { boolValue: true },
  { boolValue: false },
  { bytesValue: Uint8Array.of(0, 1, 254) },
  { bytesValue: new Uint8Array(0) },
  {},
  list(),
  list({ stringValue: 'a<b>&\u2028' }, { intValue: 1n }, { doubleValue: 1e21 }, {}, { boolValue: false }),
  list({ doubleValue: Number.NaN }),
  map(),
  map(
    ['z', { intValue: 5n }],
    ['a', list(map(['\u007f\b', { stringValue: '"\\\u0001' }]))],
    ['é', { bytesValue: Uint8Array.of(255) }],
  ),
  map(['deep', { doubleValue: Infinity }]),
];

export const keys = ['k1', 'k2', 'k3', 'user.email', 'user.id', 'http.url', 'http.method', 'url.path', 'ключ'];

function attributesOf(random: Random): KeyValue[] {
  const chosen = keys.filter(() => random() < 0.7);
  chosen.sort(() => random() - 0.5);
  return chosen.map((key) => ({ key, value: values[Math.floor(random() * values.length)], keyStrindex: 0 }));
}

export function spansFor(seed: number, count: number): Span[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i) =>
    spanOf(i, {
      attributes: attributesOf(random),
      name: ['GET /users', 'chat', 'embeddings', ''][i % 4],
      kind: Math.floor(random() * 7),
    }),
  );
}

const string = (value: string): AnyValue => ({ stringValue: value });
export const resource: KeyValue[] = [
  { key: 'service.name', value: string('checkout'), keyStrindex: 0 },
  { key: 'host.cpus', value: { intValue: 8n }, keyStrindex: 0 },
];

/** Client metadata of the request: header -> values as HTTP joins them. */
export const headers = { 'x-tenant': 'acme', 'X-Many': 'a, b' };

const each = (action: string, more: Record<string, unknown> = {}) => keys.map((key) => ({ key, action, ...more }));
const insert = (key: string, value: unknown) => ({ key, value, action: 'insert' });
const mark = { actions: [insert('seen', true)] };

/** Configurations as a user writes them; JSON, as the recorder puts them into its file. */
export const configs: readonly Record<string, unknown>[] = [
  { actions: each('delete') },
  { actions: each('hash') },
  { actions: each('convert', { converted_type: 'string' }) },
  { actions: each('convert', { converted_type: 'int' }) },
  { actions: each('convert', { converted_type: 'double' }) },
  { actions: [...each('convert', { converted_type: 'string' }), ...each('convert', { converted_type: 'double' })] },
  ...['insert', 'update', 'upsert', 'UPSERT'].flatMap((action) => [
    { actions: each(action, { value: 'constant' }) },
    { actions: each(action, { from_attribute: 'k1' }) },
    { actions: each(action, { from_attribute: 'k1', default_value: 3 }) },
    { actions: each(action, { from_context: 'metadata.X-Tenant' }) },
    { actions: each(action, { from_context: 'x-tenant', default_value: false }) },
    { actions: each(action, { from_context: 'metadata.absent', default_value: [1, 'two'] }) },
    { actions: each(action, { from_context: 'metadata.absent' }) },
    { actions: each(action, { default_value: 'only' }) },
  ]),
  {
    actions: [
      insert('s', 'text'),
      insert('i', 42),
      insert('d', 1.5),
      insert('b', false),
      insert('l', [1, 'a', [true], { m: 1.5 }]),
      insert('m', { b: 2, a: { c: ['x'] } }),
      insert('empty', ''),
    ],
  },
  // Each sees what those before it did.
  {
    actions: [
      { key: 'copy', from_attribute: 'k1', action: 'insert' },
      { key: 'k1', action: 'delete' },
      { key: 'k1', from_attribute: 'k2', action: 'insert' },
      { key: 'k2', action: 'hash' },
      { key: 'k2', from_attribute: 'k2', action: 'upsert' },
      { key: 'k3', from_attribute: 'copy', action: 'upsert' },
      { key: 'copy', action: 'hash' },
      { key: 'new', value: 1, action: 'insert' },
      { key: 'new', value: 2, action: 'insert' },
      { key: 'new', action: 'convert', converted_type: 'string' },
      { key: 'gone', value: 1, action: 'upsert' },
      { key: 'gone', action: 'delete' },
      { key: 'gone', value: 'x', action: 'update' },
    ],
  },
  { actions: [{ pattern: '^http\\.', action: 'delete' }] },
  { actions: [{ key: 'k1', pattern: 'user', action: 'delete' }, insert('user.new', 1)] },
  { actions: [insert('http.new', 'x'), { pattern: '.*', action: 'delete' }, insert('last', 1)] },
  { actions: [{ pattern: '^(?i)USER\\.', action: 'hash' }] },
  { actions: [{ key: 'user.id', pattern: '^user', action: 'hash' }] },
  { actions: each('extract', { pattern: '^/(?P<first>[a-z]+)/(?P<k2>[0-9]+)?(?P<rest>.*)$' }) },
  { actions: each('extract', { pattern: '(?P<word>\\w)' }) },
  ...[
    { match_type: 'strict', services: ['checkout'] },
    { match_type: 'strict', services: ['other'] },
    { match_type: 'regexp', services: ['^nope$', 'eck'] },
    { match_type: 'strict', span_names: ['chat', ''] },
    { match_type: 'regexp', span_names: ['^GET', 'emb'] },
    { match_type: 'strict', span_kinds: ['SPAN_KIND_SERVER', 'SPAN_KIND_INTERNAL'] },
    { match_type: 'regexp', span_kinds: ['UNSPEC', '^$'] },
    { match_type: 'strict', attributes: [{ key: 'k1' }, { key: 'k2' }] },
    { match_type: 'strict', attributes: [{ key: 'k1', value: '42' }] },
    { match_type: 'strict', attributes: [{ key: 'k1', value: 1 }] },
    { match_type: 'strict', attributes: [{ key: 'k1', value: 1.5 }] },
    { match_type: 'strict', attributes: [{ key: 'k1', value: true }] },
    { match_type: 'strict', attributes: [{ key: 'k1', value: [] }] },
    { match_type: 'strict', attributes: [{ key: 'k1', value: {} }] },
    { match_type: 'regexp', attributes: [{ key: 'k1', value: '[0-9]{2}' }] },
    {
      match_type: 'regexp',
      attributes: [{ key: 'k2', value: '^(true|1000000000000000000000|0\\.00000015|-2\\.75|NaN|.Inf)$' }],
    },
    { match_type: 'strict', resources: [{ key: 'host.cpus', value: 8 }], libraries: [{ name: 'test' }] },
    { match_type: 'strict', libraries: [{ name: 'test', version: '' }] },
    { match_type: 'regexp', libraries: [{ name: 't.st', version: '1' }, { name: 'te' }] },
    { match_type: 'strict', libraries: [{ name: 'test' }, { name: 'other' }] },
    { match_type: 'strict', services: ['checkout'], span_names: ['chat'], attributes: [{ key: 'k1' }] },
  ].flatMap((match) => [
    { include: match, ...mark },
    { exclude: match, ...mark },
  ]),
  {
    include: { match_type: 'regexp', span_names: ['GET|chat'] },
    exclude: { match_type: 'strict', attributes: [{ key: 'k1' }] },
    ...mark,
  },
];
