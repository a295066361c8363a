// The table of OTLP JSON's names against proto/.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JsonName, jsonNames } from '../../../src/wire/json/json-fields.ts';
import { type MessagePlan, requestPlan } from '../../../src/wire/reference/plan.ts';
import { type MessageKind, messageKind } from '../../../src/wire/schema.ts';

/** Of the reference's kinds of fields, as the table calls them. */
const types: Readonly<Record<string, readonly string[]>> = {
  message: ['message'],
  string: ['string'],
  bytes: ['base64'],
  hexId: ['hex'],
  bool: ['bool'],
  double: ['double'],
  int64: ['int64'],
  fixed64: ['fixed64'],
  int32: ['int32'],
  // fixed32 too
  uint32: ['uint32', 'fixed32'],
  enum: ['enum'],
};

function compare(kind: MessageKind, plan: MessagePlan, seen: Set<MessageKind>): void {
  if (seen.has(kind)) return;
  seen.add(kind);
  const names = jsonNames[kind].flat();
  const current = names.filter(({ former }) => !former);
  const expected = plan.fields.flatMap(({ name, snakeName }) => [...new Set([name, snakeName])]);
  assert.deepEqual(current.map(({ text }) => text).sort(), expected.sort(), plan.type.name);
  for (const field of plan.fields) {
    const found = current.find(({ text }) => text === field.name) as JsonName;
    const own = found.field;
    assert.equal(own.tag >>> 3, plan.type.fields[field.name].id, field.name);
    assert.ok(types[field.kind].includes(own.type), `${field.name}: ${field.kind} is ${own.type}`);
    assert.equal(own.repeated, field.repeated, field.name);
    assert.equal(own.idLength, field.idLength, field.name);
    assert.equal(own.oneof, field.oneof !== null, field.name);
    assert.deepEqual(own.values, { ...field.enumValues }, field.name);
    assert.equal(own.child === -1, field.message === null, field.name);
    if (own.child !== -1 && field.message !== null) compare(own.child, field.message, seen);
  }
}

test('the table has the names, types and numbers of proto/, in both spellings', () => {
  const seen = new Set<MessageKind>();
  compare(messageKind.request, requestPlan(), seen);
  assert.equal(seen.size, Object.keys(messageKind).length);
});

test('names of before OTLP 0.15 lead to what replaced them', () => {
  const former = jsonNames.flatMap((byLength) => byLength.flat()).filter((name) => name.former);
  const told = former.map(({ text, field }) => `${text} ${field.name}`);
  assert.deepEqual(told.sort(), [
    'instrumentationLibrary scope',
    'instrumentationLibrarySpans scopeSpans',
    'instrumentation_library scope',
    'instrumentation_library_spans scopeSpans',
  ]);
});
