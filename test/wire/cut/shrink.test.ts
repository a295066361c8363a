import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SpanmillError } from '../../../src/errors.ts';
import { shrinkSpan } from '../../../src/wire/cut/shrink.ts';
import { normalise } from '../../../src/wire/normalise.ts';
import { decodeRequest, encodeRequest } from '../../../src/wire/reference/codec.ts';
import { readJson } from '../../../src/wire/reference/json-reader.ts';
import type { AnyValue, ExportTraceServiceRequest, KeyValue, Span } from '../../../src/wire/reference/messages.ts';
import { span as anySpan, keyValue, mutate, seededRandom } from '../arbitraries.ts';
import { unusual } from '../unusual.ts';
import { segmented } from './flatten.ts';

const encoded = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7919) & 255)).toString('base64');

const string = (value: string): AnyValue => ({ stringValue: value });
const attribute = (key: string, value: AnyValue): KeyValue => ({ key, value, keyStrindex: 0 });

/** Values of LLM spans. */
const longValue: fc.Arbitrary<AnyValue> = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 100, maxLength: 1500 }).map(string),
  fc
    .string({ unit: 'grapheme', minLength: 100, maxLength: 900 })
    .map((content) => string(JSON.stringify([{ role: 'user', content }]))),
  fc.constant(string(`data:image/png;base64,${encoded}`)),
  fc.constant(string(encoded)),
  fc.constant(string('the same text again and again '.repeat(60))),
  fc.constant({ bytesValue: new Uint8Array(2000).fill(7) }),
  fc.integer({ min: 0, max: 400 }).map((count) => ({
    arrayValue: { values: Array.from({ length: count }, (_, i) => ({ doubleValue: i / 3 })) },
  })),
  fc.string({ minLength: 200, maxLength: 800 }).map((text) => ({
    kvlistValue: { values: [attribute('inner', { arrayValue: { values: [string(text), string('short')] } })] },
  })),
);
const longAttribute = fc
  .tuple(fc.constantFrom('input.value', 'output.value', 'gen_ai.input.messages', 'k'), longValue)
  .map(([key, value]) => attribute(key, value));

const request: fc.Arbitrary<ExportTraceServiceRequest> = fc
  .record({
    span: anySpan,
    attributes: fc.array(fc.oneof(longAttribute, keyValue), { maxLength: 8 }),
    event: fc.array(longAttribute, { maxLength: 2 }),
    link: fc.array(longAttribute, { maxLength: 2 }),
    resource: fc.array(fc.oneof(longAttribute, keyValue), { maxLength: 3 }),
    message: fc.string({ unit: 'grapheme', maxLength: 400 }),
  })
  .map(({ span, attributes, event, link, resource, message }) => {
    const made: Span = {
      ...span,
      attributes: [...span.attributes, ...attributes],
      events: [...span.events, { timeUnixNano: 5n, name: 'chunk', attributes: event, droppedAttributesCount: 3 }],
      links: [
        ...span.links,
        {
          traceId: new Uint8Array(16),
          spanId: new Uint8Array(8),
          traceState: '',
          attributes: link,
          droppedAttributesCount: 0,
          flags: 0,
        },
      ],
      status: { message, code: 2 },
    };
    const scopeSpans = [
      { scope: { name: 'llm', version: '', attributes: [], droppedAttributesCount: 0 }, spans: [made], schemaUrl: 's' },
    ];
    const resourceSpans = [
      { resource: { attributes: resource, droppedAttributesCount: 0, entityRefs: [] }, scopeSpans, schemaUrl: '' },
    ];
    return { resourceSpans };
  });

interface Held {
  readonly name: string;
  /** Of the same attribute before and after. */
  readonly place: string;
  readonly attributes: readonly KeyValue[];
  readonly dropped: number;
}

const spanOf = ({ resourceSpans }: ExportTraceServiceRequest): Span => resourceSpans[0].scopeSpans[0].spans[0];

/** All lists of attributes of a request of one span. */
function holders(made: ExportTraceServiceRequest): Held[] {
  const span = spanOf(made);
  const [{ resource, scopeSpans }] = made.resourceSpans;
  const held = (name: string, one: { attributes: KeyValue[]; droppedAttributesCount: number } | undefined): Held[] =>
    one === undefined ? [] : [{ name, place: name, attributes: one.attributes, dropped: one.droppedAttributesCount }];
  return [
    ...held('', span),
    ...span.events.flatMap((event, i) => held(`events[${i}].`, event)),
    ...span.links.flatMap((link, i) => held(`links[${i}].`, link)),
    ...held('resource.', resource),
    ...held('scope.', scopeSpans[0].scope),
  ];
}

const isMark = ({ key }: KeyValue): boolean => key.startsWith('spanmill.');

/** Names of `spanmill.truncated`. */
function truncated(made: ExportTraceServiceRequest): string[] {
  const mark = spanOf(made).attributes.find(({ key }) => key === 'spanmill.truncated');
  return (mark?.value?.arrayValue?.values ?? []).map(({ stringValue }) => stringValue ?? '');
}

/** Everything but what may be cut. */
function skeleton(made: ExportTraceServiceRequest): unknown {
  const bare = structuredClone(made);
  const span = spanOf(bare);
  const [{ resource, scopeSpans }] = bare.resourceSpans;
  for (const one of [span, ...span.events, ...span.links, resource, scopeSpans[0].scope]) {
    if (one !== undefined) Object.assign(one, { attributes: [], droppedAttributesCount: 0 });
  }
  if (span.status !== undefined) span.status.message = '';
  return bare;
}

const isJson = (text: string | undefined): boolean => {
  try {
    const value = JSON.parse(text ?? '') as unknown;
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
};

/** What holds of every span that was shrunk; returns how many attributes were cut and left out. */
function check(
  whole: ExportTraceServiceRequest,
  wholeBytes: number,
  small: ExportTraceServiceRequest,
): { cut: number; dropped: number } {
  assert.deepEqual(skeleton(small), skeleton(whole), 'ids, names, times or anything else was touched');
  const names = truncated(small);
  const original = spanOf(small).attributes.find(({ key }) => key === 'spanmill.original_bytes');
  assert.equal(original?.value?.intValue, BigInt(wholeBytes));
  const after = holders(small);
  let [cut, dropped] = [0, 0];
  for (const [i, before] of holders(whole).entries()) {
    const kept = after[i].attributes.filter((one) => !isMark(one));
    const missing = before.attributes.length - kept.length;
    assert.equal(after[i].dropped, Math.min(before.dropped + missing, 0xffffffff), before.name);
    dropped += missing;
    let k = 0;
    for (const one of before.attributes) {
      const now = kept[k];
      if (now === undefined || now.key !== one.key) {
        assert.ok(missing > 0, `${before.name}${one.key} is not where it was`);
        continue;
      }
      k++;
      if (missing > 0) continue; // which of those with one key is gone is not known
      if (isSame(one, now)) continue;
      cut++;
      assert.ok(isNamed(before.name + one.key, names), `${before.name}${one.key} in ${names}`);
      if (isJson(one.value?.stringValue))
        assert.ok(isJson(now.value?.stringValue) || typeof JSON.parse(now.value?.stringValue ?? '') === 'string');
    }
    assert.equal(k, kept.length, 'an attribute that was not there before');
  }
  return { cut, dropped };
}

/** In full, shortened, or among those that there was no room for. */
const isNamed = (name: string, names: readonly string[]): boolean =>
  names.includes(name) ||
  names.some((one) => one.endsWith('…') && name.startsWith(one.slice(0, -1))) ||
  names.at(-1)?.startsWith('… ') === true;

const isSame = (a: unknown, b: unknown): boolean => {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
};

test('a shrunk span is within its size; what is not named as cut is as it was', () => {
  let [cut, dropped, impossible] = [0, 0, 0];
  const property = fc.property(
    request,
    fc.integer(),
    fc.double({ min: 0.05, max: 1, noNaN: true }),
    (made, seed, part) => {
      const bytes = encodeRequest(made);
      const random = seededRandom(seed);
      const source = random() < 0.3 ? unusual(bytes, random) : bytes;
      const whole = decodeRequest(bytes);
      const maxBytes = Math.floor(source.length * part);
      const segments = segmented(source, random);
      const small = shrinkSpan(segments, maxBytes);
      assert.deepEqual(Buffer.concat(segments), Buffer.from(source), 'the input was written to');
      if (small === null) {
        impossible++;
        const least = encodeRequest(skeleton(whole) as ExportTraceServiceRequest).length;
        // Marks, counts, and attributes that are not worth a count.
        const slack = 400 + holders(whole).reduce((sum, { attributes }) => sum + 6 + 12 * attributes.length, 0);
        assert.ok(maxBytes < least + slack, `${maxBytes} would do for ${least}`);
        return;
      }
      assert.ok(small.bytes <= maxBytes, `${small.bytes} > ${maxBytes}`);
      const after = Buffer.concat(small.segments);
      assert.equal(after.length, small.bytes);
      const again = shrinkSpan([Buffer.from(source)], maxBytes);
      assert.deepEqual(Buffer.concat(again?.segments ?? []), after, 'not the same twice');
      const decoded = decodeRequest(normalised(after));
      if (normalised(Buffer.from(source)).length <= maxBytes && isSame(decoded, whole)) return;
      assert.ok(hasReplacement(whole) || !hasReplacement(decoded), 'a character was cut in two');
      const counts = check(whole, source.length, decoded);
      cut += counts.cut;
      dropped += counts.dropped;
    },
  );
  fc.assert(property, { numRuns: 250, endOnFailure: true });
  assert.ok(cut > 100 && dropped > 100 && impossible > 0, `${cut} cut, ${dropped} dropped, ${impossible} impossible`);
});

/** What an unusual encoding means. */
function normalised(bytes: Buffer): Uint8Array {
  const target = new Uint8Array(bytes.length);
  const length = normalise(bytes, 0, bytes.length, target, 0);
  assert.ok(length >= 0);
  return target.subarray(0, length);
}

/** U+FFFD, which stands for bytes that are no UTF-8. */
const hasReplacement = (made: ExportTraceServiceRequest): boolean =>
  JSON.stringify(made, (_, value) => (typeof value === 'bigint' ? String(value) : value)).includes('\uFFFD');

function oneSpan(attributes: readonly KeyValue[], change: Partial<Span> = {}): Buffer {
  const made = readJson(
    '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"chat"}}]},"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"chat gpt","startTimeUnixNano":"1700000000000000000"}]}]}]}',
  );
  Object.assign(spanOf(made), change, { attributes: [...attributes] });
  return Buffer.from(encodeRequest(made));
}

function shrunk(
  message: Buffer,
  maxBytes: number,
): { made: ExportTraceServiceRequest; bytes: number; value(key: string): AnyValue | undefined } {
  const small = shrinkSpan([message], maxBytes);
  assert.ok(small !== null);
  assert.ok(small.bytes <= maxBytes);
  const made = decodeRequest(Buffer.concat(small.segments));
  return { made, bytes: small.bytes, value: (key) => spanOf(made).attributes.find((one) => one.key === key)?.value };
}

test('a span that is small enough comes back as it is', () => {
  const message = oneSpan([attribute('a', string('b'))]);
  const segments = [message];
  assert.equal(shrinkSpan(segments, message.length)?.segments, segments);
});

test('what says least goes first: repeats, then media, then embeddings, and texts only if that is not enough', () => {
  const prompt = 'Tell me about the history of cartography. '.repeat(100);
  const image = `data:image/png;base64,${encoded}`;
  const vector = { arrayValue: { values: Array.from({ length: 400 }, (_, i) => ({ doubleValue: i })) } };
  const attributes = [
    attribute('input.value', string(prompt)),
    attribute('image', string(image)),
    attribute('vector', vector),
    attribute('llm.prompt', string(prompt)),
    attribute('blob', { bytesValue: new Uint8Array(3000).fill(1) }),
    attribute('name', string('short')),
  ];
  const message = oneSpan(attributes);
  const noRepeats = shrunk(message, message.length - 2000);
  assert.deepEqual(truncated(noRepeats.made), ['llm.prompt']);
  assert.equal(noRepeats.value('llm.prompt')?.stringValue, '[spanmill: the same 4200 bytes as input.value]');
  assert.equal(noRepeats.value('input.value')?.stringValue, prompt);
  const noMedia = shrunk(message, message.length - 9000);
  assert.deepEqual(truncated(noMedia.made), ['llm.prompt', 'image', 'blob']);
  assert.match(
    noMedia.value('image')?.stringValue ?? '',
    /^\[spanmill: image\/png, 4022 bytes, sha256 [0-9a-f]{64}\]$/,
  );
  assert.match(noMedia.value('blob')?.stringValue ?? '', /^\[spanmill: bytes, 3000 bytes, sha256 [0-9a-f]{64}\]$/);
  assert.equal(noMedia.value('vector')?.arrayValue?.values.length, 400);
  const noVector = shrunk(message, 6000);
  assert.deepEqual(noVector.value('vector')?.arrayValue?.values, vector.arrayValue.values.slice(0, 8));
  assert.equal(noVector.value('input.value')?.stringValue, prompt);
  const allCut = shrunk(message, 2000);
  assert.match(
    allCut.value('input.value')?.stringValue ?? '',
    /^Tell me.*…\[spanmill: \d+ bytes cut\]….*cartography\. $/,
  );
  assert.equal(allCut.value('name')?.stringValue, 'short');
  assert.equal(spanOf(allCut.made).droppedAttributesCount, 0);
  assert.ok(allCut.bytes > 1600, `only ${allCut.bytes} of 2000 are used`);
});

test('a span that is shrunk again keeps its first size and the names of what was cut before', () => {
  const message = oneSpan([attribute('a', string('a'.repeat(4000))), attribute('b', string('b'.repeat(1500)))]);
  const first = shrinkSpan([message], 4000);
  const second = shrunk(Buffer.concat(first?.segments ?? []), 1200);
  assert.deepEqual(truncated(second.made), ['a', 'b']);
  const marks = spanOf(second.made).attributes.filter(isMark);
  assert.deepEqual(
    marks.map(({ key }) => key),
    ['spanmill.truncated', 'spanmill.original_bytes'],
  );
  assert.equal(second.value('spanmill.original_bytes')?.intValue, BigInt(message.length));
});

test('the message of the status and values of events, links, resource and scope are cut, and named with where they are', () => {
  const long = string('z'.repeat(2000));
  const made = decodeRequest(oneSpan([]));
  const span = spanOf(made);
  span.status = { message: 'x'.repeat(2000), code: 2 };
  const stack = [attribute('exception.stacktrace', long)];
  span.events = ['a', 'b'].map((name) => ({ timeUnixNano: 1n, name, attributes: stack, droppedAttributesCount: 0 }));
  made.resourceSpans[0].resource?.attributes.push(attribute('process.command_line', long));
  const small = shrunk(Buffer.from(encodeRequest(made)), 3000);
  assert.deepEqual(truncated(small.made).sort(), [
    'events[0].exception.stacktrace',
    'events[1].exception.stacktrace',
    'resource.process.command_line',
    'status.message',
  ]);
  assert.match(spanOf(small.made).status?.message ?? '', /^x+…/);
});

test('attributes are left out only when cutting values is not enough: the largest first, and they are counted', () => {
  const attributes = Array.from({ length: 200 }, (_, i) => attribute(`key.${i}`, string('v'.repeat(i % 100))));
  const message = oneSpan(attributes, { droppedAttributesCount: 5 });
  const small = shrunk(message, Math.floor(message.length / 2));
  const kept = spanOf(small.made).attributes.filter((one) => !isMark(one));
  assert.ok(kept.length < 150 && kept.length > 50, String(kept.length));
  assert.equal(spanOf(small.made).droppedAttributesCount, 5 + 200 - kept.length);
  const longestKept = Math.max(...kept.map(({ value }) => value?.stringValue?.length ?? 0));
  const gone = attributes.filter(({ key }) => !kept.some((one) => one.key === key));
  assert.ok(gone.every(({ value }) => (value?.stringValue?.length ?? 0) >= longestKept - 1));
  assert.ok(
    truncated(small.made)
      .at(-1)
      ?.match(/^… \d+ more$/),
  );
});

test('null: ids, names and keys alone are larger', () => {
  assert.equal(shrinkSpan([oneSpan([], { name: 'n'.repeat(5000) })], 4000), null);
  assert.equal(shrinkSpan([oneSpan([attribute('a', string('b'.repeat(500)))])], 60), null);
});

test('a request of two spans, or of none, is not shrunk', () => {
  const one = oneSpan([]);
  const isInternal = (error: unknown): boolean => error instanceof SpanmillError && error.code === 'INTERNAL';
  assert.throws(() => shrinkSpan([one, one], 10), isInternal);
  assert.throws(() => shrinkSpan([Buffer.alloc(0)], 10), isInternal);
});

test('random faults end in a SpanmillError, null, or something within the size', () => {
  const property = fc.property(request, fc.integer(), fc.nat(3000), (made, seed, maxBytes) => {
    try {
      const small = shrinkSpan([Buffer.from(mutate(encodeRequest(made), seededRandom(seed)))], maxBytes);
      assert.ok(small === null || small.bytes <= maxBytes);
    } catch (error) {
      assert.ok(error instanceof SpanmillError, String(error));
    }
  });
  fc.assert(property, { numRuns: 800 });
});

/** Far above what they take: only what grows with the square comes here. */
const limitMs = 30_000;

for (const [what, value] of [
  ['text', 'lorem ipsum dolor '.repeat(3_400_000)],
  ['JSON', JSON.stringify(Array.from({ length: 60_000 }, (_, i) => ({ role: 'user', content: `${i} `.repeat(150) })))],
  ['JSON of small things', `[${'{"a":1},'.repeat(7_000_000)}0]`],
  ['JSON with escapes', JSON.stringify([JSON.stringify({ text: 'say "hello"\n'.repeat(2_500_000) })])],
  ['backslashes', `["${'\\\\'.repeat(15_000_000)}"]`],
  ['base64', encoded.repeat(15_000)],
] as const) {
  test(`a span with one value of 60 MB of ${what} is cut to 4 MiB in bounded time`, () => {
    const message = oneSpan([attribute('input.value', string(value)), attribute('name', string('short'))]);
    const begun = performance.now();
    const small = shrunk(message, 4 << 20);
    const ms = performance.now() - begun;
    assert.ok(ms < limitMs, `${Math.round(ms)} ms`);
    assert.deepEqual(truncated(small.made), ['input.value']);
    const cut = small.value('input.value')?.stringValue ?? '';
    if (what.startsWith('JSON') || what === 'backslashes') JSON.parse(cut);
  });
}

for (const [what, count, length] of [
  ['100,000 attributes of 600 bytes', 100_000, 600],
  ['65,000 attributes of 60 bytes, too short to be cut', 65_000, 60],
] as const) {
  test(`a span with ${what} is shrunk in bounded time`, () => {
    const attributes = Array.from({ length: count }, (_, i) =>
      attribute(`key.${i}`, string(`${i} `.repeat(length).slice(0, length))),
    );
    const message = oneSpan(attributes);
    const begun = performance.now();
    const small = shrunk(message, 1 << 20);
    const ms = performance.now() - begun;
    assert.ok(ms < limitMs, `${Math.round(ms)} ms`);
    assert.ok(small.bytes > 900_000, `only ${small.bytes} are used`);
  });
}
