// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are configurations with references
// Whatever the text, reading a configuration ends in a configuration or in issues, never in an exception.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readConfig } from '../../../src/config/read-config.ts';
import { renderIssues } from '../../../src/config/render.ts';
import { testRegistry } from '../../config/test-registry.ts';

const GOOD = readFileSync(join(import.meta.dirname, '../../config/cases/valid-whole-file.yaml'), 'utf8');

const check = (text: string, set: string): void => {
  const { config, errors, warnings } = readConfig({
    files: ['f.yaml'],
    sets: set === '' ? [] : [set],
    env: { A: '${A}', B: '{b: [1, "${env:A}"]}' },
    readFile: () => text,
    registry: testRegistry,
    cores: 2,
  });
  assert.equal(config === null, errors.length > 0);
  for (const { file, line, column } of errors) {
    const lines = (file === 'f.yaml' ? text : set).split('\n');
    assert.ok(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}`);
    assert.ok(column >= 1 && column <= (lines[line - 1] ?? '').length + 1, `column ${column} of line ${line}`);
  }
  renderIssues([...errors, ...warnings], true);
};

const snippet = fc.oneof(
  fc.constantFrom(
    '${',
    '}',
    '${env:A}',
    '${env:B}',
    '${B}',
    '$$',
    '&a ',
    '*a',
    '<<: ',
    '\n',
    '  ',
    '- ',
    '{',
    '[',
    ']',
    '"',
    "'",
    '|\n',
    ': ',
    '#',
    '~',
    '0',
    '!!str ',
    '\t',
    '---\n',
    '::',
  ),
  fc.string({ maxLength: 5 }),
);

test('a good file with pieces cut out and put in', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(GOOD.length), fc.nat(20), snippet), { minLength: 1, maxLength: 4 }),
      (edits) => {
        let text = GOOD;
        for (const [at, cut, put] of edits) text = text.slice(0, at) + put + text.slice(at + cut);
        check(text, '');
      },
    ),
    { numRuns: 400 },
  );
});

test('random text as a file and as --set', () => {
  fc.assert(
    fc.property(fc.array(snippet, { maxLength: 20 }), fc.array(snippet, { maxLength: 6 }), (file, set) => {
      check(file.join(''), set.join(''));
    }),
    { numRuns: 400 },
  );
});
