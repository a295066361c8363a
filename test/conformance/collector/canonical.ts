// The form in which spans of two implementations are compared: everything that a span says, nothing of how it was sent.
import { decodeRequest } from '../../../src/wire/reference/codec.ts';
import type { AnyValue, KeyValue, ResourceSpans, ScopeSpans, Span } from '../../../src/wire/reference/messages.ts';

export type CanonicalValue =
  | null
  | string
  | boolean
  | readonly CanonicalValue[]
  | { readonly int: string }
  | { readonly double: string }
  | { readonly bytes: string }
  | { readonly map: readonly (readonly [string, CanonicalValue])[] };

/** Sorted by key, as are the pairs of a map: OTTL functions of the Collector give them no order. */
type CanonicalAttributes = readonly (readonly [string, CanonicalValue])[];

/** Names are short because the files in expected/ repeat them for every span. */
export interface CanonicalSpan {
  /** Trace id/span id, in hex. */
  readonly id: string;
  readonly parent: string;
  readonly name: string;
  readonly kind: number;
  readonly start: string;
  readonly end: string;
  /** Trace state. */
  readonly ts: string;
  readonly flags: number;
  readonly attrs: CanonicalAttributes;
  /** Dropped counts: attributes, events, links. */
  readonly dac: number;
  readonly dec: number;
  readonly dlc: number;
  readonly status: readonly [number, string];
  readonly events: readonly {
    readonly t: string;
    readonly name: string;
    readonly attrs: CanonicalAttributes;
    readonly dac: number;
  }[];
  readonly links: readonly {
    readonly id: string;
    readonly ts: string;
    readonly attrs: CanonicalAttributes;
    readonly dac: number;
    readonly flags: number;
  }[];
  readonly resource: CanonicalAttributes;
  /** The resource's dropped attributes and schema URL. */
  readonly rdac: number;
  readonly rurl: string;
  /** Name, version, attributes. */
  readonly scope: readonly [string, string, CanonicalAttributes];
  readonly surl: string;
}

/** All spans of some ExportTraceServiceRequests, sorted by id; of one that came several times, by its attributes. */
export function canonicalSpans(requests: readonly Uint8Array[]): CanonicalSpan[] {
  const spans: CanonicalSpan[] = [];
  for (const bytes of requests) {
    for (const resourceSpans of decodeRequest(bytes).resourceSpans) {
      for (const scopeSpans of resourceSpans.scopeSpans) {
        for (const span of scopeSpans.spans) spans.push(canonicalSpan(span, resourceSpans, scopeSpans));
      }
    }
  }
  return spans.sort((a, b) => compare(a.id, b.id) || compare(JSON.stringify(a.attrs), JSON.stringify(b.attrs)));
}

function canonicalSpan(span: Span, { resource, schemaUrl }: ResourceSpans, group: ScopeSpans): CanonicalSpan {
  return {
    id: ids(span),
    parent: hex(span.parentSpanId),
    name: span.name,
    kind: span.kind,
    start: String(span.startTimeUnixNano),
    end: String(span.endTimeUnixNano),
    ts: span.traceState,
    flags: span.flags,
    attrs: attributes(span.attributes),
    dac: span.droppedAttributesCount,
    dec: span.droppedEventsCount,
    dlc: span.droppedLinksCount,
    status: [span.status?.code ?? 0, span.status?.message ?? ''],
    events: span.events.map((event) => ({
      t: String(event.timeUnixNano),
      name: event.name,
      attrs: attributes(event.attributes),
      dac: event.droppedAttributesCount,
    })),
    links: span.links.map((link) => ({
      id: ids(link),
      ts: link.traceState,
      attrs: attributes(link.attributes),
      dac: link.droppedAttributesCount,
      flags: link.flags,
    })),
    resource: attributes(resource?.attributes ?? []),
    rdac: resource?.droppedAttributesCount ?? 0,
    rurl: schemaUrl,
    scope: [group.scope?.name ?? '', group.scope?.version ?? '', attributes(group.scope?.attributes ?? [])],
    surl: group.schemaUrl,
  };
}

function attributes(list: readonly KeyValue[]): CanonicalAttributes {
  return list.map(pair).sort(([a], [b]) => compare(a, b));
}

function pair({ key, value }: KeyValue): readonly [string, CanonicalValue] {
  return [key, canonicalValue(value ?? {})];
}

function canonicalValue(value: AnyValue): CanonicalValue {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.intValue !== undefined) return { int: String(value.intValue) };
  if (value.doubleValue !== undefined) return { double: String(value.doubleValue) };
  if (value.bytesValue !== undefined) return { bytes: hex(value.bytesValue) };
  if (value.arrayValue !== undefined) return value.arrayValue.values.map(canonicalValue);
  if (value.kvlistValue !== undefined) return { map: attributes(value.kvlistValue.values) };
  return null;
}

function ids(of: { readonly traceId: Uint8Array; readonly spanId: Uint8Array }): string {
  return `${hex(of.traceId)}/${hex(of.spanId)}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
