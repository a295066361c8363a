// What the recorded calls (recorded-functions.test.ts) do not show.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { renderRules } from '../../../scripts/user-agent-rules.ts';
import { compileRegExp } from '../../../src/lib/regexp/regexp.ts';
import type { OttlMap } from '../../../src/ottl/values.ts';
import { call, faultOf } from './call-function.ts';

const file = readFileSync(new URL('../../../src/ottl/functions/user-agent-rules.json', import.meta.url), 'utf8');
const written = JSON.parse(file) as Record<'agents' | 'systems', [string, string[], ...string[]][]>;
const rules = [...written.agents, ...written.systems];
const recorded = JSON.parse(readFileSync(new URL('recorded-functions.json', import.meta.url), 'utf8')) as object;
const texts = Object.keys(recorded)
  .filter((one) => one.startsWith('UserAgent('))
  .map((one) => JSON.parse(one.slice('UserAgent('.length, -1)) as string);

describe('the rules for user agents', () => {
  it('are what uap-core gives; else run: node scripts/user-agent-rules.ts', () => assert.equal(renderRules(), file));

  it('nearly all name a text without which they cannot match', () => {
    assert.ok(rules.length > 500);
    assert.ok(rules.filter(([, needs]) => needs.length === 0).length < 5);
  });

  it('match no text that lacks what they need', () => {
    let matches = 0;
    for (const [pattern, needs] of rules) {
      const { test } = compileRegExp(pattern);
      for (const text of texts.filter(test)) {
        matches++;
        assert.ok(needs.length === 0 || needs.some((need) => text.includes(need)), `${pattern} needs ${needs}`);
      }
    }
    assert.ok(matches > 50);
  });
});

describe('UserAgent', () => {
  it('gives each caller a map of its own', () => {
    const first = call('UserAgent', 'curl/8.4.0') as Map<string, unknown>;
    first.set('user_agent.name', 'changed');
    assert.equal((call('UserAgent', 'curl/8.4.0') as OttlMap).get('user_agent.name'), 'curl');
  });

  it('keeps all of a text of 5 MB, and looks at its beginning', () => {
    const text = `Wget/1.21.3 ${'Chrome Mobile Linux '.repeat(260_000)}`;
    const found = call('UserAgent', text) as OttlMap;
    assert.equal(found.get('user_agent.original'), text);
    assert.equal(found.get('user_agent.name'), 'Wget');
  });

  it('takes thousands of agents', () => {
    for (let i = 0; i < 3_000; i++) {
      assert.equal((call('UserAgent', `Wget/${i}.1`) as OttlMap).get('user_agent.version'), `${i}.1`);
    }
  });

  it('refuses what is no text', () => {
    for (const value of [null, 1n, []]) assert.match(faultOf('UserAgent', value), /expected a string/);
  });
});
