// What compiled code reads and writes: the views of a stage, and what only lives while an item is worked on.
import type { AttributeTable } from '../wire/attribute-table.ts';
import type { ResourceView, ScopeView } from '../wire/container-view.ts';
import type { EventView, LinkView } from '../wire/event-view.ts';
import type { SpanView } from '../wire/span-view.ts';
import type { Local } from './resolved.ts';
import type { OttlValue } from './values.ts';

/** From low to high: a context sees itself and all behind it, but that links and events do not see each other. */
export const contextNames = ['spanlink', 'spanevent', 'span', 'scope', 'resource'] as const;
export type ContextName = (typeof contextNames)[number];
/** The contexts of what a span holds. */
export type ItemContext = 'spanlink' | 'spanevent';

/** Whether a rule of the context `own` may name paths of `other`. */
export function sees(own: ContextName, other: ContextName): boolean {
  const isSibling = own === 'spanlink' && other === 'spanevent';
  return !isSibling && contextNames.indexOf(other) >= contextNames.indexOf(own);
}

/** Which event or link of the span is shown; set by whoever walks them, before it runs compiled code. */
export interface ItemCursor<V> {
  view: V | null;
  index: number;
}

/** What the compiler needs of a stage; a StageBuilder fits. */
export interface CompileTarget {
  readonly span: SpanView;
  readonly resource: ResourceView;
  readonly scope: ScopeView;
  intern(key: string): number;
  constant(bytes: Uint8Array): number;
  /** Values of one of the `metadataKeys` of what is compiled, for the request at hand. */
  metadata(key: string): readonly string[];
}

/** What a parameter of a lambda stands for now. */
export interface Cell {
  value: OttlValue;
}

export interface Environment {
  readonly target: CompileTarget;
  readonly event: ItemCursor<EventView>;
  readonly link: ItemCursor<LinkView>;
  /** Scratch of the item at hand, `cache` in the language; whoever walks the items clears it. */
  readonly caches: Readonly<Record<ContextName, Map<string, OttlValue>>>;
  /** Of the lambdas that were compiled. */
  readonly cells: Map<Local, Cell>;
  /** How often lambdas ran for the value that is being computed, and how many stand in one another now. */
  readonly lambdaRuns: { count: number; depth: number };
}

export function createEnvironment(target: CompileTarget): Environment {
  return {
    target,
    event: { view: null, index: 0 },
    link: { view: null, index: 0 },
    caches: { spanlink: new Map(), spanevent: new Map(), span: new Map(), scope: new Map(), resource: new Map() },
    cells: new Map(),
    lambdaRuns: { count: 0, depth: 0 },
  };
}

/** The event at hand. Compiled code of the spanevent context only runs while one is shown. */
export function currentEvent(env: Environment): EventView {
  const { view } = env.event;
  if (view === null) throw new Error('a rule for events ran without an event');
  return view;
}

/** The link at hand. Compiled code of the spanlink context only runs while one is shown. */
export function currentLink(env: Environment): LinkView {
  const { view } = env.link;
  if (view === null) throw new Error('a rule for links ran without a link');
  return view;
}

/** The attributes of a context's item: for the views that never change, the table itself is captured. */
export function attributesOf(env: Environment, context: ContextName): () => AttributeTable {
  if (context === 'spanevent') return () => currentEvent(env).attributes;
  if (context === 'spanlink') return () => currentLink(env).attributes;
  const { attributes } = env.target[context];
  return () => attributes;
}

/** Runs `visit` for each event or link of the span that is still there, while it is shown. */
export function itemWalker(env: Environment, context: ItemContext, visit: () => void): () => void {
  const { span } = env.target;
  return context === 'spanevent'
    ? walker(
        env.event,
        () => span.eventCount,
        (index) => span.event(index),
        visit,
      )
    : walker(
        env.link,
        () => span.linkCount,
        (index) => span.link(index),
        visit,
      );
}

function walker<V>(
  cursor: ItemCursor<V>,
  count: () => number,
  show: (index: number) => V | null,
  visit: () => void,
): () => void {
  return () => {
    const n = count();
    try {
      for (let index = 0; index < n; index++) {
        cursor.view = show(index);
        cursor.index = index;
        if (cursor.view !== null) visit();
      }
    } finally {
      cursor.view = null;
    }
  };
}
