// Requests with what real and hostile clients send: keys twice, attributes without a value, text that is no UTF-8, numbers
// at the ends of their range, maps in maps.
import fc from 'fast-check';
import { encodeRequest } from '../../../../src/wire/reference/codec.ts';
import type {
  AnyValue,
  EntityRef,
  ExportTraceServiceRequest,
  KeyValue,
  Span,
} from '../../../../src/wire/reference/messages.ts';

/** Keys that rules ask for, by what is mostly there. */
export const keysByKind = {
  string: ['str', 'text', 'num_text', 'a.b', ''],
  int: ['one', 'big'],
  double: ['dbl'],
  bool: ['yes'],
  bytes: ['blob'],
  list: ['list', 'tags'],
  map: ['map', 'm', 'deep'],
  nil: ['nothing'],
} as const;
export const allKeys: readonly string[] = Object.values(keysByKind).flat();

/** Texts that mean something to one function or another. */
export const meaningful: readonly string[] = [
  ...[
    '',
    ' ',
    'a',
    'GET',
    'hello world',
    'someHTTPName',
    'snake_case-name',
    '/api/v2/users/42',
    'a,b;c',
    '%',
    '$1',
    '.*',
  ],
  ...[
    'na\u00efve',
    '\u65e5\u672c\u8a9e',
    '\u{1f680}\u{1f680}',
    'x\0y',
    '\u0130\u00df',
    '"q\\',
    '<a b="c">&amp;</a>',
    '\u2028',
  ],
  ...[
    '0',
    '42',
    '-7',
    '1e3',
    '0x1f',
    'NaN',
    'true',
    '9223372036854775807',
    '-9223372036854775809',
    '4539 1488 0343 6467',
  ],
  ...[
    '{"a": {"b": [1, "x", null]}, "a": 2}',
    '[1, {"k": "v"}]',
    '{"a":',
    'k=v k2="v 2"',
    'a,"b c",d',
    '1,2',
    'a=1;b=2',
  ],
  ...[
    '1h30m',
    '-1ns',
    '2024-02-29 23:59:59',
    '2024-02-29T23:59:59Z',
    '%Y-%m-%d %H:%M:%S',
    '2006-01-02',
    'UTC',
    'Europe/Berlin',
  ],
  ...['https://u:p@h.example:80/p/q.txt?x=1#f', '192.168.1.7', '10.0.0.0/8', '::1', '2001:db8::/32'],
  ...[
    '0102030405060708',
    '0102030405060708090a0b0c0d0e0f10',
    'ff',
    'aGVsbG8=',
    'aGVsbG8',
    'utf-8',
    'base64',
    'us-ascii',
  ],
  ...[
    'Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.0.0',
    '%{IP:ip} %{WORD:w}',
    '127.0.0.1 GET',
    '<r><a>1</a></r>',
    '/r/a',
    '%s',
  ],
];

/** Becomes the first three bytes of a character of four; it decodes to one U+FFFD, which also has three bytes. */
const broken = '\u0001\u0002\u0003';
const brokenBytes = Buffer.from([0xf0, 0x9f, 0x9a]);

const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...meaningful) },
  { weight: 1, arbitrary: fc.constantFrom(broken, `a${broken} b`, `${broken}${broken}`) },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
);
export const ints: readonly bigint[] = [0n, 1n, -1n, 2n, 200n, 2n ** 31n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];
export const doubles: readonly number[] = [
  0,
  -0,
  1,
  2.5,
  -1e-7,
  1e21,
  5e-324,
  Number.NaN,
  Infinity,
  -Infinity,
  2 ** 63,
];

const value = fc.letrec<{ any: AnyValue; entry: KeyValue; list: AnyValue; map: AnyValue }>((tie) => ({
  list: fc.array(tie('any'), { maxLength: 4 }).map((values) => ({ arrayValue: { values } })),
  map: fc.array(tie('entry'), { maxLength: 4 }).map((values) => ({ kvlistValue: { values } })),
  entry: fc
    .tuple(fc.constantFrom('a', 'b', 'a.b', '', 'k', '0', 'list'), tie('any'))
    .map(([key, item]) => keyValue(key, item)),
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant({}),
    text.map((stringValue) => ({ stringValue })),
    fc.constantFrom(...ints).map((intValue) => ({ intValue })),
    fc.constantFrom(...doubles).map((doubleValue) => ({ doubleValue })),
    fc.boolean().map((boolValue) => ({ boolValue })),
    fc.uint8Array({ maxLength: 9 }).map((bytesValue) => ({ bytesValue: bytesValue.map((byte) => byte | 0x80) })),
    tie('list'),
    tie('map'),
  ),
}));

/** `{"k": {"k": …}}` or the same of lists, some twenty deep. */
const deep = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.boolean()).map(([levels, lists]) => {
  let inner: AnyValue = { stringValue: 'end' };
  for (let i = 0; i < levels; i++) {
    inner =
      lists && i % 2 === 0 ? { arrayValue: { values: [inner] } } : { kvlistValue: { values: [keyValue('k', inner)] } };
  }
  return inner;
});

function keyValue(key: string, item: AnyValue | undefined): KeyValue {
  return { key, keyStrindex: 0, ...(item === undefined ? {} : { value: item }) };
}

const byKind: Readonly<Record<keyof typeof keysByKind, fc.Arbitrary<AnyValue | undefined>>> = {
  string: text.map((stringValue) => ({ stringValue })),
  int: fc.constantFrom(...ints).map((intValue) => ({ intValue })),
  double: fc.constantFrom(...doubles).map((doubleValue) => ({ doubleValue })),
  bool: fc.boolean().map((boolValue) => ({ boolValue })),
  bytes: fc.uint8Array({ maxLength: 17 }).map((bytes) => ({ bytesValue: bytes.map((byte) => byte | 0x80) })),
  list: value.list,
  map: fc.oneof(value.map, deep),
  nil: fc.constantFrom(undefined, {}),
};
const usual = Object.entries(keysByKind).map(([kind, keys]) =>
  fc.tuple(fc.constantFrom(...keys), byKind[kind as keyof typeof keysByKind]),
);
const attribute = fc
  .oneof(
    { weight: 12, arbitrary: fc.oneof(...usual) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...allKeys, broken), value.any) },
  )
  .map(([key, item]) => keyValue(key, item));
const attributes = (maxLength: number) => fc.array(attribute, { maxLength });

const name = fc.oneof(fc.constantFrom('GET /api/v2/users', '', 'query', broken), text);
const nanos = fc.constantFrom(0n, 1n, 1_760_000_000_123_456_789n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n);
const count = fc.constantFrom(0, 1, 7, 2 ** 31, 2 ** 32 - 1);
const id = (size: number) =>
  fc.constantFrom(
    new Uint8Array(0),
    new Uint8Array(size),
    new Uint8Array(size).fill(0xab),
    Uint8Array.from({ length: size }, (_, i) => i + 16),
  );
const traceState = fc.constantFrom(
  '',
  'vendor=x',
  'vendor=x,other=y',
  ' a=1 ,, b=2',
  'no list',
  'vendor=x,vendor=y',
  broken,
);

const span: fc.Arbitrary<Span> = fc.record(
  {
    traceId: id(16),
    spanId: id(8),
    traceState,
    parentSpanId: id(8),
    flags: count,
    name,
    kind: fc.constantFrom(0, 1, 2, 3, 4, 5, 9, -1),
    startTimeUnixNano: nanos,
    endTimeUnixNano: nanos,
    attributes: attributes(12),
    droppedAttributesCount: count,
    events: fc.array(
      fc.record({ timeUnixNano: nanos, name, attributes: attributes(3), droppedAttributesCount: count }),
      { maxLength: 2 },
    ),
    droppedEventsCount: count,
    links: fc.array(
      fc.record({
        traceId: id(16),
        spanId: id(8),
        traceState,
        attributes: attributes(2),
        droppedAttributesCount: count,
        flags: count,
      }),
      { maxLength: 2 },
    ),
    droppedLinksCount: count,
    status: fc.record({ code: fc.constantFrom(0, 1, 2, 7, -1), message: text }),
  },
  {
    requiredKeys: [
      'traceId',
      'spanId',
      'traceState',
      'parentSpanId',
      'flags',
      'name',
      'kind',
      'startTimeUnixNano',
      'endTimeUnixNano',
      'attributes',
      'droppedAttributesCount',
      'events',
      'droppedEventsCount',
      'links',
      'droppedLinksCount',
    ],
  },
);

const schemaUrl = fc.constantFrom('', 'https://example.com/schema');
const scopeSpans = fc.record(
  {
    scope: fc.record({ name, version: text, attributes: attributes(3), droppedAttributesCount: count }),
    spans: fc.array(span, { minLength: 1, maxLength: 2 }),
    schemaUrl,
  },
  { requiredKeys: ['spans', 'schemaUrl'] },
);
const resourceSpans = fc.record(
  {
    resource: fc.record({
      attributes: attributes(4),
      droppedAttributesCount: count,
      entityRefs: fc.constant<EntityRef[]>([]),
    }),
    scopeSpans: fc.array(scopeSpans, { minLength: 1, maxLength: 2 }),
    schemaUrl,
  },
  { requiredKeys: ['scopeSpans', 'schemaUrl'] },
);

/** As bytes, with the broken texts in it broken. */
function encodeBroken(message: ExportTraceServiceRequest): Uint8Array {
  const bytes = Buffer.from(encodeRequest(message));
  for (let at = bytes.indexOf(broken); at >= 0; at = bytes.indexOf(broken, at + 1)) brokenBytes.copy(bytes, at);
  return bytes;
}

export const encodedRequest: fc.Arbitrary<Uint8Array> = fc
  .array(resourceSpans, { minLength: 1, maxLength: 2 })
  .map((all) => encodeBroken({ resourceSpans: all }));
