// What is said of connectors that join pipelines wrongly; the places are in test/config/cases.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../../src/config/read-config.ts';
import { testRegistry } from '../../config/test-registry.ts';

function errorsOf(connectors: string, pipelines: Readonly<Record<string, readonly [string, string]>>): string[] {
  const text = [
    'receivers: {otlp: {protocols: {grpc: }}}',
    'exporters: {debug: }',
    `connectors: {${connectors}}`,
    'service:',
    '  pipelines:',
    ...Object.entries(pipelines).map(
      ([id, [receivers, exporters]]) => `    ${id}: {receivers: [${receivers}], exporters: [${exporters}]}`,
    ),
  ].join('\n');
  const read = readConfig({ files: ['a'], sets: [], env: {}, readFile: () => text, registry: testRegistry, cores: 2 });
  return read.errors.map(({ line, message }) => `${line} ${message}`);
}

test('a circle is printed as the way round, once, from its first pipeline', () => {
  const pipelines = {
    'traces/in': ['otlp', 'forward/in'],
    'traces/c': ['forward', 'routing'],
    traces: ['routing, forward/in', 'debug, forward'],
  } as const;
  assert.deepEqual(errorsOf('forward: , forward/in: , routing: {pipelines: [traces]}', pipelines), [
    '7 pipelines that go round in a circle: traces/c -> routing -> traces -> forward -> traces/c; leave one of these connectors out',
  ]);
});

test('two circles are two errors, and the shortest way round is shown', () => {
  const pipelines = {
    traces: ['otlp, forward/2', 'forward, forward/4'],
    'traces/b': ['forward', 'forward/3'],
    'traces/c': ['forward/3, forward/4', 'forward/2'],
    'traces/d': ['otlp, forward/5', 'forward/5'],
  } as const;
  const connectors = 'forward: , forward/2: , forward/3: , forward/4: , forward/5: ';
  assert.deepEqual(errorsOf(connectors, pipelines), [
    '6 pipelines that go round in a circle: traces -> forward/4 -> traces/c -> forward/2 -> traces; leave one of these connectors out',
    '9 pipelines that go round in a circle: traces/d -> forward/5 -> traces/d; leave one of these connectors out',
  ]);
});

test('one side is not enough, and the sentence says which is missing', () => {
  const pipelines = { traces: ['otlp', 'forward'], 'traces/b': ['forward/2', 'debug'] } as const;
  assert.deepEqual(errorsOf('forward: , forward/2: ', pipelines), [
    '6 connector "forward" leads nowhere: no pipeline has it among its receivers',
    '7 nothing comes through connector "forward/2": no pipeline has it among its exporters',
  ]);
});

test('a pipeline that a connector names exists, and receives from it', () => {
  const pipelines = {
    traces: ['otlp', 'routing'],
    'traces/b': ['otlp', 'debug'],
    'traces/c': ['routing', 'debug'],
  } as const;
  assert.deepEqual(errorsOf('routing: {pipelines: [traces/b, traces/cc, traces/c]}', pipelines), [
    '3 connectors.routing.pipelines[0]: pipeline "traces/b" does not receive from "routing": add it to its receivers',
    '3 connectors.routing.pipelines[1]: there is no pipeline "traces/cc"; did you mean "traces/c"?',
  ]);
});
