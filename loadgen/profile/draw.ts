// Draws the traces of a profile.
import type {
  EventShape,
  FreshText,
  LinkShape,
  ResourceShape,
  SpanShape,
  TraceShape,
  TraceSource,
  Value,
} from '../corpus/shape.ts';
import { createBudget } from './budget.ts';
import { compileQuantity } from './draw-quantity.ts';
import { type AttributeScope, createDrawing, type Drawing } from './drawing.ts';
import { type Layout, layOut, type Step, type Timed, timeInSpan } from './layout.ts';
import { type ChildPlan, type PickTrace, planTopology, type SpanPlan } from './plan.ts';
import { createRandom, type Random } from './random.ts';
import type { EventSpec, Profile, Topology } from './topology.ts';

const MOST_NS = Number.MAX_SAFE_INTEGER;
const MS_NS = 1e6;
const ERROR = 2;

type FixedTime = Exclude<EventSpec['at'], object>;

/** A span that is being drawn. Times are relative to its own start until the trace is complete. */
interface Draft extends Timed, AttributeScope {
  readonly plan: SpanPlan;
  readonly parent: Draft | null;
  readonly resource: ResourceShape;
  readonly attributes: Map<string, Value>;
  readonly below: Draft[];
  readonly name: string | FreshText;
  failed: boolean;
  message: string;
  traceState: string;
  events: EventShape[];
  links: number;
  /** From the trace's start; known once all is drawn. */
  startNs: number;
}

interface TraceDraft {
  readonly from: Drawing;
  /** Parents before their children. */
  readonly spans: Draft[];
  readonly mostSpans: number;
  readonly mostDepth: number;
}

/** What a span's children did so far. */
interface Progress {
  readonly trace: TraceDraft;
  readonly parent: Draft;
  readonly depth: number;
  /** How many children still happen, where the span aborts. */
  left: number;
  /** How many spans of the entry there were already, where it is one of `otherwise`. */
  attempts: number;
}

const instanceFor = (random: Random, plan: SpanPlan, parent: Draft | null, anew: boolean): ResourceShape => {
  if (parent !== null && !anew && parent.plan.resource === plan.resource) return parent.resource;
  const { instances } = plan.resource;
  return instances[random.integer(0, instances.length - 1)] as ResourceShape;
};

/** The spans of one entry, drawn and not yet placed. */
const drawSpans = (progress: Progress, entry: ChildPlan, count: number): (Step<Draft> & { run: 'one' })[] => {
  const { trace, parent, depth } = progress;
  const { random } = trace.from;
  const spans: (Step<Draft> & { run: 'one' })[] = [];
  for (let i = 0; i < count; i++) {
    if (progress.left <= 0 || trace.spans.length >= trace.mostSpans || depth >= trace.mostDepth) break;
    progress.left--;
    const gapNs = entry.gap(random);
    const plan = entry.pick(random);
    const resource = instanceFor(random, plan, parent, entry.newInstance);
    spans.push({ run: 'one', gapNs, span: drawSpan(trace, plan, parent, resource, depth + 1, progress.attempts + i) });
  }
  return spans;
};

/** null: nothing happened; else whether it failed in the end. */
type Outcome = boolean | null;

/** Draws an entry and what happens when it failed, adding to `steps`. */
const drawEntry = (progress: Progress, entry: ChildPlan, count: number, steps: Step<Draft>[]): Outcome => {
  const spans = drawSpans(progress, entry, count);
  if (spans.length === 0) return null;
  if (entry.run === 'sequence') {
    steps.push(...spans);
    if (spans.at(-1)?.span.failed !== true) return false;
  } else {
    steps.push({ run: 'together', tracks: spans.map((span) => [span]) });
    if (!spans.some(({ span }) => span.failed)) return false;
  }
  const counts = entry.otherwise.map((one) => plannedCount(progress.trace.from.random, one));
  const { attempts } = progress;
  progress.attempts += spans.length;
  const outcomes = drawEntries(progress, entry.otherwise, counts, steps).filter((outcome) => outcome !== null);
  progress.attempts = attempts;
  return outcomes.length === 0 || outcomes.includes(true);
};

/** Draws entries one after another; parallel ones that stand together start together. */
const drawEntries = (
  progress: Progress,
  entries: readonly ChildPlan[],
  counts: readonly number[],
  steps: Step<Draft>[],
): Outcome[] => {
  const outcomes: Outcome[] = [];
  let tracks: Step<Draft>[][] | null = null;
  for (const [i, entry] of entries.entries()) {
    const own = entry.run === 'sequence' ? steps : [];
    const outcome = drawEntry(progress, entry, counts[i] ?? 0, own);
    if (entry.run !== 'parallel') tracks = null;
    // The parent does not learn how an async one ended.
    outcomes.push(entry.run === 'async' && outcome !== null ? false : outcome);
    if (outcome === null || entry.run === 'sequence') continue;
    if (entry.run === 'async') {
      steps.push({ run: 'aside', steps: own });
    } else if (tracks === null) {
      tracks = [own];
      steps.push({ run: 'together', tracks });
    } else {
      tracks.push(own);
    }
  }
  return outcomes;
};

const plannedCount = (random: Random, entry: ChildPlan): number =>
  entry.chance < 1 && random.unit() >= entry.chance ? 0 : entry.count(random);

/** Draws the children; whether one of them failed in the end. `share`: how far the span comes before it aborts. */
const drawChildren = (
  trace: TraceDraft,
  parent: Draft,
  depth: number,
  share: number,
  steps: Step<Draft>[],
): boolean => {
  const { children } = parent.plan;
  const counts = children.map((entry) => plannedCount(trace.from.random, entry));
  const total = counts.reduce((sum, count) => sum + count, 0);
  const left = share < 1 ? Math.floor(share * (total + 1)) : Number.POSITIVE_INFINITY;
  return drawEntries({ trace, parent, depth, left, attempts: 0 }, children, counts, steps).includes(true);
};

/** 0 where there is no such number. */
const numberIn = (value: Value | undefined): number => {
  if (typeof value === 'object' && 'double' in value) return value.double;
  return typeof value === 'number' ? value : 0;
};

const eventTime = (random: Random, at: FixedTime, i: number, count: number, ownNs: number, layout: Layout): number => {
  if (at === 'start') return 0;
  if (at === 'end') return layout.durationNs;
  const share = (i + random.unit()) / count;
  // A span without time of its own spreads its events over its children's.
  return ownNs > 0 ? timeInSpan(layout, Math.floor(share * ownNs)) : Math.floor(share * layout.durationNs);
};

const drawEvents = (from: Drawing, draft: Draft, share: number, ownNs: number, layout: Layout): EventShape[] => {
  const events: EventShape[] = [];
  for (const plan of draft.plan.events) {
    if (plan.when !== 'always' && (plan.when === 'error') !== draft.failed) continue;
    const { at } = plan;
    const planned = plan.count(from.random);
    const count = at === 'spread' ? Math.round(planned * share) : planned;
    for (let i = 0; i < count; i++) {
      from.budget.take(1, 0);
      from.index = i;
      const fixedNs = typeof at === 'object' ? 0 : eventTime(from.random, at, i, count, ownNs, layout);
      from.own = draft.attributes;
      const name = plan.name(from);
      const attributes = new Map<string, Value>();
      plan.attributes(from, attributes);
      const atNs =
        typeof at === 'object' ? numberIn(attributes.get(at.ms_of) ?? draft.attributes.get(at.ms_of)) * MS_NS : fixedNs;
      events.push({
        name,
        atNs: Math.min(layout.durationNs, Math.max(0, Math.round(atNs))),
        attributes: [...attributes],
      });
    }
  }
  return events.sort((a, b) => a.atNs - b.atNs);
};

const drawSpan = (
  trace: TraceDraft,
  plan: SpanPlan,
  parent: Draft | null,
  resource: ResourceShape,
  depth: number,
  index: number,
): Draft => {
  const { from } = trace;
  const { random } = from;
  const attributes = new Map<string, Value>();
  const below: Draft[] = [];
  const scope: AttributeScope = { attributes, parent, below };
  from.span = scope;
  from.index = index;
  from.spanSlots = 0;
  from.budget.what = plan.what;
  from.budget.take(1, 0);
  plan.attributes(from, attributes);
  const draft: Draft = {
    plan,
    parent,
    resource,
    attributes,
    below,
    name: plan.name(from),
    durationNs: 0,
    offsetNs: 0,
    failed: plan.error.rate > 0 && random.unit() < plan.error.rate,
    message: '',
    traceState: plan.traceState(from),
    events: [],
    links: plan.links(random),
    startNs: 0,
  };
  trace.spans.push(draft);
  parent?.below.push(draft);
  const slots = from.spanSlots;
  const share = draft.failed && plan.error.aborts ? random.unit() : 1;
  const ownNs = Math.round(plan.duration(random) * share);
  const steps: Step<Draft>[] = [];
  const childFailed = plan.children.length > 0 && drawChildren(trace, draft, depth, share, steps);
  if (childFailed && plan.error.fromChildren) draft.failed = true;
  const layout = layOut(random, ownNs, steps);
  draft.durationNs = layout.durationNs;
  // Its children were drawn with the same drawing.
  from.span = scope;
  from.spanSlots = slots;
  from.index = index;
  from.budget.what = plan.what;
  from.durationNs = layout.durationNs;
  plan.lateAttributes(from, attributes);
  if (draft.failed) {
    plan.error.attributes(from, attributes);
    from.own = attributes;
    draft.message = plan.error.message(from);
  }
  draft.events = drawEvents(from, draft, share, ownNs, layout);
  return draft;
};

/** Links to spans that started earlier, each once. */
const drawLinks = (random: Random, count: number, earlier: readonly SpanShape[]): LinkShape[] => {
  const indexes = new Set<number>();
  const most = Math.min(count, earlier.length);
  while (indexes.size < most) indexes.add(random.integer(0, earlier.length - 1));
  return [...indexes].sort((a, b) => a - b).map((i) => ({ to: earlier[i] as SpanShape, attributes: [] }));
};

const shapeOf = (draft: Draft, parent: SpanShape | null, links: LinkShape[]): SpanShape => {
  const { plan, startNs } = draft;
  return {
    parent,
    resource: draft.resource,
    scope: plan.scope,
    name: draft.name,
    kind: plan.kind,
    traceState: draft.traceState,
    startNs,
    endNs: Math.min(MOST_NS, startNs + draft.durationNs),
    attributes: [...draft.attributes],
    events: draft.events.map((event) => ({ ...event, atNs: Math.min(MOST_NS, startNs + event.atNs) })),
    links,
    status: draft.failed ? { code: ERROR, message: draft.message } : { code: plan.statusCode, message: '' },
  };
};

const complete = ({ spans, from }: TraceDraft): TraceShape => {
  for (const draft of spans) {
    draft.startNs = draft.parent === null ? 0 : Math.min(MOST_NS, draft.parent.startNs + draft.offsetNs);
  }
  // Stable: of spans that start together, parents stay before their children.
  const ordered = spans.toSorted((a, b) => a.startNs - b.startNs);
  const shapes: SpanShape[] = [];
  const shapeOfDraft = new Map<Draft, SpanShape>();
  for (const draft of ordered) {
    const parent = draft.parent === null ? null : (shapeOfDraft.get(draft.parent) ?? null);
    from.budget.what = draft.plan.what;
    from.budget.take(draft.links, 0);
    const shape = shapeOf(draft, parent, drawLinks(from.random, draft.links, shapes));
    shapeOfDraft.set(draft, shape);
    shapes.push(shape);
  }
  return { spans: shapes };
};

const drawTrace = (pick: PickTrace, random: Random, timeScale: number): TraceShape => {
  const plan = pick(random);
  const lets = new Map<string, Value>();
  const from = createDrawing(random, createBudget('a trace'), lets, timeScale);
  from.budget.what = `the let of a trace of ${plan.root.what}`;
  plan.lets(from, lets);
  const trace: TraceDraft = { from, spans: [], mostSpans: plan.mostSpans, mostDepth: plan.depth(random) };
  drawSpan(trace, plan.root, null, instanceFor(random, plan.root, null, true), 1, 0);
  return complete(trace);
};

export interface TraceOptions {
  /** 32 bits, unsigned. */
  readonly seed: number;
  /** All durations are multiplied by this. */
  readonly timeScale: number;
}

/** Random numbers for one purpose do not change those for another. */
const STREAMS = { resources: 1, traces: 2, requests: 3, all: 4 } as const;

const createTraceSource = (topology: Topology, options: TraceOptions, part: number): TraceSource => {
  const randomFor = (stream: number): Random => createRandom(options.seed, part * STREAMS.all + stream);
  const pick = planTopology(topology, randomFor(STREAMS.resources), options.timeScale);
  const traces = randomFor(STREAMS.traces);
  const requests = randomFor(STREAMS.requests);
  const { by, spans, bytes, flushNs } = topology.export;
  const drawSpans = compileQuantity(spans, true);
  return {
    export: {
      by,
      bytes,
      flushNs: Math.round(flushNs * options.timeScale),
      nextSpans: () => Math.max(1, drawSpans(requests)),
    },
    next: () => drawTrace(pick, traces, options.timeScale),
  };
};

/** Sources of a profile's traces: one, or those of a mix, whose weights are their parts of all spans. */
export const createTraceSources = (
  profile: Profile,
  options: TraceOptions,
): readonly { readonly weight: number; readonly source: TraceSource }[] => {
  if (profile.kind === 'topology') return [{ weight: 1, source: createTraceSource(profile, options, 0) }];
  return profile.parts
    .map(({ weight, topology }, i) => ({ weight, source: createTraceSource(topology, options, i) }))
    .filter(({ weight }) => weight > 0);
};
