// The filter over real bytes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SpanProcessorDefinition } from '../../../../src/component/processor.ts';
import { filter } from '../../../../src/processors/filter/index.ts';
import { decodeRequest, encodeRequest } from '../../../../src/wire/reference/codec.ts';
import type { ExportTraceServiceRequest, Span } from '../../../../src/wire/reference/messages.ts';
import { rewriteOutcome } from '../../../../src/wire/rewriter.ts';
import { createStage } from '../../../wire/chain-support.ts';
import { sampleRequest } from '../../ottl/sample.ts';

/** Two resources (shop, bare) with two spans each, of the names a and b; the sample's attributes and events on each. */
function request(): ExportTraceServiceRequest {
  const resourceSpans = ['shop', 'bare'].map((service) => {
    const [holder] = sampleRequest().resourceSpans;
    const [scopeSpans] = holder.scopeSpans;
    const [span] = scopeSpans.spans;
    if (service === 'bare') holder.resource = { attributes: [], droppedAttributesCount: 0, entityRefs: [] };
    const named = (name: string): Span => ({ ...structuredClone(span), name });
    scopeSpans.spans = [named('a'), named('b')];
    if (service === 'bare' && scopeSpans.scope !== undefined) scopeSpans.scope.name = 'other';
    return holder;
  });
  return { resourceSpans };
}

interface Result {
  /** `service/name/events` of each span that stayed. */
  readonly spans: readonly string[];
  readonly outcome: number;
  readonly drops: Readonly<Record<string, number>>;
  /** Events that went, by condition. */
  readonly eventDrops: Readonly<Record<string, number>>;
  readonly warnings: readonly string[];
}

function run(raw: unknown): Result {
  const definition = filter as SpanProcessorDefinition;
  const config = definition.config.parse(raw);
  assert.deepEqual(definition.check?.(config) ?? [], []);
  const stage = createStage([definition], [config]);
  const { outcome, output } = stage.run(encodeRequest(request()));
  const counts = stage.counters();
  const drops: Record<string, number> = {};
  const eventDrops: Record<string, number> = {};
  stage.chain.counters.forEach((spec, i) => {
    if (spec.kind === 'dropped' && counts[i] > 0) drops[spec.reason] = counts[i];
    const isOfEvents = spec.kind === 'metric' && spec.metric === 'spanmill_processor_filter_dropped_events';
    if (isOfEvents && counts[i] > 0) eventDrops[spec.labels.rule] = counts[i];
  });
  const warnings = stage.chain.takeWarnings().map(({ message }) => message);
  const spans = outcome === rewriteOutcome.written ? decodeRequest(output).resourceSpans.flatMap(namesOf) : [];
  return { spans, outcome, drops, eventDrops, warnings };
}

function namesOf({ resource, scopeSpans }: ExportTraceServiceRequest['resourceSpans'][number]): string[] {
  const service = resource?.attributes.length === 0 ? 'bare' : 'shop';
  return scopeSpans.flatMap(({ spans }) =>
    spans.map(({ name, events }) => `${service}/${name}/${events.map((event) => event.name).join('+')}`),
  );
}

const events = 'exception+retry';
const everything = [`shop/a/${events}`, `shop/b/${events}`, `bare/a/${events}`, `bare/b/${events}`];

describe('filter', () => {
  it('keeps everything without conditions', () => {
    for (const raw of [
      {},
      { traces: {} },
      { trace_conditions: [] },
      { error_mode: 'IGNORE', trace_conditions: [{ context: 'span' }, { conditions: [] }] },
      { traces: { span: [] } },
      { spans: {} },
      { traces: null },
    ]) {
      assert.deepEqual(run(raw).spans, everything);
    }
  });

  it('drops the spans that any of the conditions matches, and counts each under its own reason', () => {
    const { spans, drops } = run({ traces: { span: ['name == "zzz"', 'name == "a"'] } });
    assert.deepEqual(spans, [everything[1], everything[3]]);
    assert.deepEqual(drops, { 'traces.span[1]': 2 });
  });

  it('drops a resource with all of its spans', () => {
    const { spans, drops } = run({ traces: { resource: ['attributes["service.name"] == "shop"'] } });
    assert.deepEqual(spans, everything.slice(2));
    assert.deepEqual(drops, { 'traces.resource[0]': 2 });
  });

  it('drops a scope with all of its spans', () => {
    const { spans, drops } = run({ trace_conditions: ['scope.name == "other"'] });
    assert.deepEqual(spans, everything.slice(0, 2));
    assert.deepEqual(drops, { 'trace_conditions[0]': 2 });
  });

  it('removes events, counts them, and keeps their span', () => {
    const { spans, drops, eventDrops } = run({
      traces: { spanevent: ['attributes["n"] == 4', 'event_index == 7', 'name == "exception"'] },
    });
    assert.deepEqual(eventDrops, { 'traces.spanevent[0]': 4 }, 'each once, for the condition that was first');
    assert.deepEqual(
      spans,
      everything.map((text) => text.replace(events, 'retry')),
    );
    assert.deepEqual(drops, {});
  });

  it('removes the events of several conditions, seen from the span', () => {
    const { spans } = run({
      trace_conditions: ['spanevent.name == "retry" and span.name == "a"', 'spanevent.event_index == 0'],
    });
    assert.deepEqual(spans, ['shop/a/', 'shop/b/retry', 'bare/a/', 'bare/b/retry']);
  });

  it('takes a text in place of a list, with commas between conditions', () => {
    assert.deepEqual(run({ traces: { span: 'name == "a"' } }).spans, [everything[1], everything[3]]);
    const raw = { trace_conditions: [{ context: 'span', conditions: 'name == "a",name == "b"' }] };
    assert.deepEqual(run(raw).drops, {
      'trace_conditions[0].conditions[0]': 2,
      'trace_conditions[0].conditions[1]': 2,
    });
  });

  it('gives each of the plain conditions a context of its own', () => {
    const { spans } = run({ trace_conditions: ['span.name == "a"', 'spanevent.name == "retry"'] });
    assert.deepEqual(spans, ['shop/b/exception', 'bare/b/exception']);
  });

  it('takes groups with context, error mode and paths without prefix', () => {
    const { spans, drops } = run({
      trace_conditions: [
        { context: 'resource', conditions: ['attributes["service.name"] == nil'] },
        { error_mode: 'silent', conditions: ['span.name == "a"', 'resource.attributes["host"] == "none"'] },
      ],
    });
    assert.deepEqual(spans, [everything[1]]);
    assert.deepEqual(drops, { 'trace_conditions[0].conditions[0]': 2, 'trace_conditions[1].conditions[0]': 1 });
  });

  it('runs a group in the lowest context that one of its conditions names', () => {
    const { spans } = run({ trace_conditions: [{ conditions: ['span.name == "a"', 'spanevent.name == "retry"'] }] });
    assert.deepEqual(spans, ['shop/a/', 'shop/b/exception', 'bare/a/', 'bare/b/exception']);
  });

  it('knows the schema URLs of containers in any context', () => {
    const { spans } = run({
      trace_conditions: ['span.name == "a" and resource.schema_url == "https://example.com/resource"'],
    });
    assert.deepEqual(spans, [everything[1], everything[3]]);
  });

  const failing = 'attributes["str"] + 1 == 2';
  it('treats a condition that fails as not matching, and reports it once with its text', () => {
    const { spans, warnings } = run({ traces: { span: [failing, 'name == "a"'] } });
    assert.deepEqual(spans, [everything[1], everything[3]]);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /traces\.span\[0\]: cannot compute a string \+ an int/);
    assert.ok(warnings[0].includes(failing));
    assert.ok(!warnings[0].includes('hello'), 'values stay private');
  });
  it('says nothing in error mode silent', () => {
    const { spans, warnings } = run({ error_mode: 'silent', traces: { span: [failing] } });
    assert.deepEqual(spans, everything);
    assert.deepEqual(warnings, []);
  });
  it('refuses the request in error mode propagate', () => {
    assert.equal(run({ error_mode: 'propagate', traces: { span: [failing] } }).outcome, rewriteOutcome.failed);
  });
  it('warns at load of a condition that can never hold, at its place', () => {
    const [issue] =
      filter.advise?.(filter.config.parse({ traces: { span: ['kind == 1', 'kind == 2 and name == 5'] } })) ?? [];
    assert.deepEqual({ path: issue.path, offset: issue.offset }, { path: ['traces', 'span', 1], offset: 14 });
    assert.match(issue.message, /always false/);
  });

  it('takes include and exclude of the oldest form', () => {
    const strict = { match_type: 'strict', services: ['shop'] };
    const regexp = { match_type: 'regexp', span_names: ['^a$'] };
    const { spans, drops } = run({ spans: { include: strict, exclude: regexp } });
    assert.deepEqual(spans, [everything[1]]);
    assert.deepEqual(drops, { 'spans.include': 2, 'spans.exclude': 1 });
  });
});

describe('the configuration of a filter', () => {
  const definition = filter as SpanProcessorDefinition;
  const table: readonly (readonly [raw: unknown, issues: readonly unknown[]])[] = [
    [{ traces: { span: ['name == "x"', 'nam == "x"'] } }, [['traces.span.1', 'CONFIG_OTTL', 0]]],
    [{ traces: { spanevent: ['name == SPAN_KIND'] } }, [['traces.spanevent.0', 'CONFIG_OTTL', 8]]],
    [{ trace_conditions: ['span.name == "x"', 'name == "x"'] }, [['trace_conditions.1', 'CONFIG_OTTL', 0]]],
    [
      { trace_conditions: [{ conditions: ['span.name =='] }] },
      [['trace_conditions.0.conditions.0', 'CONFIG_OTTL', 12]],
    ],
    [
      { trace_conditions: [{ context: 'resource', conditions: ['IsMatch(schema_url, "a(?=b)")'] }] },
      [['trace_conditions.0.conditions.0', 'CONFIG_OTTL', 22]],
    ],
    [
      { trace_conditions: ['span.name == "x"', { conditions: ['span.name == "x"'] }] },
      [['trace_conditions.1', 'CONFIG_CONFLICT', undefined]],
    ],
    [{ trace_conditions: ['span.name == "x"'], traces: { span: [] } }, [['traces', 'CONFIG_CONFLICT', undefined]]],
    [
      { traces: { span: [] }, spans: { include: { match_type: 'strict', services: ['a'] } } },
      [['spans', 'CONFIG_CONFLICT', undefined]],
    ],
    [
      { spans: { exclude: { match_type: 'regexp', span_names: ['ok', 'a(?=b)'] } } },
      [['spans.exclude.span_names.1', 'CONFIG_REGEXP', 1]],
    ],
    [
      { spans: { exclude: { match_type: 'strict', span_kinds: ['SERVER'] } } },
      [['spans.exclude.span_kinds.0', 'CONFIG_VALUE', undefined]],
    ],
  ];
  for (const [raw, issues] of table) {
    it(`${JSON.stringify(raw)} has ${issues.length} problem`, () => {
      const found = definition.check?.(definition.config.parse(raw)) ?? [];
      assert.deepEqual(
        found.map(({ path, code, offset }) => [path.join('.'), code, offset]),
        issues,
      );
    });
  }

  it('refuses what is not its own', () => {
    for (const raw of [
      { error_mode: 'loud' },
      { span: [] },
      { traces: { spans: [] } },
      { spans: { include: { match_type: 'strict' } } },
    ]) {
      assert.equal(definition.config.safeParse(raw).success, false, JSON.stringify(raw));
    }
  });
  it('takes the keys of other signals without effect', () => {
    assert.deepEqual(run({ logs: { log_record: ['x'] }, metric_conditions: ['y'] }).spans, everything);
  });
  it('examples are configurations', async () => {
    const { parse } = await import('yaml');
    for (const { yaml } of definition.examples) run(parse(yaml));
  });
});
