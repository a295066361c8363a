// What compiled code reads and writes: the views of a stage, and what only lives while an item is worked on.
import type { AttributeTable } from '../wire/attribute-table.ts';
import type { ResourceView, ScopeView } from '../wire/container-view.ts';
import type { EventView } from '../wire/event-view.ts';
import type { SpanView } from '../wire/span-view.ts';
import type { OttlValue } from './values.ts';

/** From low to high: a context sees itself and all behind it. */
export const contextNames = ['spanevent', 'span', 'scope', 'resource'] as const;
export type ContextName = (typeof contextNames)[number];

/** Which event of the span is shown; set by whoever walks the events, before it runs compiled code. */
interface EventCursor {
  view: EventView | null;
  index: number;
}

/** What the compiler needs of a stage; a StageBuilder fits. */
export interface CompileTarget {
  readonly span: SpanView;
  readonly resource: ResourceView;
  readonly scope: ScopeView;
  intern(key: string): number;
  constant(bytes: Uint8Array): number;
}

export interface Environment {
  readonly target: CompileTarget;
  readonly event: EventCursor;
  /** Scratch of the item at hand, `cache` in the language; whoever walks the items clears it. */
  readonly caches: Readonly<Record<ContextName, Map<string, OttlValue>>>;
  /** Set while compiling: the processor must have this hook, even an empty one, for a path to have its value. */
  readonly needsHook: Set<'resource' | 'scope'>;
}

export function createEnvironment(target: CompileTarget): Environment {
  return {
    target,
    event: { view: null, index: 0 },
    caches: { spanevent: new Map(), span: new Map(), scope: new Map(), resource: new Map() },
    needsHook: new Set(),
  };
}

/** The event at hand. Compiled code of the spanevent context only runs while one is shown. */
export function currentEvent(env: Environment): EventView {
  const { view } = env.event;
  if (view === null) throw new Error('a rule for events ran without an event');
  return view;
}

/** The attributes of a context's item: for the views that never change, the table itself is captured. */
export function attributesOf(env: Environment, context: ContextName): () => AttributeTable {
  if (context === 'spanevent') return () => currentEvent(env).attributes;
  const { attributes } = env.target[context];
  return () => attributes;
}
