// A runtime in this process: fed through an intake that the test holds, exporting into a list.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import pino from 'pino';
import { z } from 'zod';
import { defineExporter, defineReceiver } from '../../../src/component/define.ts';
import { directDelivery } from '../../../src/component/delivery-fields.ts';
import type {
  DeliveryOptions,
  ExportResult,
  Intake,
  ProcessorDefinition,
  RequestInfo,
  RequestOutcome,
} from '../../../src/component/types.ts';
import type { ResolvedConfig } from '../../../src/config/resolved.ts';
import { createRuntime, type Runtime } from '../../../src/pipeline/runtime.ts';
import { memoryLimiter } from '../../../src/processors/memory_limiter/index.ts';
import { idsOf } from '../../e2e/support/spans.ts';

export interface BenchStep {
  readonly definition: ProcessorDefinition;
  /** As YAML would have it. */
  readonly config?: unknown;
}

export interface BenchOptions {
  readonly steps: readonly BenchStep[];
  readonly workers?: number;
  /** What all that is held may take; default 16 MiB. */
  readonly budgetBytes?: number;
  readonly jobLimitMs?: number;
  readonly delivery?: DeliveryOptions;
  /** Answers an export; default: accepted. The message is a copy. */
  exports?(message: Buffer, ids: readonly string[]): Promise<ExportResult>;
}

export interface RuntimeBench {
  readonly runtime: Runtime;
  readonly intake: Intake;
  /** Messages that were exported, in order, and the ids of their spans. */
  readonly exported: Buffer[];
  exportedIds(): string[];
  /** Requests that were set aside, with the processors of their stage. */
  readonly aside: { readonly bytes: Buffer; readonly component: string }[];
  /** Lines of the log. */
  readonly log: string[];
  send(message: Buffer, metadata?: Readonly<Record<string, string>>): Promise<RequestOutcome>;
  /** Drains and checks that nothing is left and that the account balances. */
  settle(): Promise<{ received: number; exported: number; dropped: number; failed: number; rejected: number }>;
}

const sinkType = 'list';
const sourceType = 'held';

export async function startRuntime(t: TestContext, options: BenchOptions): Promise<RuntimeBench> {
  const exported: Buffer[] = [];
  const aside: { bytes: Buffer; component: string }[] = [];
  const log: string[] = [];
  let intake: Intake | null = null;
  const source = defineReceiver({
    ...described(sourceType, 'receiver'),
    create(_config, host) {
      intake = host.intake;
      const nothing = async (): Promise<void> => {};
      return { start: nothing, drain: nothing, stop: nothing, addresses: () => [], metricValues: () => [] };
    },
  });
  const sink = defineExporter({
    ...described(sinkType, 'exporter'),
    delivery: () => options.delivery ?? directDelivery,
    create: () => ({
      start: async () => {},
      stop: async () => {},
      async export({ segments }) {
        const message = Buffer.concat(segments);
        const result = (await options.exports?.(message, idsOf(message))) ?? ({ kind: 'accepted' } as const);
        if (result.kind === 'accepted') exported.push(message);
        return result;
      },
    }),
  });
  const limit = {
    id: 'memory_limiter',
    definition: { ...memoryLimiter, budgetBytes: () => options.budgetBytes ?? 16 << 20 },
  };
  const config: ResolvedConfig = {
    receivers: [{ id: sourceType, definition: source, config: {} }],
    exporters: [{ id: sinkType, definition: sink, config: {} }],
    extensions: [],
    pipelines: [
      {
        id: 'traces',
        receivers: [sourceType],
        processors: [
          { ...limit, definition: limit.definition as ProcessorDefinition, config: {} },
          ...options.steps.map(({ definition, config: own = {} }, i) => ({
            id: `${definition.type}/${i}`,
            definition,
            config: definition.config.parse(own),
          })),
        ],
        exporters: [sinkType],
      },
    ],
    workers: options.workers ?? 1,
    telemetry: {
      logs: { level: 'info', encoding: 'json', outputPaths: [], initialFields: {}, sampling: null },
      metrics: { level: 'none', address: null },
    },
  };
  const runtime = createRuntime({
    config,
    log: pino({ level: 'info' }, { write: (line: string) => void log.push(line) }),
    workerEntry: new URL('./misbehaving-entry.ts', import.meta.url),
    totalMemoryBytes: 1 << 30,
    ...(options.jobLimitMs === undefined ? {} : { jobLimitMs: options.jobLimitMs }),
    setAside: (bytes, component) => void aside.push({ bytes, component }),
  });
  await runtime.start();
  t.after(() => runtime.stop());
  const held = intake as Intake | null;
  assert.ok(held);
  return {
    runtime,
    intake: held,
    exported,
    exportedIds: () => exported.flatMap((message) => idsOf(message)),
    aside,
    log,
    send: (message, metadata = {}) => send(held, message, metadata),
    async settle() {
      await runtime.drain(20_000);
      const [account] = runtime.accounts;
      const summary = account.summary(account.exporters[0]);
      assert.equal(summary.remainder, 0, JSON.stringify(summary));
      assert.equal(summary.held, 0, JSON.stringify(summary));
      const { received, exported: sent, dropped, failed, rejected } = summary;
      return { received, exported: sent, dropped, failed, rejected };
    },
  };
}

async function send(
  intake: Intake,
  message: Buffer,
  metadata: Readonly<Record<string, string>>,
): Promise<RequestOutcome> {
  const place = intake.reserve(message.length, true) ?? (await intake.reserveLater(message.length, true));
  if (place === null) return intake.refuse();
  message.copy(intake.memory, place.offset);
  const info: RequestInfo = { peer: '', metadata: (key) => (key in metadata ? [metadata[key]] : []) };
  return new Promise((resolve) => intake.submit(place, info, (_info, outcome) => resolve(outcome)));
}

function described<K extends string>(type: string, kind: K) {
  return {
    kind,
    type,
    aliases: [],
    stability: 'development',
    summary: 'for tests',
    config: z.unknown(),
    examples: [],
    metrics: [],
  } as const;
}
