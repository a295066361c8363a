// proto/ against an independent descriptor, and src/wire/schema.ts against proto/.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import { protoRoot } from '../../src/wire/reference/plan.ts';
import * as schema from '../../src/wire/schema.ts';

interface FieldFacts {
  readonly number: number;
  readonly name: string;
  readonly type: string;
  readonly repeated: boolean;
  readonly oneof: string | null;
}
interface Facts {
  readonly messages: Readonly<Record<string, readonly FieldFacts[]>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const independent = JSON.parse(readFileSync(new URL('data/descriptors.json', import.meta.url), 'utf8')) as Facts;

function ourMessages(within: protobuf.NamespaceBase, found = new Map<string, protobuf.Type>()) {
  for (const item of within.nestedArray) {
    if (item instanceof protobuf.Type) found.set(item.fullName.slice(1), item);
    if (item instanceof protobuf.Namespace || item instanceof protobuf.Type) ourMessages(item, found);
  }
  return found;
}

function ourFacts(type: protobuf.Type): FieldFacts[] {
  const fields = type.fieldsArray.map((field) => ({
    number: field.id,
    name: field.protoName,
    type: field.resolvedType === null ? field.type : field.resolvedType.fullName.slice(1),
    repeated: field.repeated,
    oneof: field.partOf?.name ?? null,
  }));
  return fields.sort((a, b) => a.number - b.number);
}

test('proto/ has exactly the messages of the independent descriptor, with the same fields', () => {
  const ours = [...ourMessages(protoRoot())].filter(([name]) => !name.startsWith('google.protobuf.'));
  assert.deepEqual(ours.map(([name]) => name).sort(), Object.keys(independent.messages).sort());
  for (const [name, type] of ours) assert.deepEqual(ourFacts(type), independent.messages[name], name);
});

test('proto/ has the enums of the independent descriptor, with the same values', () => {
  for (const [name, values] of Object.entries(independent.enums)) {
    assert.deepEqual({ ...protoRoot().lookupEnum(name).values }, values, name);
  }
});

test('the trace service has the method that OTLP/gRPC calls', () => {
  const service = protoRoot().lookupService('opentelemetry.proto.collector.trace.v1.TraceService');
  const method = service.methods.Export;
  assert.equal(method.requestType, 'ExportTraceServiceRequest');
  assert.equal(method.responseType, 'ExportTraceServiceResponse');
  assert.ok(!method.requestStream && !method.responseStream);
});

const messageOfKind: Readonly<Record<keyof typeof schema.messageKind, string>> = {
  request: 'collector.trace.v1.ExportTraceServiceRequest',
  resourceSpans: 'trace.v1.ResourceSpans',
  scopeSpans: 'trace.v1.ScopeSpans',
  span: 'trace.v1.Span',
  event: 'trace.v1.Span.Event',
  link: 'trace.v1.Span.Link',
  status: 'trace.v1.Status',
  resource: 'resource.v1.Resource',
  scope: 'common.v1.InstrumentationScope',
  keyValue: 'common.v1.KeyValue',
  anyValue: 'common.v1.AnyValue',
  arrayValue: 'common.v1.ArrayValue',
  keyValueList: 'common.v1.KeyValueList',
  entityRef: 'common.v1.EntityRef',
};

const numbersOfKind: Readonly<Record<keyof typeof schema.messageKind, Readonly<Record<string, number>>>> = {
  request: schema.requestField,
  resourceSpans: schema.resourceSpansField,
  scopeSpans: schema.scopeSpansField,
  span: schema.spanField,
  event: schema.eventField,
  link: schema.linkField,
  status: schema.statusField,
  resource: schema.resourceField,
  scope: schema.scopeField,
  keyValue: schema.keyValueField,
  anyValue: schema.anyValueField,
  arrayValue: schema.arrayValueField,
  keyValueList: schema.keyValueListField,
  entityRef: schema.entityRefField,
};

const wireOfType: Readonly<Record<string, number>> = {
  bool: 0,
  int32: 0,
  int64: 0,
  uint32: 0,
  fixed64: 1,
  double: 1,
  fixed32: 5,
  string: 2,
  bytes: 2,
};

function idLength(type: string, name: string): number {
  if (type !== 'bytes' || !name.endsWith('_id')) return 0;
  return name === 'trace_id' ? 16 : 8;
}

for (const [kind, message] of Object.entries(messageOfKind) as [keyof typeof messageOfKind, string][]) {
  test(`the schema table and the field constants of ${kind} say what proto/ says`, () => {
    const kinds = Object.entries(messageOfKind);
    const type = protoRoot().lookupType(`opentelemetry.proto.${message}`);
    const facts = ourFacts(type);
    const rules = facts.map((field) => {
      const child = kinds.find(([, name]) => field.type === `opentelemetry.proto.${name}`)?.[0];
      const isEnum = type.fieldsById[field.number].resolvedType instanceof protobuf.Enum;
      return {
        field: field.number,
        wire: child !== undefined ? 2 : isEnum ? 0 : wireOfType[field.type],
        repeated: field.repeated,
        child: child === undefined ? -1 : schema.messageKind[child as keyof typeof schema.messageKind],
        idLength: idLength(field.type, field.name),
      };
    });
    assert.deepEqual(schema.messageRules[schema.messageKind[kind]], rules);
    const numbers = Object.fromEntries(facts.map((field) => [type.fieldsById[field.number].name, field.number]));
    assert.deepEqual(numbersOfKind[kind], numbers);
  });
}
