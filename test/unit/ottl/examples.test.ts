// Every example in the table of functions is what happens, on the example span.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkExpression, checkStatement } from '../../../src/ottl/check.ts';
import { compileExpression, compileStatement } from '../../../src/ottl/compile.ts';
import { createEnvironment, type Environment } from '../../../src/ottl/environment.ts';
import { OttlError, OttlFault } from '../../../src/ottl/error.ts';
import type { FunctionDefinition, FunctionExample } from '../../../src/ottl/functions/define.ts';
import { functions } from '../../../src/ottl/functions/table.ts';
import { showValue } from '../../../src/ottl/show.ts';
import { exampleRequest } from '../../../src/ottl-command/example-span.ts';
import { encodeRequest } from '../../../src/wire/reference/codec.ts';
import { readJson } from '../../../src/wire/reference/json-reader.ts';
import { rewriteOutcome } from '../../../src/wire/rewriter.ts';
import { createStage, processor } from '../../wire/chain-support.ts';

const request = encodeRequest(readJson(JSON.stringify(exampleRequest)));

/** All on the example span, in the order given: the statements run, then the values of the expressions. */
function results(statements: readonly string[], expressions: readonly string[]): string[] {
  const shown: string[] = [];
  let problem: unknown = null;
  const compile = (env: Environment) => {
    const run = statements.map((text) => compileStatement(checkStatement(text, 'span'), env));
    const get = expressions.map((text) => compileExpression(checkExpression(text, 'span'), env));
    return () => {
      try {
        for (const statement of run) statement();
        for (const value of get) shown.push(showValue(value()));
      } catch (error) {
        problem = error;
      }
    };
  };
  const stage = createStage([
    processor('example', (builder) => ({
      resource: () => {},
      scope: () => {},
      span: compile(createEnvironment(builder)),
    })),
  ]);
  const { outcome, message } = stage.run(request);
  if (problem !== null) throw problem;
  assert.equal(outcome, rewriteOutcome.written, message);
  return shown;
}

function check({ kind }: FunctionDefinition, { text, given = {}, gives, fails }: FunctionExample): void {
  const before = Object.entries(given).map(([path, value]) => `set(${path}, ${value})`);
  const isEditor = kind === 'editor';
  const statements = isEditor ? [...before, text] : before;
  if (fails !== undefined) {
    assert.equal(gives, undefined, 'an example gives something or fails');
    assert.throws(
      () => results(statements, isEditor ? [] : [text]),
      (error) => {
        assert.ok(error instanceof OttlFault || error instanceof OttlError, String(error));
        assert.equal(error.message.slice(0, fails.length), fails);
        return true;
      },
    );
    return;
  }
  if (isEditor) {
    assert.equal(typeof gives, 'object', 'an editor gives what stands in some paths');
    const wanted = gives as Readonly<Record<string, string>>;
    const found = results(statements, Object.keys(wanted));
    assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((path, i) => [path, found[i]])), wanted);
  } else {
    assert.equal(typeof gives, 'string', 'a converter gives a value');
    assert.deepEqual(results(statements, [text]), [gives]);
  }
}

for (const definition of functions.values()) {
  describe(`the examples of ${definition.name}`, () => {
    for (const example of definition.examples) {
      it(example.text, () => {
        assert.ok(example.text.includes(`${definition.name}(`), 'shows another function');
        check(definition, example);
      });
    }
  });
}

it('every function has an example', () => {
  const bare = [...functions.values()].filter(({ examples }) => examples.length === 0).map(({ name }) => name);
  assert.deepEqual(bare, []);
});
