// The transform over real bytes. What groups, passes and caches mean was tried on the Collector 0.155.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConfigIssue } from '../../../../src/component/definition.ts';
import type { SpanProcessorDefinition } from '../../../../src/component/processor.ts';
import { transform } from '../../../../src/processors/transform/index.ts';
import { decodeRequest, encodeRequest } from '../../../../src/wire/reference/codec.ts';
import type { AnyValue, ExportTraceServiceRequest, KeyValue, Span } from '../../../../src/wire/reference/messages.ts';
import { rewriteOutcome } from '../../../../src/wire/rewriter.ts';
import { createStage } from '../../../wire/chain-support.ts';
import { sampleRequest } from '../../ottl/sample.ts';

const definition = transform as SpanProcessorDefinition;

/** One resource and scope with two spans, `one` and `two`, each with the attribute n and an event e. */
function request(): ExportTraceServiceRequest {
  const [holder] = sampleRequest().resourceSpans;
  const [scopeSpans] = holder.scopeSpans;
  const [span] = scopeSpans.spans;
  const named = (name: string, n: bigint): Span => ({
    ...structuredClone(span),
    name,
    attributes: [{ key: 'n', value: { intValue: n }, keyStrindex: 0 }],
    events: [{ timeUnixNano: 1n, name: 'e', attributes: [], droppedAttributesCount: 0 }],
  });
  holder.resource = { attributes: [], droppedAttributesCount: 0, entityRefs: [] };
  scopeSpans.scope = { name: 'lib', version: '', attributes: [], droppedAttributesCount: 0 };
  scopeSpans.spans = [named('one', 1n), named('two', 2n)];
  return { resourceSpans: [holder] };
}

type Plain = Readonly<Record<string, unknown>>;
const plain = (attributes: readonly KeyValue[]): Plain =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]));
const plainValue = (value: AnyValue | undefined): unknown => Object.values(value ?? {})[0];

interface Result {
  readonly outcome: number;
  readonly message: string;
  readonly resource: Plain;
  readonly scope: Plain;
  /** By span name. */
  readonly spans: Readonly<Record<string, Plain>>;
  readonly events: readonly (readonly [name: string, attributes: Plain])[];
  readonly errors: Plain;
  readonly warnings: readonly string[];
  readonly samples: readonly unknown[];
}

function run(...raw: readonly unknown[]): Result {
  const configs = raw.map((one) => definition.config.parse(one));
  for (const config of configs) assert.deepEqual(definition.check?.(config) ?? [], []);
  const stage = createStage(
    raw.map(() => definition),
    configs,
  );
  const { outcome, output, message } = stage.run(encodeRequest(request()));
  const counts = stage.counters();
  const errors: Record<string, number> = {};
  stage.chain.counters.forEach((spec, i) => {
    if (spec.kind === 'metric' && counts[i] > 0) errors[spec.labels.rule] = counts[i];
  });
  const warnings = stage.chain.takeWarnings();
  const [holder] = decodeRequest(output).resourceSpans;
  const [scopeSpans] = holder?.scopeSpans ?? [];
  return {
    outcome,
    message,
    resource: plain(holder?.resource?.attributes ?? []),
    scope: plain(scopeSpans?.scope?.attributes ?? []),
    spans: Object.fromEntries((scopeSpans?.spans ?? []).map(({ name, attributes }) => [name, plain(attributes)])),
    events: (scopeSpans?.spans ?? []).flatMap(({ events }) =>
      events.map((event) => [event.name, plain(event.attributes)] as const),
    ),
    errors,
    warnings: warnings.map((warning) => warning.message),
    samples: warnings.map(({ sample }) => sample),
  };
}
const group = (context: string, ...statements: readonly string[]) => ({ context, statements });

describe('statements without groups', () => {
  it('run one after another on each item', () => {
    const { resource, spans } = run({
      trace_statements: [
        'set(resource.attributes["last"], span.name)',
        'set(span.attributes["own"], resource.attributes["last"])',
        'set(span.attributes["before"], resource.attributes["late"])',
        'set(resource.attributes["late"], "yes")',
      ],
    });
    assert.deepEqual(resource, { last: 'two', late: 'yes' });
    assert.deepEqual(spans, { one: { n: 1n, own: 'one' }, two: { n: 2n, own: 'two', before: 'yes' } });
  });

  it('run in the lowest context that one of them needs', () => {
    const { spans, events } = run({
      trace_statements: ['set(span.attributes["seen"], spanevent.name)', 'set(spanevent.attributes["of"], span.name)'],
    });
    assert.deepEqual(spans.one, { n: 1n, seen: 'e' });
    assert.deepEqual(events, [
      ['e', { of: 'one' }],
      ['e', { of: 'two' }],
    ]);
    assert.deepEqual(
      run({ trace_statements: ['set(resource.attributes["root"], true) where IsRootSpan()'] }).resource,
      {
        root: true,
      },
    );
  });

  it('have a cache that is empty for each item', () => {
    const { spans } = run({
      trace_statements: [
        'set(span.attributes["before"], span.cache["x"])',
        'set(span.cache["x"], span.name)',
        'set(span.attributes["after"], span.cache["x"])',
      ],
    });
    assert.deepEqual(spans, { one: { n: 1n, after: 'one' }, two: { n: 2n, after: 'two' } });
  });

  it('change nothing where there are none', () => {
    for (const raw of [{}, { trace_statements: [] }, { trace_statements: [{ statements: [] }] }]) {
      assert.deepEqual(run(raw).spans, { one: { n: 1n }, two: { n: 2n } });
    }
  });
});

describe('groups', () => {
  it('go over all items before the next does', () => {
    const { resource, spans } = run({
      trace_statements: [
        group('span', 'set(resource.attributes["last"], name)', 'set(attributes["own"], resource.attributes["last"])'),
        group('span', 'set(attributes["all"], resource.attributes["last"])'),
        group('resource', 'set(attributes["last"], Concat([attributes["last"], "r"], "-"))'),
        group('span', 'set(attributes["end"], resource.attributes["last"])'),
      ],
    });
    assert.deepEqual(resource, { last: 'two-r' });
    assert.deepEqual(spans.one, { n: 1n, own: 'one', all: 'two', end: 'two-r' });
    assert.deepEqual(spans.two, { n: 2n, own: 'two', all: 'two', end: 'two-r' });
  });

  it('of a higher context behind a lower one do not change what that reads', () => {
    const { spans, resource, scope } = run(
      {
        trace_statements: [
          group('resource', 'set(attributes["env"], "prod")'),
          group('scope', 'set(attributes["s"], name)'),
        ],
      },
      { trace_statements: [group('span', 'set(attributes["env"], resource.attributes["env"])')] },
      {
        trace_statements: [
          group('resource', 'delete_key(attributes, "env")'),
          group('scope', 'delete_key(attributes, "s")'),
        ],
      },
    );
    assert.deepEqual(spans.one, { n: 1n, env: 'prod' });
    assert.deepEqual([resource, scope], [{}, {}]);
  });

  it('only run on items that one of their conditions matches', () => {
    const { spans, events } = run({
      trace_statements: [
        {
          context: 'span',
          conditions: ['name == "zzz"', 'attributes["n"] == 2'],
          statements: ['set(attributes["matched"], true)'],
        },
        { conditions: ['span.name == "one"'], statements: ['set(spanevent.name, "first")'] },
      ],
    });
    assert.deepEqual(spans, { one: { n: 1n }, two: { n: 2n, matched: true } });
    assert.deepEqual(
      events.map(([name]) => name),
      ['first', 'e'],
    );
  });

  it('of events see what those before them did to the event and its span', () => {
    const { events, spans } = run({
      trace_statements: [
        group(
          'spanevent',
          'set(name, "renamed")',
          'set(attributes["i"], event_index)',
          'set(span.attributes["k"], name)',
        ),
        group('span', 'set(attributes["m"], attributes["k"])'),
        group(
          'spanevent',
          'set(attributes["was"], name)',
          'set(name, "again") where span.attributes["m"] == "renamed"',
        ),
      ],
    });
    assert.deepEqual(events[0], ['again', { i: 0n, was: 'renamed' }]);
    assert.deepEqual(spans.two, { n: 2n, k: 'renamed', m: 'renamed' });
  });
});

it('flattens the attributes of a span once more for its next event, with thousands of keys', () => {
  const sent = request();
  const [span] = sent.resourceSpans[0].scopeSpans[0].spans;
  const names = Array.from({ length: 2100 }, (_, i) => `k${i}`);
  const values = names.map((key) => ({ key, value: { intValue: 1n }, keyStrindex: 0 }));
  span.attributes = [{ key: 'a', value: { kvlistValue: { values } }, keyStrindex: 0 }];
  span.events.push(structuredClone(span.events[0]));
  const config = definition.config.parse({ trace_statements: [group('spanevent', 'flatten(span.attributes)')] });
  const { output } = createStage([definition], [config]).run(encodeRequest(sent));
  const [after] = decodeRequest(output).resourceSpans[0].scopeSpans[0].spans;
  assert.deepEqual(
    after.attributes.map(({ key }) => key),
    names.map((name) => `a.${name}`),
  );
});

describe('a statement that fails', () => {
  const failing = 'set(attributes["x"], Int(Split(name, "n"))) where attributes["n"] == 2';
  const statements = [failing, 'set(attributes["behind"], true)'];

  it('is counted and logged with a span whose values are hidden, and those behind it run', () => {
    const { outcome, spans, errors, warnings, samples } = run({ trace_statements: [{ context: 'span', statements }] });
    assert.equal(outcome, rewriteOutcome.written);
    assert.deepEqual(spans, { one: { n: 1n, behind: true }, two: { n: 2n, behind: true } });
    assert.deepEqual(errors, { 'trace_statements[0].statements[0]': 1 });
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0],
      /^trace_statements\[0\]\.statements\[0\]: .*list.*; went on behind it: set\(attributes\["x"\]/,
    );
    const [sample] = samples as [{ span: Plain; resource: unknown }];
    assert.deepEqual(
      [sample.span.name, sample.span.attributes, sample.resource],
      ['two', { n: 'an int' }, { attributes: {} }],
    );
    assert.match(String(sample.span.trace_id), /^[0-9a-f]{32}$/);
  });

  it('is logged with no text at its whole length', () => {
    const long = 'x'.repeat(100_000);
    const first = [`set(scope.name, "${long}")`, `set(scope.version, "${long}")`, `set(name, "${long}")`];
    const { samples } = run({ trace_statements: [{ context: 'span', statements: [...first, ...statements] }] });
    assert.equal(samples.length, 1);
    assert.ok(JSON.stringify(samples).length < 2000);
  });

  it('is counted only, in mode silent', () => {
    const { spans, errors, warnings } = run({
      trace_statements: [{ context: 'span', error_mode: 'silent', statements }],
    });
    assert.deepEqual(spans.two, { n: 2n, behind: true });
    assert.deepEqual([errors, warnings], [{ 'trace_statements[0].statements[0]': 1 }, []]);
  });

  it('refuses the request in mode propagate, and says which it was', () => {
    const { outcome, message, errors } = run({
      error_mode: 'propagate',
      trace_statements: [group('span', 'set(attributes["a"], 1)'), { context: 'span', statements }],
    });
    assert.equal(outcome, rewriteOutcome.failed);
    assert.match(message, /^transform: trace_statements\[1\]\.statements\[0\]: /);
    assert.deepEqual(errors, {});
  });

  it('as a condition does not match, and the next one is tried', () => {
    const conditions = ['Int(Split(name, "n")) == 1', 'name == "two"'];
    const { spans, errors } = run({
      trace_statements: [{ context: 'span', conditions, statements: ['set(attributes["a"], true)'] }],
    });
    assert.deepEqual(spans, { one: { n: 1n }, two: { n: 2n, a: true } });
    assert.deepEqual(errors, { 'trace_statements[0].conditions[0]': 2 });
  });
});

describe('the configuration', () => {
  const issues = (raw: unknown): ConfigIssue[] => definition.check?.(definition.config.parse(raw)) ?? [];

  it('cannot mix the two forms', () => {
    const [issue] = issues({ trace_statements: ['set(span.name, "x")', { statements: [] }] });
    assert.deepEqual([issue.code, issue.path], ['CONFIG_CONFLICT', ['trace_statements', 1]]);
  });

  it('is refused with every mistake, each where it stands', () => {
    const found = issues({
      trace_statements: [
        { context: 'span', conditions: ['nmae == "x"'], statements: ['set(name, "x")', 'sett(name, "x")'] },
        { statements: ['set(attributes["x"], 1)'] },
        { context: 'spanevent', statements: ['set(event_index, 1)'] },
        { context: 'resource', statements: ['set(attributes["x"], span.name)'] },
      ],
    });
    assert.deepEqual(
      found.map(({ path, offset }) => [path.slice(1).join('.'), offset]),
      [
        ['0.conditions.0', 0],
        ['0.statements.1', 0],
        ['1.statements.0', 4],
        ['2.statements.0', 4],
        ['3.statements.0', 21],
      ],
    );
    for (const { code } of found) assert.equal(code, 'CONFIG_OTTL');
  });

  it('knows which span attributes it sets, and warns of statements that never run', () => {
    const config = definition.config.parse({
      trace_statements: [
        group('span', 'set(attributes["a"], 1)', 'append(attributes["b"], "x")', 'delete_key(attributes, "c")'),
        group('resource', 'set(attributes["d"], 1) where 1 == 2'),
      ],
    });
    assert.deepEqual(definition.sets?.(config), ['a', 'b']);
    const [advice, ...more] = definition.advise?.(config) ?? [];
    assert.deepEqual([advice.path, more], [['trace_statements', 1, 'statements', 0], []]);
    assert.match(advice.message, /never runs/);
  });

  it('names the error mode in any case, and a group may have no statements', () => {
    const statements = ['set(attributes["x"], Int(Split(name, "n")))'];
    const groups = [{ context: 'span' }, { conditions: ['span.name == "x"'] }, { context: 'span', statements }];
    const { outcome, warnings } = run({ error_mode: 'SILENT', trace_statements: groups });
    assert.deepEqual([outcome, warnings], [rewriteOutcome.written, []]);
    const refused = run({ trace_statements: [{ context: 'span', error_mode: 'Propagate', statements }] });
    assert.equal(refused.outcome, rewriteOutcome.failed);
  });

  it('may hold statements for other signals', () => {
    assert.deepEqual(issues({ metric_statements: ['anything'], log_statements: [{}], flatten_data: false }), []);
  });
});
