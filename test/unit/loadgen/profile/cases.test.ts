// Every file of cases/ is read as a profile; the comment block at its end says what must come of it:
//   # error: line:col CODE message      the whole list, in order; FILE:line:col where it is in another file
//   # valid                             no error, and a profile
// Parts that mixes name stand in parts/.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseProfile } from '../../../../loadgen/profile/load.ts';
import { renderIssues } from '../../../../src/config/render.ts';

const folder = join(import.meta.dirname, 'cases');
const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

const read = (name: string) => ({ name, text: readFileSync(join(folder, name), 'utf8'), parts: [] });

const parts = readdirSync(join(folder, 'parts')).map((name) => read(`parts/${name}`));

/** Those that the mix of a case names, in its order. */
const partsOf = (text: string) =>
  [...text.matchAll(/^ {2}([a-z-]+): \d+$/gm)].flatMap(([, name]) =>
    parts.filter((part) => part.name.includes(`${name}.`)),
  );

for (const name of names) {
  test(`${name.replace('.yaml', '').replaceAll('-', ' ')}: the expected problems, and no others`, () => {
    const { text } = read(name);
    const expected = [...text.matchAll(/^# error: (.*)$/gm)].map(([, line]) => line);
    const isMix = text.includes('mix:');
    const { profile, issues } = parseProfile({ name, text, parts: isMix ? partsOf(text) : [] });
    const found = issues.map(({ file, line, column, code, message }) => {
      return `${file === name ? '' : `${file}:`}${line}:${column} ${code} ${message}`;
    });
    assert.deepEqual(found, expected, renderIssues(issues, false));
    assert.equal(profile !== null, /^# valid$/m.test(text));
    assert.equal(profile === null, expected.length > 0, 'a case without expectations');
    for (const { caret } of issues) assert.equal(caret.at(-1), '^');
  });
}

test('there are enough cases for every part of the language', () => {
  assert.ok(names.length >= 24, `${names.length} cases`);
});
