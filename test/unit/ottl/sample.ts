// The span that rules are tried on: one attribute of every kind, and the odd values.
import type { AnyValue, ExportTraceServiceRequest, KeyValue } from '../../../src/wire/reference/messages.ts';

const text = (stringValue: string): AnyValue => ({ stringValue });
const int = (intValue: bigint): AnyValue => ({ intValue });

function attribute(key: string, value?: AnyValue): KeyValue {
  return { key, keyStrindex: 0, ...(value === undefined ? {} : { value }) };
}

const attributes: KeyValue[] = [
  attribute('str', text('hello world')),
  attribute('path', text('/api/v2/users')),
  attribute('empty', text('')),
  attribute('num_text', text('42')),
  attribute('float_text', text('2.75')),
  attribute('true_text', text('true')),
  attribute('hex_text', text('0x1f')),
  attribute('dur', text('1h30m')),
  attribute('html', text('<a href="x">&\u2028</a>')),
  attribute('unicode', text('na\u00efve \u2013 \u65e5\u672c\u8a9e \u{1f680}')),
  attribute('camel', text('someHTTPServerName2X')),
  attribute('snake', text('  some_snake-name.with parts  ')),
  attribute('one', int(1n)),
  attribute('zero', int(0n)),
  attribute('neg', int(-5n)),
  attribute('status', int(200n)),
  attribute('big', int(9_007_199_254_740_993n)),
  attribute('max', int(9_223_372_036_854_775_807n)),
  attribute('min', int(-9_223_372_036_854_775_808n)),
  attribute('dbl', { doubleValue: 2.5 }),
  attribute('dbl_int', { doubleValue: 200 }),
  attribute('dbl_big', { doubleValue: 1e21 }),
  attribute('dbl_small', { doubleValue: 1e-7 }),
  attribute('nan', { doubleValue: Number.NaN }),
  attribute('inf', { doubleValue: Number.POSITIVE_INFINITY }),
  attribute('yes', { boolValue: true }),
  attribute('no', { boolValue: false }),
  attribute('blob', { bytesValue: Uint8Array.of(0, 255, 16) }),
  attribute('list', { arrayValue: { values: [text('a'), text('b'), int(3n), { doubleValue: 1.5 }] } }),
  attribute('map', {
    kvlistValue: {
      values: [
        attribute('z', text('last')),
        attribute('n', int(7n)),
        attribute('deep', { kvlistValue: { values: [attribute('list', { arrayValue: { values: [int(10n)] } })] } }),
      ],
    },
  }),
  attribute('nothing', {}),
  attribute('key', text('str')),
];

/** One span with two events; each call makes new objects. */
export function sampleRequest(): ExportTraceServiceRequest {
  return structuredClone({
    resourceSpans: [
      {
        resource: {
          attributes: [attribute('service.name', text('shop')), attribute('host', text('h1'))],
          droppedAttributesCount: 2,
          entityRefs: [],
        },
        scopeSpans: [
          {
            scope: {
              name: 'lib',
              version: '1.2',
              attributes: [attribute('scope.attr', text('s'))],
              droppedAttributesCount: 0,
            },
            spans: [
              {
                traceId: Uint8Array.from(Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex')),
                spanId: Uint8Array.from(Buffer.from('1112131415161718', 'hex')),
                traceState: 'vendor=x,other=y',
                parentSpanId: new Uint8Array(0),
                flags: 257,
                name: 'GET /api/v2/users',
                kind: 2,
                startTimeUnixNano: 1_760_000_000_123_456_789n,
                endTimeUnixNano: 1_760_000_001_623_456_789n,
                attributes,
                droppedAttributesCount: 1,
                events: [
                  {
                    timeUnixNano: 1_760_000_000_200_000_000n,
                    name: 'exception',
                    attributes: [attribute('exception.type', text('TimeoutError')), attribute('n', int(4n))],
                    droppedAttributesCount: 0,
                  },
                  {
                    timeUnixNano: 1_760_000_000_300_000_000n,
                    name: 'retry',
                    attributes: [],
                    droppedAttributesCount: 3,
                  },
                ],
                droppedEventsCount: 5,
                links: [],
                droppedLinksCount: 6,
                status: { code: 2, message: 'broken' },
              },
            ],
            schemaUrl: 'https://example.com/scope',
          },
        ],
        schemaUrl: 'https://example.com/resource',
      },
    ],
  });
}
