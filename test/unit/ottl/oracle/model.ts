// A request as the oracle works on it: plain objects, made once from the decoded message. What a rule changes is replaced,
// never changed in place, so that a copy of an item's fields is a copy of the item.
import type { ContextName } from '../../../../src/ottl/environment.ts';
import type { OttlValue } from '../../../../src/ottl/values.ts';
import { decodeRequest } from '../../../../src/wire/reference/codec.ts';
import type { AnyValue, KeyValue } from '../../../../src/wire/reference/messages.ts';

export interface Entry {
  readonly key: string;
  readonly value: OttlValue;
}
/** In the order of the message, keys that occur twice included. */
export type Attributes = readonly Entry[];

export interface EventItem {
  name: string;
  timeUnixNano: bigint;
  attributes: Attributes;
  droppedAttributesCount: number;
}
export interface LinkItem {
  traceId: Uint8Array;
  spanId: Uint8Array;
  traceState: string;
  attributes: Attributes;
  droppedAttributesCount: number;
  flags: number;
}
export interface SpanItem {
  traceId: Uint8Array;
  spanId: Uint8Array;
  parentSpanId: Uint8Array;
  traceState: string;
  name: string;
  kind: number;
  flags: number;
  startTimeUnixNano: bigint;
  endTimeUnixNano: bigint;
  attributes: Attributes;
  droppedAttributesCount: number;
  droppedEventsCount: number;
  droppedLinksCount: number;
  statusCode: number;
  statusMessage: string;
  readonly events: readonly EventItem[];
  readonly links: readonly LinkItem[];
}
export interface ScopeItem {
  name: string;
  version: string;
  schemaUrl: string;
  attributes: Attributes;
  droppedAttributesCount: number;
  readonly spans: readonly SpanItem[];
}
export interface ResourceItem {
  schemaUrl: string;
  attributes: Attributes;
  droppedAttributesCount: number;
  readonly scopes: readonly ScopeItem[];
}
export type Model = readonly ResourceItem[];

/** The items that a rule sees, and what only lives while it is at them. */
export interface Place {
  readonly resource: ResourceItem;
  readonly scope: ScopeItem | null;
  readonly span: SpanItem | null;
  readonly event: EventItem | null;
  readonly link: LinkItem | null;
  /** Of the event or link in its span. */
  readonly index: number;
  readonly caches: Record<ContextName, ReadonlyMap<string, OttlValue>>;
  /** What is known of the client, by the keys of client metadata. */
  readonly client: ReadonlyMap<string, readonly string[]>;
}

export function toValue(value: AnyValue | undefined): OttlValue {
  if (value?.arrayValue !== undefined) return value.arrayValue.values.map(toValue);
  if (value?.kvlistValue !== undefined) return firstOfEach(value.kvlistValue.values.map(toEntry));
  return value?.stringValue ?? value?.boolValue ?? value?.intValue ?? value?.doubleValue ?? value?.bytesValue ?? null;
}

/** Of a key that occurs twice the first counts. */
export function firstOfEach(entries: Attributes): ReadonlyMap<string, OttlValue> {
  const map = new Map<string, OttlValue>();
  for (const { key, value } of entries) if (!map.has(key)) map.set(key, value);
  return map;
}

function toEntry({ key, value }: KeyValue): Entry {
  return { key, value: toValue(value) };
}

export function readModel(bytes: Uint8Array): Model {
  return decodeRequest(bytes).resourceSpans.map(({ resource, schemaUrl, scopeSpans }) => ({
    schemaUrl,
    attributes: (resource?.attributes ?? []).map(toEntry),
    droppedAttributesCount: resource?.droppedAttributesCount ?? 0,
    scopes: scopeSpans.map(({ scope, schemaUrl: scopeUrl, spans }) => ({
      name: scope?.name ?? '',
      version: scope?.version ?? '',
      schemaUrl: scopeUrl,
      attributes: (scope?.attributes ?? []).map(toEntry),
      droppedAttributesCount: scope?.droppedAttributesCount ?? 0,
      spans: spans.map(({ status, unknownFields: _unknown, ...span }) => ({
        ...span,
        attributes: span.attributes.map(toEntry),
        events: span.events.map(({ unknownFields: _rest, ...event }) => ({
          ...event,
          attributes: event.attributes.map(toEntry),
        })),
        links: span.links.map(({ unknownFields: _rest, ...link }) => ({
          ...link,
          attributes: link.attributes.map(toEntry),
        })),
        statusCode: status?.code ?? 0,
        statusMessage: status?.message ?? '',
      })),
    })),
  }));
}

/** Does what `edit` does to the items of the place wholly, or, when it throws, not at all. */
export function wholly(place: Place, edit: () => void): void {
  const items = [place.resource, place.scope, place.span, place.event, place.link, place.caches];
  const before = items.map((item) => ({ ...item }));
  try {
    edit();
  } catch (error) {
    for (const [i, item] of items.entries()) if (item !== null) Object.assign(item, before[i]);
    throw error;
  }
}
