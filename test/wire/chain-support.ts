// A stage over a shared memory of its own, as a worker has it: for tests of views, the writer and processors.

import { z } from 'zod';
import { defineSpanProcessor } from '../../src/component/define.ts';
import type { SpanProcessorDefinition, Touch } from '../../src/component/processor.ts';
import type { StageBuilder, StageProcessor } from '../../src/component/step.ts';
import { type Chain, compileChain } from '../../src/pipeline/chain.ts';
import { planPipeline } from '../../src/pipeline/plan.ts';
import { loadKernel } from '../../src/wire/kernel/kernel.ts';
import { createMemory, type SharedMemory, viewsOf } from '../../src/wire/memory.ts';
import { newOutput } from '../../src/wire/output.ts';
import { rewriteOutcome } from '../../src/wire/rewriter.ts';
import { Region, Scratch } from '../../src/wire/stage-memory.ts';
import { TextTable } from '../../src/wire/text-table.ts';
import { layOut } from '../../src/workers/layout.ts';

const arenaBytes = 32 << 20;

export interface StageRun {
  readonly outcome: number;
  readonly message: string;
  readonly output: Uint8Array;
  readonly segments: readonly { readonly bytes: Uint8Array; readonly spans: number }[];
  readonly spansIn: number;
  readonly spansOut: number;
}

export interface StageUnderTest {
  readonly chain: Chain;
  readonly shared: SharedMemory;
  /** Position of the arena, where `run` puts the request: `inset` bytes in. */
  readonly arena: number;
  run(
    request: Uint8Array,
    limits?: { maxSpans?: number; maxBytes?: number; room?: number; normalise?: boolean },
  ): StageRun;
  counters(): readonly number[];
}

/** A processor made from its compile function alone. */
export function processor(
  type: string,
  compile: (stage: StageBuilder) => StageProcessor,
  touches: readonly Touch[] = [],
): SpanProcessorDefinition {
  return defineSpanProcessor({
    kind: 'processor',
    role: 'spans',
    type,
    aliases: [],
    stability: 'stable',
    summary: 'for a test',
    config: z.unknown(),
    examples: [],
    metrics: [],
    traits: { mutates: true, drops: true },
    passes: () => [touches],
    compile: (_config, stage) => compile(stage),
  });
}

/** Bytes before and behind each request that no output may hold. */
export const foreignByte = 0xd7;
const inset = 64;

export function createStage(
  processors: readonly SpanProcessorDefinition[],
  configs: readonly unknown[] = [],
): StageUnderTest {
  const layout = layOut(1, 8 << 20, arenaBytes);
  const shared = viewsOf(createMemory(layout.totalBytes));
  const kernel = loadKernel(shared);
  const [context] = layout.contexts;
  const chain = compileChain(
    planPipeline({
      id: 'traces',
      receivers: [],
      exporters: [],
      processors: processors.map((definition, i) => ({ id: definition.type, definition, config: configs[i] ?? {} })),
    }).stages[0],
    processors,
    {
      shared,
      kernel,
      region: new Region(context.region.at, context.region.bytes),
      scratch: new Scratch(context.scratch.at, context.scratch.bytes),
      texts: new TextTable(shared, kernel, context.texts),
      tables: context.tables,
    },
    256,
  );
  chain.activate();
  const { at } = layout.arena;
  const half = arenaBytes / 2;
  return {
    chain,
    shared,
    arena: at,
    run(request, limits = {}) {
      shared.bytes.fill(foreignByte, at, at + inset + request.length + inset);
      shared.bytes.set(request, at + inset);
      const output = newOutput(at + half, at + half + (limits.room ?? half / 2), 100_000);
      output.maxSpans = limits.maxSpans ?? Number.POSITIVE_INFINITY;
      output.maxBytes = limits.maxBytes ?? Number.POSITIVE_INFINITY;
      const normaliseTo = limits.normalise === true ? at + half + half / 2 : 0;
      const outcome = chain.run(at + inset, request.length, normaliseTo, output);
      const segments: { bytes: Uint8Array; spans: number }[] = [];
      let from = at + half;
      output.segmentEnds.forEach((end, i) => {
        segments.push({ bytes: shared.bytes.slice(from, end), spans: output.segmentSpans[i] });
        from = end;
      });
      if (output.at > from) segments.push({ bytes: shared.bytes.slice(from, output.at), spans: output.openSpans });
      return {
        outcome,
        message: outcome === rewriteOutcome.written ? '' : chain.message,
        output: shared.bytes.slice(at + half, output.at),
        segments,
        spansIn: chain.spansIn,
        spansOut: chain.spansOut,
      };
    },
    counters() {
      const values = new Float64Array(chain.counters.length);
      chain.takeCounters(values);
      return [...values];
    },
  };
}
