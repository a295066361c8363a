// Verbosity detailed: every field of every span, as a tree.
import type {
  ExportTraceServiceRequest,
  KeyValue,
  ScopeSpans,
  Span,
  SpanEvent,
  SpanLink,
} from '../../wire/reference/messages.ts';
import { idText, timeText, typedValueText } from './go-text.ts';

const kinds = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'];
const statusCodes = ['Unset', 'Ok', 'Error'];

/** Lines, each with its end. */
export function detailedText(request: ExportTraceServiceRequest): string {
  let text = '';
  for (const [i, { resource, schemaUrl, scopeSpans }] of request.resourceSpans.entries()) {
    text += `ResourceSpans #${i}\nResource SchemaURL: ${schemaUrl}\n`;
    text += attributesText('Resource attributes:', resource?.attributes);
    for (const [j, scopeSpan] of scopeSpans.entries()) text += scopeText(j, scopeSpan);
  }
  return text;
}

function scopeText(index: number, { scope, schemaUrl, spans }: ScopeSpans): string {
  let text = `ScopeSpans #${index}\nScopeSpans SchemaURL: ${schemaUrl}\n`;
  text += `InstrumentationScope ${scope?.name ?? ''} ${scope?.version ?? ''}\n`;
  text += attributesText('InstrumentationScope attributes:', scope?.attributes);
  for (const [i, span] of spans.entries()) text += spanText(i, span);
  return text;
}

function spanText(index: number, span: Span): string {
  const lines = [
    `Span #${index}`,
    `    Trace ID       : ${idText(span.traceId)}`,
    `    Parent ID      : ${idText(span.parentSpanId)}`,
    `    ID             : ${idText(span.spanId)}`,
    `    Name           : ${span.name}`,
    `    Kind           : ${kinds[span.kind] ?? ''}`,
    ...(span.traceState === '' ? [] : [`    TraceState     : ${span.traceState}`]),
    `    Start time     : ${timeText(span.startTimeUnixNano)}`,
    `    End time       : ${timeText(span.endTimeUnixNano)}`,
    `    Status code    : ${statusCodes[span.status?.code ?? 0] ?? ''}`,
    `    Status message : ${span.status?.message ?? ''}`,
    `    DroppedAttributesCount: ${span.droppedAttributesCount}`,
    `    DroppedEventsCount: ${span.droppedEventsCount}`,
    `    DroppedLinksCount: ${span.droppedLinksCount}`,
  ];
  let text = `${lines.join('\n')}\n${attributesText('Attributes:', span.attributes)}`;
  if (span.events.length > 0) text += `Events:\n${span.events.map(eventText).join('')}`;
  if (span.links.length > 0) text += `Links:\n${span.links.map(linkText).join('')}`;
  return text;
}

function eventText(event: SpanEvent, index: number): string {
  return (
    `SpanEvent #${index}\n` +
    `     -> Name: ${event.name}\n` +
    `     -> Timestamp: ${timeText(event.timeUnixNano)}\n` +
    `     -> DroppedAttributesCount: ${event.droppedAttributesCount}\n` +
    attributesText('     -> Attributes::', event.attributes, '          -> ')
  );
}

function linkText(link: SpanLink, index: number): string {
  return (
    `SpanLink #${index}\n` +
    `     -> Trace ID: ${idText(link.traceId)}\n` +
    `     -> ID: ${idText(link.spanId)}\n` +
    `     -> TraceState: ${link.traceState}\n` +
    `     -> DroppedAttributesCount: ${link.droppedAttributesCount}\n` +
    attributesText('     -> Attributes::', link.attributes, '          -> ')
  );
}

function attributesText(title: string, attributes: readonly KeyValue[] = [], indent = '     -> '): string {
  if (attributes.length === 0) return '';
  return `${title}\n${attributes.map(({ key, value }) => `${indent}${key}: ${typedValueText(value)}\n`).join('')}`;
}
