import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadKernel } from '../../src/wire/kernel/kernel.ts';
import { createMemory, viewsOf } from '../../src/wire/memory.ts';
import { longestText, TextAnswers, TextTable, textTableBytes } from '../../src/wire/text-table.ts';

const tableAt = 65_536;
const textAt = tableAt + textTableBytes;

function stage() {
  const shared = viewsOf(createMemory(textAt + 65_536));
  const table = new TextTable(shared, loadKernel(shared), tableAt);
  const put = (text: string | Uint8Array): number => {
    const bytes = Buffer.from(text);
    shared.bytes.set(bytes, textAt);
    return bytes.length;
  };
  return { shared, texts: table, put };
}

test('whatever came before, the text of a slot is that of the bytes', () => {
  const { texts, put, shared } = stage();
  // Few letters, so that texts of one set and of one length meet.
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '日', '😀'), minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 200 }), (all) => {
      for (const one of all) assert.equal(texts.text(texts.slot(textAt, put(one))), one);
    }),
    { numRuns: 300 },
  );
  const broken = put(Uint8Array.of(0x61, 0xff, 0x62));
  assert.equal(texts.text(texts.slot(textAt, broken)), 'a\ufffdb');
  assert.equal(shared.bytes[textAt + 1], 0xff, 'the bytes are not touched');
});

test('an answer is asked for once as long as the text is kept, and again for each text that took its place', () => {
  const own = stage();
  let asked = 0;
  const answers = new TextAnswers(own, (text) => {
    asked++;
    return text.length;
  });
  const at = (text: string): number => answers.at(textAt, own.put(text));
  for (let i = 0; i < 5; i++) assert.equal(at('route'), 5);
  assert.equal(asked, 1);
  // More texts than there are slots: each still gets its own answer.
  const many = Array.from({ length: 3000 }, (_, i) => 'x'.repeat(i % 50) + i);
  for (const text of [...many, ...many]) assert.equal(at(text), text.length);
  const long = 'y'.repeat(longestText + 1);
  asked = 0;
  assert.deepEqual([at(long), at(long), at('')], [long.length, long.length, 0]);
  assert.equal(asked, 3, 'long and empty texts are asked each time');
});

test('of two texts that meet in a set the one that was not asked for last goes', () => {
  const own = stage();
  let asked = 0;
  const answers = new TextAnswers(own, () => ++asked);
  // The same length, and the same letters where the hash looks.
  const texts = ['a1aa', 'a2aa', 'a3aa'].map((text) => `${text}bbbbbbbbbbbb`.slice(0, 16));
  const at = (i: number): number => answers.at(textAt, own.put(texts[i]));
  assert.deepEqual([at(0), at(1), at(0), at(2), at(0)], [1, 2, 1, 3, 1]);
  assert.equal(at(1), 4, 'it had to go');
});
