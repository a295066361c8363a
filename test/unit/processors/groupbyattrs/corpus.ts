// A request for comparing with the Collector: few resources, scopes and values, crossed at random and in any order. Of what
// the Collector loses when it groups (schema URLs, dropped counts, attributes of scopes, keys that occur twice) it has none.
import type {
  AnyValue,
  ExportTraceServiceRequest,
  KeyValue,
  ResourceSpans,
  ScopeSpans,
} from '../../../../src/wire/reference/messages.ts';
import { type Random, seededRandom } from '../../../wire/arbitraries.ts';
import { numberOf, spanOf } from '../attributes/run-chain.ts';
import { attribute } from './inputs.ts';
import { attributesText } from './plain.ts';

export const configs: readonly object[] = [
  {},
  { keys: ['host'] },
  { keys: ['pod', 'host', '', 'pod'] },
  { keys: ['nobody.has.this', 'region'] },
];

const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)];

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  return list
    .map((one) => [random(), one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one);
}

/** The same few, lists and maps in their own order each time. */
function value(random: Random): AnyValue {
  const map = (): AnyValue => {
    const inner = attribute('c', {
      kvlistValue: { values: shuffled(random, [attribute('x', {}), attribute('y', {})]) },
    });
    const values = [attribute('a', { intValue: 1n }), attribute('b', { stringValue: '' }), inner];
    return { kvlistValue: { values: shuffled(random, values) } };
  };
  return pick<() => AnyValue>(random, [
    () => ({ stringValue: 'web-1' }),
    () => ({ stringValue: 'web-2' }),
    () => ({ stringValue: '' }),
    () => ({}),
    () => ({ intValue: 1n }),
    () => ({ intValue: -(2n ** 63n) }),
    () => ({ doubleValue: 1 }),
    () => ({ doubleValue: -0 }),
    () => ({ doubleValue: 0 }),
    () => ({ boolValue: false }),
    () => ({ bytesValue: Uint8Array.of(0xff, 0) }),
    () => ({ bytesValue: new Uint8Array(0) }),
    map,
    () => ({ arrayValue: { values: [map(), { intValue: 1n }] } }),
    () => ({ arrayValue: { values: [] } }),
    () => ({ kvlistValue: { values: [] } }),
  ])();
}

function someOf(random: Random, keys: readonly string[]): KeyValue[] {
  const wanted = shuffled(random, keys).slice(0, Math.floor(random() * (keys.length + 1)));
  return wanted.map((key) => attribute(key, value(random)));
}

const resources: readonly (readonly KeyValue[] | undefined)[] = [
  undefined,
  [],
  [attribute('service', { stringValue: 'shop' })],
  [attribute('service', { stringValue: 'shop' }), attribute('host', { stringValue: 'web-1' })],
  [attribute('host', {}), attribute('region', { stringValue: 'eu' }), attribute('é', { intValue: 1n })],
];
const scopes: readonly (readonly [name: string, version: string] | undefined)[] = [
  undefined,
  ['', ''],
  ['http', '1'],
  ['http', '2'],
  ['db', '1'],
];

export function requestFor(seed: number, count: number): ExportTraceServiceRequest {
  const random = seededRandom(seed);
  let number = 0;
  const scopeSpans = (): ScopeSpans => {
    const scope = pick(random, scopes);
    const spans = Array.from({ length: Math.floor(random() * 4) }, () =>
      spanOf(number++, { attributes: someOf(random, ['host', 'pod', 'region', 'other']) }),
    );
    const [name, version] = scope ?? ['', ''];
    const made = { name, version, attributes: [], droppedAttributesCount: 0 };
    return { spans, schemaUrl: '', ...(scope && { scope: made }) };
  };
  const resourceSpans: ResourceSpans[] = [];
  while (number < count) {
    const resource = pick(random, resources);
    const attributes = shuffled(random, resource ?? []);
    resourceSpans.push({
      scopeSpans: Array.from({ length: Math.floor(random() * 4) }, scopeSpans),
      schemaUrl: '',
      ...(resource && { resource: { attributes, droppedAttributesCount: 0, entityRefs: [] } }),
    });
  }
  return { resourceSpans };
}

/** Resource, scope, number of the span and what it has left of its attributes, in this order. */
export function rowsOf({ resourceSpans }: ExportTraceServiceRequest): string[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }, i) =>
    scopeSpans.flatMap(({ scope, spans }, j) =>
      spans.map((span) => {
        const of = `${i} ${attributesText(resource?.attributes ?? [])}\n${j} ${scope?.name ?? ''} ${scope?.version ?? ''}`;
        return `${of}\n${numberOf(span)} ${attributesText(span.attributes)}`;
      }),
    ),
  );
}
