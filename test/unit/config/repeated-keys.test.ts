import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDocument } from 'yaml';
import { parseYaml } from '../../../src/config/parse.ts';
import { makeSource } from '../../../src/config/source.ts';

const issuesOf = (text: string): string[] =>
  parseYaml(text, makeSource('test.yaml', text)).issues.map(
    ({ line, column, code, message }) => `${line}:${column} ${code} ${message}`,
  );

const repeated = (line: number, column: number): string =>
  `${line}:${column} CONFIG_SYNTAX this key stands twice in the same map`;

test('each repeated key is told at its place, whatever stands around it', () => {
  assert.deepEqual(issuesOf('a: 1\n# of b\nb: 2\n\n# again\na: 3\na: 4\n'), [repeated(6, 1), repeated(7, 1)]);
  assert.deepEqual(issuesOf('list:\n  - { x: 1, y: { z: 1, z: 2 }, x: 3 }\n'), [repeated(2, 24), repeated(2, 32)]);
  assert.deepEqual(issuesOf('"a": 1\na: 2\n'), [repeated(2, 1)]);
  assert.deepEqual(issuesOf('0x10: 1\n16: 2\n'), [repeated(2, 1)]);
});

test('keys of different types, of different maps, and several merges are no repetition', () => {
  assert.deepEqual(issuesOf('1: a\n"1": b\nm: { 1: a }\n'), []);
  assert.deepEqual(issuesOf('x: &x { a: 1 }\ny: &y { b: 1 }\nz:\n  <<: *x\n  <<: *y\n  a: 2\n'), []);
});

test('of a text that is no YAML, keys repeated before the first error are told with it, those after it are not', () => {
  const issues = issuesOf('a: 1\na: 2\nb: "open\n');
  assert.equal(issues[0], repeated(2, 1));
  assert.match(issues[1] ?? '', /^\d:\d+ CONFIG_SYNTAX not valid YAML/);
  assert.equal(issues.length, 2);
  const after = issuesOf('a: [ 1\nb: 2\nb: 3\n');
  assert.equal(after.length, 1, after.join('\n'));
});

test('a key is repeated exactly where the YAML package says so', () => {
  const key = fc.constantFrom('a', 'b', '"a"', '1', '"1"', 'true', 'null', '1.5', 'c d');
  const map = fc.array(key, { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(map, { minLength: 1, maxLength: 4 }), fc.boolean(), (maps, flow) => {
      const text = maps
        .map((keys, i) =>
          flow
            ? `m${i}: { ${keys.map((one) => `${one}: 1`).join(', ')} }`
            : `m${i}:\n${keys.map((one) => `  ${one}: 1`).join('\n')}`,
        )
        .join('\n');
      const { errors } = parseDocument(text, { version: '1.2', intAsBigInt: true, prettyErrors: false });
      assert.equal(issuesOf(text).length, errors.length, text);
    }),
  );
});

test('the time for many keys grows with their number, not with its square', () => {
  const keys = 60_000;
  const text = Array.from({ length: keys }, (_, i) => `key${i}: ${i}`).join('\n');
  const began = performance.now();
  const whole = `${text}\nkey7: again\n`;
  const { root, issues } = parseYaml(whole, makeSource('test.yaml', whole));
  assert.equal(root, null);
  assert.equal(issues[0]?.line, keys + 1);
  // With a comparison of all keys it took a minute.
  assert.ok(performance.now() - began < 15_000);
});
