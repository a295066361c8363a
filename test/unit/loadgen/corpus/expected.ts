// What a stamped corpus must decode to, from the shapes alone: an account of its own, in bigint and plain objects.
import assert from 'node:assert/strict';
import type { Corpus } from '../../../../loadgen/corpus/corpus.ts';
import { traceIdHex } from '../../../../loadgen/corpus/identity.ts';
import type { Attributes, FreshPart, FreshText, SpanShape, Value } from '../../../../loadgen/corpus/shape.ts';
import { decodeRequest } from '../../../../src/wire/reference/codec.ts';
import { readJson } from '../../../../src/wire/reference/json-reader.ts';
import type { AnyValue, ExportTraceServiceRequest, KeyValue, Span } from '../../../../src/wire/reference/messages.ts';
import { type ToySettings, toyId, toyTrace } from './toy-traces.ts';

export const wordOf = (time: bigint): readonly [low: number, high: number] => [
  Number(time & 0xffff_ffffn),
  Number(time >> 32n),
];

export function decodeBody(corpus: Corpus, index: number): ExportTraceServiceRequest {
  const { start, end } = corpus.requests[index];
  const body = corpus.bytes.subarray(start, end);
  return corpus.options.encoding === 'json' ? readJson(body.toString('utf8')) : decodeRequest(body);
}

export function spansIn(request: ExportTraceServiceRequest): Span[] {
  return request.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}

export function textOf(span: Span, key: string): string {
  const text = span.attributes.find((attribute) => attribute.key === key)?.value?.stringValue;
  assert.ok(text !== undefined, `no attribute ${key}`);
  return text;
}

/** Label, trace and place of a toy span (toyId). */
export function toyPlace(span: Span): readonly [label: string, trace: number, place: number] {
  const [label, trace, place] = textOf(span, 'id').split('/');
  assert.equal(toyId(label, Number(trace), Number(place)), textOf(span, 'id'));
  return [label, Number(trace), Number(place)];
}

const classes: Readonly<Record<FreshPart['alphabet'], string>> = {
  hex: '[0-9a-f]',
  digits: '[0-9]',
  base62: '[0-9A-Za-z]',
};

const escapePattern = (text: string): string => text.replace(/[^\w ]/gu, '\\$&');

function freshPattern(text: FreshText): RegExp {
  const parts = text.parts.map((part) =>
    typeof part === 'string' ? escapePattern(part) : `${classes[part.alphabet]}{${part.length}}`,
  );
  return new RegExp(`^${parts.join('')}$`);
}

/** A fresh text may be whatever fits: then it is what was found. */
export function expectedText(text: string | FreshText, found: string | undefined): string {
  if (typeof text === 'string') return text;
  assert.match(found ?? '', freshPattern(text));
  return found ?? '';
}

function expectedValue(value: Value, found: AnyValue | undefined): AnyValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return { intValue: BigInt(value) };
  if (value instanceof Uint8Array) return { bytesValue: value };
  if (value instanceof Map) {
    return { kvlistValue: { values: expectedAttributes([...value], found?.kvlistValue?.values) } };
  }
  if ('double' in value) return { doubleValue: value.double };
  if ('parts' in value) return { stringValue: expectedText(value, found?.stringValue) };
  const items = value as readonly Value[];
  return { arrayValue: { values: items.map((item, i) => expectedValue(item, found?.arrayValue?.values[i])) } };
}

export function expectedAttributes(attributes: Attributes, found: readonly KeyValue[] | undefined): KeyValue[] {
  return attributes.map(([key, value], i) => ({ key, value: expectedValue(value, found?.[i]?.value), keyStrindex: 0 }));
}

const bytesOfHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

/** Its number in hexadecimal digits, after that of the run. */
const idOf = (run: number, number: bigint): string =>
  run.toString(16).padStart(4, '0') + number.toString(16).padStart(12, '0');

export interface Stamped {
  readonly corpus: Corpus;
  readonly round: number;
  /** Ordinals of the spans of a trace, by their place in it. */
  readonly ordinalsOf: (trace: number) => readonly number[];
}

/** The span of this shape that starts at `start`; the sampler's half of its trace id is that of identity.ts. */
export function expectedSpan(
  { corpus, round, ordinalsOf }: Stamped,
  shapes: readonly SpanShape[],
  place: number,
  start: bigint,
  found: Span,
): Span {
  const shape = shapes[place];
  const ordinals = ordinalsOf(corpus.traceOf[ordinalOf(corpus, round, found)]);
  const { run, seed } = corpus.options;
  const trace = round * corpus.traces + corpus.traceOf[ordinals[place]];
  const traceId = bytesOfHex(traceIdHex(run, seed, trace));
  const spanId = (other: SpanShape): Uint8Array =>
    bytesOfHex(idOf(run, BigInt(round) * BigInt(corpus.spans) + BigInt(ordinals[shapes.indexOf(other)])));
  const at = (ns: number): bigint => start + BigInt(ns - shape.startNs);
  const remote = shape.parent !== null && shape.parent.resource !== shape.resource;
  return {
    traceId,
    spanId: spanId(shape),
    traceState: shape.traceState,
    parentSpanId: shape.parent === null ? new Uint8Array(0) : spanId(shape.parent),
    flags: remote ? 0x301 : 0x101,
    name: expectedText(shape.name, found.name),
    kind: shape.kind,
    startTimeUnixNano: start,
    endTimeUnixNano: at(shape.endNs),
    attributes: expectedAttributes(shape.attributes, found.attributes),
    droppedAttributesCount: 0,
    events: shape.events.map((event, i) => ({
      timeUnixNano: at(event.atNs),
      name: event.name,
      attributes: expectedAttributes(event.attributes, found.events[i]?.attributes),
      droppedAttributesCount: 0,
    })),
    droppedEventsCount: 0,
    links: shape.links.map(({ to, attributes }) => ({
      traceId,
      spanId: spanId(to),
      traceState: '',
      attributes: expectedAttributes(attributes, undefined),
      droppedAttributesCount: 0,
      flags: to.resource === shape.resource ? 0x101 : 0x301,
    })),
    droppedLinksCount: 0,
    status: { ...shape.status },
  };
}

export function ordinalOf(corpus: Corpus, round: number, span: Span): number {
  const id = Buffer.from(span.spanId).readBigUInt64BE() & 0xffff_ffff_ffffn;
  return Number(id - BigInt(round) * BigInt(corpus.spans));
}

/** Ordinals of each trace's spans by their place, read from the attribute `id` of the spans themselves. */
export function readOrdinals(corpus: Corpus): Map<number, number[]> {
  const traces = new Map<number, number[]>();
  corpus.requests.forEach((request, index) => {
    spansIn(decodeBody(corpus, index)).forEach((span, i) => {
      const ordinal = request.first + i;
      const [, , place] = toyPlace(span);
      const trace = corpus.traceOf[ordinal];
      const ordinals = traces.get(trace) ?? [];
      ordinals[place] = ordinal;
      traces.set(trace, ordinals);
    });
  });
  return traces;
}

/** Shapes of the trace that this span is of, drawn anew. */
export function shapesOf(settings: ToySettings, span: Span): readonly SpanShape[] {
  return toyTrace(settings, toyPlace(span)[1]).spans;
}
