// What comes together, and what stays apart: two spans, each under a resource and a scope of its own, without keys.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupbyattrs } from '../../../../src/processors/groupbyattrs/index.ts';
import type {
  AnyValue,
  ExportTraceServiceRequest,
  InstrumentationScope,
  KeyValue,
  Resource,
  ResourceSpans,
  ScopeSpans,
} from '../../../../src/wire/reference/messages.ts';
import { spanOf, stageOf } from '../attributes/run-chain.ts';
import { attribute } from './inputs.ts';

const text = (stringValue: string): AnyValue => ({ stringValue });
const one = attribute('one', text('1'));
const two = attribute('two', text('2'));
const twoAgain = attribute('two', text('3'));
const list = (...values: AnyValue[]): AnyValue => ({ arrayValue: { values } });
const map = (...values: KeyValue[]): AnyValue => ({ kvlistValue: { values } });
/** Field 31, a varint, which no message has. */
const unknownFields = [Uint8Array.of(0xf8, 0x01, 5)];

const stage = stageOf([groupbyattrs, {}]);
const resourceOf = (more: Partial<Resource>): Resource => ({
  attributes: [],
  droppedAttributesCount: 0,
  entityRefs: [],
  ...more,
});
const scopeOf = (more: Partial<InstrumentationScope>): InstrumentationScope => ({
  name: 'http',
  version: '1',
  attributes: [],
  droppedAttributesCount: 0,
  ...more,
});

function groupsOf(resources: readonly Partial<ResourceSpans>[], scopes: readonly Partial<ScopeSpans>[]): number[] {
  const request: ExportTraceServiceRequest = {
    resourceSpans: resources.map((resource, i) => ({
      schemaUrl: '',
      ...resource,
      scopeSpans: [{ schemaUrl: '', ...scopes[i], spans: [spanOf(i)] }],
    })),
  };
  const { resourceSpans } = stage.run(request);
  return [resourceSpans.length, resourceSpans.flatMap(({ scopeSpans }) => scopeSpans).length];
}

const of = (...attributes: KeyValue[]): Partial<ResourceSpans> => ({ resource: resourceOf({ attributes }) });
const valued = (value: AnyValue): Partial<ResourceSpans> => of(attribute('key', value));

const alike: Readonly<Record<string, readonly [Partial<ResourceSpans>, Partial<ResourceSpans>]>> = {
  'attributes in another order': [of(one, two), of(two, one)],
  'no resource and an empty one': [{}, of()],
  'maps in another order': [valued(map(one, two)), valued(map(two, one))],
  'maps deep inside': [
    valued(list(map(one, attribute('m', map(one, two))))),
    valued(list(map(attribute('m', map(two, one)), one))),
  ],
  'an empty value and none': [of({ key: 'key', keyStrindex: 0 }), valued({})],
  'an empty value and none in a map': [valued(map({ key: 'key', keyStrindex: 0 })), valued(map(attribute('key', {})))],
  'the same schema URL': [{ schemaUrl: 'x' }, { schemaUrl: 'x' }],
  'the same unknown fields': [{ unknownFields }, { unknownFields }],
};
for (const [name, pair] of Object.entries(alike)) {
  test(`one resource: ${name}`, () => assert.deepEqual(groupsOf(pair, []), [1, 1]));
}

const entityRef = { schemaUrl: '', type: 'service', idKeys: [], descriptionKeys: [] };
const apart: Readonly<Record<string, readonly [Partial<ResourceSpans>, Partial<ResourceSpans>]>> = {
  'another attribute': [of(one), of(one, two)],
  'another value': [of(two), of(twoAgain)],
  'another type': [valued({ intValue: 1n }), valued({ doubleValue: 1 })],
  'an empty text and no value': [valued(text('')), valued({})],
  'an empty list and an empty map': [valued(list()), valued(map())],
  'zeros of another sign': [valued({ doubleValue: 0 }), valued({ doubleValue: -0 })],
  'key and value cut elsewhere': [of(attribute('ab', text('c'))), of(attribute('a', text('bc')))],
  'texts of a list cut elsewhere': [valued(list(text('ab'), text('c'))), valued(list(text('a'), text('bc')))],
  'a list in another order': [valued(list(text('a'), text('b'))), valued(list(text('b'), text('a')))],
  'lists nested otherwise': [valued(list(list(), text('a'))), valued(list(list(text('a'))))],
  'another first value of a key that is there twice': [of(two, twoAgain), of(twoAgain, two)],
  'the same in a map': [valued(map(two, twoAgain)), valued(map(twoAgain, two))],
  'a schema URL': [{}, { schemaUrl: 'x' }],
  'a count of dropped attributes': [of(), { resource: resourceOf({ droppedAttributesCount: 1 }) }],
  'a reference to an entity': [of(), { resource: resourceOf({ entityRefs: [entityRef] }) }],
  'unknown fields beside the resource': [{}, { unknownFields }],
  'unknown fields of the resource': [of(), { resource: resourceOf({ unknownFields }) }],
  'unknown fields of an attribute': [of(one), of({ ...one, unknownFields })],
  'unknown fields of an attribute without a value': [valued({}), of({ key: 'key', keyStrindex: 0, unknownFields })],
  'unknown fields of a value': [valued(list()), valued({ ...list(), unknownFields })],
  'unknown fields of a list': [valued(list()), valued({ arrayValue: { values: [], unknownFields } })],
  'unknown fields of a map': [valued(map(one)), valued({ kvlistValue: { values: [one], unknownFields } })],
  'unknown fields inside of a map': [valued(map(one)), valued(map({ ...one, unknownFields }))],
};
for (const [name, pair] of Object.entries(apart)) {
  test(`two resources: ${name}`, () => assert.deepEqual(groupsOf(pair, []), [2, 2]));
}

const scoped = (more: Partial<InstrumentationScope>): Partial<ScopeSpans> => ({ scope: scopeOf(more) });
const scopes: Readonly<Record<string, readonly [number, Partial<ScopeSpans>, Partial<ScopeSpans>]>> = {
  'attributes in another order': [1, scoped({ attributes: [one, two] }), scoped({ attributes: [two, one] })],
  'no scope and an empty one': [1, {}, scoped({ name: '', version: '' })],
  'another name': [2, scoped({}), scoped({ name: 'x' })],
  'name and version cut elsewhere': [2, scoped({ name: 'ab', version: 'c' }), scoped({ name: 'a', version: 'bc' })],
  'a name that is the version': [2, scoped({ name: 'a', version: '' }), scoped({ name: '', version: 'a' })],
  // The Collector merges these under the attributes of the first, and loses the others.
  'other attributes': [2, scoped({ attributes: [one] }), scoped({ attributes: [two] })],
  'a schema URL': [2, scoped({}), { ...scoped({}), schemaUrl: 'x' }],
  'a count of dropped attributes': [2, scoped({}), scoped({ droppedAttributesCount: 1 })],
  'unknown fields beside the scope': [2, scoped({}), { ...scoped({}), unknownFields }],
};
for (const [name, [count, ...pair]] of Object.entries(scopes)) {
  test(`${count === 1 ? 'one scope' : 'two scopes of one resource'}: ${name}`, () => {
    assert.deepEqual(groupsOf([of(one), of(one)], pair), [1, count]);
  });
}
