// Long texts and bad patterns through every function that meets them: time that grows with the size of the text and no faster.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OttlFault } from '../../../src/ottl/error.ts';
import type { FunctionDefinition } from '../../../src/ottl/functions/define.ts';
import { type OttlValue, type as valueType } from '../../../src/ottl/values.ts';
import { call } from './call-function.ts';
import { attribute, converters, expression, requestWith, run, statement } from './hostile-rules.ts';
import { isAccepted, runCompiled } from './oracle/both-ways.ts';

// --- long texts ------------------------------------------------------------------------------------------------------

/** Texts of so many bytes, each with what one function or another looks for. */
const longTexts: Readonly<Record<string, string>> = {
  letters: 'a',
  words: 'some words ',
  digits: '12345678',
  underscores: '1_2',
  pairs: 'key="v" ',
  fields: 'a,"b,c",',
  brackets: '[',
  objects: '{"a":',
  list: '[1,',
  elements: '<a b="c">',
  quotes: '"\\',
  verbs: '%5d%-s%v',
  upper: 'aB_c-D',
  wide: 'h\u00e9\u65e5\u{1f680}',
  dots: '1.2.3:',
  spaces: '  \t ',
};
const longText = (piece: string, bytes: number) => piece.repeat(Math.ceil(bytes / Buffer.byteLength(piece)));
/** Where a pattern that nearly matched begins to look for another way: these are tried with a "!" behind them as well. */
const repeated = ['letters', 'digits', 'underscores', 'dots'];

/** What the parameter takes when another one is the long text. */
const usual: Readonly<Record<string, OttlValue>> = {
  base: 10n,
  start: 0n,
  length: 1n,
  order: 'asc',
  encoding: 'base64',
  variant: 'base64',
  delimiter: '=',
  pair_delimiter: ';',
  header_delimiter: ',',
  mode: 'strict',
  format: '%Y',
  xpath: '/a',
  pattern: '(?P<x>a+)+$',
  header: 'a,b',
  to_case: 'snake',
};

function usualFor({
  name,
  accepts,
  choices,
  optional,
}: FunctionDefinition['parameters'][number]): OttlValue | undefined {
  if (optional) return undefined;
  if (choices !== undefined) return choices[0];
  if (usual[name] !== undefined) return usual[name];
  if ((accepts & valueType.string) !== 0) return 'a';
  if ((accepts & valueType.int) !== 0) return 1n;
  if ((accepts & valueType.map) !== 0) return new Map([['a', 'b']]);
  return (accepts & valueType.list) !== 0 ? ['a', 'b'] : null;
}

interface Long {
  readonly name: string;
  run(text: string): void;
}
const takesText = ({ role, accepts, choices }: FunctionDefinition['parameters'][number]): boolean =>
  (role === 'value' || role === 'pattern') && choices === undefined && (accepts & valueType.string) !== 0;

/** Every function with the text in the place of each argument that takes one. */
const longCalls: readonly Long[] = converters
  .filter(({ parameters }) => parameters.every(({ role }) => role !== 'lambda'))
  .flatMap((definition) =>
    definition.parameters.flatMap((parameter, i) =>
      takesText(parameter)
        ? [
            {
              name: `${definition.name}, ${parameter.name}`,
              run: (text: string) => {
                const values = definition.parameters.map((other, j) => (i === j ? text : usualFor(other)));
                try {
                  call(definition.name, ...values);
                } catch (error) {
                  if (!(error instanceof OttlFault)) throw error;
                }
              },
            },
          ]
        : [],
    ),
  );

/** Milliseconds of this thread's processor, so that what else the machine does counts less. */
function cost(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}

/** A text may cost as much as sixteen short ones, and some more for memory; what is quadratic costs sixteen times that. */
function assertLinear(work: (bytes: number) => void, name: string): void {
  const [short, long] = [1 << 15, 1 << 19];
  let ratio = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 3 && ratio > 8; attempt++) {
    const once = cost(() => work(long));
    // At this size nothing quadratic is so quick.
    if (once < 200) return;
    ratio = once / cost(() => Array.from({ length: 16 }, () => work(short)));
  }
  assert.ok(ratio <= 8, `${name}: a text of 512 KiB costs ${ratio.toFixed(1)} times as much as sixteen of 32 KiB`);
}

describe('a long text', () => {
  for (const { name, run: attempt } of longCalls) {
    it(`takes time that grows with its length: ${name}`, () => {
      for (const [kind, piece] of Object.entries(longTexts)) {
        for (const tail of repeated.includes(kind) ? ['', '!'] : [''])
          assertLinear((bytes) => attempt(longText(piece, bytes) + tail), `${kind}${tail}`);
      }
    });
  }

  it('of 5 MB goes through every function', () => {
    const text = longText(longTexts.words + longTexts.wide, 5 << 20);
    for (const { run: attempt } of longCalls) attempt(text);
  });

  it('of 5 MB goes through every editor', () => {
    const editors = [
      'replace_match(attributes["big"], "*s*e*w*!", "x")',
      'replace_pattern(attributes["big"], "([a-z]+ )+$", "$1")',
      'replace_pattern(attributes["big"], "some", "any", ToUpperCase)',
      'replace_all_matches(attributes, "*some*words*", "$1")',
      'replace_all_patterns(attributes, "value", "(.*)*x", "y")',
      'replace_all_patterns(attributes, "key", "b", "B")',
      'stringify_all(attributes)',
      'truncate_all(attributes, 5000000)',
      'flatten(attributes, "p")',
      'limit(attributes, 1, [])',
    ];
    const big = longText(longTexts.words + longTexts.wide, 5 << 20);
    for (const text of editors) {
      const { outcomes, after } = runCompiled([statement(text)], requestWith([attribute('big', { stringValue: big })]));
      assert.ok(
        outcomes.every((outcome) => 'value' in outcome),
        text,
      );
      assert.equal(after[0].scopes[0].spans[0].attributes.length, 1);
    }
  });
});

describe('a pattern that backtracks without end', () => {
  const patterns = [
    '(a+)+$',
    '(a|a)*$',
    '(a|aa)+$',
    '(.*)*x',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
    '(a*)*b',
    '(?:a?){30}a{30}',
  ];
  const text = `${'a'.repeat(1 << 17)}!`;
  for (const pattern of patterns) {
    it(`ends: ${pattern}`, () => {
      const request = requestWith([attribute('a', { stringValue: text }), attribute('p', { stringValue: pattern })]);
      const rules = [
        expression(`IsMatch(attributes["a"], ${JSON.stringify(pattern)})`),
        expression('IsMatch(attributes["a"], attributes["p"])'),
        statement(`replace_pattern(attributes["a"], ${JSON.stringify(pattern)}, "-")`),
        statement('replace_all_patterns(attributes, "value", attributes["p"], "-")'),
      ];
      run(rules, request);
    });
  }

  it('or is itself too long is refused, from a span or in the text', () => {
    const request = requestWith([
      attribute('long', { stringValue: 'a'.repeat(70_000) }),
      attribute('less', { stringValue: '(a)'.repeat(20_000) }),
    ]);
    const [long, less] = run(
      [expression('IsMatch("aaa", attributes["long"])'), expression('IsMatch("aaa", attributes["less"])')],
      request,
    ).outcomes;
    assert.ok('fault' in long && 'value' in less);
    assert.equal(less.value, false);
    assert.ok(isAccepted(expression(`IsMatch("a", "${'a'.repeat(40_000)}")`)));
  });
});
