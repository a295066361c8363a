// Random texts and random rules: nothing but a value or an error of the language comes out.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CompareOperator } from '../../../src/ottl/ast.ts';
import { checkCondition, checkStatement } from '../../../src/ottl/check.ts';
import { compareValues } from '../../../src/ottl/compare.ts';
import { compileCondition } from '../../../src/ottl/compile.ts';
import { contextNames, createEnvironment } from '../../../src/ottl/environment.ts';
import { OttlError } from '../../../src/ottl/error.ts';
import { functions } from '../../../src/ottl/functions/table.ts';
import { tokenize } from '../../../src/ottl/lexer.ts';
import { parseCondition, parseStatement } from '../../../src/ottl/parser.ts';
import { paths } from '../../../src/ottl/paths.ts';
import { decodeRequest, encodeRequest } from '../../../src/wire/reference/codec.ts';
import type { AnyValue } from '../../../src/wire/reference/messages.ts';
import { rewriteOutcome } from '../../../src/wire/rewriter.ts';
import type { Value } from '../../../src/wire/value.ts';
import { createStage, processor } from '../../wire/chain-support.ts';
import { isAccepted, runCompiled, runInterpreted } from './oracle/both-ways.ts';
import { plainEditors } from './oracle/editors.ts';
import { plainPaths } from './oracle/paths.ts';
import { encodedRequest } from './oracle/random-requests.ts';
import { rulesOf } from './oracle/random-rules.ts';
import { sampleRequest } from './sample.ts';

const pieces = [
  ...[
    'name',
    'kind',
    'span',
    'resource',
    'attributes',
    'status',
    'code',
    'events',
    'cache',
    'trace_state',
    'start_time',
  ],
  ...['==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '/', '(', ')', '[', ']', '{', '}', ',', '.', ':', '=', '=>'],
  ...['and', 'or', 'not', 'nil', 'true', 'false', 'where', 'set', 'delete_key', 'SPAN_KIND_SERVER', 'target'],
  ...[
    '1',
    '-1',
    '1.5',
    '.5',
    '0x00ff',
    '9223372036854775807',
    '"a"',
    '"str"',
    '"\\n"',
    '"',
    '\\',
    '$',
    '\u{1f680}',
    '\0',
  ],
  ...functions.keys(),
];
const soup = fc
  .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 3 })), { maxLength: 14 })
  .map((list) => list.join(' '));

describe('random texts', () => {
  it('are tokens, a tree, a rule, or an OttlError inside the text', () => {
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: 'binary' })), (text) => {
        const steps = [tokenize, parseCondition, parseStatement, checkIn(checkCondition), checkIn(checkStatement)];
        for (const step of steps) {
          try {
            step(text);
          } catch (error) {
            assert.ok(error instanceof OttlError, String(error));
            assert.ok(error.offset >= 0 && error.length >= 0 && error.offset + error.length <= text.length);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

const checkIn = (check: typeof checkCondition | typeof checkStatement) => (text: string) => check(text, 'span');

// --- rules that are well-formed --------------------------------------------------------------------------------------

const runs = Number(process.env.SPANMILL_OTTL_FUZZ_RUNS ?? 1_000);
const seed = process.env.SPANMILL_OTTL_FUZZ_SEED;
const rules = fc.array(fc.oneof(...contextNames.map(rulesOf)), { maxLength: 30, size: 'max' });

describe('random rules on random spans', () => {
  it('give over bytes what the oracle gives over plain objects: a value or a fault, and the same spans', () => {
    fc.assert(
      fc.property(encodedRequest, rules, (bytes, all) => {
        const accepted = all.filter(isAccepted);
        const compiled = runCompiled(accepted, bytes);
        const wanted = runInterpreted(accepted, bytes);
        for (const [i, outcome] of compiled.outcomes.entries()) {
          if ('crash' in outcome) assert.fail(`${outcome.rule.context}: ${outcome.rule.text}: ${outcome.crash}`);
          assert.deepEqual(outcome, wanted.outcomes[i], `${outcome.rule.context}: ${outcome.rule.text}`);
        }
        assert.equal(compiled.outcomes.length, wanted.outcomes.length);
        assert.deepEqual(compiled.after, wanted.after);
      }),
      { numRuns: runs, ...(seed === undefined ? {} : { seed: Number(seed) }) },
    );
  });

  it('are of every function and path, and give values with each', () => {
    const missing = new Set([
      ...[...functions.keys()].map((name) => `${name}(`),
      ...contextNames.flatMap((context) => [...paths[context].keys()].map((name) => `${context}.${name}`)),
    ]);
    const pool = fc.sample(fc.oneof(...contextNames.map(rulesOf)), { seed: 1, numRuns: 20_000 });
    const requests = fc.sample(encodedRequest, { seed: 1, numRuns: 16 });
    // A few rules at a time for what is still missing.
    for (const [round, bytes] of requests.entries()) {
      const some = (name: string) => pool.filter(({ text }) => text.includes(name)).slice(8 * round, 8 * round + 8);
      const chosen = new Set([...missing].flatMap(some));
      for (const outcome of runCompiled([...chosen].filter(isAccepted), bytes).outcomes) {
        if (!('value' in outcome)) continue;
        for (const name of missing) if (outcome.rule.text.includes(name)) missing.delete(name);
      }
    }
    assert.deepEqual([...missing], []);
  });

  it('know every editor and path: the oracle lacks none', () => {
    const editors = [...functions.values()].filter(({ kind }) => kind === 'editor');
    assert.deepEqual(editors.map(({ name }) => name).sort(), [...plainEditors.keys()].sort());
    for (const context of contextNames) {
      const known = [...plainPaths[context].keys(), 'attributes', 'cache'];
      assert.deepEqual([...paths[context].keys()].sort(), known.sort(), context);
    }
  });
});

// --- the short ways of comparisons -----------------------------------------------------------------------------------

const operator = fc.constantFrom<CompareOperator>('==', '!=', '<', '<=', '>', '>=');
const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 1n, -1n, 127n, 128n, 2n ** 49n - 1n, 2n ** 49n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 63n)),
);
const double = fc.oneof(fc.double(), fc.constantFrom(0, 1, -1, 128, 2 ** 53, 2.5, Number.NaN));
const texts = fc.constantFrom('', 'a', 'b', 'ab', '\u{1f680}', '\uffff', '1', 'x'.repeat(200));
const attributeValue = fc.oneof(texts, int64, double, fc.boolean(), fc.uint8Array({ maxLength: 3 }), fc.constant(null));

function encoded(value: Value): AnyValue {
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'bigint':
      return { intValue: value };
    case 'number':
      return { doubleValue: value };
    case 'boolean':
      return { boolValue: value };
  }
  return value instanceof Uint8Array ? { bytesValue: value } : {};
}

/** How the value is written in a rule, or null when it has no literal. */
function written(value: Value): string | null {
  if (value === null) return 'nil';
  if (typeof value === 'string') return `"${value}"`;
  if (value instanceof Uint8Array) return value.length === 0 ? null : `0x${Buffer.from(value).toString('hex')}`;
  if (typeof value !== 'number') return String(value);
  if (!Number.isFinite(value)) return null;
  const text = String(value);
  return text.includes('.') ? text : text.replace(/^(-?\d+)/, '$1.0');
}

describe('comparisons of an attribute with a constant', () => {
  it('give what comparing the values gives, from either side', () => {
    const pair = fc.tuple(attributeValue, fc.oneof(attributeValue, fc.constant(undefined)), operator);
    fc.assert(
      fc.property(fc.array(pair, { minLength: 30, maxLength: 60 }), (pairs) => {
        const request = sampleRequest();
        const [span] = request.resourceSpans[0].scopeSpans[0].spans;
        // undefined: the constant is compared with the same value.
        const cases = pairs.map(([held, against, op]) => ({
          held,
          constant: against === undefined ? held : against,
          op,
        }));
        span.attributes = cases.map(({ held }, i) => ({ key: `k${i}`, keyStrindex: 0, value: encoded(held) }));
        const outcomes: [boolean, boolean, string][] = [];
        const stage = createStage([
          processor('compare', (builder) => {
            const env = createEnvironment(builder);
            const compiled = cases.flatMap(({ held, constant, op }, i) => {
              const text = written(constant);
              if (text === null) return [];
              const compile = (rule: string) => compileCondition(checkCondition(rule, 'span'), env);
              return [
                [compile(`attributes["k${i}"] ${op} ${text}`), compareValues(held, constant, op), text] as const,
                [compile(`${text} ${op} attributes["k${i}"]`), compareValues(constant, held, op), text] as const,
              ];
            });
            return {
              span: () => {
                for (const [run, wanted, text] of compiled) outcomes.push([run(), wanted, text]);
              },
            };
          }),
        ]);
        assert.equal(stage.run(encodeRequest(request)).outcome, rewriteOutcome.written);
        for (const [found, wanted, text] of outcomes) assert.equal(found, wanted, text);
      }),
      { numRuns: 60 },
    );
  });

  it('leave the bytes of the span as they were', () => {
    const bytes = encodeRequest(sampleRequest());
    const stage = createStage([
      processor('compare', (builder) => {
        const env = createEnvironment(builder);
        const holds = compileCondition(checkCondition('attributes["one"] == 1 and name != "x"', 'span'), env);
        return { span: () => assert.equal(holds(), true) };
      }),
    ]);
    assert.deepEqual(decodeRequest(stage.run(bytes).output), decodeRequest(bytes));
  });
});
