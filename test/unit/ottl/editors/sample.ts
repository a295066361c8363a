// The span that the cases of the editors run on: one for each, all in one request, told apart by their number.
import type { ContextName } from '../../../../src/ottl/environment.ts';
import { showValue } from '../../../../src/ottl/show.ts';
import type { OttlMap, OttlValue } from '../../../../src/ottl/values.ts';
import type { AnyValue, ExportTraceServiceRequest, KeyValue } from '../../../../src/wire/reference/messages.ts';
import { interpretExpression } from '../oracle/interpret.ts';
import type { Model, Place } from '../oracle/model.ts';
import type { EditorCase } from './cases.ts';

const attribute = (key: string, value?: AnyValue): KeyValue => ({
  key,
  keyStrindex: 0,
  ...(value === undefined ? {} : { value }),
});
const text = (stringValue: string): AnyValue => ({ stringValue });
const int = (intValue: bigint): AnyValue => ({ intValue });
const list = (...values: AnyValue[]): AnyValue => ({ arrayValue: { values } });
const map = (...values: KeyValue[]): AnyValue => ({ kvlistValue: { values } });

const spanAttributes: readonly KeyValue[] = [
  attribute('s', text('hello world')),
  attribute('e', text('')),
  attribute('i', int(42n)),
  attribute('d', { doubleValue: 2.5 }),
  attribute('t', { boolValue: true }),
  attribute('b', { bytesValue: Uint8Array.of(0, 255, 16) }),
  attribute('none'),
  attribute('key', text('k')),
  attribute('list', list(text('a'), text('last'), int(3n), { doubleValue: 1.5 }, map(attribute('z', text('last'))))),
  attribute('empty', list()),
  attribute(
    'm',
    map(
      attribute('z', text('last')),
      attribute('k', int(7n)),
      attribute(
        'deep',
        map(attribute('list', list(int(10n), map(attribute('x', text('latest'))))), attribute('k', text('natt'))),
      ),
      attribute('at', text('na\u00efve \u65e5\u672c')),
      attribute('none', {}),
    ),
  ),
  attribute(
    'conflicts',
    map(
      attribute('a', map(attribute('b', int(1n)))),
      attribute('a.b', int(2n)),
      attribute('a.b.0', int(3n)),
      attribute('list', list(text('x'), text('y'), map(attribute('k', int(4n))))),
      attribute('list.0', text('z')),
      attribute('in', list(list(text('p'), text('q')), list(text('r'), list(text('s'))))),
      attribute('maps', list(map(attribute('k', int(5n))), map(attribute('k', int(6n))))),
      attribute('none', map()),
      attribute('void', list()),
    ),
  ),
];

function spansOf(number: number): ExportTraceServiceRequest['resourceSpans'][number] {
  return {
    resource: {
      attributes: [
        attribute('z', text('last')),
        attribute('host', text('latest')),
        attribute('tags', list(text('red'), text('hello world'))),
        attribute('k', map(attribute('in', text('natt')))),
      ],
      droppedAttributesCount: 0,
      entityRefs: [],
    },
    schemaUrl: '',
    scopeSpans: [
      {
        scope: {
          name: 'lib',
          version: '1',
          attributes: [attribute('k', text('past')), attribute('list', list(int(1n)))],
          droppedAttributesCount: 0,
        },
        schemaUrl: '',
        spans: [
          {
            traceId: new Uint8Array(16).fill(1),
            spanId: Uint8Array.from([1, 1, 1, 1, 1, 1, number >> 8, number & 255]),
            parentSpanId: new Uint8Array(0),
            traceState: 'vendor=x',
            flags: 0,
            name: 'GET /users/7',
            kind: 2,
            startTimeUnixNano: 1_760_000_000_123_456_789n,
            endTimeUnixNano: 1_760_000_001_000_000_000n,
            attributes: [...spanAttributes],
            droppedAttributesCount: 0,
            events: [
              {
                timeUnixNano: 1_760_000_000_200_000_000n,
                name: 'event',
                attributes: [
                  attribute('k', text('hello world')),
                  attribute('z', text('last')),
                  attribute('none', {}),
                  attribute('data', map(attribute('at', list(text('natt'), int(1n))))),
                  attribute('path', text('/users/7')),
                  attribute('n', int(7n)),
                ],
                droppedAttributesCount: 0,
              },
            ],
            droppedEventsCount: 0,
            links: [],
            droppedLinksCount: 0,
            status: { code: 2, message: 'broken' },
          },
        ],
      },
    ],
  };
}

/** The span of each case, in order. */
export function editorRequest(cases: readonly EditorCase[]): ExportTraceServiceRequest {
  return { resourceSpans: cases.map((_, number) => spansOf(number)) };
}

export function contextOf({ statements, read }: EditorCase): ContextName {
  return [...statements, read].some((part) => part.includes('spanevent.')) ? 'spanevent' : 'span';
}

/** What each case looks at, in what became of the request; null: its span is not there. */
export function readBack(model: Model, cases: readonly EditorCase[]): (string | null)[] {
  const spans = model.flatMap((resource) =>
    resource.scopes.flatMap((scope) => scope.spans.map((span) => ({ resource, scope, span }))),
  );
  return cases.map((one, number) => {
    const found = spans.find(({ span }) => span.spanId[6] * 256 + span.spanId[7] === number);
    if (found === undefined) return null;
    const place: Place = {
      ...found,
      event: found.span.events[0],
      link: null,
      index: 0,
      caches: {} as Place['caches'],
      client: new Map(),
    };
    return showValue(sorted(interpretExpression(one.read, { context: contextOf(one), place })));
  });
}

/** With the keys of maps in order: of maps in rules the Collector has them in any. */
function sorted(value: OttlValue): OttlValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (!(value instanceof Map)) return value;
  const entries = [...(value as OttlMap)].sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(entries.map(([key, item]) => [key, sorted(item)]));
}
