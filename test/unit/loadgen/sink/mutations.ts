// Single changes of a span, each with what the check must call it.
import { encodeRequest } from '../../../../src/wire/reference/codec.ts';
import type {
  AnyValue,
  ExportTraceServiceRequest,
  KeyValue,
  ResourceSpans,
  ScopeSpans,
  Span,
} from '../../../../src/wire/reference/messages.ts';

export interface Place {
  readonly span: Span;
  readonly scope: ScopeSpans;
  readonly resource: ResourceSpans;
}

export function placesIn(message: ExportTraceServiceRequest): Place[] {
  return message.resourceSpans.flatMap((resource) =>
    resource.scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ span, scope, resource }))),
  );
}

export const encoded = (message: ExportTraceServiceRequest): Buffer => Buffer.from(encodeRequest(message));

export const numberOf = (span: Span): number => Number(`0x${Buffer.from(span.spanId).toString('hex').slice(4)}`);

/** Changes the value into another of any kind. */
function change(value: AnyValue): void {
  const [[name, old]] = Object.entries(value);
  for (const each of Object.keys(value)) delete value[each as keyof AnyValue];
  if (name === 'stringValue') value.stringValue = `${old}x`;
  else if (name === 'intValue') value.intValue = (old as bigint) + 1n;
  else if (name === 'boolValue') value.boolValue = !old;
  else if (name === 'doubleValue') value.doubleValue = Object.is(old, -0) ? 0 : 17.25;
  else if (name === 'bytesValue') value.bytesValue = Uint8Array.from([...(old as Uint8Array), 0]);
  else if (name === 'arrayValue') {
    const { values } = old as NonNullable<AnyValue['arrayValue']>;
    value.arrayValue = { values: values.length > 1 ? values.toReversed() : [...values, { intValue: 1n }] };
  } else {
    const { values } = old as NonNullable<AnyValue['kvlistValue']>;
    value.kvlistValue = { values: [{ ...values[0], key: 'other' }, ...values.slice(1)] };
  }
}

export function changeValue({ value }: KeyValue): void {
  change(value ?? {});
}

export interface Mutation {
  /** What the check must say; a key stands for KEY. */
  readonly what: string;
  /** Gives the key, '' where there is none; null where the span has no such part. */
  apply(place: Place, pick: number): string | null;
}

const withAttribute = (what: string, apply: (list: KeyValue[], at: number, place: Place) => void): Mutation => ({
  what: `attribute KEY: ${what}`,
  apply(place, pick) {
    const { attributes } = place.span;
    const at = pick % attributes.length;
    const { key } = attributes[at];
    apply(attributes, at, place);
    return key;
  },
});
const always = (what: string, apply: (place: Place) => void): Mutation => ({
  what,
  apply(place) {
    apply(place);
    return '';
  },
});
const onRich = (what: string, apply: (place: Place, pick: number) => void): Mutation => ({
  what,
  apply(place, pick) {
    if (place.span.events.length < 2) return null;
    apply(place, pick);
    return '';
  },
});
export const other = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

export const mutations: readonly Mutation[] = [
  always('trace id', ({ span }) => {
    span.traceId = other(span.traceId, 15);
  }),
  always('trace id', ({ span }) => {
    span.traceId = other(span.traceId, 0);
  }),
  always('parent span id', ({ span }) => {
    span.parentSpanId = span.parentSpanId.length === 0 ? span.spanId : other(span.parentSpanId, 7);
  }),
  always('name', ({ span }) => {
    span.name += ' ';
  }),
  always('name', ({ span }) => {
    span.name = '';
  }),
  always('kind', ({ span }) => {
    span.kind = (span.kind + 1) % 6;
  }),
  always('trace state', ({ span }) => {
    span.traceState += span.traceState === '' ? 'a=1' : ',a=1';
  }),
  always('flags', ({ span }) => {
    span.flags ^= 1;
  }),
  always('end time', ({ span }) => {
    span.endTimeUnixNano += 1n;
  }),
  always('end time', ({ span }) => {
    span.endTimeUnixNano = 0n;
  }),
  always('dropped attributes count', ({ span }) => {
    span.droppedAttributesCount = 1;
  }),
  always('dropped events count', ({ span }) => {
    span.droppedEventsCount = 1;
  }),
  always('dropped links count', ({ span }) => {
    span.droppedLinksCount = 1;
  }),
  always('status code', ({ span }) => {
    span.status = { message: span.status?.message ?? '', code: ((span.status?.code ?? 0) + 1) % 3 };
  }),
  always('status message', ({ span }) => {
    span.status = { code: span.status?.code ?? 0, message: `${span.status?.message}!` };
  }),
  always('attribute intruder: unexpected', ({ span }) => {
    span.attributes.push({ key: 'intruder', value: { intValue: 1n }, keyStrindex: 0 });
  }),
  withAttribute('missing', (list, at) => list.splice(at, 1)),
  withAttribute('changed', (list, at) => changeValue(list[at])),
  withAttribute('twice', (list, at) => list.push(list[at])),
  withAttribute('changed', (list, at) => {
    delete list[at].value;
  }),
  onRich('number of events', ({ span }) => span.events.pop()),
  onRich('event 1 name', ({ span }) => {
    span.events[0].name = 'other';
  }),
  onRich('event 2 time', ({ span }) => {
    span.events[1].timeUnixNano += 1n;
  }),
  onRich('event 1 dropped attributes count', ({ span }) => {
    span.events[0].droppedAttributesCount = 2;
  }),
  onRich('event 2 attribute text: changed', ({ span }) => changeValue(span.events[1].attributes[0])),
  onRich('event 2 attribute text: missing', ({ span }) => span.events[1].attributes.pop()),
  onRich('number of links', ({ span }) => span.links.pop()),
  onRich('link 1 trace id', ({ span }) => {
    span.links[0].traceId = other(span.links[0].traceId, 9);
  }),
  onRich('link 1 span id', ({ span }) => {
    span.links[0].spanId = other(span.links[0].spanId, 7);
  }),
  onRich('link 1 trace state', ({ span }) => {
    span.links[0].traceState = 'x=1';
  }),
  onRich('link 1 flags', ({ span }) => {
    span.links[0].flags ^= 2;
  }),
  onRich('link 1 attribute why: changed', ({ span }) => changeValue(span.links[0].attributes[0])),
  onRich('start time', ({ span }) => {
    span.startTimeUnixNano += 1n;
  }),
];
