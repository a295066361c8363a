import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { attribute, checkTrace, corpusOf, depthOf, drawTraces, mapOf, nameOf } from './drawn.ts';

const file = join(import.meta.dirname, '../../../../bench/chat.yaml');

describe("the bench's profile", () => {
  const traces = drawTraces(file, 200, 1);

  it('draws a root with seven children, of one program', () => {
    for (const trace of traces) {
      checkTrace(trace);
      assert.equal(trace.spans.length, 8);
      assert.equal(depthOf(trace), 2);
    }
    const [resource, ...others] = new Set(traces.flatMap((trace) => trace.spans.map((span) => span.resource)));
    assert.equal(others.length, 0);
    assert.deepEqual(Object.fromEntries(mapOf(resource?.attributes ?? [])), {
      'service.name': 'llm-app',
      'service.version': '1.2.3',
      'telemetry.sdk.language': 'nodejs',
      'host.name': 'host-1',
    });
  });

  it('has ten attributes and an ok status, and one in twenty is answered 500', () => {
    const spans = traces.flatMap((trace) => [...trace.spans]);
    for (const span of spans) {
      assert.equal(nameOf(span), 'chat gpt-4o-mini');
      assert.equal(span.attributes.length, 10);
      assert.equal(span.status.code, 1);
    }
    const refused = spans.filter((span) => attribute(span, 'http.response.status_code') === 500).length / spans.length;
    assert.ok(refused > 0.03 && refused < 0.07, `${refused}`);
  });

  it('takes 418 bytes a span in requests of 512, within 2 %', () => {
    const corpus = corpusOf(file, 1);
    for (const request of corpus.requests.slice(0, -1)) assert.equal(request.spans, 512);
    const bytes = corpus.bytes.length / corpus.spans;
    assert.ok(Math.abs(bytes / 418 - 1) < 0.02, `${bytes} bytes a span`);
  });
});
