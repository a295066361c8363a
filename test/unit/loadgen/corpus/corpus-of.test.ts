import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildCorpus, corpusOf } from '../../../../loadgen/corpus/build.ts';
import type { CorpusOptions } from '../../../../loadgen/corpus/corpus.ts';
import { sdkRequestsOf } from '../../../../loadgen/corpus/sdk.ts';
import { sourcesOf } from '../../../../loadgen/corpus/sources.ts';
import { SpanmillError } from '../../../../src/errors.ts';
import { decodeBody, spansIn } from './expected.ts';
import { toyOptions } from './toy-traces.ts';

const yaml = `
description: a test
export: { spans: 300 }
resources:
  app: { attributes: { service.name: app }, scope: { name: lib } }
traces:
  - { root: outer }
spans:
  outer: { resource: app, duration: 1ms, children: [ { span: inner, count: 3 } ] }
  inner: { resource: app, duration: 5ms..10ms, attributes: { id: { pattern: 'r-{hex:9}' } } }
`;

const optionsFor = (text: string): CorpusOptions => ({ ...toyOptions, profile: { name: 'p.yaml', text, parts: [] } });

test('corpusOf draws the profile of its options, and sdkRequestsOf the same requests', () => {
  const corpus = corpusOf(optionsFor(yaml));
  assert.equal(corpus.spans, corpus.traces * 4);
  assert.ok(corpus.spans >= 65_536);
  const names = spansIn(decodeBody(corpus, 0)).map(({ name }) => name);
  assert.deepEqual(new Set(names), new Set(['outer', 'inner']));
  assert.ok(corpus.bytes.equals(buildCorpus(optionsFor(yaml), sourcesOf(optionsFor(yaml))).bytes));
  const { requests } = sdkRequestsOf(optionsFor(yaml));
  assert.deepEqual(
    requests,
    corpus.requests.map(({ first, spans, delayNs }) => ({ first, spans, delayNs })),
  );
});

test('a profile with issues is refused with all of them, each at its place', () => {
  const broken = yaml.replace('root: outer', 'root: other').replace('duration: 1ms', 'duration: fast');
  assert.throws(
    () => corpusOf(optionsFor(broken)),
    (error) => {
      assert.ok(error instanceof SpanmillError);
      assert.match(error.message, /p\.yaml:9:\d+ CONFIG_\w+ .*fast/);
      return true;
    },
  );
  assert.throws(
    () => sdkRequestsOf(optionsFor(yaml.replace('root: outer', 'root: other'))),
    (error) => {
      assert.ok(error instanceof SpanmillError);
      assert.match(error.message, /^p\.yaml:7:\d+ CONFIG_\w+ /);
      return true;
    },
  );
});
