// Editors on every kind of target, with every kind of argument, against what a Collector made of the same spans
// (scripts/record-editors.ts records it anew).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { checkStatement } from '../../../src/ottl/check.ts';
import { compileStatement } from '../../../src/ottl/compile.ts';
import { createEnvironment, itemWalker } from '../../../src/ottl/environment.ts';
import { OttlFault } from '../../../src/ottl/error.ts';
import { encodeRequest } from '../../../src/wire/reference/codec.ts';
import { rewriteOutcome } from '../../../src/wire/rewriter.ts';
import { createStage, processor } from '../../wire/chain-support.ts';
import { type EditorCase, editorCases, titleOf } from './editors/cases.ts';
import { differences } from './editors/differences.ts';
import type { Result } from './editors/result.ts';
import { contextOf, editorRequest, readBack } from './editors/sample.ts';
import { readModel } from './oracle/model.ts';

const recorded = JSON.parse(readFileSync(new URL('recorded-editors.json', import.meta.url), 'utf8')) as Record<
  string,
  Result
>;

/** Each case on its own span; the processor writes to what holds the spans, too. */
function runAll(cases: readonly EditorCase[]): Result[] {
  const failed = new Set<number>();
  let number = 0;
  const rules = processor('editors', (builder) => {
    const env = createEnvironment(builder);
    const runs = cases.map((one, i) => {
      const context = contextOf(one);
      const statements = one.statements.map((text) => compileStatement(checkStatement(text, context), env));
      const runOne = () => {
        for (const cache of Object.values(env.caches)) cache.clear();
        for (const statement of statements) {
          try {
            statement();
          } catch (error) {
            if (!(error instanceof OttlFault)) throw error;
            failed.add(i);
          }
        }
      };
      return context === 'spanevent' ? itemWalker(env, 'spanevent', runOne) : runOne;
    });
    return { resource: () => {}, scope: () => {}, span: () => runs[number++]() };
  });
  const touches = [
    { what: 'resource', from: 'span', writes: true },
    { what: 'scope', from: 'span', writes: true },
  ] as const;
  const stage = createStage([{ ...rules, passes: () => [touches] }]);
  const { outcome, message, output } = stage.run(encodeRequest(editorRequest(cases)));
  assert.equal(outcome, rewriteOutcome.written, message);
  return readBack(readModel(output), cases).map((gives, i) => ({
    gives: gives ?? 'the span is lost',
    ...(failed.has(i) ? { fails: true } : {}),
  }));
}

describe('editors', () => {
  const results = runAll(editorCases);
  for (const [i, one] of editorCases.entries()) {
    const title = titleOf(one);
    const difference = differences.find(({ ours }) => title in ours);
    const wanted = difference?.ours[title] ?? recorded[title];
    it(`${title}: ${difference?.why ?? 'as the Collector'}`, () => {
      assert.deepEqual(results[i], wanted);
    });
  }

  it('differ where it is said that they do, and all that is recorded is tried', () => {
    const titles = new Set(editorCases.map(titleOf));
    assert.equal(titles.size, editorCases.length);
    assert.deepEqual(Object.keys(recorded), [...titles]);
    for (const [title, result] of differences.flatMap(({ ours }) => Object.entries(ours))) {
      assert.ok(titles.has(title), title);
      assert.notDeepEqual(result, recorded[title], title);
    }
  });
});
