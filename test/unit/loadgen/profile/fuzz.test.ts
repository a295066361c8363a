// Whatever a profile file holds, it is refused with places that exist in it, or traces can be drawn from it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { createTraceSources } from '../../../../loadgen/profile/draw.ts';
import { parseProfile } from '../../../../loadgen/profile/load.ts';
import { defaults } from './small-profiles.ts';

const documentation = readFileSync(join(import.meta.dirname, '../../../../docs/load-profiles.md'), 'utf8');
const example = /```yaml\n([\s\S]*?)```/.exec(documentation)?.[1] ?? '';

/** The example with something cut out, doubled, or put in somewhere. */
const damaged = fc
  .array(
    fc.record({
      at: fc.nat(example.length),
      length: fc.nat(6),
      put: fc.constantFrom(
        '',
        '',
        '{',
        '}',
        ': ',
        '- ',
        '\n',
        '0',
        '-1',
        '..',
        'null',
        '~',
        '[]',
        '{}',
        'span: ',
        'x',
        '"',
        '&a ',
        '*a',
        '{hex:3}',
        'order',
        '__proto__',
      ),
    }),
    { minLength: 1, maxLength: 2 },
  )
  .map((cuts) =>
    cuts.reduce((text, { at, length, put }) => `${text.slice(0, at)}${put}${text.slice(at + length)}`, example),
  );

test('damaged profiles are refused at places in their text, or drawn', () => {
  let refused = 0;
  let drawn = 0;
  const property = fc.property(damaged, (text) => {
    const { profile, issues } = parseProfile({ name: 'fuzz.yaml', text, parts: [] });
    assert.equal(profile === null, issues.length > 0);
    const lines = text.split('\n');
    for (const { line, column } of issues) {
      assert.ok(line >= 1 && line <= lines.length && column >= 1 && column <= (lines[line - 1] ?? '').length + 1);
    }
    if (profile === null) {
      refused++;
      return;
    }
    drawn++;
    for (const { source } of createTraceSources(profile, defaults)) {
      for (let i = 0; i < 3; i++) assert.ok(source.next().spans.length > 0);
      assert.ok(source.export.nextSpans() >= 1);
    }
  });
  fc.assert(property, { numRuns: 1000 });
  assert.ok(refused > 100 && drawn > 20, `${refused} refused, ${drawn} drawn`);
});
