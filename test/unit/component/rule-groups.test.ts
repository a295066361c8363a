import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConfigIssue } from '../../../src/component/definition.ts';
import { readGroup, rulesAt } from '../../../src/component/rule-groups.ts';

function read(conditions: readonly string[], statements: readonly string[]) {
  const issues: ConfigIssue[] = [];
  const group = readGroup(
    {
      context: null,
      errorMode: 'ignore',
      conditions: rulesAt(conditions, ['conditions']),
      statements: rulesAt(statements, ['statements']),
    },
    issues,
  );
  return { group, found: issues.map(({ path, offset }) => `${path.join('.')} ${offset}`) };
}

describe('a group of rules without a context', () => {
  it('names all mistakes of its rules at once, whether they can be parsed or not, each once', () => {
    const { found } = read(
      ['span.name == "x', 'span.nme == "y"', 'name == "z"'],
      ['set(spanevent.name, Conct(["a"], ""))', 'sett(span.name, "x")', 'set(span.kind, SPAN_KIND_SERVR)', 'set('],
    );
    assert.deepEqual(found.sort(), [
      'conditions.0 13',
      'conditions.1 5',
      'conditions.2 0',
      'statements.0 20',
      'statements.1 0',
      'statements.2 15',
      'statements.3 4',
    ]);
  });

  it('has the context of the rules that can be parsed', () => {
    const { group } = read(['span.name =='], ['set(span.name, "x")', 'set(resource.attributes["a"], 1)']);
    assert.equal(group.context, 'span');
    assert.deepEqual(
      group.statements.map(({ label }) => label),
      ['statements[0]', 'statements[1]'],
    );
  });

  it('is one of spans when it has no rules', () => assert.equal(read([], []).group.context, 'span'));
});
