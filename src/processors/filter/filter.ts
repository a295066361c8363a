// The filter at work: each condition drops what it matches and counts it under its own reason.
import { defineStep } from '../../component/define.ts';
import type { MetricSpec } from '../../component/definition.ts';
import { ruleErrorMetric, withFaults } from '../../component/rule-faults.ts';
import { compileSpanMatcher } from '../../component/span-matcher.ts';
import type { CounterId, StageBuilder, StageProcessor } from '../../component/step.ts';
import { compileCondition, type Predicate } from '../../ottl/compile.ts';
import {
  type ContextName,
  createEnvironment,
  currentEvent,
  type Environment,
  itemWalker,
} from '../../ottl/environment.ts';
import { conditionsOf, type FilterCondition } from './conditions.ts';
import type { Config } from './index.ts';

interface Rule {
  readonly matches: Predicate;
  readonly counter: CounterId;
}

const dropMetric: MetricSpec = {
  name: 'otelcol_processor_filter_spans_filtered',
  kind: 'counter',
  help: 'Number of spans dropped by the filter processor',
  labels: ['filter'],
};

const eventMetric: MetricSpec = {
  name: 'spanmill_processor_filter_dropped_events',
  kind: 'counter',
  help: 'Events that a condition removed from their spans, by processor and rule',
  labels: ['processor', 'rule'],
};

export const filterStep = defineStep<Config>({
  type: 'filter',
  metrics: [dropMetric, eventMetric, ruleErrorMetric],
  dropMetric,
  compile: compileFilter,
});

function compileFilter(config: Config, stage: StageBuilder): StageProcessor {
  const env = createEnvironment(stage);
  const conditions = conditionsOf(config);
  const of = (context: ContextName): FilterCondition[] =>
    conditions.filter(({ checked }) => checked.context === context);
  const rules = (context: ContextName): Rule[] => of(context).map((condition) => compileRule(condition, env, stage));
  const { resource, scope, span } = stage;
  const resources = rules('resource');
  const scopes = rules('scope');
  const spans = [...legacyRules(config, stage), ...rules('span')];
  const events = of('spanevent').map((condition) => compileEvents(condition, env, stage));
  const processor: StageProcessor = {};
  if (resources.length > 0) processor.resource = dropFirst(resources, resource);
  if (scopes.length > 0) processor.scope = dropFirst(scopes, scope);
  if (spans.length > 0 || events.length > 0) processor.span = spanHook(dropFirst(spans, span), events, stage, env);
  return processor;
}

function compileRule(condition: FilterCondition, env: Environment, stage: StageBuilder): Rule {
  return { matches: guarded(condition, env, stage), counter: stage.dropCounter(condition.label) };
}

function guarded(condition: FilterCondition, env: Environment, stage: StageBuilder): Predicate {
  const holds = compileCondition(condition.checked, env);
  return withFaults(holds, condition, condition.errorMode, 'treated as not matching', env, stage);
}

/** Oldest form: what is not included, or is excluded, goes. */
function legacyRules({ spans }: Config, stage: StageBuilder): Rule[] {
  const rules: Rule[] = [];
  if (spans?.include != null) {
    const included = compileSpanMatcher(spans.include, stage);
    rules.push({ matches: () => !included(), counter: stage.dropCounter('spans.include') });
  }
  if (spans?.exclude != null) {
    rules.push({ matches: compileSpanMatcher(spans.exclude, stage), counter: stage.dropCounter('spans.exclude') });
  }
  return rules;
}

function dropFirst(rules: readonly Rule[], view: { drop(counter: CounterId): void }): () => void {
  if (rules.length === 1) {
    const [{ matches, counter }] = rules;
    return () => {
      if (matches()) view.drop(counter);
    };
  }
  return () => {
    for (const { matches, counter } of rules) {
      if (!matches()) continue;
      view.drop(counter);
      return;
    }
  };
}

function compileEvents(condition: FilterCondition, env: Environment, stage: StageBuilder): () => void {
  const matches = guarded(condition, env, stage);
  const dropped = stage.counter(eventMetric.name, { processor: stage.id, rule: condition.label });
  return itemWalker(env, 'spanevent', () => {
    if (!matches()) return;
    currentEvent(env).drop();
    stage.add(dropped, 1);
  });
}

function spanHook(
  drop: () => void,
  events: readonly (() => void)[],
  { span }: StageBuilder,
  env: Environment,
): () => void {
  if (events.length === 0) return drop;
  env.event.view = null;
  return () => {
    drop();
    if (span.dropped >= 0 || span.eventCount === 0) return;
    for (const removeMatching of events) removeMatching();
  };
}
