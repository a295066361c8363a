import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileKeyRules } from '../../../../loadgen/sink/key-rules.ts';
import { decodeRequest } from '../../../../src/wire/reference/codec.ts';
import type { ExportTraceServiceRequest, KeyValue, Span } from '../../../../src/wire/reference/messages.ts';
import { checking, firstOf, later, noRules, origin, request, sent } from './fixture.ts';
import { changeValue, encoded, mutations, numberOf, other, type Place, placesIn } from './mutations.ts';
import { reencode, type Variation, variations } from './unusual-encoding.ts';

const rounds = 3;
const requestsTried = 40;

test('each single change of a span is called altered, by its name, and the spans beside it are not', () => {
  let tried = 0;
  const seen = new Set<string>();
  for (const [which, mutation] of mutations.entries()) {
    const { arrivals } = checking();
    for (let k = 0; k < requestsTried; k++) {
      const place = (k * 7 + which) % 6;
      const message = decodeRequest(request(k));
      const target = placesIn(message)[place];
      const pick = k * 31 + which * 3;
      const mostBefore = arrivals.counts().altered;
      const key = mutation.apply(target, pick);
      // An absent value is the empty one, and texts may be empty as they are: nothing is different then.
      if (key === null) continue;
      arrivals.take(encoded(message), later, 0);
      const { altered } = arrivals.oddities();
      assert.equal(arrivals.counts().altered, mostBefore + 1, `${mutation.what} of request ${k}`);
      const { number, what } = altered[altered.length - 1];
      assert.deepEqual({ number, what }, { number: numberOf(target.span), what: mutation.what.replace('KEY', key) });
      seen.add(key);
      tried++;
    }
  }
  assert.ok(tried > 800, `${tried}`);
  assert.ok(seen.size > 15, `only ${[...seen]} were changed`);
});

test('changes of resources and scopes are those of all their spans', () => {
  const cases: [string, (place: Place) => void][] = [
    [
      'resource attribute service.name: changed',
      ({ resource }) => changeValue(resource.resource?.attributes[0] as KeyValue),
    ],
    ['resource attribute process.pid: missing', ({ resource }) => resource.resource?.attributes.splice(1, 1)],
    [
      'resource attribute more: unexpected',
      ({ resource }) => resource.resource?.attributes.push({ key: 'more', keyStrindex: 0 }),
    ],
    [
      'resource schema URL',
      ({ resource }) => {
        resource.schemaUrl += 'x';
      },
    ],
    [
      'scope name',
      ({ scope }) => {
        if (scope.scope !== undefined) scope.scope.name = 'x';
      },
    ],
    [
      'scope version',
      ({ scope }) => {
        if (scope.scope !== undefined) scope.scope.version = '';
      },
    ],
    ['scope attribute more: unexpected', ({ scope }) => scope.scope?.attributes.push({ key: 'more', keyStrindex: 0 })],
    [
      'scope schema URL',
      ({ scope }) => {
        scope.schemaUrl = 'x';
      },
    ],
  ];
  for (const [what, apply] of cases) {
    const { arrivals } = checking();
    for (let k = 0; k < 10; k++) {
      const message = decodeRequest(request(k));
      const place = placesIn(message)[k % 6];
      const whole = what.startsWith('scope')
        ? place.scope.spans
        : place.resource.scopeSpans.flatMap(({ spans }) => spans);
      apply(place);
      const before = arrivals.counts().altered;
      arrivals.take(encoded(message), later, 0);
      const mine = arrivals.oddities().altered.slice(before);
      assert.deepEqual(
        mine,
        whole.map((span) => ({ number: numberOf(span), what })),
        `request ${k}`,
      );
    }
  }
});

test('a span that moved to another resource is altered', () => {
  const { arrivals } = checking();
  const message = decodeRequest(request(0));
  const [from, to] = message.resourceSpans;
  const [moved] = from.scopeSpans[0].spans.splice(0, 1);
  to.scopeSpans[0].spans.push(moved);
  arrivals.take(encoded(message), later, 0);
  const { altered } = arrivals.oddities();
  assert.equal(altered.length, 1);
  assert.equal(altered[0].number, numberOf(moved));
  assert.match(altered[0].what, /^resource /);
});

/** Bytes are put after those of each message of this kind whose path from the request ends so. */
const appending = (kind: string, bytes: Buffer): Variation => ({
  fields: (parts, each) => (each === kind ? [...parts, bytes] : parts),
});

test('indices into string tables, which only profiles have, are changes', () => {
  const valueIndex = Buffer.from([0x40, 5]);
  const keyIndex = Buffer.from([0x18, 5]);
  const zeroIndex = Buffer.from([0x18, 0]);
  for (const [kind, bytes, altered] of [
    ['value', valueIndex, 6],
    ['keyValue', keyIndex, 6],
    ['keyValue', zeroIndex, 0],
  ] as const) {
    const { arrivals } = checking();
    arrivals.take(reencode(request(0), appending(kind, bytes), 0), later, 0);
    assert.equal(arrivals.counts().altered, altered, `${kind} ${bytes.toString('hex')}`);
    for (const { what } of arrivals.oddities().altered) assert.match(what, /^attribute .*: changed$/);
  }
  // In the values of a map, and in a resource.
  const { arrivals } = checking();
  const message = decodeRequest(request(0));
  const { resource } = placesIn(message)[0];
  const [attribute] = resource.resource?.attributes ?? [];
  attribute.keyStrindex = 1;
  arrivals.take(encoded(message), later, 0);
  assert.equal(arrivals.oddities().altered[0].what, `resource attribute ${attribute.key}: changed`);
  const spans = resource.scopeSpans.flatMap((scope) => scope.spans);
  assert.equal(arrivals.counts().altered, spans.length);
});

test('every byte of a resource and of a scope counts, also beside those that are known', () => {
  const { arrivals } = checking();
  arrivals.take(request(0), later, 0);
  const message = decodeRequest(request(0));
  const { resource, scope } = placesIn(message)[0];
  let expected = 0;
  const attribute = resource.resource?.attributes[1] as KeyValue;
  for (let by = 1n; by <= 300n; by++) {
    attribute.value = { intValue: 1234n + by };
    arrivals.take(encoded(message), later, 0);
    expected += resource.scopeSpans.flatMap(({ spans }) => spans).length;
    assert.equal(arrivals.counts().altered, expected, `process.pid plus ${by}`);
  }
  attribute.value = { intValue: 1234n };
  for (const version of ['1.1', '1,2', '2.2', '12']) {
    if (scope.scope !== undefined) scope.scope.version = version;
    arrivals.take(encoded(message), later, 0);
    expected += scope.spans.length;
    assert.equal(arrivals.counts().altered, expected, version);
  }
});

test('more resources than are remembered are told apart all the same', () => {
  const { arrivals } = checking();
  const message = decodeRequest(request(0));
  const { resource } = placesIn(message)[0];
  const attribute = resource.resource?.attributes[1] as KeyValue;
  const spans = resource.scopeSpans.flatMap((scope) => scope.spans).length;
  const only = { ...message, resourceSpans: [resource] };
  for (let pid = 0; pid < 11_000; pid++) {
    attribute.value = { intValue: BigInt(pid) };
    arrivals.take(encoded(only), later, 0);
  }
  assert.equal(arrivals.counts().altered, spans * (11_000 - 1), 'all but the one that was sent');
});

test('spans pass as they were sent, in every round, by one comparison each', () => {
  const { arrivals, check } = checking();
  let spans = 0;
  for (let round = 0; round < rounds; round++) {
    for (let k = 0; k < requestsTried; k++) {
      spans += arrivals.take(request(round * sent.requests.length + k), later, 0);
    }
  }
  assert.deepEqual(arrivals.counts(), { distinct: spans, duplicated: 0, foreign: 0, malformed: 0, altered: 0 });
  assert.deepEqual(check.ways(), { whole: spans, recipe: 0, examined: 0 });
});

for (const [name, variation] of Object.entries(variations) as [string, Variation][]) {
  test(`not altered by encoding: ${name}`, () => {
    const { arrivals } = checking();
    let spans = 0;
    let different = 0;
    for (let round = 0; round < rounds; round++) {
      for (let k = 0; k < requestsTried; k++) {
        const body = request(round * sent.requests.length + k);
        const varied = reencode(body, variation, k + round * 1000);
        if (!varied.equals(body)) different++;
        spans += arrivals.take(varied, later, 0);
      }
    }
    assert.ok(different > requestsTried, 'the variation changes the bytes');
    assert.deepEqual(arrivals.oddities().altered.slice(0, 3), []);
    assert.deepEqual(arrivals.counts(), { distinct: spans, duplicated: 0, foreign: 0, malformed: 0, altered: 0 });
  });
  test(`still called altered where it is, though encoded otherwise: ${name}`, () => {
    const { arrivals } = checking();
    let tried = 0;
    for (const [which, mutation] of mutations.entries()) {
      const k = which % 10;
      const message = decodeRequest(request(k));
      const target = placesIn(message).find(({ span }) => span.events.length > 0 && span.links.length > 0) as Place;
      if (target === undefined) continue;
      const key = mutation.apply(target, which);
      if (key === null) continue;
      const before = arrivals.counts().altered;
      arrivals.take(reencode(encoded(message), variation, which), later, 0);
      const found = arrivals.oddities().altered.slice(before);
      assert.deepEqual(found, [{ number: numberOf(target.span), what: mutation.what.replace('KEY', key) }]);
      tried++;
    }
    assert.ok(tried > 12, `${tried}`);
  });
}

const chain = {
  ...noRules,
  attributes: compileKeyRules({
    removed: ['tokens', 'lon*'],
    added: new Map([
      ['deployment.environment', Buffer.from('\n\nproduction', 'latin1')],
      ['anything', null],
    ]),
    changed: ['request', 'list'],
  }),
};

/** What the chain of these rules does. */
function chained(message: ExportTraceServiceRequest, fresh: number): ExportTraceServiceRequest {
  for (const { span } of placesIn(message)) {
    span.attributes = span.attributes.filter(({ key }) => key !== 'tokens' && !key.startsWith('lon'));
    for (const { key, value } of span.attributes) {
      if (key === 'request' && value !== undefined) value.stringValue = `masked ${(fresh * 7919) % 10_000}`.padEnd(14);
    }
    span.attributes.push({ key: 'deployment.environment', value: { stringValue: 'production' }, keyStrindex: 0 });
    span.attributes.push({ key: 'anything', value: { intValue: BigInt(fresh % 100) }, keyStrindex: 0 });
  }
  return message;
}

test('what the chain is meant to do to attributes passes, in later rounds by recipe', () => {
  const { arrivals, check } = checking(chain);
  let spans = 0;
  for (let round = 0; round < rounds; round++) {
    for (let k = 0; k < requestsTried; k++) {
      const body = encoded(chained(decodeRequest(request(round * sent.requests.length + k)), k + round * 17));
      spans += arrivals.take(body, later, 0);
    }
  }
  assert.deepEqual(arrivals.oddities().altered.slice(0, 3), []);
  assert.equal(arrivals.counts().distinct, spans);
  const { whole, recipe, examined } = check.ways();
  assert.equal(whole, 0);
  assert.ok(examined < spans * 0.4 && recipe > spans * 0.6, `${examined} of ${spans} were examined`);
});

test('what the chain leaves undone or does beyond that is altered, by recipe and without', () => {
  const cases: [string, (span: Span) => void][] = [
    [
      'attribute deployment.environment: not added',
      (span) => {
        span.attributes = span.attributes.filter(({ key }) => key !== 'deployment.environment');
      },
    ],
    [
      'attribute deployment.environment: not the value to be added',
      (span) => changeValue(span.attributes.find(({ key }) => key === 'deployment.environment') as KeyValue),
    ],
    ['attribute anything: twice', (span) => span.attributes.push({ key: 'anything', keyStrindex: 0 })],
    ['attribute tokens: not removed', (span) => span.attributes.push({ key: 'tokens', keyStrindex: 0 })],
    ['attribute id: changed', (span) => changeValue(span.attributes.find(({ key }) => key === 'id') as KeyValue)],
    [
      'attribute request: missing',
      (span) => {
        span.attributes = span.attributes.filter(({ key }) => key !== 'request');
      },
    ],
    [
      'name',
      (span) => {
        span.name = span.name.replace(/.$/, '?');
      },
    ],
    [
      'trace id',
      (span) => {
        span.traceId = other(span.traceId, 12);
      },
    ],
  ];
  const { arrivals, check } = checking(chain);
  // The first spans come as they should, so that there is a recipe.
  for (let k = 0; k < requestsTried; k++) arrivals.take(encoded(chained(decodeRequest(request(k)), 1)), later, 0);
  assert.equal(arrivals.counts().altered, 0);
  for (const [what, apply] of cases) {
    for (let k = 0; k < 20; k++) {
      const message = chained(decodeRequest(request(sent.requests.length + k)), 2);
      const { span } = placesIn(message)[k % 6];
      apply(span);
      const before = arrivals.counts().altered;
      arrivals.take(encoded(message), later, 0);
      assert.deepEqual(arrivals.oddities().altered.slice(before), [{ number: numberOf(span), what }], `request ${k}`);
    }
  }
  assert.ok(check.ways().recipe > 500);
});

test('a key to be added that the span has already may keep its value or have the added one', () => {
  const rules = {
    ...noRules,
    attributes: compileKeyRules({ removed: [], added: new Map([['id', Buffer.from('\n\u0001x')]]), changed: [] }),
  };
  const { arrivals } = checking(rules);
  arrivals.take(request(0), later, 0);
  const upserted = decodeRequest(request(1));
  for (const { span } of placesIn(upserted)) {
    for (const { key, value } of span.attributes) if (key === 'id' && value !== undefined) value.stringValue = 'x';
  }
  arrivals.take(encoded(upserted), later, 0);
  assert.deepEqual(arrivals.counts(), { distinct: 12, duplicated: 0, foreign: 0, malformed: 0, altered: 0 });
});

test('rules for events and resources hold there and not for spans', () => {
  const rules = {
    ...noRules,
    events: compileKeyRules({ removed: ['text'], added: new Map(), changed: [] }),
    resources: compileKeyRules({ removed: [], added: new Map(), changed: ['service.name'] }),
  };
  const { arrivals } = checking(rules);
  const message = decodeRequest(request(0));
  for (const { span, resource } of placesIn(message)) {
    for (const event of span.events) event.attributes = [];
    const name = resource.resource?.attributes[0].value;
    if (name !== undefined) name.stringValue = 'masked';
  }
  arrivals.take(encoded(message), later, 0);
  assert.equal(arrivals.counts().altered, 0);
  const isRich = ({ span }: Place) => span.events.length > 1;
  const k = [...Array(requestsTried).keys()].findIndex((each) => placesIn(decodeRequest(request(each))).some(isRich));
  arrivals.take(request(k), later, 0);
  const rich = placesIn(decodeRequest(request(k))).filter(({ span }) => span.events.length > 1);
  assert.deepEqual(
    arrivals.oddities().altered,
    rich.map(({ span }) => ({ number: numberOf(span), what: 'event 2 attribute text: not removed' })),
  );
  assert.ok(rich.length > 0);
});

test('a sampler in the chain may write its member of the trace state, and nothing else of it', () => {
  const { arrivals, check } = checking({ ...noRules, writesTraceState: true });
  const withState = (k: number, state: (old: string) => string) => {
    const message = decodeRequest(request(k));
    for (const { span } of placesIn(message)) span.traceState = state(span.traceState);
    return encoded(message);
  };
  const sampled = (rv: string) => (old: string) => `ot=th:8;rv:${rv}${old === '' ? '' : `,${old}`}`;
  for (let round = 0; round < rounds; round++) {
    for (let k = 0; k < requestsTried; k++) {
      const number = round * sent.requests.length + k;
      arrivals.take(withState(number, sampled(String(number).padStart(14, '0'))), later, 0);
    }
  }
  assert.equal(arrivals.counts().altered, 0);
  assert.ok(check.ways().recipe > check.ways().examined, 'trace states that differ each time do not cost the recipe');
  const wrong = ['vendor=2', 'ot=th:8,other=1', 'other=1,ot=th:8', 'xt=th:8'];
  for (const [k, state] of wrong.entries())
    arrivals.take(
      withState(k, () => state),
      later,
      0,
    );
  assert.equal(arrivals.counts().altered, 6 * wrong.length);
  assert.ok(arrivals.oddities().altered.every(({ what }) => what === 'trace state'));
});

test('an altered span still counts as arrived', () => {
  const { arrivals } = checking();
  const message = decodeRequest(request(2, origin));
  placesIn(message)[0].span.name = 'x';
  arrivals.take(encoded(message), later, 0);
  assert.ok(arrivals.bitmap.has(firstOf(2)));
  assert.equal(arrivals.counts().distinct, 6);
});
