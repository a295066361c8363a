// The router's decisions over real bytes: of each pipeline behind it, by the gate that stands in front of it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Config } from '../../../../src/connectors/routing/index.ts';
import { routing } from '../../../../src/connectors/routing/index.ts';
import { connectorKey } from '../../../../src/lib/client-keys.ts';
import { decodeRequest, encodeRequest } from '../../../../src/wire/reference/codec.ts';
import { readJson } from '../../../../src/wire/reference/json-reader.ts';
import { rewriteOutcome } from '../../../../src/wire/rewriter.ts';
import { createStage } from '../../../wire/chain-support.ts';

type Attributes = Readonly<Record<string, string>>;
type Table = readonly Readonly<Record<string, unknown>>[];

const keyValues = (attributes: Attributes) =>
  Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));

/** Resources by name, each with spans of those names; a span has itself as its attribute `is`. */
function requestOf(resources: Readonly<Record<string, readonly string[]>>): Uint8Array {
  let id = 0;
  const resourceSpans = Object.entries(resources).map(([service, spans]) => ({
    resource: { attributes: keyValues({ service }) },
    scopeSpans: [
      {
        scope: { name: `scope of ${service}` },
        spans: spans.map((name) => ({
          traceId: '01'.repeat(16),
          spanId: (++id).toString(16).padStart(16, '0'),
          name,
          attributes: keyValues({ is: name }),
        })),
      },
    ],
  }));
  return encodeRequest(readJson(JSON.stringify({ resourceSpans })));
}

interface Behind {
  readonly spans: readonly string[];
  readonly outcome: number;
  /** `route pipeline` -> spans. */
  readonly routes: Readonly<Record<string, number>>;
  readonly elsewhere: number;
  readonly nowhere: number;
  readonly warnings: readonly string[];
}

interface Around {
  readonly defaults?: readonly string[];
  readonly errorMode?: Config['error_mode'];
  readonly metadata?: Readonly<Record<string, readonly string[]>>;
  readonly isMarked?: boolean;
}

const parsed = (table: Table, { defaults = [], errorMode }: Around = {}): Config =>
  routing.config.parse({
    table,
    default_pipelines: defaults,
    ...(errorMode === undefined ? {} : { error_mode: errorMode }),
  }) as Config;

const sent = { shop: ['a', 'b'], bare: ['a', 'c'], empty: ['d'] };

/** What comes to each of the pipelines a, b, … of the table and of the defaults, the first of which counts what gets nowhere. */
function route(table: Table, around: Around = {}): Readonly<Record<string, Behind>> {
  const config = parsed(table, around);
  assert.deepEqual(routing.check?.(config), []);
  const { gate } = routing;
  assert.ok(gate);
  const names = [...new Set(routing.targets?.(config).map(({ pipeline }) => pipeline))].sort();
  const results = names.map((pipeline, i): [string, Behind] => {
    const place = { connector: 'routing', pipeline, isMarked: around.isMarked ?? false, isFirst: i === 0 };
    const stage = createStage([gate.definition], [gate.config(config, place)]);
    stage.chain.metadata = around.metadata ?? {};
    const { outcome, output } = stage.run(requestOf(sent));
    const counts = stage.counters();
    const sum = (where: string): number =>
      stage.chain.counters.reduce(
        (all, spec, n) => all + (spec.kind === 'routed' && spec.where === where ? counts[n] : 0),
        0,
      );
    const routes: Record<string, number> = {};
    stage.chain.counters.forEach((spec, n) => {
      if (spec.kind === 'metric' && counts[n] > 0) routes[spec.labels.route] = counts[n];
    });
    const spans = outcome === rewriteOutcome.written ? namesIn(output) : [];
    const warnings = stage.chain.takeWarnings().map(({ message }) => message);
    return [pipeline, { spans, outcome, routes, elsewhere: sum('elsewhere'), nowhere: sum('nowhere'), warnings }];
  });
  return Object.fromEntries(results);
}

const namesIn = (output: Uint8Array): string[] =>
  decodeRequest(output).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name }) => `${resource?.attributes[0]?.value?.stringValue}/${name}`),
    ),
  );

const spansOf = (behind: Readonly<Record<string, Behind>>) =>
  Object.fromEntries(Object.entries(behind).map(([pipeline, { spans }]) => [pipeline, spans]));

const everything = ['shop/a', 'shop/b', 'bare/a', 'bare/c', 'empty/d'];
const ofService = (service: string, pipelines: readonly string[], more = {}) => ({
  condition: `attributes["service"] == "${service}"`,
  pipelines,
  ...more,
});
const ofSpan = (is: string, pipelines: readonly string[], more = {}) => ({
  context: 'span',
  condition: `attributes["is"] == "${is}"`,
  pipelines,
  ...more,
});

describe('where spans go', () => {
  test('a resource goes with all of its spans to the pipelines of the first route that matches, the rest to the default', () => {
    const table = [ofService('shop', ['a', 'b']), ofService('shop', ['c']), ofService('bare', ['b'])];
    assert.deepEqual(spansOf(route(table, { defaults: ['d'] })), {
      a: ['shop/a', 'shop/b'],
      b: ['shop/a', 'shop/b', 'bare/a', 'bare/c'],
      c: [],
      d: ['empty/d'],
    });
  });

  test('by the span a resource is split, and routes of both kinds are tried in the order of the table', () => {
    const table = [ofSpan('a', ['a']), ofService('bare', ['b']), ofSpan('c', ['c']), ofSpan('b', ['c'])];
    assert.deepEqual(spansOf(route(table, { defaults: ['d'] })), {
      a: ['shop/a', 'bare/a'],
      b: ['bare/c'],
      c: ['shop/b'],
      d: ['empty/d'],
    });
  });

  test('a copy goes on to the routes behind and to the default, and comes to a pipeline once', () => {
    const table = [ofSpan('a', ['a'], { action: 'copy' }), ofService('shop', ['a', 'b'])];
    assert.deepEqual(spansOf(route(table, { defaults: ['a', 'c'] })), {
      a: everything,
      b: ['shop/a', 'shop/b'],
      c: ['bare/a', 'bare/c', 'empty/d'],
    });
  });

  test('what takes no route is for nobody without default pipelines, and one gate counts it', () => {
    const behind = route([ofSpan('a', ['b']), ofSpan('c', ['a'], { action: 'copy' })]);
    assert.deepEqual(spansOf(behind), { a: ['bare/c'], b: ['shop/a', 'bare/a'] });
    assert.deepEqual([behind.a.elsewhere, behind.a.nowhere], [2, 2]);
    assert.deepEqual([behind.b.elsewhere, behind.b.nowhere], [3, 0]);
  });

  test('each gate counts the spans of each route that leads there', () => {
    const behind = route([ofSpan('a', ['a', 'b']), ofService('bare', ['a'])], { defaults: ['b'] });
    assert.deepEqual(behind.a.routes, { 'table[0]': 2, 'table[1]': 1 });
    assert.deepEqual(behind.b.routes, { 'table[0]': 2, default_pipelines: 2 });
  });

  test('a statement that removes attributes does so where it matches, and those behind it see that', () => {
    const withoutService = { statement: 'delete_key(attributes, "service") where attributes["service"] == "shop"' };
    const moved = route([{ ...withoutService, pipelines: ['a'] }], { defaults: ['b'] });
    assert.deepEqual(spansOf(moved), { a: ['undefined/a', 'undefined/b'], b: everything.slice(2) });
    const copied = route([{ ...withoutService, action: 'copy', pipelines: ['a'] }, ofService('shop', ['c'])], {
      defaults: ['b'],
    });
    const all = ['undefined/a', 'undefined/b', ...everything.slice(2)];
    assert.deepEqual(spansOf(copied), { a: all.slice(0, 2), b: all, c: [] });
    const statement = 'delete_matching_keys(attributes, "^i") where attributes["is"] == "a"';
    const bySpan = route([{ context: 'span', statement, action: 'copy', pipelines: ['a'] }, ofSpan('a', ['b'])]);
    assert.deepEqual(spansOf(bySpan), { a: ['shop/a', 'bare/a'], b: [] });
  });

  test('by a header of the request all of it goes, over gRPC as over HTTP', () => {
    const table = [
      { context: 'request', condition: 'request["X-Org"] == "acme"', pipelines: ['a'] },
      ofSpan('a', ['b']),
    ];
    const all = { a: everything, b: [], c: [] };
    const defaults = ['c'];
    assert.deepEqual(spansOf(route(table, { defaults, metadata: { 'x-org': ['acme'] } })), all);
    assert.deepEqual(spansOf(route(table, { defaults, metadata: { 'grpc.x-org': ['other', 'acme'] } })), all);
    assert.deepEqual(spansOf(route(table, { defaults, metadata: { 'x-org': ['other'] } })).a, []);
  });

  test('without a context the paths say which it is, and paths without one are of the resource', () => {
    const conditions = [
      'attributes["service"] == "shop"',
      'resource.attributes["service"] == "shop"',
      'span.name == "c"',
      'scope.name == "scope of empty" and span.attributes["is"] != nil',
      'instrumentation_scope.name == "scope of empty"',
    ];
    const taken = conditions.map((condition) => route([{ condition, pipelines: ['a'] }]).a.spans);
    const shop = ['shop/a', 'shop/b'];
    assert.deepEqual(taken, [shop, shop, ['bare/c'], ['empty/d'], ['empty/d']]);
  });

  test('the older form is a statement with the function route', () => {
    const take = (statement: string, more = {}) => route([{ statement, pipelines: ['a'], ...more }]).a.spans;
    assert.deepEqual(take('route() where attributes["service"] == "bare"'), ['bare/a', 'bare/c']);
    assert.deepEqual(take('route() where attributes["is"] == "b"', { context: 'span' }), ['shop/b']);
    assert.deepEqual(take('route()'), everything);
  });

  test('a route by something that a traces pipeline does not have never matches', () => {
    const table = [{ context: 'log', condition: 'body == "x"', pipelines: ['a'] }, ofSpan('d', ['b'])];
    assert.deepEqual(spansOf(route(table, { defaults: ['c'] })), { a: [], b: ['empty/d'], c: everything.slice(0, 4) });
  });

  test('where a pipeline has other sources too, the gate lets through what did not come by its connector', () => {
    const table = [ofSpan('a', ['a'])];
    const spans = (connector: readonly string[]) =>
      route(table, { isMarked: true, metadata: { [connectorKey]: connector } }).a.spans;
    assert.deepEqual(spans(['routing']), ['shop/a', 'bare/a']);
    assert.deepEqual(spans(['forward']), everything);
    assert.deepEqual(spans([]), everything);
  });
});

describe('a condition that fails', () => {
  const failing = { context: 'span', condition: 'ParseJSON(attributes["is"]) == 1', pipelines: ['a'] };
  const table = [ofService('shop', ['b']), failing, ofSpan('c', ['b'])];

  test('propagate, the default: refuses the request behind every pipeline alike', () => {
    const behind = route(table, { defaults: ['c'] });
    for (const { outcome, elsewhere, routes } of Object.values(behind)) {
      assert.equal(outcome, rewriteOutcome.failed);
      assert.deepEqual([elsewhere, routes], [0, {}]);
    }
  });

  test('propagate: is not asked where no span gets so far', () => {
    const behind = route([{ statement: 'route()', pipelines: ['b'] }, failing]);
    assert.deepEqual(spansOf(behind), { a: [], b: everything });
  });

  test('ignore: the next route is tried, and a warning says which one failed', () => {
    const behind = route(table, { defaults: ['c'], errorMode: 'ignore' });
    assert.deepEqual(spansOf(behind), { a: [], b: ['shop/a', 'shop/b', 'bare/c'], c: ['bare/a', 'empty/d'] });
    assert.equal(behind.a.warnings.length, 1);
    assert.match(behind.a.warnings[0], /^table\[1\]: .*treated as not matching: ParseJSON/);
  });

  test('silent: the same without a word', () => {
    const behind = route(table, { defaults: ['c'], errorMode: 'silent' });
    assert.deepEqual([behind.b.spans.length, behind.a.warnings], [3, []]);
  });
});

const problems = (table: Table) =>
  (routing.check?.(parsed(table)) ?? []).map(({ path, code, offset }) => [path.join('.'), code, offset]);
const advice = (table: Table) =>
  (routing.advise?.(parsed(table)) ?? []).map(({ path, message, offset }) => [path.join('.'), message, offset]);

describe('what is wrong with a table', () => {
  test('is pointed at in the condition or statement that has it', () => {
    const p = ['a'];
    const rows: readonly [object, ...unknown[]][] = [
      [{ pipelines: p }, 'table.0', 'CONFIG_MISSING', undefined],
      [{ pipelines: p, condition: 'true', statement: 'route()' }, 'table.0.statement', 'CONFIG_CONFLICT', undefined],
      [{ pipelines: p, context: 'request', statement: 'route()' }, 'table.0.statement', 'CONFIG_CONFLICT', undefined],
      [{ pipelines: p, context: 'request', condition: 'request["a"] > "b"' }, 'table.0.condition', 'CONFIG_OTTL', 13],
      [{ pipelines: p, condition: 'attributes["a"] = "b"' }, 'table.0.condition', 'CONFIG_OTTL', 16],
      [{ pipelines: p, condition: 'span.nam == "b"' }, 'table.0.condition', 'CONFIG_OTTL', 5],
      [{ pipelines: p, condition: 'spanevent.name == "b"' }, 'table.0.condition', 'CONFIG_OTTL', 0],
      [{ pipelines: p, condition: 'name == "b"' }, 'table.0.condition', 'CONFIG_OTTL', 0],
      [{ pipelines: p, statement: 'route() where nme == 1', context: 'span' }, 'table.0.statement', 'CONFIG_OTTL', 14],
      [{ pipelines: p, statement: 'set(attributes["a"], "b")' }, 'table.0.statement', 'CONFIG_OTTL', 0],
      [{ pipelines: p, statement: 'delete_key(atributes, "a") where true' }, 'table.0.statement', 'CONFIG_OTTL', 11],
      [{ pipelines: p, statement: 'route( where true' }, 'table.0.statement', 'CONFIG_OTTL', 13],
    ];
    for (const [item, ...expected] of rows) assert.deepEqual(problems([{ ...item }]), [expected], JSON.stringify(item));
  });

  test('a route that changes a resource has none by the span beside it', () => {
    const statement = 'delete_key(resource.attributes, "service") where attributes["is"] == "a"';
    assert.deepEqual(problems([ofService('shop', ['a']), { context: 'span', statement, pipelines: ['a'] }]), [
      ['table.1.statement', 'CONFIG_OTTL', 0],
    ]);
  });

  test('of older files match_once may say what is so: the first route that matches decides', () => {
    const table = [ofService('shop', ['a'])];
    assert.ok(routing.config.safeParse({ table, match_once: true }).success);
    const { error } = routing.config.safeParse({ table, match_once: false });
    assert.match(error?.issues[0].message ?? '', /action: copy/);
  });

  test('a table is not empty, and a route has a pipeline and a known action', () => {
    for (const table of [
      [],
      [{ condition: 'true', pipelines: [] }],
      [{ condition: 'true', pipelines: ['a'], action: 'x' }],
    ]) {
      assert.equal(routing.config.safeParse({ table }).success, false, JSON.stringify(table));
    }
  });

  test('routes that nothing reaches, or that never match, are warned of', () => {
    const never = { context: 'metric', condition: 'name == "x"', pipelines: ['a'] };
    const table = [
      ofService('shop', ['a']),
      ofService('shop', ['b']),
      never,
      { statement: 'route() where 1 == 2', pipelines: ['a'] },
      { condition: '1 == 1', pipelines: ['a'] },
      ofSpan('a', ['a']),
    ];
    assert.deepEqual(advice(table), [
      ['table.1.condition', 'never matches: table[0] has the same condition', undefined],
      ['table.2.context', 'never matches: a traces pipeline has no metric', undefined],
      ['table.3.statement', 'never holds: it does nothing', 14],
      ['table.4.condition', 'always holds, whatever the item', 0],
      ['table.5.condition', 'is never tried: table[4] comes first and takes everything', undefined],
    ]);
  });
});
