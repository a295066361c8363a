// Runs processors as a stage does, over real bytes, without the service around them.
import assert from 'node:assert/strict';
import type { ConfigIssue } from '../../../../src/component/definition.ts';
import type { ProcessorDefinition } from '../../../../src/component/processor.ts';
import { type Chain, compileChain } from '../../../../src/pipeline/chain.ts';
import { planPipeline } from '../../../../src/pipeline/plan.ts';
import { loadKernel } from '../../../../src/wire/kernel/kernel.ts';
import { createMemory, viewsOf } from '../../../../src/wire/memory.ts';
import { newOutput } from '../../../../src/wire/output.ts';
import { decodeRequest, encodeRequest } from '../../../../src/wire/reference/codec.ts';
import type { ExportTraceServiceRequest, KeyValue, Span } from '../../../../src/wire/reference/messages.ts';
import { rewriteOutcome } from '../../../../src/wire/rewriter.ts';
import { Region, Scratch } from '../../../../src/wire/stage-memory.ts';
import { TextTable } from '../../../../src/wire/text-table.ts';
import { layOut } from '../../../../src/workers/layout.ts';

/** The configuration as the schema gives it, and what is wrong with it. */
export function parseConfig(definition: ProcessorDefinition, raw: unknown): { config: unknown; issues: ConfigIssue[] } {
  const config = definition.config.parse(raw);
  return { config, issues: definition.check?.(config) ?? [] };
}

interface TestStage {
  /** What the stage makes of a request; the input's bytes stay where they are between calls. */
  run(request: ExportTraceServiceRequest): ExportTraceServiceRequest;
  /** Counts since the last call that are not 0: `dropped reason` or `metric {labels}` -> count. */
  counts(): Record<string, number>;
  readonly chain: Chain;
}

/** A stage of one processor or several, each with its configuration as a user writes it (parsed, without issues). */
export function stageOf(...processors: readonly [ProcessorDefinition, unknown][]): TestStage {
  const layout = layOut(1, 1 << 20, 32 << 20);
  const shared = viewsOf(createMemory(layout.totalBytes));
  const kernel = loadKernel(shared);
  const { region, scratch, texts, tables } = layout.contexts[0];
  const memory = {
    shared,
    kernel,
    region: new Region(region.at, region.bytes),
    scratch: new Scratch(scratch.at, scratch.bytes),
    texts: new TextTable(shared, kernel, texts),
    tables,
  };
  const plan = processors.map(([definition, raw]) => {
    const { config, issues } = parseConfig(definition, raw);
    assert.deepEqual(issues, []);
    return { id: definition.type, definition, config };
  });
  const steps = processors.flatMap(([definition]) => ('compile' in definition ? [definition] : []));
  const chain = compileChain(
    planPipeline({ id: 'traces', receivers: [], exporters: [], processors: plan }).stages[0],
    steps,
    memory,
    1024,
  );
  chain.activate();
  return {
    chain,
    run(request) {
      const bytes = encodeRequest(request);
      const { at } = layout.arena;
      shared.bytes.set(bytes, at);
      const outAt = at + (16 << 20);
      const out = newOutput(outAt, at + (32 << 20), 4096);
      const outcome = chain.run(at, bytes.length, at + (8 << 20), out);
      assert.equal(outcome, rewriteOutcome.written, chain.message);
      assert.equal(Buffer.compare(shared.bytes.slice(at, at + bytes.length), bytes), 0, 'the input was written to');
      return decodeRequest(shared.bytes.slice(outAt, out.at));
    },
    counts() {
      const counts = new Float64Array(chain.counters.length);
      chain.takeCounters(counts);
      const named: Record<string, number> = {};
      chain.counters.forEach((spec, i) => {
        if (counts[i] === 0) return;
        const reason = spec.kind === 'routed' ? spec.where : spec.kind === 'dropped' ? spec.reason : '';
        const labels = spec.kind === 'metric' ? Object.values(spec.labels).join(' ') : reason;
        named[`${spec.kind} ${labels}`] = counts[i];
      });
      return named;
    },
  };
}

/** A span with the fields that are given and a number for its id. */
export function spanOf(number: number, fields: Partial<Span> = {}): Span {
  const spanId = new Uint8Array(8);
  new DataView(spanId.buffer).setUint32(4, number + 1);
  return {
    traceId: new Uint8Array(16).fill(7),
    spanId,
    traceState: '',
    parentSpanId: new Uint8Array(0),
    flags: 0,
    name: 'GET /users',
    kind: 2,
    startTimeUnixNano: 1_700_000_000_000_000_000n,
    endTimeUnixNano: 1_700_000_000_100_000_000n,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    ...fields,
  };
}

export function requestOf(spans: Span[], resource: KeyValue[] = []): ExportTraceServiceRequest {
  return {
    resourceSpans: [
      {
        resource: { attributes: resource, droppedAttributesCount: 0, entityRefs: [] },
        scopeSpans: [
          {
            scope: { name: 'test', version: '1', attributes: [], droppedAttributesCount: 0 },
            spans,
            schemaUrl: '',
          },
        ],
        schemaUrl: '',
      },
    ],
  };
}

export function spansOf(request: ExportTraceServiceRequest): Span[] {
  return request.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}

/** The number that `spanOf` was given. */
export function numberOf(span: Span): number {
  return new DataView(span.spanId.buffer, span.spanId.byteOffset).getUint32(4) - 1;
}
