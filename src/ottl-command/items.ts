// A decoded request as a row of items, each with a label and its fields as text: what is shown, and compared.
import type { ContextName } from '../ottl/environment.ts';
import { enumSymbols } from '../ottl/paths.ts';
import { showText, showValue } from '../ottl/show.ts';
import { OttlTime, type OttlValue } from '../ottl/values.ts';
import type {
  AnyValue,
  ExportTraceServiceRequest,
  InstrumentationScope,
  KeyValue,
  Resource,
  Span,
  SpanEvent,
  SpanLink,
} from '../wire/reference/messages.ts';

export interface Item {
  readonly context: ContextName;
  readonly label: string;
  /** Path -> value as text. */
  readonly fields: ReadonlyMap<string, string>;
}

/** In the order in which a stage shows them: a resource, a scope, a span, its events and links, the next span. */
export function* itemsOf(request: ExportTraceServiceRequest): Generator<Item> {
  for (const { resource, schemaUrl, scopeSpans } of request.resourceSpans) {
    yield resourceItem(resource, schemaUrl);
    for (const { scope, schemaUrl: scopeSchemaUrl, spans } of scopeSpans) {
      yield scopeItem(scope, scopeSchemaUrl);
      for (const span of spans) {
        yield spanItem(span);
        for (const [index, event] of span.events.entries()) yield eventItem(event, index, span);
        for (const [index, link] of span.links.entries()) yield linkItem(link, index, span);
      }
    }
  }
}

/** Lines of what is in one and not in the other: `- path: value`, `+ path: value`. */
export function difference(before: Item, after: Item): string[] {
  const lines: string[] = [];
  for (const path of new Set([...before.fields.keys(), ...after.fields.keys()])) {
    const [old, now] = [before.fields.get(path), after.fields.get(path)];
    if (old === now) continue;
    if (old !== undefined) lines.push(`- ${path}: ${old}`);
    if (now !== undefined) lines.push(`+ ${path}: ${now}`);
  }
  return lines;
}

class Fields {
  readonly all = new Map<string, string>();

  text(path: string, value: string): this {
    return this.value(path, value === '' ? null : value);
  }
  count(path: string, value: number): this {
    return this.value(path, value === 0 ? null : BigInt(value));
  }
  /** What is absent, or as good as absent, is null: it is no field. */
  value(path: string, value: OttlValue): this {
    if (value !== null) this.all.set(path, showValue(value));
    return this;
  }
  symbol(path: string, prefix: string, number: number): this {
    const name = [...enumSymbols].find(([symbol, value]) => symbol.startsWith(prefix) && value === number)?.[0];
    this.all.set(path, name ?? String(number));
    return this;
  }
  attributes(path: string, attributes: readonly KeyValue[]): this {
    for (const { key, value } of attributes) this.#attribute(`${path}[${showText(key)}]`, toValue(value));
    return this;
  }

  /** A map as its entries, so that the one that changed is seen. A key that occurs again is told by its number. */
  #attribute(path: string, value: OttlValue): void {
    if (value instanceof Map && value.size > 0) {
      for (const [key, item] of value) this.#attribute(`${path}[${showText(key)}]`, item);
      return;
    }
    let name = path;
    for (let again = 2; this.all.has(name); again++) name = `${path} (${again})`;
    this.all.set(name, showValue(value));
  }
}

export function toValue(value: AnyValue | undefined): OttlValue {
  if (value?.kvlistValue !== undefined) {
    return new Map(value.kvlistValue.values.map((entry) => [entry.key, toValue(entry.value)]));
  }
  if (value?.arrayValue !== undefined) return value.arrayValue.values.map(toValue);
  return value?.stringValue ?? value?.intValue ?? value?.doubleValue ?? value?.boolValue ?? value?.bytesValue ?? null;
}

function resourceItem(resource: Resource | undefined, schemaUrl: string): Item {
  const { attributes = [], droppedAttributesCount = 0 } = resource ?? {};
  const fields = new Fields()
    .attributes('attributes', attributes)
    .count('dropped_attributes_count', droppedAttributesCount)
    .text('schema_url', schemaUrl);
  const name = attributes.find(({ key }) => key === 'service.name')?.value?.stringValue;
  return { context: 'resource', label: `resource${name === undefined ? '' : ` ${quoted(name)}`}`, fields: fields.all };
}

function scopeItem(scope: InstrumentationScope | undefined, schemaUrl: string): Item {
  const { name = '', version = '', attributes = [], droppedAttributesCount = 0 } = scope ?? {};
  const fields = new Fields()
    .text('name', name)
    .text('version', version)
    .attributes('attributes', attributes)
    .count('dropped_attributes_count', droppedAttributesCount)
    .text('schema_url', schemaUrl);
  return { context: 'scope', label: `scope ${quoted(name)}`, fields: fields.all };
}

function spanItem(span: Span): Item {
  const fields = new Fields()
    .text('trace_id', hex(span.traceId))
    .text('span_id', hex(span.spanId))
    .text('parent_span_id', hex(span.parentSpanId))
    .text('trace_state', span.traceState)
    .count('flags', span.flags)
    .text('name', span.name)
    .symbol('kind', 'SPAN_KIND_', span.kind)
    .value('start_time', new OttlTime(span.startTimeUnixNano))
    .value('end_time', new OttlTime(span.endTimeUnixNano))
    .attributes('attributes', span.attributes)
    .symbol('status.code', 'STATUS_CODE_', span.status?.code ?? 0)
    .text('status.message', span.status?.message ?? '')
    .count('events', span.events.length)
    .count('links', span.links.length)
    .count('dropped_attributes_count', span.droppedAttributesCount)
    .count('dropped_events_count', span.droppedEventsCount)
    .count('dropped_links_count', span.droppedLinksCount);
  return { context: 'span', label: spanLabel(span), fields: fields.all };
}

function eventItem(event: SpanEvent, index: number, span: Span): Item {
  const fields = new Fields()
    .text('name', event.name)
    .value('time', new OttlTime(event.timeUnixNano))
    .attributes('attributes', event.attributes)
    .count('dropped_attributes_count', event.droppedAttributesCount);
  return {
    context: 'spanevent',
    label: `spanevent ${index} ${quoted(event.name)} of ${spanLabel(span)}`,
    fields: fields.all,
  };
}

function linkItem(link: SpanLink, index: number, span: Span): Item {
  const fields = new Fields()
    .text('trace_id', hex(link.traceId))
    .text('span_id', hex(link.spanId))
    .text('trace_state', link.traceState)
    .attributes('attributes', link.attributes)
    .count('dropped_attributes_count', link.droppedAttributesCount)
    .count('flags', link.flags);
  return { context: 'spanlink', label: `spanlink ${index} of ${spanLabel(span)}`, fields: fields.all };
}

function spanLabel({ name, spanId }: Span): string {
  const id = hex(spanId);
  return `span ${quoted(name)}${id === '' ? '' : ` ${id}`}`;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const longestName = 60;

function quoted(name: string): string {
  return showText(name.length > longestName ? `${name.slice(0, longestName)}…` : name);
}
