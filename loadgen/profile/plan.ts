// Topology -> functions and objects from which traces are drawn: everything that is the same for all of them.
import type { FreshText, ResourceShape, ScopeShape, Value } from '../corpus/shape.ts';
import { type Budget, createBudget } from './budget.ts';
import { compileQuantity, type DrawNumber } from './draw-quantity.ts';
import { createDrawing, type Drawing } from './drawing.ts';
import { type Random, weightedPick } from './random.ts';
import type { AttributeSpecs } from './read-values.ts';
import { jsonText } from './text.ts';
import type { ChildSpec, EventSpec, ResourceSpec, ScopeSpec, SpanSpec, Topology, TraceSpec } from './topology.ts';
import { isKnownLate, keysUsed, type ValueSpec } from './value-spec.ts';
import { compileText, compileValue, drawnText } from './values.ts';

/** Adds what is drawn; what is there already is replaced. */
type DrawAttributes = (from: Drawing, into: Map<string, Value>) => void;

interface ResourcePlan {
  readonly instances: readonly ResourceShape[];
  readonly scope: ScopeShape;
}

export interface EventPlan {
  readonly name: (from: Drawing) => string;
  readonly count: DrawNumber;
  readonly at: EventSpec['at'];
  readonly when: EventSpec['when'];
  readonly attributes: DrawAttributes;
}

export interface ChildPlan {
  readonly pick: (random: Random) => SpanPlan;
  readonly count: DrawNumber;
  readonly chance: number;
  readonly run: ChildSpec['run'];
  readonly newInstance: boolean;
  /** Nanoseconds. */
  readonly gap: DrawNumber;
  readonly otherwise: readonly ChildPlan[];
}

export interface SpanPlan {
  /** As messages name it. */
  readonly what: string;
  readonly resource: ResourcePlan;
  readonly scope: ScopeShape;
  readonly name: (from: Drawing) => string | FreshText;
  readonly kind: number;
  /** Nanoseconds. */
  readonly duration: DrawNumber;
  readonly traceState: (from: Drawing) => string;
  readonly attributes: DrawAttributes;
  /** Those that depend on the duration: drawn when it is known. */
  readonly lateAttributes: DrawAttributes;
  readonly events: readonly EventPlan[];
  readonly links: DrawNumber;
  readonly error: {
    readonly rate: number;
    readonly fromChildren: boolean;
    readonly aborts: boolean;
    readonly message: (from: Drawing) => string;
    readonly attributes: DrawAttributes;
  };
  readonly statusCode: number;
  readonly children: readonly ChildPlan[];
}

export interface TracePlan {
  readonly root: SpanPlan;
  readonly mostSpans: number;
  readonly depth: DrawNumber;
  readonly lets: DrawAttributes;
}

export type PickTrace = (random: Random) => TracePlan;

interface Planner {
  readonly random: Random;
  /** Of all resources and scopes. */
  readonly budget: Budget;
  readonly timeScale: number;
  readonly spans: Map<string, SpanPlan>;
  readonly resources: Map<string, ResourcePlan>;
  /** By what they hold: equal scopes are the same object. */
  readonly scopes: Map<string, ScopeShape>;
  /** Attributes that other spans of the trace copy: their fresh parts are the trace's. */
  readonly shared: ReadonlySet<string>;
}

/** Keys that a `parent` names, and those that these are drawn from. */
const sharedKeys = (topology: Topology): Set<string> => {
  const attributes = [...topology.spans.values()].flatMap((span) => span.attributes);
  const all = [...topology.spans.values()].flatMap((span): ValueSpec[] => [
    span.name,
    ...[span.traceState, span.error.message].filter((one) => one !== null),
    ...span.error.attributes.map(([, value]) => value),
    ...span.events.flatMap((event) => [event.name, ...event.attributes.map(([, value]) => value)]),
  ]);
  const shared = new Set([...all, ...attributes.map(([, value]) => value)].flatMap((one) => keysUsed(one, 'parent')));
  for (const key of shared) {
    for (const [name, value] of attributes) {
      if (name === key) for (const used of keysUsed(value, 'attr')) shared.add(used);
    }
  }
  return shared;
};

const compileAttributes = (specs: AttributeSpecs, shared: ReadonlySet<string> | 'all'): DrawAttributes => {
  const draws = specs.map(([key, spec]) => {
    const scope = shared === 'all' || shared.has(key) ? 'trace' : 'span';
    return [key, compileValue(spec, scope)] as const;
  });
  return (from, into) => {
    from.own = into;
    for (const [key, draw] of draws) {
      const value = draw(from);
      if (value !== undefined) into.set(key, value);
    }
  };
};

/** A text whose fresh parts are drawn. */
const compilePlainText = (spec: ValueSpec | null): ((from: Drawing) => string) => {
  if (spec === null) return () => '';
  const draw = compileText(spec);
  return (from) => drawnText(draw(from), from.random);
};

const drawOnce = (planner: Planner, specs: AttributeSpecs): [string, Value][] => {
  const attributes = new Map<string, Value>();
  compileAttributes(specs, planner.shared)(createDrawing(planner.random, planner.budget), attributes);
  return [...attributes];
};

const drawScope = (planner: Planner, spec: ScopeSpec): ScopeShape => {
  const { name, version, schemaUrl } = spec;
  const scope = { name, version, attributes: drawOnce(planner, spec.attributes), schemaUrl };
  const key = String(jsonText([name, version, schemaUrl, ...scope.attributes]));
  const known = planner.scopes.get(key);
  if (known !== undefined) return known;
  planner.scopes.set(key, scope);
  return scope;
};

const planResource = (planner: Planner, name: string, spec: ResourceSpec): ResourcePlan => {
  planner.budget.what = `the resource "${name}"`;
  return resourceOf(planner, spec);
};

const resourceOf = (planner: Planner, spec: ResourceSpec): ResourcePlan => ({
  instances: Array.from({ length: spec.instances }, () => ({
    attributes: drawOnce(planner, spec.attributes),
    schemaUrl: spec.schemaUrl,
  })),
  scope: drawScope(planner, spec.scope),
});

const scaled = (draw: DrawNumber, scale: number): DrawNumber =>
  scale === 1 ? draw : (random) => Math.round(draw(random) * scale);

const planEvent = (planner: Planner, spec: EventSpec): EventPlan => ({
  name: compilePlainText(spec.name),
  count: compileQuantity(spec.count, true),
  at: spec.at,
  when: spec.when,
  attributes: compileAttributes(spec.attributes, planner.shared),
});

/** The spans are looked up when they are drawn: they may hold one another. */
const planChild = (planner: Planner, spec: ChildSpec): ChildPlan => {
  const pick = weightedPick(spec.spans);
  return {
    pick: (random) => known(planner.spans, pick(random)),
    count: compileQuantity(spec.count, true),
    chance: spec.chance,
    run: spec.run,
    newInstance: spec.newInstance,
    gap: scaled(compileQuantity(spec.gap, true), planner.timeScale),
    otherwise: spec.otherwise.map((one) => planChild(planner, one)),
  };
};

const known = <T>(map: ReadonlyMap<string, T>, name: string): T => {
  const found = map.get(name);
  if (found === undefined) throw new RangeError(`the profile has no "${name}"`);
  return found;
};

const planSpan = (planner: Planner, name: string, spec: SpanSpec): SpanPlan => {
  const what = `the span "${name}"`;
  planner.budget.what = what;
  const isLate = ([, value]: AttributeSpecs[number]): boolean => isKnownLate(value);
  const resource = known(planner.resources, spec.resource);
  return {
    what,
    resource,
    scope: spec.scope === null ? resource.scope : drawScope(planner, spec.scope),
    name: compileText(spec.name),
    kind: spec.kind,
    duration: scaled(compileQuantity(spec.duration, true), planner.timeScale),
    traceState: compilePlainText(spec.traceState),
    attributes: compileAttributes(
      spec.attributes.filter((one) => !isLate(one)),
      planner.shared,
    ),
    lateAttributes: compileAttributes(spec.attributes.filter(isLate), planner.shared),
    events: spec.events.map((event) => planEvent(planner, event)),
    links: compileQuantity(spec.links, true),
    error: {
      rate: spec.error.rate,
      fromChildren: spec.error.fromChildren,
      aborts: spec.error.aborts,
      message: compilePlainText(spec.error.message),
      attributes: compileAttributes(spec.error.attributes, planner.shared),
    },
    statusCode: spec.statusCode,
    children: spec.children.map((child) => planChild(planner, child)),
  };
};

const planTrace = (planner: Planner, spec: TraceSpec): TracePlan => ({
  root: known(planner.spans, spec.root),
  mostSpans: spec.mostSpans,
  depth: compileQuantity(spec.depth, true),
  lets: compileAttributes(spec.lets, 'all'),
});

/** Draws the resources and scopes, with `random`; durations are multiplied by `timeScale`. */
export const planTopology = (topology: Topology, random: Random, timeScale: number): PickTrace => {
  const planner: Planner = {
    random,
    budget: createBudget('the resources and scopes of a profile'),
    timeScale,
    spans: new Map(),
    resources: new Map(),
    scopes: new Map(),
    shared: sharedKeys(topology),
  };
  for (const [name, spec] of topology.resources) planner.resources.set(name, planResource(planner, name, spec));
  for (const [name, spec] of topology.spans) planner.spans.set(name, planSpan(planner, name, spec));
  return weightedPick(topology.traces.map((spec) => ({ weight: spec.weight, value: planTrace(planner, spec) })));
};
