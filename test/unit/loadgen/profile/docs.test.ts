// docs/load-profiles.md against the language itself.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HOLES } from '../../../../loadgen/profile/pattern.ts';
import { FORM_KEYS } from '../../../../loadgen/profile/read-value.ts';
import { mixSchema, topologySchema } from '../../../../loadgen/profile/schema.ts';
import { inputSchema, type JsonSchema } from '../../../../src/config/known-keys.ts';
import { attribute, named, tracesOf } from './small-profiles.ts';

const text = readFileSync(join(import.meta.dirname, '../../../../docs/load-profiles.md'), 'utf8');

const section = (title: string): string => {
  const start = text.indexOf(`${title}\n`);
  assert.ok(start >= 0, `no section ${title}`);
  const rest = text.slice(start + title.length);
  const end = rest.search(/^##/m);
  return end < 0 ? rest : rest.slice(0, end);
};

/** First cells of a section's tables, without their code marks. */
const cells = (part: string): string[] => [...part.matchAll(/^\| (`.+?`) \|/gm)].map(([, cell]) => cell ?? '');

const documented = (title: string): string[] => cells(section(title)).map((cell) => cell.replaceAll('`', ''));

/** Keys of the block at a path of the schema; `*`: any member or item. */
const keysAt = (...path: string[]): string[] => {
  const root = inputSchema(topologySchema);
  const target = (schema: JsonSchema): JsonSchema => {
    if (schema.$ref !== undefined) return target(root.$defs?.[schema.$ref.replace('#/$defs/', '')] ?? {});
    const [inner] = [...(schema.allOf ?? []), ...(schema.anyOf ?? [])];
    return schema.properties === undefined && inner !== undefined ? target(inner) : schema;
  };
  let here = target(root);
  for (const step of path) {
    const next = step === '*' ? (here.items ?? here.additionalProperties) : here.properties?.[step];
    assert.ok(typeof next === 'object', `${path.join('.')} at ${step}`);
    here = target(next);
  }
  const keys = Object.keys(here.properties ?? {});
  assert.ok(keys.length > 0, path.join('.'));
  return keys;
};

const blocks: readonly [title: string, ...path: string[]][] = [
  ['### export', 'export'],
  ['### resources', 'resources', '*'],
  ['### scope', 'resources', '*', 'scope'],
  ['### traces', 'traces', '*'],
  ['### spans', 'spans', '*'],
  ['### events', 'spans', '*', 'events', '*'],
  ['### error', 'spans', '*', 'error'],
  ['### children', 'spans', '*', 'children', '*'],
];

for (const [title, ...path] of blocks) {
  test(`the section "${title}" lists the keys of the schema, in its order`, () => {
    assert.deepEqual(documented(title), keysAt(...path));
  });
}

test('the section on the file lists the keys of a topology and of a mix', () => {
  const mix = Object.keys(inputSchema(mixSchema).properties ?? {}).filter((key) => key !== 'description');
  assert.deepEqual(documented('## The file'), [...keysAt(), ...mix]);
});

test('the table of values has every form, and that of patterns every hole', () => {
  const forms = documented('## Values').map((form) => form.split(':')[0]);
  assert.deepEqual([...new Set(forms)].sort(), FORM_KEYS.filter((key) => key !== 'object').sort());
  assert.match(section('## Values'), /\{ object: /);
  const holes = [...section('### Holes of patterns').matchAll(/`\{([a-z0-9_]+)[:}]/g)].map(([, hole]) => hole);
  assert.deepEqual([...new Set(holes)].sort(), HOLES.toSorted());
});

test('the example is a profile, and its traces are what it says', () => {
  const [, example] = /```yaml\n([\s\S]*?)```/.exec(text) ?? [];
  assert.ok(example !== undefined);
  const traces = tracesOf(example, 400);
  const orders = traces.filter(({ spans }) => spans[0]?.name === 'POST /orders');
  assert.ok(orders.length > 320 && orders.length < 395, `${orders.length} orders`);
  const again = orders.filter((trace) => named(trace, 'charge').length === 2);
  assert.ok(again.length > 5 && again.length < 50, `${again.length} orders with a second attempt`);
  for (const trace of again) {
    const [one, second] = named(trace, 'charge');
    assert.ok(one && second);
    assert.deepEqual([attribute(one, 'payment.attempt'), attribute(second, 'payment.attempt')], [1, 2]);
    assert.equal(trace.spans[0]?.status.code === 2, second.status.code === 2);
  }
});
