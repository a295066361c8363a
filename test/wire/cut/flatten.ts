// A request as the list of its spans, each with all that stands above it: what cutting must not change.
import { decodeRequest } from '../../../src/wire/reference/codec.ts';
import type { Span } from '../../../src/wire/reference/messages.ts';
import type { Random } from '../arbitraries.ts';

interface FlatSpan {
  readonly span: Span;
  /** Resource, schema_url, unknown fields; the same of the scope; unknown fields of the request. */
  readonly above: unknown;
}

export function flatten(bytes: Uint8Array): FlatSpan[] {
  const { resourceSpans, ...request } = decodeRequest(bytes);
  return resourceSpans.flatMap(({ scopeSpans, ...resource }) =>
    scopeSpans.flatMap(({ spans, ...scope }) => spans.map((span) => ({ span, above: { request, resource, scope } }))),
  );
}

/** The same bytes in up to `most` pieces, some of them empty, each between bytes that are not the message's. */
export function segmented(bytes: Uint8Array, random: Random, most = 4): Buffer[] {
  const cuts = Array.from({ length: Math.floor(random() * most) }, () => Math.floor(random() * (bytes.length + 1)));
  const ends = [...cuts.sort((a, b) => a - b), bytes.length];
  let from = 0;
  return ends.map((end) => {
    const around = Buffer.alloc(end - from + 20, 0xa5);
    around.set(bytes.subarray(from, end), 10);
    const segment = around.subarray(10, 10 + end - from);
    from = end;
    return segment;
  });
}
