// A request, or a part of one, as bytes that lie anywhere.
import { requestField, resourceSpansField, scopeSpansField } from '../schema.ts';
import { Fields } from './fields.ts';

/** The segments one after another are one ExportTraceServiceRequest. They are never written to. */
export interface Part {
  readonly segments: readonly Buffer[];
  readonly spans: number;
  /** Of all segments. */
  readonly bytes: number;
}

/** The message in one piece: copied only where it lies in several. */
export function messageOf(segments: readonly Uint8Array[]): Uint8Array {
  return segments.length === 1 ? segments[0] : Buffer.concat(segments);
}

export const lengthOf = (segments: readonly Uint8Array[]): number => segments.reduce((sum, one) => sum + one.length, 0);

/**
 * Calls `each` for every span with the bytes of its field, tag and length included, in order. Returns the spans. Throws a
 * SpanmillError OTLP_PROTOBUF on bytes that are not a request, down to where its spans begin and end; not inside of them.
 */
export function eachSpan(message: Uint8Array, each: (fieldBytes: number) => void): number {
  let spans = 0;
  const request = new Fields(message, 0, message.length);
  while (request.next()) {
    if (request.number !== requestField.resourceSpans) continue;
    request.expectBytes();
    const resource = new Fields(message, request.start, request.end);
    while (resource.next()) {
      if (resource.number !== resourceSpansField.scopeSpans) continue;
      resource.expectBytes();
      const scope = new Fields(message, resource.start, resource.end);
      while (scope.next()) {
        if (scope.number !== scopeSpansField.spans) continue;
        scope.expectBytes();
        spans++;
        each(scope.end - scope.fieldStart);
      }
    }
  }
  return spans;
}

/** Spans of the message; throws as `eachSpan` does. */
export function countSpans(segments: readonly Uint8Array[]): number {
  return eachSpan(messageOf(segments), () => {});
}
