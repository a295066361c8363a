// The transform at work: one group of statements over every item of its context.
import { defineStep } from '../../component/define.ts';
import { ruleErrorMetric, withFaults } from '../../component/rule-faults.ts';
import { hookOf } from '../../component/rule-groups.ts';
import type { StageBuilder, StageProcessor } from '../../component/step.ts';
import { compileCondition, compileStatement } from '../../ottl/compile.ts';
import { createEnvironment, itemWalker } from '../../ottl/environment.ts';
import { groupAt } from './groups.ts';
import type { Config } from './index.ts';

export const transformStep = defineStep<Config>({
  type: 'transform',
  metrics: [ruleErrorMetric],
  compile: compileTransform,
});

function compileTransform(config: Config, stage: StageBuilder, pass: number): StageProcessor {
  const group = groupAt(config, pass);
  const { context, errorMode } = group;
  const env = createEnvironment(stage);
  const conditions = group.conditions.map((rule) => {
    const holds = compileCondition(rule.checked, env);
    return withFaults(holds, rule, errorMode, 'treated as not matching', env, stage);
  });
  const statements = group.statements.map((rule) => {
    const run = compileStatement(rule.checked, env);
    return withFaults(run, rule, errorMode, 'went on behind it', env, stage);
  });
  const runAll = whenAny(conditions, inOrder(statements));
  const cache = env.caches[context];
  const run = (): void => {
    if (cache.size > 0) cache.clear();
    runAll();
  };
  const isInside = context === 'spanevent' || context === 'spanlink';
  return { [hookOf(context)]: isInside ? itemWalker(env, context, run) : run };
}

function inOrder(statements: readonly (() => boolean)[]): () => void {
  return () => {
    for (let i = 0; i < statements.length; i++) statements[i]();
  };
}

/** No conditions: always. */
function whenAny(conditions: readonly (() => boolean)[], act: () => void): () => void {
  if (conditions.length === 0) return act;
  return () => {
    for (let i = 0; i < conditions.length; i++) {
      if (conditions[i]()) return act();
    }
  };
}
