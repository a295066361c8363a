// Verbosity normal: a line a span, with lines for its resource and scope above.
import type { ExportTraceServiceRequest, KeyValue } from '../../wire/reference/messages.ts';
import { idText, valueText } from './go-text.ts';

/** Lines, each with its end. */
export function normalText(request: ExportTraceServiceRequest): string {
  let text = '';
  for (const [i, { resource, schemaUrl, scopeSpans }] of request.resourceSpans.entries()) {
    text += `ResourceTraces #${i}${bracketed(schemaUrl)}${attributesText(resource?.attributes)}\n`;
    for (const { scope, schemaUrl, spans } of scopeSpans) {
      // The Collector numbers a scope by its resource. Odd, but a text that compares equal is worth more.
      text += `ScopeTraces #${i}${nameText(scope?.name, scope?.version)}${bracketed(schemaUrl)}${attributesText(scope?.attributes)}\n`;
      for (const span of spans) {
        text += `${span.name} ${idText(span.traceId)} ${idText(span.spanId)}${attributesText(span.attributes)}\n`;
      }
    }
  }
  return text;
}

const bracketed = (schemaUrl: string): string => (schemaUrl === '' ? '' : ` [${schemaUrl}]`);

function nameText(name = '', version = ''): string {
  const text = version === '' ? name : `${name}@${version}`;
  return text === '' ? '' : ` ${text}`;
}

function attributesText(attributes: readonly KeyValue[] = []): string {
  return attributes.map(({ key, value }) => ` ${key}=${valueText(value)}`).join('');
}
