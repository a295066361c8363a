// What another configuration of connectors changes of the pipelines around them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../../src/config/read-config.ts';
import type { ResolvedConfig } from '../../../src/config/resolved.ts';
import { planReload } from '../../../src/pipeline/reload-plan.ts';
import { registry } from '../../../src/registry.ts';

/** A router to a and b, and a pipeline that has nothing to do with it. */
function config({
  condition = 'attributes["x"] == "1"',
  a = 'routing',
  processors = '',
  exporters = 'nop',
} = {}): ResolvedConfig {
  const text = [
    'receivers: {otlp: {protocols: {grpc: }}}',
    'processors: {attributes: {actions: [{key: a, from_context: metadata.x-user, action: insert}]}}',
    'exporters: {nop: , nop/2: }',
    'connectors:',
    '  forward:',
    `  routing: {default_pipelines: [traces/b], table: [{condition: '${condition}', pipelines: [traces/a]}]}`,
    'service:',
    '  pipelines:',
    '    traces/other: {receivers: [otlp], exporters: [nop, forward]}',
    '    traces: {receivers: [otlp], exporters: [routing]}',
    `    traces/a: {receivers: [${a}], exporters: [nop]}`,
    `    traces/b: {receivers: [routing, forward], processors: [${processors}], exporters: [${exporters}]}`,
  ].join('\n');
  const read = readConfig({ files: ['a'], sets: [], env: {}, readFile: () => text, registry, cores: 2 });
  assert.ok(read.config, JSON.stringify(read.errors));
  return read.config;
}

const change = (now: ResolvedConfig) => {
  const { pipelines, rewired } = planReload(config(), now, false);
  return { changed: [...pipelines.changed].sort(), rewired: [...rewired].sort() };
};

test('the same connectors change nothing', () => {
  assert.deepEqual(change(config()), { changed: [], rewired: [] });
});

test('another routing table changes the pipelines behind the router, and not those in front of it', () => {
  const now = config({ condition: 'attributes["x"] == "2"' });
  assert.deepEqual(change(now), { changed: ['traces/a', 'traces/b'], rewired: [] });
});

test('other exporters behind a connector change nothing in front of it', () => {
  assert.deepEqual(change(config({ exporters: 'nop/2' })), { changed: ['traces/b'], rewired: ['traces/b'] });
});

test('what a pipeline begins to ask of clients changes all in front of it, which have to pass it on', () => {
  const now = config({ processors: 'attributes' });
  assert.deepEqual(change(now), { changed: ['traces', 'traces/b', 'traces/other'], rewired: [] });
});

test('a second source changes the gate: it has to know what came through its connector', () => {
  const now = config({ a: 'routing, otlp' });
  assert.deepEqual(change(now), { changed: ['traces/a'], rewired: [] });
});
