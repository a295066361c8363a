// The gate in front of a pipeline behind a router: decides for each span which routes it takes, and keeps it where one of
// them leads to this pipeline. Every pipeline behind the router decides the same for itself, so that nothing has to be
// written more than once.
import type { GatePlace } from '../../component/connector.ts';
import { defineStep } from '../../component/define.ts';
import type { Touch } from '../../component/processor.ts';
import { ruleErrorMetric, withFaults } from '../../component/rule-faults.ts';
import type { CounterId, StageBuilder, StageProcessor } from '../../component/step.ts';
import { connectorKey, grpcMetadataKey } from '../../lib/client-keys.ts';
import { compileCondition, compileStatement } from '../../ottl/compile.ts';
import { createEnvironment, type Environment } from '../../ottl/environment.ts';
import type { Config } from './index.ts';
import { compareRequest } from './request-condition.ts';
import { asksSpans, type Route, readTable } from './table.ts';

export interface GateConfig {
  readonly table: Config['table'];
  readonly default_pipelines: readonly string[];
  readonly error_mode: Config['error_mode'];
  readonly place: GatePlace;
}

export const routedMetric = {
  name: 'spanmill_connector_routed_spans',
  kind: 'counter',
  help: 'Spans that a route sent to a pipeline.',
  labels: ['connector', 'pipeline', 'route'],
} as const;

export const routingGateStep = defineStep<GateConfig>({
  type: 'gate of routing',
  metrics: [routedMetric, ruleErrorMetric],
  compile: compileGate,
});

export function gateTouches(config: GateConfig): Touch[] {
  const { routes } = readTable(config);
  if (asksSpans(routes)) {
    return (['resource', 'scope'] as const).map((what) => ({ what, from: 'span', writes: false }));
  }
  const asked = routes.flatMap(({ asked: route }) => (route.of === 'resource' ? [route] : []));
  return asked.length === 0
    ? []
    : [{ what: 'resource', from: 'resource', writes: asked.some(({ edit }) => edit !== null) }];
}

export function gateMetadataKeys(config: GateConfig): readonly string[] {
  const asked = readTable(config).routes.flatMap(({ asked: route }) => {
    if (route.of === 'request') return [route.condition.key, grpcMetadataKey(route.condition.key)];
    return 'checked' in route ? [...route.checked.metadataKeys, ...(route.edit?.metadataKeys ?? [])] : [];
  });
  return [...new Set(config.place.isMarked ? [...asked, connectorKey] : asked)];
}

/** A route as it is tried on each item. */
interface Tried {
  /** Throws OttlFault only in the error mode propagate. */
  readonly matches: () => boolean;
  readonly isCopy: boolean;
  /** It leads to this pipeline: counts the spans that take it; `notHere`: it does not. */
  readonly counter: CounterId;
}
const notHere = -1;

function compileGate(config: GateConfig, stage: StageBuilder): StageProcessor {
  const { place, default_pipelines: defaults } = config;
  const { resource, span } = stage;
  const { routes } = readTable(config);
  const env = createEnvironment(stage);
  const known: (boolean | null)[] = routes.map(() => null);
  const counterOf = (route: string, pipelines: readonly string[]): CounterId =>
    pipelines.includes(place.pipeline)
      ? stage.counter(routedMetric.name, { connector: place.connector, route })
      : notHere;
  const tried = routes.map((route, i): Tried => {
    const matches = matcherOf(route, config, stage, env);
    return {
      // What is not asked of the span itself is asked once a resource, by the first span that gets so far.
      matches: route.asked.of === 'span' ? matches : () => (known[i] ??= matches()),
      isCopy: route.isCopy,
      counter: counterOf(route.label, route.pipelines),
    };
  });
  const otherwise = counterOf('default_pipelines', defaults);
  const elsewhere = stage.routeCounter('elsewhere');
  // Without default pipelines a span may get nowhere, which the first gate counts.
  const nowhere = place.isFirst && defaults.length === 0 ? stage.routeCounter('nowhere') : elsewhere;
  const decide = deciding(tried, { otherwise, elsewhere, nowhere });
  const isMine = place.isMarked ? () => stage.metadata(connectorKey)[0] === place.connector : () => true;
  const isBySpan = asksSpans(routes);
  let isOpen = false;
  let decision: Decision = 0;
  return {
    resource() {
      isOpen = !isMine();
      known.fill(null);
      if (isOpen || isBySpan) return;
      decision = decide();
      if (decision < 0) resource.drop(-1 - decision);
    },
    span() {
      if (isOpen) return;
      if (isBySpan) decision = decide();
      if (decision < 0) span.drop(-1 - decision);
      else stage.add(decision, 1);
    },
  };
}

/** The counter of the route that brings a span here, of several the first, for it comes once; `-1 - counter`: it is dropped. */
type Decision = number;

function deciding(
  tried: readonly Tried[],
  { otherwise, elsewhere, nowhere }: Readonly<Record<'otherwise' | 'elsewhere' | 'nowhere', CounterId>>,
): () => Decision {
  return () => {
    let kept: CounterId = notHere;
    let isCopied = false;
    for (const { matches, isCopy, counter } of tried) {
      if (!matches()) continue;
      if (kept === notHere) kept = counter;
      if (!isCopy) return kept === notHere ? -1 - elsewhere : kept;
      isCopied = true;
    }
    if (kept === notHere) kept = otherwise;
    if (kept !== notHere) return kept;
    return -1 - (isCopied ? elsewhere : nowhere);
  };
}

function matcherOf(
  { asked, label, path }: Route,
  { error_mode: mode }: GateConfig,
  stage: StageBuilder,
  env: Environment,
): () => boolean {
  switch (asked.of) {
    case 'all':
      return () => true;
    case 'other':
      return () => false;
    case 'request': {
      const { condition } = asked;
      const { key } = condition;
      const overGrpc = grpcMetadataKey(key);
      return () =>
        compareRequest(condition, stage.metadata(overGrpc)) || compareRequest(condition, stage.metadata(key));
    }
    case 'resource':
    case 'span': {
      const { checked, edit } = asked;
      return withFaults(
        edit === null ? compileCondition(checked, env) : compileStatement(edit, env),
        { label, path, checked },
        mode,
        'treated as not matching',
        env,
        stage,
      );
    }
  }
}
