// Statements that people run, from documentation and public configurations, and ways to write to every kind of path: what they
// change on the same span, as a Collector 0.155 changed it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { readGroup, rulesAt } from '../../../src/component/rule-groups.ts';
import { contextNames } from '../../../src/ottl/environment.ts';
import { transform } from '../../../src/processors/transform/index.ts';
import { decodeRequest, encodeRequest } from '../../../src/wire/reference/codec.ts';
import { readJson } from '../../../src/wire/reference/json-reader.ts';
import { rewriteOutcome } from '../../../src/wire/rewriter.ts';
import { createStage } from '../../wire/chain-support.ts';
import { changes, type Flat, flatRequest } from './flat-request.ts';

type Result = Readonly<Record<string, string | null>> | 'refused' | 'panic';

interface Recorded {
  /** null: as the paths say. */
  readonly context: string | null;
  readonly statements: readonly string[];
  readonly span: string;
  /** What the Collector changed. */
  readonly gives: Result;
  /** Where we do otherwise on purpose. */
  readonly ours?: Result;
  readonly why?: string;
}

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
const { spans, cases } = read('recorded-statements.json') as {
  spans: Readonly<Record<string, unknown>>;
  cases: readonly Recorded[];
};
const requests = new Map(
  Object.entries(spans).map(([name, json]) => {
    const request = readJson(JSON.stringify(json));
    const bytes = encodeRequest(request);
    return [name, { bytes, flat: flatRequest(decodeRequest(bytes)) }];
  }),
);

function run({ context, statements, span }: Recorded): Result {
  const issues: Parameters<typeof readGroup>[1] = [];
  const own = contextNames.find((name) => name === context) ?? null;
  readGroup({ context: own, errorMode: 'ignore', conditions: [], statements: rulesAt(statements, []) }, issues);
  if (issues.length > 0) return 'refused';
  const group = { ...(context === null ? {} : { context }), statements };
  const stage = createStage([transform], [transform.config.parse({ trace_statements: [group] })]);
  const { bytes, flat } = requests.get(span) ?? { bytes: new Uint8Array(0), flat: {} as Flat };
  const { outcome, output, message } = stage.run(bytes);
  assert.equal(outcome, rewriteOutcome.written, message);
  return changes(flat, flatRequest(decodeRequest(output)));
}

describe('statements that people run', () => {
  for (const [i, one] of cases.entries()) {
    it(`${one.statements.join('; ')} (${i}): ${one.why ?? 'as the Collector'}`, () => {
      if (one.ours !== undefined) assert.notDeepEqual(one.ours, one.gives, 'no difference');
      assert.deepEqual(run(one), one.ours ?? one.gives);
    });
  }
});
