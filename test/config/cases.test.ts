// Every file of cases/ is read as a configuration; the comment block at its end says what must come of it:
//   # after: FILE      files that are merged before this one
//   # env: A=b         the environment          # set: a.b=c   a --set
//   # error: file:line:col CODE                 # warning: …   the whole list, in any order
//   # valid            no error, and a configuration
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfig } from '../../src/config/read-config.ts';
import { renderIssues } from '../../src/config/render.ts';
import type { Issue } from '../../src/config/source.ts';
import { testRegistry } from './test-registry.ts';

const folder = join(import.meta.dirname, 'cases');
const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

const directives = (text: string, name: string): string[] => {
  const block = text.slice(text.indexOf('# ---'));
  return [...block.matchAll(new RegExp(`^# ${name}: (.*?)\\r?$`, 'gm'))].map((match) => match[1] ?? '');
};

const places = (issues: readonly Issue[]): string[] =>
  issues.map(({ file, line, column, code }) => `${file}:${line}:${column} ${code}`).sort();

test('there are at least 60 cases', () => {
  assert.ok(names.length >= 60, `${names.length} cases`);
});

for (const name of names) {
  const text = readFileSync(join(folder, name), 'utf8');
  test(`${name.replace('.yaml', '').replaceAll('-', ' ')}: the expected problems, and no others`, () => {
    const env = Object.fromEntries(directives(text, 'env').map((pair) => pair.split(/=(.*)/s)));
    const result = readConfig({
      files: [...directives(text, 'after'), name],
      sets: directives(text, 'set'),
      env,
      readFile: (path) => readFileSync(join(folder, path), 'utf8'),
      registry: testRegistry,
      cores: 4,
    });
    const shown = renderIssues([...result.errors, ...result.warnings], false);
    assert.deepEqual(places(result.errors), directives(text, 'error').sort(), shown);
    assert.deepEqual(places(result.warnings), directives(text, 'warning').sort(), shown);
    assert.equal(result.config !== null, /^# valid\r?$/m.test(text), shown);
    for (const issue of result.errors) assert.equal(issue.caret.at(-1), '^');
  });
}
