// Rules on a request twice: compiled, over the bytes of a stage, and by the oracle, over plain objects.
import { checkCondition, checkExpression, checkStatement } from '../../../../src/ottl/check.ts';
import { compileCondition, compileExpression, compileStatement } from '../../../../src/ottl/compile.ts';
import {
  type ContextName,
  contextNames,
  createEnvironment,
  type Environment,
  itemWalker,
} from '../../../../src/ottl/environment.ts';
import { OttlError, OttlFault } from '../../../../src/ottl/error.ts';
import type { OttlValue } from '../../../../src/ottl/values.ts';
import { rewriteOutcome } from '../../../../src/wire/rewriter.ts';
import { createStage, processor } from '../../../wire/chain-support.ts';
import { kindOf } from './faults.ts';
import { interpretCondition, interpretExpression, interpretStatement, type Scope } from './interpret.ts';
import { type Model, type Place, readModel } from './model.ts';

export interface Rule {
  readonly form: 'condition' | 'expression' | 'statement';
  readonly context: ContextName;
  readonly text: string;
}

/** What one rule gave at one item. A fault is its kind. */
export type Outcome = { readonly rule: Rule } & (
  | { readonly value: OttlValue }
  | { readonly fault: string }
  | { readonly crash: string }
);

export interface Run {
  readonly outcomes: readonly Outcome[];
  readonly after: Model;
}

function attempt(rule: Rule, run: () => OttlValue): Outcome {
  try {
    return { rule, value: run() };
  } catch (error) {
    if (error instanceof OttlFault) return { rule, fault: kindOf(error) };
    return { rule, crash: String(error) };
  }
}

/** Whether the checker takes the rule. Throws what is not an OttlError. */
export function isAccepted({ form, context, text }: Rule): boolean {
  try {
    if (form === 'condition') checkCondition(text, context);
    else if (form === 'expression') checkExpression(text, context);
    else checkStatement(text, context);
    return true;
  } catch (error) {
    if (error instanceof OttlError) return false;
    throw error;
  }
}

// --- compiled --------------------------------------------------------------------------------------------------------

function compile({ form, context, text }: Rule, env: Environment): () => OttlValue {
  if (form === 'condition') return compileCondition(checkCondition(text, context), env);
  if (form === 'expression') return compileExpression(checkExpression(text, context), env);
  return compileStatement(checkStatement(text, context), env);
}

/** What the rules find of their client. */
const client: Readonly<Record<string, readonly string[]>> = {
  'client.addr': ['192.0.2.1:4317'],
  tenant: ['blue'],
  roles: ['reader', 'writer'],
  'auth.username': ['ann'],
  'auth.groups': ['a', 'b'],
  'grpc.tenant': ['blue'],
};

/** Rules of every context write to all that they see. */
const touches = [
  { what: 'resource', from: 'scope', writes: true },
  { what: 'resource', from: 'span', writes: true },
  { what: 'scope', from: 'span', writes: true },
] as const;

export function runCompiled(rules: readonly Rule[], request: Uint8Array): Run {
  const outcomes: Outcome[] = [];
  const definition = processor('rules', (builder) => {
    const env = createEnvironment(builder);
    const compiled = rules.map((rule) => ({ rule, run: compile(rule, env) }));
    const visitor = (context: ContextName) => {
      const own = compiled.filter(({ rule }) => rule.context === context);
      return () => {
        for (const cache of Object.values(env.caches)) cache.clear();
        for (const { rule, run } of own) outcomes.push(attempt(rule, run));
      };
    };
    const hooks = [
      visitor('span'),
      itemWalker(env, 'spanlink', visitor('spanlink')),
      itemWalker(env, 'spanevent', visitor('spanevent')),
    ];
    return {
      resource: visitor('resource'),
      scope: visitor('scope'),
      span: () => {
        for (const hook of hooks) hook();
      },
    };
  });
  const stage = createStage([{ ...definition, passes: () => [touches], metadataKeys: () => Object.keys(client) }]);
  stage.chain.metadata = client;
  const { outcome, message, output } = stage.run(request, { room: 16 << 20 });
  if (outcome !== rewriteOutcome.written) throw new Error(`the stage ended with ${outcome}: ${message}`);
  return { outcomes, after: readModel(output) };
}

// --- interpreted -----------------------------------------------------------------------------------------------------

function interpret({ form, text }: Rule, scope: Scope): OttlValue {
  if (form === 'condition') return interpretCondition(text, scope);
  return form === 'expression' ? interpretExpression(text, scope) : interpretStatement(text, scope);
}

function placeAt(items: Partial<Place> & Pick<Place, 'resource'>): Place {
  const caches = Object.fromEntries(contextNames.map((name) => [name, new Map()])) as unknown as Place['caches'];
  const none = { scope: null, span: null, event: null, link: null, index: 0 };
  return { ...none, ...items, caches, client: new Map(Object.entries(client)) };
}

export function runInterpreted(rules: readonly Rule[], request: Uint8Array): Run {
  const outcomes: Outcome[] = [];
  const visit = (context: ContextName, items: Partial<Place> & Pick<Place, 'resource'>): void => {
    const place = placeAt(items);
    for (const rule of rules) {
      if (rule.context === context) outcomes.push(attempt(rule, () => interpret(rule, { context, place })));
    }
  };
  const after = readModel(request);
  for (const resource of after) {
    visit('resource', { resource });
    for (const scope of resource.scopes) {
      visit('scope', { resource, scope });
      for (const span of scope.spans) {
        visit('span', { resource, scope, span });
        for (const [index, link] of span.links.entries()) visit('spanlink', { resource, scope, span, link, index });
        for (const [index, event] of span.events.entries()) visit('spanevent', { resource, scope, span, event, index });
      }
    }
  }
  return { outcomes, after };
}
