// Spans as the JavaScript SDK encodes them: it sees numbers, of which whole ones are an int_value, whatever was meant.
import type { Encoding } from './encoding.ts';
import type { Attributes, SpanShape, Value } from './shape.ts';

/** What is beyond has no int_value. */
const intRange = 2 ** 63;

function wholeAsInt(value: Value): Value {
  if (typeof value !== 'object' || value instanceof Uint8Array) return value;
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, wholeAsInt(item)]));
  if ('double' in value) {
    const { double } = value;
    // Adding 0 makes 0 of -0.
    return Number.isInteger(double) && Math.abs(double) < intRange ? double + 0 : value;
  }
  return 'parts' in value ? value : (value as readonly Value[]).map(wholeAsInt);
}

const attributesOf = (attributes: Attributes): Attributes => attributes.map(([key, value]) => [key, wholeAsInt(value)]);

function spanOf(span: SpanShape): SpanShape {
  return {
    ...span,
    attributes: attributesOf(span.attributes),
    events: span.events.map((event) => ({ ...event, attributes: attributesOf(event.attributes) })),
    links: span.links.map((link) => ({ ...link, attributes: attributesOf(link.attributes) })),
  };
}

/** The same encoding, but a Double that is whole is written as an int_value. */
export function withWholeDoublesAsInts(encoding: Encoding): Encoding {
  return {
    ...encoding,
    writeSpan: (to, span) => encoding.writeSpan(to, spanOf(span)),
    resourceFrame: (resource) => encoding.resourceFrame({ ...resource, attributes: attributesOf(resource.attributes) }),
    scopeFrame: (scope) => encoding.scopeFrame({ ...scope, attributes: attributesOf(scope.attributes) }),
  };
}
