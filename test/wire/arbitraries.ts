// Random requests for the tests of everything that reads OTLP bytes. All of it is valid; `unusual.ts` makes the encoding
// strange, and `mutate` below makes it wrong.
import fc from 'fast-check';
import { encodeRequest } from '../../src/wire/reference/codec.ts';
import type {
  AnyValue,
  EntityRef,
  ExportTraceServiceRequest,
  InstrumentationScope,
  KeyValue,
  Resource,
  ResourceSpans,
  ScopeSpans,
  Span,
  SpanEvent,
  SpanLink,
  Status,
} from '../../src/wire/reference/messages.ts';

export type Random = () => number;

/** Numbers in [0, 1) that depend on nothing but the seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Plain objects with Object's prototype, as the codec makes them. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true }) as fc.Arbitrary<T>;

const text = (maxLength: number) => fc.string({ unit: 'binary', maxLength });
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const uint64 = fc.oneof(
  fc.constant(0n),
  fc.bigInt(1_700_000_000_000_000_000n, 1_800_000_000_000_000_000n),
  fc.bigInt(0n, 2n ** 64n - 1n),
);
const int64 = fc.oneof(fc.bigInt(-300n, 300n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
const uint32 = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(200), fc.nat(0xffffffff));
const double = fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 5e-324, 1.5));
const id = (length: number) =>
  fc.oneof(
    { weight: 9, arbitrary: fc.uint8Array({ minLength: length, maxLength: length }) },
    { weight: 1, arbitrary: fc.constant(new Uint8Array(0)) },
  );

/** Keys that rules look for, keys that resemble them, repeated on purpose, and anything else. */
const key = fc.oneof(
  fc.constantFrom('url.path', 'user.email', 'service.name', 'url.pat', 'url.path2', 'gen_ai.system', 'a', ''),
  text(12),
  fc.constant('k'.repeat(130)),
);

/** A field that proto/ does not have: tag and value. The numbers are free in every message kind. */
const unknownField: fc.Arbitrary<Uint8Array> = fc
  .tuple(fc.constantFrom(18, 30, 31, 32, 500, 1000, 536_870_911), fc.constantFrom(0, 1, 2, 5), bytes(9))
  .map(([number, wire, payload]) => Uint8Array.from([...varint(number * 8 + wire), ...unknownPayload(wire, payload)]));

function unknownPayload(wire: number, payload: Uint8Array): number[] {
  if (wire === 2) return [payload.length, ...payload];
  if (wire === 0) return varint(payload.reduce((sum, byte) => sum * 16 + byte, 0));
  return Array.from({ length: wire === 1 ? 8 : 4 }, (_, i) => payload[i] ?? 0);
}

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest > 127) {
    out.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
  return out;
}

/** Adds unknown fields to some of the messages. */
function extensible<T extends object>(message: fc.Arbitrary<T>): fc.Arbitrary<T> {
  const unknown = fc.option(fc.array(unknownField, { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 8 });
  return fc
    .tuple(message, unknown)
    .map(([made, unknownFields]) => (unknownFields === undefined ? made : { ...made, unknownFields }));
}

/** An optional message field: absent, or there (perhaps empty). */
function optional<K extends string, T>(name: K, value: fc.Arbitrary<T>): fc.Arbitrary<Partial<Record<K, T>>> {
  return fc.option(value, { nil: undefined, freq: 6 }).map((made) => {
    const field: Partial<Record<K, T>> = {};
    if (made !== undefined) field[name] = made;
    return field;
  });
}

const values = fc.letrec<{ value: AnyValue; list: AnyValue; keyValue: KeyValue }>((tie) => ({
  value: extensible<AnyValue>(
    fc.oneof(
      { maxDepth: 3, depthSize: 'small', withCrossShrink: true },
      record({ stringValue: fc.oneof(text(10), fc.constant('v'.repeat(300))) }),
      record({ boolValue: fc.boolean() }),
      record({ intValue: int64 }),
      record({ doubleValue: double }),
      record({ bytesValue: bytes(20) }),
      record({ stringValueStrindex: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) }),
      fc.constant({}),
      tie('list'),
    ),
  ),
  list: fc.oneof(
    record({ arrayValue: extensible(record({ values: fc.array(tie('value'), { maxLength: 4 }) })) }),
    record({ kvlistValue: extensible(record({ values: fc.array(tie('keyValue'), { maxLength: 4 }) })) }),
  ),
  keyValue: extensible<KeyValue>(
    fc
      .tuple(record({ key, keyStrindex: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.nat(9)) }), tie('value'))
      .chain(([fields, value]) => optional('value', fc.constant(value)).map((made) => ({ ...fields, ...made }))),
  ),
}));

export const anyValue: fc.Arbitrary<AnyValue> = values.value;
export const keyValue: fc.Arbitrary<KeyValue> = values.keyValue;
const attributes = fc.array(keyValue, { maxLength: 6 });

const entityRef: fc.Arbitrary<EntityRef> = extensible(
  record({
    schemaUrl: text(5),
    type: text(5),
    idKeys: fc.array(text(5), { maxLength: 2 }),
    descriptionKeys: fc.array(text(5), { maxLength: 2 }),
  }),
);
const resource: fc.Arbitrary<Resource> = extensible(
  record({ attributes, droppedAttributesCount: uint32, entityRefs: fc.array(entityRef, { maxLength: 2 }) }),
);
const scope: fc.Arbitrary<InstrumentationScope> = extensible(
  record({ name: text(8), version: text(4), attributes, droppedAttributesCount: uint32 }),
);
const event: fc.Arbitrary<SpanEvent> = extensible(
  record({ timeUnixNano: uint64, name: text(8), attributes, droppedAttributesCount: uint32 }),
);
const link: fc.Arbitrary<SpanLink> = extensible(
  record({
    traceId: id(16),
    spanId: id(8),
    traceState: text(8),
    attributes,
    droppedAttributesCount: uint32,
    flags: uint32,
  }),
);
const status: fc.Arbitrary<Status> = extensible(record({ message: text(8), code: fc.constantFrom(0, 1, 2, 2, 77) }));

export const span: fc.Arbitrary<Span> = extensible(
  fc
    .tuple(
      record({
        traceId: id(16),
        spanId: id(8),
        traceState: text(10),
        parentSpanId: id(8),
        flags: uint32,
        name: text(12),
        kind: fc.constantFrom(0, 1, 2, 3, 4, 5, 6, -1),
        startTimeUnixNano: uint64,
        endTimeUnixNano: uint64,
        attributes,
        droppedAttributesCount: uint32,
        events: fc.array(event, { maxLength: 2 }),
        droppedEventsCount: uint32,
        links: fc.array(link, { maxLength: 2 }),
        droppedLinksCount: uint32,
      }),
      optional('status', status),
    )
    .map(([fields, made]) => ({ ...fields, ...made })),
);

const scopeSpans: fc.Arbitrary<ScopeSpans> = extensible(
  fc
    .tuple(record({ spans: fc.array(span, { maxLength: 3 }), schemaUrl: text(6) }), optional('scope', scope))
    .map(([fields, made]) => ({ ...fields, ...made })),
);
const resourceSpans: fc.Arbitrary<ResourceSpans> = extensible(
  fc
    .tuple(
      record({ scopeSpans: fc.array(scopeSpans, { maxLength: 2 }), schemaUrl: text(6) }),
      optional('resource', resource),
    )
    .map(([fields, made]) => ({ ...fields, ...made })),
);

/** A request as the reference codec decodes it: `decodeRequest(encodeRequest(r))` equals r. */
export const request: fc.Arbitrary<ExportTraceServiceRequest> = extensible(
  record({ resourceSpans: fc.array(resourceSpans, { maxLength: 3 }) }),
);

/** The same, encoded as SDKs do: fields ascending, each once, defaults left out. */
export const requestBytes: fc.Arbitrary<Uint8Array> = request.map((made) => Uint8Array.from(encodeRequest(made)));

/** A copy with a few faults of the kinds that networks, bugs and attackers make. May by chance still be valid. */
export function mutate(source: Uint8Array, random: Random): Uint8Array {
  let made = Uint8Array.from(source);
  const faults = 1 + Math.floor(random() * 3);
  for (let i = 0; i < faults; i++) made = mutateOnce(made, random);
  return made;
}

function mutateOnce(source: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  const at = Math.floor(random() * source.length);
  const count = 1 + Math.floor(random() * 8);
  const noise = Uint8Array.from({ length: count }, () => Math.floor(random() * 256));
  const joined = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));
  const changed = Uint8Array.from(source);
  switch (Math.floor(random() * 7)) {
    case 0: // one bit
      if (changed.length > 0) changed[at] ^= 1 << Math.floor(random() * 8);
      return changed;
    case 1: // a byte that is special in protobuf: endless varint, group, field 0, largest length
      if (changed.length > 0) changed[at] = [0x80, 0xff, 0x7f, 0x0b, 0x0c, 0x00, 0x06][Math.floor(random() * 7)];
      return changed;
    case 2: // cut
      return changed.slice(0, at);
    case 3: // bytes come in between
      return joined(source.subarray(0, at), noise, source.subarray(at));
    case 4: // bytes are lost
      return joined(source.subarray(0, at), source.subarray(at + count));
    case 5: // overwritten
      changed.set(noise.subarray(0, changed.length - at), at);
      return changed;
    default: // a part comes twice
      return joined(source.subarray(0, at + count), source.subarray(at));
  }
}
