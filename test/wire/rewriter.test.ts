import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { wireCode } from '../../src/wire/codes.ts';
import { normalise } from '../../src/wire/normalise.ts';
import { decodeRequest, encodeRequest } from '../../src/wire/reference/codec.ts';
import type { ExportTraceServiceRequest, Span } from '../../src/wire/reference/messages.ts';
import { rewriteOutcome } from '../../src/wire/rewriter.ts';
import { mutate, request, requestBytes, seededRandom } from './arbitraries.ts';
import { createStage, foreignByte, processor } from './chain-support.ts';
import { sdkFixtures } from './sdk-fixtures.ts';
import { unusual } from './unusual.ts';

/** A length-delimited field with that tag. */
function withLength(tag: number, inner: Uint8Array): Uint8Array {
  const length: number[] = [];
  let n = inner.length;
  while (n > 127) {
    length.push((n & 127) | 128);
    n >>>= 7;
  }
  length.push(n);
  return Uint8Array.from(Buffer.concat([Uint8Array.of(tag, ...length), inner]));
}

/** A request as what counts: the spans, each with its resource and scope. Empty containers are not kept by the writer. */
function spansOf(decoded: ExportTraceServiceRequest): unknown[] {
  return decoded.resourceSpans.flatMap(({ resource, scopeSpans, schemaUrl, unknownFields }) =>
    scopeSpans.flatMap((scoped) =>
      scoped.spans.map((span) => ({
        resource,
        schemaUrl,
        unknownFields,
        scope: scoped.scope,
        scopeUrl: scoped.schemaUrl,
        scopeUnknown: scoped.unknownFields,
        span,
      })),
    ),
  );
}

/** Touches every span, so that the writer never copies a run as it came. */
const touching = processor('touching', ({ span }) => ({
  span() {
    const { name } = span;
    span.name = name;
  },
}));

/** Makes every header of the output an edited one. */
const editingContainers = processor('containers', ({ resource, scope, intern }) => {
  const key = intern('edited');
  return {
    resource: () => resource.attributes.set(key, 'resource'),
    scope: () => scope.attributes.set(key, 'scope'),
  };
});

for (const [name, stage] of [
  ['copied', createStage([])],
  ['rewritten', createStage([touching])],
] as const) {
  test(`every valid request comes out with the same spans when they are ${name}`, () => {
    fc.assert(
      fc.property(requestBytes, (bytes) => {
        const { outcome, output, spansIn, spansOut } = stage.run(bytes);
        assert.equal(outcome, rewriteOutcome.written);
        const before = spansOf(decodeRequest(bytes));
        assert.deepEqual(spansOf(decodeRequest(output)), before);
        assert.equal(spansIn, before.length);
        assert.equal(spansOut, before.length);
      }),
      { numRuns: 300 },
    );
  });

  test(`what the JavaScript SDK encoded comes out as it is when ${name}`, () => {
    for (const fixture of sdkFixtures) {
      const { outcome, output } = stage.run(fixture.protobuf);
      assert.equal(outcome, rewriteOutcome.written, fixture.name);
      assert.deepEqual(spansOf(decodeRequest(output)), spansOf(decodeRequest(fixture.protobuf)), fixture.name);
    }
  });
}

/** The spans of a request in canonical form: padding in fields that nobody knows means nothing. */
function canonicalSpans(bytes: Uint8Array): unknown[] {
  const target = new Uint8Array(bytes.length);
  const written = normalise(bytes, 0, bytes.length, target, 0);
  assert.ok(written >= 0, `code ${written}`);
  return spansOf(decodeRequest(target.subarray(0, written)));
}

test('legal but unusual encodings are seen, and come out right once normalised', () => {
  const stage = createStage([touching]);
  let seen = 0;
  fc.assert(
    fc.property(requestBytes, fc.integer(), (bytes, seed) => {
      const source = unusual(bytes, seededRandom(seed));
      const first = stage.run(source);
      if (first.outcome === rewriteOutcome.unusual) seen++;
      else assert.equal(first.outcome, rewriteOutcome.written);
      const { outcome, output } = stage.run(source, { normalise: true });
      assert.equal(outcome, rewriteOutcome.written);
      assert.deepEqual(spansOf(decodeRequest(output)), spansOf(decodeRequest(bytes)));
      if (first.outcome === rewriteOutcome.written) {
        assert.deepEqual(
          spansOf(decodeRequest(first.output)),
          spansOf(decodeRequest(bytes)),
          'the fast reader misread',
        );
      }
    }),
    { numRuns: 400 },
  );
  assert.ok(seen > 50, `${seen} unusual requests`);
});

test('a request cut at any byte is refused, or is a whole message by chance and then read as protobufjs reads it', () => {
  const stage = createStage([]);
  const [{ protobuf }] = sdkFixtures;
  for (let length = 0; length < protobuf.length; length++) {
    const cut = protobuf.slice(0, length);
    const { outcome, output } = stage.run(cut);
    if (outcome === rewriteOutcome.written) {
      assert.deepEqual(spansOf(decodeRequest(output)), spansOf(decodeRequest(cut)));
    } else assert.equal(outcome, rewriteOutcome.malformed, `at ${length}`);
  }
});

test('mutated requests end in a listed outcome, agree with protobufjs, and never show bytes around them', () => {
  const stage = createStage([touching]);
  const outcomes = new Map<number, number>();
  const foreign = Buffer.alloc(8, foreignByte);
  fc.assert(
    fc.property(requestBytes, fc.integer(), (bytes, seed) => {
      const source = mutate(bytes, seededRandom(seed));
      const { outcome, output, message } = stage.run(source, { normalise: true });
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      assert.ok(outcome === rewriteOutcome.written || outcome === rewriteOutcome.malformed, `${outcome} ${message}`);
      assert.ok(Buffer.from(source).includes(foreign) || !Buffer.from(output).includes(foreign));
      if (outcome === rewriteOutcome.written) {
        assert.deepEqual(canonicalSpans(output), canonicalSpans(source));
      } else assert.match(message, /not a valid ExportTraceServiceRequest/);
    }),
    { numRuns: 3000 },
  );
  assert.ok((outcomes.get(rewriteOutcome.malformed) ?? 0) > 100);
  assert.ok((outcomes.get(rewriteOutcome.written) ?? 0) > 100);
});

test('random bytes are refused or harmless', () => {
  const stage = createStage([touching]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const { outcome } = stage.run(bytes, { normalise: true });
      assert.ok(outcome === rewriteOutcome.written || outcome === rewriteOutcome.malformed);
    }),
    { numRuns: 3000 },
  );
});

test('values nested 5,000 deep are refused', () => {
  let value: Uint8Array = Uint8Array.of(0x0a, 0x01, 0x61);
  for (let i = 0; i < 5000; i++) value = withLength(0x2a, withLength(0x0a, value));
  const span = withLength(0x4a, Buffer.concat([Uint8Array.of(0x0a, 0x01, 0x6b), withLength(0x12, value)]));
  const bytes = withLength(0x0a, withLength(0x12, withLength(0x12, span)));
  const { outcome, message } = createStage([]).run(bytes);
  assert.equal(outcome, rewriteOutcome.malformed);
  assert.match(message, /nested/);
});

test('a request that does not fit leaves the output and the counters as they were', () => {
  const stage = createStage([
    processor('dropping', ({ span, dropCounter }) => {
      const counter = dropCounter('odd');
      let odd = false;
      return {
        span() {
          odd = !odd;
          if (odd) span.drop(counter);
        },
      };
    }),
  ]);
  const { protobuf } = sdkFixtures[4];
  const { outcome, output } = stage.run(protobuf, { room: 2000 });
  assert.equal(outcome, rewriteOutcome.full);
  assert.equal(output.length, 0);
  assert.deepEqual(stage.counters(), [0]);
  const again = stage.run(protobuf);
  assert.equal(again.outcome, rewriteOutcome.written);
  assert.equal(again.spansOut, 50);
  assert.deepEqual(stage.counters(), [50]);
});

test('a hook that throws refuses the request with its message', () => {
  const stage = createStage([
    processor('throwing', () => ({
      span() {
        throw new Error('condition 2 failed');
      },
    })),
  ]);
  const { outcome, message, output } = stage.run(sdkFixtures[0].protobuf);
  assert.equal(outcome, rewriteOutcome.failed);
  assert.equal(message, 'condition 2 failed');
  assert.equal(output.length, 0);
});

test('segments of at most so many spans hold all spans once, each with its resource and scope', () => {
  const stage = createStage([]);
  fc.assert(
    fc.property(requestBytes, fc.integer({ min: 1, max: 7 }), (bytes, maxSpans) => {
      const { outcome, segments } = stage.run(bytes, { maxSpans });
      assert.equal(outcome, rewriteOutcome.written);
      const parts = segments.map(({ bytes: part, spans }) => {
        const inside = spansOf(decodeRequest(part));
        assert.equal(inside.length, spans);
        return inside;
      });
      assert.ok(parts.every((part) => part.length <= maxSpans));
      assert.ok(parts.slice(0, -1).every((part) => part.length === maxSpans));
      assert.deepEqual(parts.flat(), spansOf(decodeRequest(bytes)));
    }),
    { numRuns: 200 },
  );
});

test('segments of at most so many bytes hold all spans once; one that is larger alone stands alone', () => {
  for (const stage of [createStage([]), createStage([touching]), createStage([editingContainers])]) {
    fc.assert(
      fc.property(requestBytes, fc.integer({ min: 1, max: 4000 }), (bytes, maxBytes) => {
        const whole = stage.run(bytes);
        const { outcome, segments } = stage.run(bytes, { maxBytes });
        assert.equal(outcome, rewriteOutcome.written);
        for (const { bytes: part, spans } of segments) {
          assert.ok(part.length <= maxBytes || spans <= 1, `${spans} spans in ${part.length} of ${maxBytes} bytes`);
          assert.equal(spansOf(decodeRequest(part)).length, spans);
        }
        const parts = segments.flatMap(({ bytes: part }) => spansOf(decodeRequest(part)));
        assert.deepEqual(parts, spansOf(decodeRequest(whole.output)));
      }),
      { numRuns: 150 },
    );
  }
});

test('a dropped resource drops its spans in the name of the hook that dropped it, unless an earlier one did', () => {
  const stage = createStage([
    processor('first', ({ span, dropCounter }) => {
      const counter = dropCounter('first');
      let n = 0;
      return {
        span() {
          if (n++ % 2 === 0) span.drop(counter);
        },
      };
    }),
    processor('second', ({ resource, dropCounter }) => {
      const counter = dropCounter('second');
      return { resource: () => resource.drop(counter) };
    }),
    processor('third', () => ({ span: () => assert.fail('sees a dropped item') })),
  ]);
  const { protobuf } = sdkFixtures[4];
  const { outcome, spansOut, output } = stage.run(protobuf);
  assert.equal(outcome, rewriteOutcome.written);
  assert.equal(spansOut, 0);
  assert.equal(output.length, 0);
  assert.deepEqual(stage.counters(), [50, 50]);
});

test('a span with very many edits is written as it should, in time that does not grow with their square', () => {
  const events = 65_536;
  const attributes = 60_000;
  const stage = createStage([
    processor('many', ({ span }) => ({
      span() {
        for (let e = span.attributes.count - 1; e >= 0; e--) if (e % 2 === 0) span.attributes.removeEntry(e);
        span.name = 'edited';
        for (let i = 0; i < span.eventCount; i++) if (i % 2 === 0) span.event(i)?.drop();
      },
    })),
    processor('again', ({ span }) => ({
      span() {
        for (let i = 0; i < span.eventCount; i++) if (i % 4 === 1) span.event(i)?.drop();
      },
    })),
  ]);
  // Events first, so that the edits come in another order than the bytes.
  const parts = [
    ...Array.from({ length: events }, () => Buffer.of(0x5a, 0)),
    Buffer.from('2a0161', 'hex'),
    ...Array.from({ length: attributes }, () => Buffer.from('4a030a0178', 'hex')),
  ];
  const span = withLength(0x12, Buffer.concat(parts));
  const { outcome, output } = stage.run(withLength(0x0a, withLength(0x12, span)));
  assert.equal(outcome, rewriteOutcome.written);
  const [written] = decodeRequest(output).resourceSpans[0].scopeSpans[0].spans;
  assert.equal(written.name, 'edited');
  assert.equal(written.events.length, events / 4);
  assert.equal(written.attributes.length, attributes / 2);
});

/** A request of one span with those fields. */
const oneSpan = (...fields: Uint8Array[]): Uint8Array =>
  withLength(0x0a, withLength(0x12, withLength(0x12, Buffer.concat(fields))));
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

test('an event with more attributes than its table holds refuses the request, whatever was shown before it', () => {
  const seen: string[] = [];
  const stage = createStage([
    processor('reading', ({ span }) => ({
      span() {
        for (let i = 0; i < span.eventCount; i++) seen.push(span.event(i)?.name ?? '');
      },
    })),
  ]);
  assert.equal(stage.run(oneSpan(bytesOf('5a08'), bytesOf('1206534543524554'))).outcome, rewriteOutcome.written);
  const attributes = Array.from({ length: 32_769 }, () => Uint8Array.of(0x1a, 0));
  const { outcome, message } = stage.run(oneSpan(withLength(0x5a, Buffer.concat(attributes))));
  assert.equal(outcome, rewriteOutcome.failed);
  assert.match(message, /more attributes/);
  assert.deepEqual(seen, ['SECRET']);
});

test('a value behind another field of its attribute is found', () => {
  const values: unknown[] = [];
  const stage = createStage([
    processor('reading', ({ span, intern }) => {
      const key = intern('card');
      return {
        span() {
          const entry = span.attributes.find(key);
          values.push(entry < 0 ? 'absent' : span.attributes.get(entry));
        },
      };
    }),
  ]);
  // key, key_strindex, value
  const attribute = withLength(0x4a, bytesOf('0a04636172641801' + '12060a0434313131'));
  assert.equal(stage.run(oneSpan(attribute)).outcome, rewriteOutcome.unusual);
  assert.equal(stage.run(oneSpan(attribute), { normalise: true }).outcome, rewriteOutcome.written);
  assert.equal(values.at(-1), '4111');
});

test('an unknown field with a long tag is no event', () => {
  const names: string[] = [];
  const stage = createStage([
    processor('reading', ({ span }) => ({
      span() {
        for (let i = 0; i < span.eventCount; i++) names.push(span.event(i)?.name ?? '');
      },
    })),
  ]);
  // event "a", field 2059 with the bytes of an event "b", event "c"
  const { outcome } = stage.run(oneSpan(bytesOf('5a03120161'), bytesOf('da800103120162'), bytesOf('5a03120163')));
  assert.equal(outcome, rewriteOutcome.written);
  assert.deepEqual(names, ['a', 'c']);
});

test('more than 65,536 events in one span are refused', () => {
  const events = Array.from({ length: 65_537 }, () => Uint8Array.of(0x5a, 0));
  const { outcome, message } = createStage([]).run(oneSpan(...events));
  assert.equal(outcome, rewriteOutcome.malformed);
  assert.match(message, /events or links/);
});

test('a negative status code survives a new message', () => {
  const stage = createStage([
    processor('editing', ({ span }) => ({
      span() {
        span.statusMessage = 'edited';
      },
    })),
  ]);
  const { output } = stage.run(oneSpan(bytesOf('7a0b18ffffffffffffffffff01')));
  assert.deepEqual(decodeRequest(output).resourceSpans[0].scopeSpans[0].spans[0].status, {
    message: 'edited',
    code: -1,
  });
});

test('the code of a fault names its place', () => {
  const { message } = createStage([]).run(Uint8Array.of(0x0a, 0x05, 0x12, 0x01));
  assert.match(message, /at byte \d+/);
  assert.ok(wireCode.truncated < 0);
});

test('edits of every field and kind are what protobufjs then reads', () => {
  const stage = createStage([
    processor('editing', ({ span, intern, attribute }) => {
      const added = attribute('added', 'constant');
      const keys = ['a', 'b', 'c', 'set'].map(intern);
      return {
        span() {
          span.name = 'renamed';
          span.kind = 3;
          span.traceState = 'a=b';
          span.statusCode = 2;
          span.statusMessage = 'wrong';
          span.startTimeUnixNano = 2n ** 63n + 5n;
          span.flags = 0x301;
          for (let e = 0; e < span.attributes.count; e++) if (span.attributes.live(e)) span.attributes.removeEntry(e);
          span.attributes.set(keys[3], new Map([['x', [1n, 2.5, null, true, new Uint8Array([1, 2])]]]));
          if (span.attributes.find(added.key) < 0) span.attributes.addConstant(added);
          for (let i = 0; i < span.eventCount; i++) {
            const event = span.event(i);
            if (event === null) continue;
            if (i % 2 === 0) event.drop();
            else event.name = 'edited event';
          }
        },
      };
    }),
  ]);
  fc.assert(
    fc.property(request, (made) => {
      const bytes = Uint8Array.from(encodeRequest(made));
      const { outcome, output, message } = stage.run(bytes);
      assert.equal(outcome, rewriteOutcome.written, message);
      const before = decodeRequest(bytes).resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans));
      const after = decodeRequest(output).resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans));
      assert.equal(after.length, before.length);
      after.forEach((span: Span, i) => {
        const was = before[i];
        assert.equal(span.name, 'renamed');
        assert.equal(span.kind, 3);
        assert.equal(span.traceState, 'a=b');
        assert.equal(span.status?.code, 2);
        assert.equal(span.status?.message, 'wrong');
        assert.equal(span.startTimeUnixNano, 2n ** 63n + 5n);
        assert.equal(span.endTimeUnixNano, was.endTimeUnixNano);
        assert.equal(span.flags, 0x301);
        assert.deepEqual(span.traceId, was.traceId);
        assert.deepEqual(span.links, was.links);
        assert.deepEqual(span.unknownFields, was.unknownFields);
        assert.deepEqual(span.attributes.map(({ key }) => key).sort(), ['added', 'set']);
        assert.equal(span.events.length, Math.floor(was.events.length / 2));
        assert.ok(span.events.every(({ name }) => name === 'edited event'));
        assert.deepEqual(
          span.events.map(({ attributes }) => attributes),
          was.events.filter((_, n) => n % 2 === 1).map(({ attributes }) => attributes),
        );
      });
    }),
    { numRuns: 200 },
  );
});
