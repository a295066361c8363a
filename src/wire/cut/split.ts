// Cuts one ExportTraceServiceRequest between its spans. What a part needs of resource and scope is repeated in it, byte for
// byte; spans are never looked into and keep their order. A resource or scope whose spans are all in one part stays as it is.
// One without any span is left out of the parts: it says nothing of any span. (A request that needs no cut keeps it.)
import { requestField, resourceSpansField, scopeSpansField } from '../schema.ts';
import { varintSize } from '../varint.ts';
import { Fields } from './fields.ts';
import { eachSpan, lengthOf, messageOf, type Part } from './part.ts';
import { type Header, PlanWriter, partsOf, type SplitPlan } from './split-plan.ts';

/** Most of one part; Infinity: no limit. Bytes are those of the message, before any compression. */
export interface SplitLimits {
  readonly maxBytes: number;
  readonly maxSpans: number;
}

const resourceTag = (requestField.resourceSpans << 3) | 2;
const scopeTag = (resourceSpansField.scopeSpans << 3) | 2;

/**
 * Parts in order, none above a limit but for single spans that are larger. Where repeating a huge header would multiply what
 * is sent (`mostGrowth`), all spans under that header stay together in one part that is above the limit, too: one client's
 * resource must not make gigabytes of a request. Of more than `mostParts` the last holds all the rest, to be cut in turn. A message within the limits comes back as its only part. None: it has no
 * span. The parts are views of the segments. Throws a SpanmillError OTLP_PROTOBUF on what is malformed above the spans.
 */
export function splitToLimits(segments: readonly Buffer[], limits: SplitLimits): Part[] {
  const plan = planSplit(messageOf(segments), limits);
  return plan === null ? [wholePart(segments)] : partsOf(segments, plan);
}

/** Two parts with about half of the bytes each, cut at the nearest span; null: there are no two spans. Throws as above. */
export function splitInHalves(segments: readonly Buffer[]): [Part, Part] | null {
  const plan = planHalves(messageOf(segments));
  if (plan === null) return null;
  const [first, second] = partsOf(segments, plan);
  return [first, second];
}

function wholePart(segments: readonly Buffer[]): Part {
  return { segments, spans: eachSpan(messageOf(segments), () => {}), bytes: lengthOf(segments) };
}

/** null: the message is within the limits. */
export function planSplit(message: Uint8Array, limits: SplitLimits): SplitPlan | null {
  const spans = eachSpan(message, () => {});
  if (message.length <= limits.maxBytes && spans <= limits.maxSpans) return null;
  return new Splitter(message, () => limits, true).run();
}

/** null: there are no two spans. */
export function planHalves(message: Uint8Array): SplitPlan | null {
  let total = 0;
  const spans = eachSpan(message, (bytes) => {
    total += bytes;
  });
  if (spans < 2) return null;
  // The border between two spans that is nearest to the middle.
  let before = 0;
  let first = 0;
  eachSpan(message, (bytes) => {
    if (before + bytes / 2 <= total / 2) first++;
    before += bytes;
  });
  const firstSpans = Math.min(Math.max(first, 1), spans - 1);
  const maxBytes = Number.POSITIVE_INFINITY;
  const limitsOf = (part: number): SplitLimits => ({ maxBytes, maxSpans: part === 0 ? firstSpans : maxBytes });
  return new Splitter(message, limitsOf, false).run();
}

const fieldSize = (length: number): number => 1 + varintSize(length) + length;

/**
 * Repeated headers may make of the spans of one resource so many times its bytes, and this much more. A part counts as at
 * least `partCost`: it is a request of its own.
 */
const mostGrowth = 8;
const growthSlack = 64 << 20;
const partCost = 1024;

/** What one call gives at most: millions of parts would fill the memory, and occupy the thread that takes them. */
export const mostParts = 8192;
const unlimited: SplitLimits = { maxBytes: Number.POSITIVE_INFINITY, maxSpans: Number.POSITIVE_INFINITY };

/** A container that is open in the part at hand. */
interface Group {
  readonly tag: number;
  readonly header: Header;
  /** Bytes of its content so far, header included. */
  size: number;
  readonly content: Content[];
}
type Content = { start: number; end: number } | Group;

interface ResourceSurvey {
  readonly spans: number;
  /** Of the fields of all spans. */
  readonly spanBytes: number;
  /** Of everything else that a part with one of its spans needs, at most. */
  readonly headerBytes: number;
}

class Splitter {
  readonly #message: Uint8Array;
  readonly #limitsOf: (part: number) => SplitLimits;
  readonly #bounded: boolean;
  readonly #plan: PlanWriter;
  readonly #header: Header;
  // The part at hand: its spans, the bytes of what is closed in it, and what is open.
  #spans = 0;
  #size: number;
  #content: Content[] = [];
  #resource: Group | null = null;
  #scope: Group | null = null;
  #limits: SplitLimits;

  constructor(message: Uint8Array, limitsOf: (part: number) => SplitLimits, bounded: boolean) {
    this.#message = message;
    this.#limitsOf = limitsOf;
    this.#bounded = bounded;
    this.#plan = new PlanWriter(message);
    this.#header = this.#headerOf(0, message.length, requestField.resourceSpans);
    this.#size = this.#header.size;
    this.#limits = limitsOf(0);
  }

  run(): SplitPlan {
    const request = new Fields(this.#message, 0, this.#message.length);
    while (request.next()) {
      if (request.number !== requestField.resourceSpans) continue;
      const survey = this.#surveyOf(request.start, request.end);
      const size = request.end - request.fieldStart;
      if (survey.spans === 0) continue;
      if (this.#fits(this.#size + size, survey.spans)) {
        this.#add(this.#content, request.fieldStart, request.end, survey.spans);
        this.#size += size;
      } else if (this.#bounded && this.#multiplies(survey, size)) {
        this.#alone(request.fieldStart, request.end, survey.spans);
      } else {
        this.#cutResource(request.start, request.end);
      }
    }
    this.#endPart();
    return this.#plan.end();
  }

  #surveyOf(from: number, end: number): ResourceSurvey {
    let spans = 0;
    let spanBytes = 0;
    let resourceHeader = 0;
    let scopeHeader = 0;
    const resource = new Fields(this.#message, from, end);
    while (resource.next()) {
      if (resource.number !== resourceSpansField.scopeSpans) {
        resourceHeader += resource.end - resource.fieldStart;
        continue;
      }
      const before = spanBytes;
      const scope = new Fields(this.#message, resource.start, resource.end);
      while (scope.next()) {
        if (scope.number !== scopeSpansField.spans) continue;
        spans++;
        spanBytes += scope.end - scope.fieldStart;
      }
      scopeHeader = Math.max(scopeHeader, resource.end - resource.start - (spanBytes - before));
    }
    // Two tags and two lengths of up to five bytes.
    return { spans, spanBytes, headerBytes: this.#header.size + resourceHeader + scopeHeader + 12 };
  }

  /** Whether cutting this resource could send its header so often that the whole grows beyond its bound. */
  #multiplies({ spans, spanBytes, headerBytes }: ResourceSurvey, size: number): boolean {
    const { maxBytes, maxSpans } = this.#limits;
    const room = maxBytes - headerBytes;
    // Any two parts in a row together have more than the room, or more than the spans, of one.
    const byBytes = room <= 0 ? spans : Math.ceil(spanBytes / room) * 2;
    const parts = Math.min(spans, byBytes + Math.ceil(spans / maxSpans) * 2 + 1);
    return parts * (headerBytes + partCost) > mostGrowth * size + growthSlack;
  }

  #alone(start: number, end: number, spans: number): void {
    this.#endPart();
    this.#add(this.#content, start, end, spans);
    this.#size += end - start;
    this.#endPart();
  }

  #cutResource(from: number, end: number): void {
    const header = this.#headerOf(from, end, resourceSpansField.scopeSpans);
    const resource = new Fields(this.#message, from, end);
    while (resource.next()) {
      if (resource.number !== resourceSpansField.scopeSpans) continue;
      const spans = this.#spansOf(resource.start, resource.end);
      const size = resource.end - resource.fieldStart;
      if (spans === 0) continue;
      if (this.#fits(this.#size + fieldSize(this.#resourceSize(header) + size), spans)) {
        const group = this.#openResource(header);
        this.#add(group.content, resource.fieldStart, resource.end, spans);
        group.size += size;
      } else {
        this.#cutScope(header, resource.start, resource.end);
      }
    }
    this.#closeResource();
  }

  #cutScope(resourceHeader: Header, from: number, end: number): void {
    const header = this.#headerOf(from, end, scopeSpansField.spans);
    const scope = new Fields(this.#message, from, end);
    while (scope.next()) {
      if (scope.number !== scopeSpansField.spans) continue;
      const size = scope.end - scope.fieldStart;
      const scopeSize = (this.#scope?.size ?? header.size) + size;
      const whole = this.#size + fieldSize(this.#resourceSize(resourceHeader) + fieldSize(scopeSize));
      if (this.#spans > 0 && !this.#fits(whole, 1)) this.#endPart();
      const group = this.#openScope(resourceHeader, header);
      this.#add(group.content, scope.fieldStart, scope.end, 1);
      group.size += size;
    }
    this.#closeScope();
  }

  #spansOf(from: number, end: number): number {
    let spans = 0;
    const scope = new Fields(this.#message, from, end);
    while (scope.next()) if (scope.number === scopeSpansField.spans) spans++;
    return spans;
  }

  /** Whether the part at hand may have so many bytes and so many spans more. */
  #fits(bytes: number, spans: number): boolean {
    return bytes <= this.#limits.maxBytes && this.#spans + spans <= this.#limits.maxSpans;
  }

  #resourceSize(header: Header): number {
    return this.#resource?.size ?? header.size;
  }

  #add(content: Content[], start: number, end: number, spans: number): void {
    this.#spans += spans;
    const last = content.at(-1);
    if (last !== undefined && !('tag' in last) && last.end === start) last.end = end;
    else content.push({ start, end });
  }

  #openResource(header: Header): Group {
    if (this.#resource === null) {
      this.#resource = { tag: resourceTag, header, size: header.size, content: [] };
      this.#content.push(this.#resource);
    }
    return this.#resource;
  }

  #openScope(resourceHeader: Header, header: Header): Group {
    const resource = this.#openResource(resourceHeader);
    if (this.#scope === null) {
      this.#scope = { tag: scopeTag, header, size: header.size, content: [] };
      resource.content.push(this.#scope);
    }
    return this.#scope;
  }

  #closeScope(): void {
    if (this.#scope !== null && this.#resource !== null) this.#resource.size += fieldSize(this.#scope.size);
    this.#scope = null;
  }

  #closeResource(): void {
    this.#closeScope();
    if (this.#resource !== null) this.#size += fieldSize(this.#resource.size);
    this.#resource = null;
  }

  #endPart(): void {
    this.#closeResource();
    if (this.#spans === 0) return;
    this.#plan.header(this.#header);
    for (const one of this.#content) this.#write(one);
    this.#plan.part(this.#spans, this.#size);
    this.#spans = 0;
    this.#size = this.#header.size;
    this.#content = [];
    const { count } = this.#plan;
    this.#limits = count < mostParts - 1 ? this.#limitsOf(count) : unlimited;
  }

  #write(content: Content): void {
    if (!('tag' in content)) {
      this.#plan.range(content.start, content.end);
      return;
    }
    this.#plan.open(content.tag, content.size);
    this.#plan.header(content.header);
    for (const one of content.content) this.#write(one);
  }

  /** What stands in a container beside its children; copied together where it lies in several places. */
  #headerOf(from: number, end: number, child: number): Header {
    let size = 0;
    let start = from;
    let runEnd = from;
    let isOneRun = true;
    this.#eachHeaderField(from, end, child, (fieldStart, fieldEnd) => {
      if (size === 0) start = fieldStart;
      else if (fieldStart !== runEnd) isOneRun = false;
      size += fieldEnd - fieldStart;
      runEnd = fieldEnd;
    });
    if (isOneRun) return { size, isLiteral: false, start };
    const kept = this.#plan.keptFrom;
    this.#eachHeaderField(from, end, child, (fieldStart, fieldEnd) => this.#plan.keep(fieldStart, fieldEnd));
    return { size, isLiteral: true, start: kept };
  }

  #eachHeaderField(from: number, end: number, child: number, each: (start: number, end: number) => void): void {
    const fields = new Fields(this.#message, from, end);
    while (fields.next()) if (fields.number !== child) each(fields.fieldStart, fields.end);
  }
}
