import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '../../../src/lib/nearest.ts';

const known = ['name', 'kind', 'attributes', 'start_time', 'end_time', 'SPAN_KIND_SERVER'];

test('a name that is written wrong is known by its nearest', () => {
  for (const [found, meant] of [
    ['nme', 'name'],
    ['nmae', 'name'],
    ['Name', 'name'],
    ['atributes', 'attributes'],
    ['attr', 'attributes'],
    ['starttime', 'start_time'],
    ['SPAN_KIND_SERVR', 'SPAN_KIND_SERVER'],
  ] as const) {
    assert.equal(nearest(found, known), meant, found);
  }
});

test('what is near to none is taken for none', () => {
  for (const found of ['xyzzy', 'at', 'duration', '']) assert.equal(nearest(found, known), undefined, found);
  assert.equal(nearest('name', []), undefined);
});

test('a beginning that several have decides nothing', () => {
  assert.equal(nearest('trace', ['trace_id', 'trace_state']), undefined);
});
