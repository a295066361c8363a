// What a processor changed on the attributes of a span, in few words: the recorded results hold this for thousands of spans.
import { encodeRequest } from '../../../../src/wire/reference/codec.ts';
import type { ExportTraceServiceRequest } from '../../../../src/wire/reference/messages.ts';
import { type CanonicalValue, canonicalSpans } from '../../../conformance/collector/canonical.ts';

/** For each key that is new, or has another value now, both; a key alone is gone. By the number of the span. */
export type Differences = readonly (readonly (readonly [string, CanonicalValue] | readonly [string])[])[];

export function differences(before: ExportTraceServiceRequest, after: ExportTraceServiceRequest): Differences {
  const now = canonicalSpans([encodeRequest(after)]);
  return canonicalSpans([encodeRequest(before)]).map((old, i) => {
    const was = new Map(old.attrs);
    const is = new Map(now[i].attrs);
    const gone = [...was.keys()].filter((key) => !is.has(key)).map((key) => [key] as const);
    const changed = now[i].attrs.filter(([key, value]) => !was.has(key) || !same(value, was.get(key) ?? null));
    return [...gone, ...changed];
  });
}

const same = (a: CanonicalValue, b: CanonicalValue): boolean => JSON.stringify(a) === JSON.stringify(b);
