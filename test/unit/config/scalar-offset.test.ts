import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml } from '../../../src/config/parse.ts';
import { spotInScalar } from '../../../src/config/scalar-offset.ts';
import { makeSource } from '../../../src/config/source.ts';

const styles: readonly string[] = [
  'plain text here',
  'plain over\n  two lines\n\n  and a blank',
  "'it''s single'",
  "'single over\n  lines\n\n  more'",
  '"double \\"quoted\\" \\t tab"',
  '"double over \\\n    a continued\n\n  line"',
  '"wide \\u0041\\x42\\U00000043 z"',
  '|\n  literal one\n    indented\n\n  last\n',
  '|-\n\n  after blank\n',
  '|2\n    kept indent\n  less\n',
  '>\n  folded one\n  two\n\n  para\n    deeper\n  back\n',
];

test('in every style of scalar, each letter of the value is found in the file', () => {
  for (const style of styles) {
    const text = `key: ${style}`;
    const parsed = parseYaml(text, makeSource('f', text));
    const entry = parsed.root?.kind === 'map' ? parsed.root.entries.get('key')?.node : undefined;
    assert.ok(entry?.kind === 'scalar' && typeof entry.value === 'string', text);
    let found = 0;
    for (const [index, letter] of entry.value.split('').entries()) {
      if (!/[a-z]/.test(letter)) continue;
      const { offset } = spotInScalar(entry, index);
      assert.equal(text[offset], letter, `${JSON.stringify(text)}: letter ${index} of ${JSON.stringify(entry.value)}`);
      found += 1;
    }
    assert.ok(found > 4, text);
  }
});

test('an escape is pointed at where it begins', () => {
  const text = 'key: "a\\u0041b"';
  const { root } = parseYaml(text, makeSource('f', text));
  const node = root?.kind === 'map' ? root.entries.get('key')?.node : undefined;
  assert.ok(node?.kind === 'scalar');
  assert.equal(spotInScalar(node, 1).offset, text.indexOf('\\u'));
});
