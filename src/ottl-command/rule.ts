// The text of the command line as a rule: a statement, or an expression whose value is shown.
import { checkExpression, checkStatement } from '../ottl/check.ts';
import { compileExpression, compileStatement } from '../ottl/compile.ts';
import type { ContextName, Environment } from '../ottl/environment.ts';
import { inferContext } from '../ottl/infer.ts';
import { parseExpression, parseStatement } from '../ottl/parser.ts';
import type { Warning } from '../ottl/resolved.ts';
import type { OttlValue } from '../ottl/values.ts';

export type Outcome =
  | { readonly kind: 'value'; readonly value: OttlValue }
  /** Of a statement: whether its condition held. */
  | { readonly kind: 'ran'; readonly held: boolean }
  | { readonly kind: 'fault'; readonly message: string };

export interface Rule {
  readonly context: ContextName;
  readonly warnings: readonly Warning[];
  /** Called when the stage is compiled. What it gives runs on the item that the views show, and throws OttlFault. */
  compile(env: Environment): () => Outcome;
}

/** A call in lower case, or a converter that stands where an editor has to (`Set(…) where …`), is meant as a statement. */
const statementStart = /^\s*(?!(?:not|and|or)\b)[a-z][A-Za-z0-9_]*\s*\(|\)\s*where\b/;

/** `context`: null: as the paths say, else span. Throws OttlError. */
export function readRule(text: string, context: ContextName | null): Rule {
  if (statementStart.test(text)) {
    const own = context ?? inferContext([parseStatement(text)], 'span');
    const checked = checkStatement(text, own);
    const compile = (env: Environment) => {
      const run = compileStatement(checked, env);
      return (): Outcome => ({ kind: 'ran', held: run() });
    };
    return { context: own, warnings: checked.warnings, compile };
  }
  const own = context ?? inferContext([parseExpression(text)], 'span');
  const checked = checkExpression(text, own);
  const compile = (env: Environment) => {
    const get = compileExpression(checked, env);
    return (): Outcome => ({ kind: 'value', value: get() });
  };
  return { context: own, warnings: checked.warnings, compile };
}
