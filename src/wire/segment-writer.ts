// The output side of a rewrite: spans go into containers that are opened when the first span needs them, containers into
// segments that end at a limit. What was begun for a request and not ended is taken back by setting the output back.
import type { ResourceView, ScopeView } from './container-view.ts';
import type { MessageView } from './message-view.ts';
import { endSegment, newOutput, type Output, outputFull } from './output.ts';
import type { RunTable } from './run-table.ts';
import { resourceSpansField, scopeSpansField } from './schema.ts';
import { type SchemaUrl, schemaUrlField } from './schema-url.ts';
import type { SpanView } from './span-view.ts';
import type { StageMemory } from './stage-memory.ts';
import { paddedLengthBytes, varintSize, writePaddedLength, writeVarint } from './varint.ts';

/** Of a length below 2^32. */
const maxVarintBytes = 5;

const resourceSpansTag = (1 << 3) | 2;
const scopeSpansTag = (resourceSpansField.scopeSpans << 3) | 2;
const spanTag = (scopeSpansField.spans << 3) | 2;

/** The views that show what is written, and the messages that hold resource and scope. */
export interface WrittenViews {
  readonly span: SpanView;
  readonly resource: ResourceView;
  readonly scope: ScopeView;
  readonly resourceSpans: MessageView;
  readonly scopeSpans: MessageView;
}

/** What is written in front of the items of a container. */
type HeaderView = ResourceView | ScopeView;

/** At most so many, where it was set. */
function schemaBytes({ edited }: SchemaUrl): number {
  return edited === null ? 0 : 1 + maxVarintBytes + Buffer.byteLength(edited);
}

export class SegmentWriter {
  /** Spans written since `begin`. */
  spans = 0;
  readonly #stage: StageMemory;
  readonly #bytes: Uint8Array;
  readonly #lateHeaders: boolean;
  readonly #span: SpanView;
  readonly #resource: ResourceView;
  readonly #scope: ScopeView;
  readonly #resourceSpans: MessageView;
  readonly #scopeSpans: MessageView;
  #out: Output = newOutput(0, 0, 0);
  /** Positions of the padded lengths of the open containers; 0: none is open. */
  #resourceOpen = 0;
  #scopeOpen = 0;
  /** Untouched spans that stand in a row and are not copied yet. */
  #runStart = 0;
  #runEnd = 0;
  #runs: RunTable | null = null;
  /** Where the headers of the open resource end. */
  #resourceHeadersEnd = 0;

  /** `lateHeaders`: resource and scope are written as their views show them when they are over. */
  constructor(stage: StageMemory, views: WrittenViews, lateHeaders: boolean) {
    this.#stage = stage;
    this.#lateHeaders = lateHeaders;
    this.#bytes = stage.shared.bytes;
    this.#span = views.span;
    this.#resource = views.resource;
    this.#scope = views.scope;
    this.#resourceSpans = views.resourceSpans;
    this.#scopeSpans = views.scopeSpans;
  }

  /** A new request, whose spans go behind what the output holds. */
  begin(out: Output): void {
    this.#out = out;
    this.#runs = out.runs;
    this.#resourceOpen = 0;
    this.#scopeOpen = 0;
    this.#runStart = 0;
    this.#runEnd = 0;
    this.spans = 0;
  }

  /** A field of the request itself, as it is. */
  field(start: number, end: number): void {
    const out = this.#out;
    if (out.openSpans > 0 && out.at + (end - start) - out.openFrom > out.maxBytes) this.#closeSegment();
    if (out.at + (end - start) > out.end) throw outputFull;
    this.#copy(start, end);
  }

  /** The span that the view shows, with its edits; as it came it stands with its tag at fieldStart … end. */
  keep(fieldStart: number, end: number): void {
    const span = this.#span;
    const out = this.#out;
    const changed = span.message.dirty;
    const length = changed ? span.message.measure() : 0;
    const bytes = changed ? 1 + varintSize(length) + length : end - fieldStart;
    if (out.openSpans >= out.maxSpans || this.#exceeds(out, bytes)) this.#closeSegment();
    if (this.#scopeOpen === 0) this.#openScope();
    if (!changed) {
      if (this.#runEnd === fieldStart && this.#runStart > 0) this.#runEnd = end;
      else {
        this.#flushRun();
        this.#runStart = fieldStart;
        this.#runEnd = end;
      }
      if (out.at + (this.#runEnd - this.#runStart) > out.end) throw outputFull;
      if (this.#runs !== null) this.#note(this.#runs, out.at + (fieldStart - this.#runStart), bytes);
    } else {
      this.#flushRun();
      if (out.at + bytes > out.end) throw outputFull;
      if (this.#runs !== null) this.#note(this.#runs, out.at, bytes);
      this.#bytes[out.at] = spanTag;
      out.at = span.message.write(writeVarint(this.#bytes, out.at + 1, length));
    }
    out.openSpans++;
    this.spans++;
  }

  /** The span that the view shows is going to stand there. */
  #note(runs: RunTable, at: number, bytes: number): void {
    runs.span(this.#bytes, this.#span.traceIdOffset, at, bytes);
  }

  /** The open segment would get too large with so many bytes more. */
  #exceeds(out: Output, bytes: number): boolean {
    if (out.maxBytes === Number.POSITIVE_INFINITY || out.openSpans === 0) return false;
    const pending = this.#runEnd - this.#runStart;
    return out.at + pending + this.#headersToCome() + bytes - out.openFrom > out.maxBytes;
  }

  /** Bytes of the containers that have to be opened for the next span. */
  #headersToCome(): number {
    if (this.#scopeOpen !== 0) return 0;
    const scope = this.#containerBytes(this.#scopeSpans, this.#scope, scopeSpansField.spans);
    if (this.#resourceOpen !== 0) return scope;
    return scope + this.#containerBytes(this.#resourceSpans, this.#resource, resourceSpansField.scopeSpans);
  }
  /** At most so many: an edited header counts beside what it replaces. */
  #containerBytes(holder: MessageView, { message, schema }: HeaderView, items: number): number {
    const edited = message.dirty ? message.measure() + 1 + maxVarintBytes : 0;
    return 1 + paddedLengthBytes + this.#headerBytes(holder, items) + edited + schemaBytes(schema);
  }

  #flushRun(): void {
    const n = this.#runEnd - this.#runStart;
    if (n > 0) {
      this.#stage.kernel.copy(this.#out.at, this.#runStart, n);
      this.#out.at += n;
    }
    this.#runStart = 0;
    this.#runEnd = 0;
  }

  // --- containers -----------------------------------------------------------------------------------------------------

  #openScope(): void {
    if (this.#resourceOpen === 0) {
      this.#resourceOpen = this.#openMessage(
        resourceSpansTag,
        this.#resourceSpans,
        resourceSpansField.resource,
        this.#resource,
        resourceSpansField.scopeSpans,
      );
      this.#resourceHeadersEnd = this.#out.at;
    }
    this.#scopeOpen = this.#openMessage(
      scopeSpansTag,
      this.#scopeSpans,
      scopeSpansField.scope,
      this.#scope,
      scopeSpansField.spans,
    );
    this.#runs?.holder(
      this.#resourceOpen + paddedLengthBytes,
      this.#resourceHeadersEnd,
      this.#scopeOpen + paddedLengthBytes,
      this.#out.at,
    );
  }

  /**
   * Starts a container in the output, with its headers where they are not late. Returns the position of its padded length.
   */
  #openMessage(tag: number, holder: MessageView, headerField: number, view: HeaderView, items: number): number {
    const out = this.#out;
    const changed = view.message.dirty || view.schema.edited !== null;
    const headerLength = changed ? view.message.measure() : 0;
    const edited = headerLength + schemaBytes(view.schema);
    if (out.at + 1 + paddedLengthBytes + (holder.end - holder.start) + edited + 16 > out.end) {
      // The container's own length stands for its headers: generous, and only near the end of an output.
      if (out.at + 1 + paddedLengthBytes + this.#headerBytes(holder, items) + edited + 16 > out.end) throw outputFull;
    }
    this.#bytes[out.at] = tag;
    const lengthAt = out.at + 1;
    out.at = lengthAt + paddedLengthBytes;
    if (this.#lateHeaders) return lengthAt;
    if (changed) this.#changedHeaders(holder, headerField, view, headerLength, items);
    else {
      this.#copy(holder.start, holder.firstStart(items));
      this.#copy(holder.lastEnd(items), holder.end);
    }
    return lengthAt;
  }

  /** All fields of a container but the repeated one, with the header message, `length` bytes, and schema URL as they are now. */
  #changedHeaders(holder: MessageView, headerField: number, view: HeaderView, length: number, items: number): void {
    const out = this.#out;
    const { edited } = view.schema;
    // In the order of the bytes: the header may stand before or behind the items.
    const cuts = [[holder.firstStart(items), holder.lastEnd(items)]];
    for (const field of edited === null ? [headerField] : [headerField, schemaUrlField]) {
      if (holder.has(field)) cuts.push([holder.fieldStart(field), holder.fieldEnd(field)]);
    }
    cuts.sort(([a], [b]) => a - b);
    if (length > 0 || holder.has(headerField)) {
      this.#bytes[out.at] = (headerField << 3) | 2;
      out.at = view.message.write(writeVarint(this.#bytes, out.at + 1, length));
    }
    let from = holder.start;
    for (const [start, end] of cuts) {
      this.#copy(from, start);
      from = end;
    }
    this.#copy(from, holder.end);
    if (edited !== null && edited !== '') this.#writeSchemaUrl(edited);
  }

  #writeSchemaUrl(url: string): void {
    const text = Buffer.from(url);
    this.#bytes[this.#out.at] = (schemaUrlField << 3) | 2;
    const p = writeVarint(this.#bytes, this.#out.at + 1, text.length);
    this.#bytes.set(text, p);
    this.#out.at = p + text.length;
  }

  /** Ends the container whose padded length stands at `lengthAt`. */
  #closeMessage(lengthAt: number, holder: MessageView, headerField: number, view: HeaderView, items: number): void {
    if (this.#lateHeaders) this.#putInFront(lengthAt + paddedLengthBytes, holder, headerField, view, items);
    writePaddedLength(this.#bytes, lengthAt, this.#out.at - lengthAt - paddedLengthBytes);
  }

  /** Headers before the items that stand from `at` on: a reader that sees them first need not look for them. */
  #putInFront(at: number, holder: MessageView, headerField: number, view: HeaderView, items: number): void {
    const out = this.#out;
    const itemsEnd = out.at;
    const length = view.message.measure();
    const edited = length + schemaBytes(view.schema);
    if (itemsEnd + this.#headerBytes(holder, items) + edited + 16 > out.end) throw outputFull;
    this.#changedHeaders(holder, headerField, view, length, items);
    const headers = this.#bytes.slice(itemsEnd, out.at);
    this.#bytes.copyWithin(at + headers.length, at, itemsEnd);
    this.#bytes.set(headers, at);
  }

  #headerBytes(holder: MessageView, items: number): number {
    return holder.end - holder.start - (holder.lastEnd(items) - holder.firstStart(items));
  }

  #copy(from: number, end: number): void {
    if (end <= from) return;
    this.#stage.kernel.copy(this.#out.at, from, end - from);
    this.#out.at += end - from;
  }

  /** The scope is over. */
  closeScope(): void {
    this.#flushRun();
    if (this.#scopeOpen === 0) return;
    const { scope, spans } = scopeSpansField;
    this.#closeMessage(this.#scopeOpen, this.#scopeSpans, scope, this.#scope, spans);
    this.#scopeOpen = 0;
  }

  /** The resource is over. */
  closeResource(): void {
    if (this.#resourceOpen === 0) return;
    const { resource, scopeSpans } = resourceSpansField;
    this.#closeMessage(this.#resourceOpen, this.#resourceSpans, resource, this.#resource, scopeSpans);
    this.#resourceOpen = 0;
  }

  /** Ends the segment in the middle of a scope; the next span opens both containers again. */
  #closeSegment(): void {
    this.closeScope();
    this.closeResource();
    endSegment(this.#out);
  }
}
