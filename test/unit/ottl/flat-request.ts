// A request as paths and texts, to compare what two make of it.
import type { ExportTraceServiceRequest, KeyValue } from '../../../src/wire/reference/messages.ts';
import { plain } from './rule-stage.ts';

export type Flat = Readonly<Record<string, string>>;

/** Of what is as good as absent nothing is there. Attributes stand by their keys, in no order. */
export function flatRequest({ resourceSpans }: ExportTraceServiceRequest): Flat {
  const flat: Record<string, string> = {};
  const put = (path: string, value: unknown, absent: unknown): void => {
    if (value !== absent) flat[path] = String(value);
  };
  const attributes = (path: string, list: readonly KeyValue[]): void => {
    for (const { key, value } of list) {
      let name = `${path}[${JSON.stringify(key)}]`;
      while (name in flat) name += ' again';
      flat[name] = JSON.stringify(plain(value));
    }
  };
  const hex = (path: string, id: Uint8Array): void => {
    if (id.some((byte) => byte !== 0)) put(path, Buffer.from(id).toString('hex'), '');
  };
  for (const { resource, schemaUrl, scopeSpans } of resourceSpans) {
    put('resource.schema_url', schemaUrl, '');
    attributes('resource', resource?.attributes ?? []);
    put('resource.dropped', resource?.droppedAttributesCount ?? 0, 0);
    for (const { scope, schemaUrl: scopeUrl, spans } of scopeSpans) {
      put('scope.schema_url', scopeUrl, '');
      put('scope.name', scope?.name ?? '', '');
      put('scope.version', scope?.version ?? '', '');
      put('scope.dropped', scope?.droppedAttributesCount ?? 0, 0);
      attributes('scope', scope?.attributes ?? []);
      for (const span of spans) {
        hex('trace_id', span.traceId);
        hex('span_id', span.spanId);
        hex('parent_span_id', span.parentSpanId);
        put('trace_state', span.traceState, '');
        put('flags', span.flags, 0);
        put('name', span.name, '');
        put('kind', span.kind, 0);
        put('start', span.startTimeUnixNano, 0n);
        put('end', span.endTimeUnixNano, 0n);
        put('status', `${span.status?.code ?? 0} ${span.status?.message ?? ''}`, '0 ');
        put('dropped', [span.droppedAttributesCount, span.droppedEventsCount, span.droppedLinksCount], '0,0,0');
        attributes('attributes', span.attributes);
        for (const [i, event] of span.events.entries()) {
          flat[`event ${i}`] = `${event.name} ${event.timeUnixNano} ${event.droppedAttributesCount}`;
          attributes(`event ${i}`, event.attributes);
        }
        for (const [i, link] of span.links.entries()) {
          hex(`link ${i}`, link.spanId);
          attributes(`link ${i}`, link.attributes);
        }
      }
    }
  }
  return flat;
}

/** What is in `after` and not in `before`, and null for what is no more. */
export function changes(before: Flat, after: Flat): Readonly<Record<string, string | null>> {
  const changed: Record<string, string | null> = {};
  for (const path of Object.keys(before)) if (!(path in after)) changed[path] = null;
  for (const [path, value] of Object.entries(after)) if (before[path] !== value) changed[path] = value;
  return changed;
}
