// Requests in which much is alike, in other words: the same resources and scopes again with their attributes in another
// order, and few values of the keys.
import fc from 'fast-check';
import type {
  AnyValue,
  ExportTraceServiceRequest,
  KeyValue,
  ResourceSpans,
  ScopeSpans,
  Span,
} from '../../../../src/wire/reference/messages.ts';
import { request } from '../../../wire/arbitraries.ts';

export const attribute = (key: string, value: AnyValue): KeyValue => ({ key, value, keyStrindex: 0 });
const text = (stringValue: string): AnyValue => ({ stringValue });
const map = (...values: KeyValue[]): AnyValue => ({ kvlistValue: { values } });

const one = attribute('one', text('1'));
const two = attribute('two', map(attribute('x', { arrayValue: { values: [text('y'), map(one)] } }), one));
const values: readonly AnyValue[] = [
  text('a'),
  text('b'),
  {},
  { intValue: 1n },
  map(one, two),
  map(two, one),
  { arrayValue: { values: [map(one, two), {}] } },
  { arrayValue: { values: [map(two, one), {}] } },
];

const rotated = <T>(list: readonly T[], by: number): T[] => {
  const n = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(n), ...list.slice(0, n)];
};

function again(from: ResourceSpans, by: number): ResourceSpans {
  const { resource } = from;
  return {
    ...from,
    ...(resource && { resource: { ...resource, attributes: rotated(resource.attributes, by) } }),
    scopeSpans: from.scopeSpans.map(({ scope, ...rest }): ScopeSpans => {
      return { ...rest, ...(scope && { scope: { ...scope, attributes: rotated(scope.attributes, by) } }) };
    }),
  };
}

/** With each span a number of attributes `host` and `pod`. */
export const alike: fc.Arbitrary<ExportTraceServiceRequest> = fc
  .tuple(
    request,
    fc.array(fc.nat(3), { maxLength: 4 }),
    fc.infiniteStream(fc.tuple(fc.nat(5), fc.nat(values.length - 1), fc.nat(values.length - 1), fc.boolean())),
  )
  .map(([made, copies, picks]) => {
    const withKeys = (span: Span): Span => {
      const { value: pick } = picks.next();
      const [how, host, pod, isFirst] = pick;
      const added = [attribute('host', values[host]), attribute('pod', values[pod])].slice(how >> 1, (how % 2) + 1);
      return { ...span, attributes: isFirst ? [...added, ...span.attributes] : [...span.attributes, ...added] };
    };
    const all = [made.resourceSpans, ...copies.map((by) => made.resourceSpans.map((resource) => again(resource, by)))];
    const resourceSpans = all.flat().map((resource) => ({
      ...resource,
      scopeSpans: resource.scopeSpans.map((scope) => ({ ...scope, spans: scope.spans.map(withKeys) })),
    }));
    return { ...made, resourceSpans };
  });
