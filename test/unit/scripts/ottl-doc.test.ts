import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderOttl } from '../../../scripts/ottl-doc.ts';
import { functions } from '../../../src/ottl/functions/table.ts';
import { enumSymbols, paths } from '../../../src/ottl/paths.ts';

const text = renderOttl();

test('every function has one section, with its signature and examples', () => {
  for (const { name, parameters, examples } of functions.values()) {
    const [, section = '', ...more] = text.split(`\n### ${name}\n`);
    assert.equal(more.length, 0, name);
    const own = section.split('\n### ', 1)[0];
    assert.match(own, new RegExp(`^\n\`${name}\\(`), name);
    for (const parameter of parameters) assert.ok(own.includes(`\`${parameter.name}\`: `), `${name} ${parameter.name}`);
    for (const example of examples) assert.ok(own.includes(example.text), example.text);
  }
});

test('every path is said to be read only or not, and every enum symbol has its value', () => {
  for (const [context, table] of Object.entries(paths)) {
    for (const { name, writable } of table.values()) {
      const starts = [`| \`${context}.${name}\` |`, `| \`${context}.${name}["…"]\` |`];
      const row = text.split('\n').find((line) => starts.some((start) => line.startsWith(start)));
      assert.equal(row?.includes('| read only |'), !writable, `${context}.${name}`);
    }
  }
  for (const [name, value] of enumSymbols) assert.ok(text.includes(`\n| \`${name}\` | ${value} |\n`), name);
});

test('types, options and failures are told in words', () => {
  for (const line of [
    '`set(target, value)`',
    'Arguments: `target`: path; `value`: any.',
    '`Substring(target, start, length, [utf8_safe])`: string',
    'Arguments: `target`: string; `to_case`: `"lower"`, `"upper"`, `"snake"` or `"camel"`, written out.',
    '- `Substring(name, 0, 100)`: fails: the part ends at 100, the text at 17.',
    '`Bool(target)`: bool or nil',
    'Only in the context span.',
  ]) {
    assert.ok(text.includes(line), line);
  }
});
