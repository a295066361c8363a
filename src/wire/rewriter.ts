// One pass over a request: shows each resource, scope and span to the hooks and writes what stays. With no hooks and a
// limit it is the splitter. Works request by request as a transaction: what does not end in `written` left no trace.

import { describeWireCode, wireCode } from './codes.ts';
import type { ResourceView, ScopeView } from './container-view.ts';
import { GroupWriter, type Regrouping } from './group-writer.ts';
import { LateHeaders } from './late-headers.ts';
import { MessageView } from './message-view.ts';
import { type Output, outputFull } from './output.ts';
import { heldRow, holderRow, runRow } from './run-table.ts';
import { messageKind, resourceSpansField, scopeSpansField } from './schema.ts';
import { SegmentWriter } from './segment-writer.ts';
import type { EntryTables, SpanView } from './span-view.ts';
import type { StageMemory } from './stage-memory.ts';

/** One step of a walk. Each hook reads and edits the view that shows the current item. */
export interface RewriteHooks {
  resource?(): void;
  scope?(): void;
  span?(): void;
  /** What is kept is regrouped. Of the last step only. */
  readonly regroup?: Regrouping;
}

export interface RewriteOptions {
  readonly hooks: readonly RewriteHooks[];
  /** Where `drop` counts, by the counter's number. */
  readonly counters: Float64Array;
  /** Span hooks edit resource and scope: they are written as they are behind their last span. The output must have no limits. */
  readonly lateHeaders: boolean;
}

export const rewriteOutcome = {
  /** All of the request was taken; what stayed of it is in the output. */
  written: 0,
  /** Legal, but to be normalised first. */
  unusual: 1,
  /** The output has too little room: again with more. */
  full: 2,
  /** A hook threw; `message` says what. */
  failed: 3,
  malformed: 4,
} as const;
export type RewriteOutcome = (typeof rewriteOutcome)[keyof typeof rewriteOutcome];

class BadRequest extends Error {
  readonly wireCode: number;
  constructor(code: number) {
    super('');
    this.wireCode = code;
  }
}
const resourceSpansTag = (1 << 3) | 2;

export class Rewriter {
  /** Further requests, as pairs of start and end, that are one with that of the next run. */
  more: readonly number[] = [];
  /** Of the last run. */
  message = '';
  spansIn = 0;
  readonly #stage: StageMemory;
  readonly #bytes: Uint8Array;
  readonly #span: SpanView;
  readonly #resource: ResourceView;
  readonly #scope: ScopeView;
  readonly #resourceSpans: MessageView;
  readonly #scopeSpans: MessageView;
  readonly #resourceHooks: { readonly hooks: RewriteHooks; readonly index: number }[] = [];
  readonly #scopeHooks: { readonly hooks: RewriteHooks; readonly index: number }[] = [];
  readonly #spanHooks: { readonly hooks: RewriteHooks; readonly index: number }[] = [];
  readonly #counters: Float64Array;
  readonly #snapshot: Float64Array;
  /** Hooks from this one on do not see the item: an earlier resource or scope hook has dropped what holds it. */
  #limit = 0;
  #limitCounter = -1;
  /** The same as the resource alone has it. */
  #resourceLimit = 0;
  #resourceCounter = -1;
  readonly #hookCount: number;
  /** Span hooks edit resource and scope. */
  readonly #late: LateHeaders | null;
  readonly #writer: SegmentWriter | GroupWriter;
  /** The writer where the walk regroups. */
  readonly #groups: GroupWriter | null;

  constructor(
    stage: StageMemory,
    views: { readonly span: SpanView; readonly resource: ResourceView; readonly scope: ScopeView },
    tables: EntryTables,
    { hooks, counters, lateHeaders }: RewriteOptions,
  ) {
    this.#stage = stage;
    this.#bytes = stage.shared.bytes;
    this.#span = views.span;
    this.#resource = views.resource;
    this.#scope = views.scope;
    // Containers have no attributes of their own: they share any entry table without using it.
    this.#resourceSpans = new MessageView(stage, messageKind.resourceSpans, 0, tables.item, 0);
    this.#scopeSpans = new MessageView(stage, messageKind.scopeSpans, 0, tables.item, 0);
    const written = { ...views, resourceSpans: this.#resourceSpans, scopeSpans: this.#scopeSpans };
    const regroup = hooks.at(-1)?.regroup;
    this.#groups = regroup === undefined ? null : new GroupWriter(stage, written, tables, regroup);
    this.#writer = this.#groups ?? new SegmentWriter(stage, written, lateHeaders);
    this.#late = lateHeaders ? new LateHeaders(stage, views) : null;
    hooks.forEach((hook, index) => {
      if (hook.resource) this.#resourceHooks.push({ hooks: hook, index });
      if (hook.scope) this.#scopeHooks.push({ hooks: hook, index });
      if (hook.span) this.#spanHooks.push({ hooks: hook, index });
    });
    this.#hookCount = hooks.length;
    this.#counters = counters;
    this.#snapshot = new Float64Array(counters.length);
  }

  /** Spans of the last run that stand in the output. */
  get spansOut(): number {
    return this.#writer.spans;
  }

  /**
   * Runs the request at from … end, or, where `traces` is not 0, so many traces that were held, from the newest run of the first
   * at `from` on. On anything but `written` the output and the counters are as they were.
   */
  run(from: number, end: number, out: Output, traces = 0): RewriteOutcome {
    const { at, openSpans, openFrom, runs } = out;
    const segments = out.segmentEnds.length;
    const rows = runs?.rows ?? 0;
    this.#snapshot.set(this.#counters);
    this.#writer.begin(out);
    this.spansIn = 0;
    try {
      if (traces > 0) this.#traces(from, traces);
      else this.#request(from, end);
      for (let i = 0; i < this.more.length; i += 2) this.#request(this.more[i], this.more[i + 1]);
      this.#groups?.finish();
      if (runs !== null && out.at + runs.bytes > out.end) throw outputFull;
      return rewriteOutcome.written;
    } catch (error) {
      this.#groups?.forget();
      runs?.backTo(rows);
      out.at = at;
      out.openSpans = openSpans;
      out.openFrom = openFrom;
      out.segmentEnds.length = segments;
      out.segmentSpans.length = segments;
      this.#counters.set(this.#snapshot);
      if (error === outputFull) return rewriteOutcome.full;
      if (error instanceof BadRequest) return this.#refuse(error.wireCode, from);
      this.message = error instanceof Error ? error.message : String(error);
      return rewriteOutcome.failed;
    }
  }

  #refuse(code: number, from: number): RewriteOutcome {
    if (code === wireCode.unusual) return rewriteOutcome.unusual;
    this.message = describeWireCode(code, (this.#stage.kernel.errorPosition() >>> 0) - from);
    return rewriteOutcome.malformed;
  }

  #request(from: number, end: number): void {
    // The request is a message of its own kind only so that its top level is validated like the rest.
    const code = this.#resourceSpans.stage.kernel.countSpans(messageKind.request, from, end);
    if (code < 0) throw new BadRequest(code);
    const bytes = this.#bytes;
    let p = from;
    while (p < end) {
      const start = p;
      const tag = bytes[p++];
      if (tag !== resourceSpansTag) {
        p = this.#otherField(start, end);
        continue;
      }
      let length = bytes[p++];
      if (length > 127) {
        length = this.#longLength(p - 1);
        p = this.#behindLength;
      }
      this.#resourceSpansMessage(p, p + length);
      p += length;
    }
  }

  // --- traces that were held ------------------------------------------------------------------------------------------

  /** Positions of the runs of one trace, the newest first. */
  readonly #runs: number[] = [];
  #holder = 0;
  #resourceAt = 0;

  #traces(first: number, traces: number): void {
    const { words } = this.#stage.shared;
    const runs = this.#runs;
    this.#holder = 0;
    this.#resourceAt = 0;
    let newest = first;
    for (let i = 0; i < traces; i++) {
      let count = 0;
      for (let run = newest; run !== 0; run = words[(run >>> 2) + heldRow.before]) runs[count++] = run;
      while (count > 0) {
        const run = runs[--count] >>> 2;
        const holder = words[run + runRow.holder];
        if (holder !== this.#holder) this.#openHolder(holder);
        this.#spans(words[run + runRow.at], words[run + runRow.spans]);
      }
      newest = words[(newest >>> 2) + heldRow.nextTrace];
    }
    this.#writer.closeScope();
    this.#writer.closeResource();
  }

  #openHolder(holder: number): void {
    const { words } = this.#stage.shared;
    const row = holder >>> 2;
    const resourceAt = words[row + holderRow.resourceAt];
    this.#holder = holder;
    this.#writer.closeScope();
    if (resourceAt !== this.#resourceAt) {
      this.#resourceAt = resourceAt;
      this.#writer.closeResource();
      this.#beginResource(resourceAt, words[row + holderRow.resourceEnd]);
    }
    this.#beginScope(words[row + holderRow.scopeAt], words[row + holderRow.scopeEnd]);
  }

  // --- containers -----------------------------------------------------------------------------------------------------

  #behindLength = 0;
  /** Where the scratch of a scope begins: behind what the hooks of its resource left there, which lasts to its end. */
  #scopeMark = 0;
  /** The same of its spans. */
  #spanMark = 0;
  #longLength(at: number): number {
    const bytes = this.#bytes;
    let p = at;
    let n = 0;
    let unit = 1;
    let b = 0;
    do {
      b = bytes[p++];
      n += (b & 127) * unit;
      unit *= 128;
    } while (b > 127);
    this.#behindLength = p;
    return n;
  }

  /** A field of the request that OTLP does not define, copied as it is. countSpans has checked its bounds. */
  #otherField(start: number, end: number): number {
    const tag = this.#longLength(start);
    let p = this.#behindLength;
    if (tag >>> 3 === 1) throw new BadRequest((tag & 7) === 2 ? wireCode.unusual : wireCode.badWireType);
    if (tag >>> 3 === 0) throw new BadRequest(wireCode.badTag);
    if ((tag & 7) === 2) {
      const n = this.#longLength(p);
      p = this.#behindLength + n;
    } else if ((tag & 7) === 0) {
      this.#longLength(p);
      p = this.#behindLength;
    } else p += (tag & 7) === 1 ? 8 : 4;
    if (p > end) throw new BadRequest(wireCode.truncated);
    this.#writer.field(start, p);
    return p;
  }

  #resourceSpansMessage(start: number, end: number): void {
    this.#beginResource(start, end);
    const holder = this.#resourceSpans;
    const count = holder.repeats(resourceSpansField.scopeSpans);
    let p = count > 0 ? holder.firstStart(resourceSpansField.scopeSpans) : end;
    const bytes = this.#bytes;
    for (let i = 0; i < count; i++) {
      let length = bytes[p + 1];
      p += 2;
      if (length > 127) {
        length = this.#longLength(p - 1);
        p = this.#behindLength;
      }
      this.#scopeSpansMessage(p, p + length);
      p += length;
    }
    this.#writer.closeResource();
  }

  #beginResource(start: number, end: number): void {
    const holder = this.#resourceSpans;
    const code = holder.load(start, end, 1);
    if (code !== 0) throw new BadRequest(code);
    const resource = this.#resource;
    this.#stage.scratch.reset();
    const has = holder.has(resourceSpansField.resource);
    const at = has ? holder.valueAt(resourceSpansField.resource) : start;
    const resourceCode = resource.load(at, has ? at + holder.valueLength(resourceSpansField.resource) : at);
    if (resourceCode !== 0) throw new BadRequest(resourceCode);
    resource.schema.load(holder);
    this.#limit = this.#hookCount;
    this.#limitCounter = -1;
    for (const { hooks, index } of this.#resourceHooks) {
      hooks.resource?.();
      if (resource.dropped >= 0) {
        this.#limit = index;
        this.#limitCounter = resource.dropped;
        break;
      }
    }
    // What is encoded behind the mark would be overwritten by the edits of a span.
    resource.attributes.encodeAll();
    this.#scopeMark = this.#stage.scratch.mark();
    this.#spanMark = this.#scopeMark;
    this.#late?.settle(this.#spanMark, false);
    this.#resourceLimit = this.#limit;
    this.#resourceCounter = this.#limitCounter;
  }

  #scopeSpansMessage(start: number, end: number): void {
    this.#beginScope(start, end);
    const holder = this.#scopeSpans;
    const count = holder.repeats(scopeSpansField.spans);
    this.#spans(count > 0 ? holder.firstStart(scopeSpansField.spans) : end, count);
    this.#writer.closeScope();
  }

  #beginScope(start: number, end: number): void {
    const { scratch } = this.#stage;
    // A resource that its spans have changed stands behind what the hooks of the last scope left.
    if (this.#late === null || !this.#late.keepResource(this.#scopeMark)) scratch.resetTo(this.#scopeMark);
    this.#limit = this.#resourceLimit;
    this.#limitCounter = this.#resourceCounter;
    const holder = this.#scopeSpans;
    const code = holder.load(start, end, 2);
    if (code !== 0) throw new BadRequest(code);
    const scope = this.#scope;
    const has = holder.has(scopeSpansField.scope);
    const at = has ? holder.valueAt(scopeSpansField.scope) : start;
    const scopeCode = scope.load(at, has ? at + holder.valueLength(scopeSpansField.scope) : at);
    if (scopeCode !== 0) throw new BadRequest(scopeCode);
    scope.schema.load(holder);
    for (const { hooks, index } of this.#scopeHooks) {
      if (index >= this.#limit) break;
      hooks.scope?.();
      if (scope.dropped >= 0) {
        this.#limit = index;
        this.#limitCounter = scope.dropped;
        break;
      }
    }
    // As in beginResource; the hooks of a scope may have changed its resource.
    this.#resource.attributes.encodeAll();
    scope.attributes.encodeAll();
    this.#spanMark = scratch.mark();
    this.#late?.settle(this.#spanMark, true);
  }

  #spans(first: number, count: number): void {
    const bytes = this.#bytes;
    const span = this.#span;
    const { scratch } = this.#stage;
    let mark = scratch.mark();
    const writer = this.#writer;
    const late = this.#late;
    const spanHooks = this.#spanHooks;
    const hookCount = spanHooks.length;
    const limit = this.#limit;
    let p = first;
    for (let i = 0; i < count; i++) {
      const fieldStart = p;
      let length = bytes[p + 1];
      p += 2;
      if (length > 127) {
        length = this.#longLength(p - 1);
        p = this.#behindLength;
      }
      const start = p;
      p += length;
      const code = span.load(start, p);
      if (code !== 0) throw new BadRequest(code);
      scratch.resetTo(mark);
      for (let h = 0; h < hookCount; h++) {
        const hook = spanHooks[h];
        if (hook.index >= limit) break;
        hook.hooks.span?.();
        if (span.dropped >= 0) break;
      }
      const dropped = span.dropped >= 0 ? span.dropped : this.#limitCounter;
      if (dropped >= 0) this.#counters[dropped]++;
      else {
        span.commit();
        writer.keep(fieldStart, p);
      }
      if (late !== null) {
        late.settle(this.#spanMark, true);
        mark = scratch.mark();
      }
    }
    // Of held traces more spans of this scope may follow.
    scratch.resetTo(mark);
    this.spansIn += count;
  }
}
