// Values that follow from others of their span: sums, shares, and what the duration tells.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpanShape, Value } from '../../../../loadgen/corpus/shape.ts';
import { parseProfile } from '../../../../loadgen/profile/load.ts';
import { attribute, first, named, profileText, tracesOf } from './small-profiles.ts';

const count = 200;

const spansWith = (request: object, more: Readonly<Record<string, object>> = {}): SpanShape[] =>
  tracesOf(profileText({ request, ...more }), count).map(({ spans }) => first(spans));

const double = (value: Value | undefined): number => {
  assert.ok(typeof value === 'object' && 'double' in value, `no double: ${JSON.stringify(value)}`);
  return value.double;
};

const numberOf = (value: Value | undefined): number => (typeof value === 'number' ? value : double(value));

const messagesOf = (spans: Readonly<Record<string, object>>, trace: object = {}): string[] =>
  parseProfile({ name: 'test.yaml', text: profileText(spans, {}, trace), parts: [] }).issues.map(
    ({ code, message }) => `${code} ${message}`,
  );

test('a sum is a double where a summand is one, and whole where none is', () => {
  const attributes = {
    input: { double: '0.1..0.5' },
    output: { double: 0.25 },
    calls: { int: '1..3' },
    text: 'many',
    total: { sum: ['input', 'output', 'calls', 'text'] },
    whole: { sum: ['calls', 'text'] },
  };
  for (const span of spansWith({ attributes })) {
    const calls = Number(attribute(span, 'calls'));
    const expected = double(attribute(span, 'input')) + 0.25 + calls;
    assert.ok(Math.abs(double(attribute(span, 'total')) - expected) < 1e-12);
    assert.equal(attribute(span, 'whole'), calls);
  }
});

test('a share of an attribute is a part of it, whole, and absent where the attribute is', () => {
  const attributes = {
    all: { optional: 0.8, value: { int: '10..1000' } },
    cached: { share_of: 'all', share: '0.2..0.6' },
    everything: { share_of: 'all', share: 1 },
    text: 'many',
    none: { share_of: 'text', share: 0.5 },
  };
  let absent = 0;
  for (const span of spansWith({ attributes })) {
    const all = attribute(span, 'all');
    const cached = attribute(span, 'cached');
    assert.equal(attribute(span, 'everything'), all);
    assert.equal(attribute(span, 'none'), undefined);
    if (all === undefined) {
      absent++;
      assert.equal(cached, undefined);
      continue;
    }
    assert.ok(
      Number.isInteger(cached) && Number(cached) >= Number(all) * 0.2 - 1 && Number(cached) <= Number(all) * 0.6,
    );
  }
  assert.ok(absent > 0);
});

test('duration_in is the duration of the span, with what it waited for, in its unit, or a share of it', () => {
  const attributes = {
    ns: { duration_in: 'ns' },
    ms: { duration_in: 'ms' },
    s: { duration_in: 's' },
    part: { duration_in: 'ms', share: '0.25..0.5' },
    copy: { json: { took: { attr: 'ms' } } },
  };
  const spans = spansWith(
    { duration: '1ms..9ms', attributes, children: [{ span: 'below', count: '0..3' }] },
    { below: { duration: '1ms..50ms', attributes: { own: { duration_in: 'ns' } } } },
  );
  for (const span of spans) {
    const lasted = span.endNs - span.startNs;
    assert.equal(attribute(span, 'ns'), lasted);
    assert.equal(double(attribute(span, 'ms')), lasted / 1e6);
    assert.equal(double(attribute(span, 's')), lasted / 1e9);
    const part = (double(attribute(span, 'part')) * 1e6) / lasted;
    assert.ok(part >= 0.249 && part <= 0.5, `${part}`);
    assert.equal(attribute(span, 'copy'), `{"took":${lasted / 1e6}}`);
  }
});

test('children of a span with a duration_in have their own, and errors and events know it too', () => {
  const spans = {
    request: {
      duration: '1ms',
      error: { rate: 1, message: { pattern: 'after {attr:took}' }, attributes: { took: { duration_in: 'ns' } } },
      events: [{ name: 'end', at: 'end', attributes: { after: { duration_in: 'ns' } } }],
      children: [{ span: 'below' }],
    },
    below: { duration: '1ms..50ms', attributes: { own: { duration_in: 'ns' } } },
  };
  for (const trace of tracesOf(profileText(spans), count)) {
    const [request, below] = [first(named(trace, 'request')), first(named(trace, 'below'))];
    assert.equal(attribute(below, 'own'), below.endNs - below.startNs);
    const lasted = request.endNs - request.startNs;
    assert.equal(request.status.message, `after ${lasted}`);
    assert.deepEqual(first(request.events).attributes, [['after', lasted]]);
  }
});

test('an event lies as many milliseconds after the start as an attribute of it or its span says, and within the span', () => {
  const request = {
    duration: '10ms..90ms',
    attributes: { first: { duration_in: 'ms', share: '0.1..0.9' }, late: 1000, absent: { optional: 0, value: 1 } },
    events: [
      { name: 'first', at: { ms_of: 'first' }, attributes: { first: { attr: 'first' } } },
      { name: 'own', at: { ms_of: 'after' }, attributes: { after: { double: '0.5..9.5' } } },
      { name: 'late', at: { ms_of: 'late' } },
      { name: 'absent', at: { ms_of: 'absent' } },
    ],
  };
  for (const span of spansWith({ ...request })) {
    const event = (name: string) => first(span.events.filter((one) => one.name === name));
    const ms = double(attribute(span, 'first'));
    assert.ok(Math.abs(event('first').atNs - span.startNs - ms * 1e6) <= 1);
    assert.deepEqual(event('first').attributes, [['first', { double: ms }]]);
    const [[, after] = []] = event('own').attributes;
    assert.ok(Math.abs(event('own').atNs - span.startNs - double(after) * 1e6) <= 1);
    assert.equal(event('late').atNs, span.endNs);
    assert.equal(event('absent').atNs, span.startNs);
    assert.deepEqual(
      span.events.map(({ atNs }) => atNs),
      span.events.map(({ atNs }) => atNs).sort((a, b) => a - b),
    );
  }
});

test('sum_below adds up what the first spans below on each way have, and is absent where none has it', () => {
  const spans = {
    request: {
      attributes: { n: { sum_below: 'n' }, money: { sum_below: 'cost' }, none: { sum_below: 'nothing' } },
      children: [
        { span: 'step', count: '0..3' },
        { span: 'group', chance: 0.5 },
      ],
    },
    step: { attributes: { n: { int: '1..9' }, cost: { double: '0.5..1.5' } }, children: [{ span: 'inner' }] },
    // Has none itself: those below it count.
    group: { children: [{ span: 'step', count: 2, run: 'parallel' }] },
    inner: { attributes: { n: 1000, text: 'many', nothing: 'no number' } },
  };
  let absent = 0;
  for (const trace of tracesOf(profileText(spans), count)) {
    const request = first(named(trace, 'request'));
    const steps = named(trace, 'step');
    assert.equal(attribute(request, 'none'), undefined);
    if (steps.length === 0) {
      absent++;
      assert.equal(attribute(request, 'n'), undefined);
      continue;
    }
    const sum = (key: string) => steps.reduce((all, step) => all + numberOf(attribute(step, key)), 0);
    assert.equal(attribute(request, 'n'), sum('n'));
    assert.ok(Math.abs(double(attribute(request, 'money')) - sum('cost')) < 1e-9);
  }
  assert.ok(absent > 5);
});

test('a ratio is a double, so many times, and absent without both or where it would be divided by nothing', () => {
  const attributes = {
    tokens: { int: '1..500' },
    took: { duration_in: 'ms' },
    zero: 0,
    some: { optional: 0.5, value: 8 },
    speed: { ratio: ['tokens', 'took'], times: 1000 },
    half: { ratio: ['some', 'tokens'] },
    never: { ratio: ['tokens', 'zero'] },
  };
  let absent = 0;
  for (const span of spansWith({ duration: '1ms..90ms', attributes })) {
    const tokens = numberOf(attribute(span, 'tokens'));
    const expected = (1000 * tokens) / double(attribute(span, 'took'));
    assert.ok(Math.abs(double(attribute(span, 'speed')) - expected) < 1e-9 * expected);
    assert.equal(attribute(span, 'never'), undefined);
    if (attribute(span, 'some') === undefined) absent++;
    else assert.ok(Math.abs(double(attribute(span, 'half')) - 8 / tokens) < 1e-12);
    assert.equal(attribute(span, 'half') === undefined, attribute(span, 'some') === undefined);
  }
  assert.ok(absent > 0);
});

test('per_second is as many as the duration has room for, at least one, whatever the time scale', () => {
  const text = profileText({ request: { duration: '1ms..20s', attributes: { tokens: { per_second: 40 } } } });
  for (const timeScale of [1, 0.01]) {
    for (const trace of tracesOf(text, count, { timeScale })) {
      const span = first(trace.spans);
      const seconds = (span.endNs - span.startNs) / 1e9 / timeScale;
      const tokens = numberOf(attribute(span, 'tokens'));
      assert.ok(Number.isInteger(tokens) && tokens >= 1);
      assert.ok(Math.abs(tokens - Math.max(1, seconds * 40)) <= 0.51, `${tokens} in ${seconds} s`);
    }
  }
});

test('durations are refused where they are not known yet', () => {
  const late = { took: { duration_in: 'ms' } };
  const known = /CONFIG_CONFLICT .*is known when the span has ended; what stands here is drawn before$/;
  for (const messages of [
    messagesOf({ request: { name: { pattern: 'took {attr:took}' }, attributes: late } }),
    messagesOf({ request: { trace_state: { attr: 'took' }, attributes: late } }),
    messagesOf({ request: {} }, { let: late }),
    messagesOf({
      request: { children: [{ span: 'below' }], attributes: late },
      below: { attributes: { a: { parent: 'took' } } },
    }),
    messagesOf({ request: { name: { pattern: '{attr:sum}' }, attributes: { ...late, sum: { sum: ['took'] } } } }),
    messagesOf({ request: { name: { pattern: '{attr:n}' }, attributes: { n: { per_second: 5 } } } }),
    messagesOf({ request: {} }, { let: { n: { per_second: 5 } } }),
    messagesOf({ request: {} }, { let: { n: { sum_below: 'n' } } }),
    messagesOf({
      request: { name: { pattern: '{attr:speed}' }, attributes: { ...late, speed: { ratio: ['took', 'took'] } } },
    }),
    messagesOf({ request: { name: { pattern: '{attr:all}' }, attributes: { one: 1, all: { sum_below: 'one' } } } }),
  ]) {
    assert.equal(messages.length, 1, messages.join('\n'));
    assert.match(messages[0] ?? '', known);
  }
});

test('wrong units, shares and attributes are told', () => {
  const messages = messagesOf({
    request: {
      attributes: {
        all: 1,
        unit: { duration_in: 'minutes' },
        more: { duration_in: 'ms', share: '0.5..1.5' },
        alone: { share_of: 'all' },
        three: { ratio: ['all', 'all', 'all'] },
        often: { ratio: ['all', 'al'] },
        thrice: { ratio: ['all', 'all'], times: 'three' },
        below: { sum_below: 'al' },
        fast: { per_second: 'very' },
        missing: { share_of: 'al', share: 0.5 },
      },
      events: [
        { name: 'a', at: { ms_of: 'al' } },
        { name: 'b', at: 'middle' },
      ],
    },
  });
  const expected = [
    /duration_in: /,
    /share: must be 0 to 1/,
    /needs a share/,
    /ratio: expected two attributes, found 3/,
    /no attribute "al"/,
    /times: /,
    /no span has an attribute "al"/,
    /per_second: /,
    /no attribute "al"/,
    /no attribute "al"/,
    /at: /,
  ];
  assert.equal(messages.length, expected.length, messages.join('\n'));
  for (const [i, one] of expected.entries()) assert.match(messages[i] ?? '', one);
});
