// A runtime in this process: fed through an intake that the test holds, exporting into a list.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import pino from 'pino';
import { z } from 'zod';
import type { StoredQueue } from '../../../src/component/capabilities.ts';
import { defineExporter, defineExtension, defineReceiver } from '../../../src/component/define.ts';
import { directDelivery } from '../../../src/component/delivery-fields.ts';
import type { DeliveryOptions, ExportResult } from '../../../src/component/exporter.ts';
import type { Extension } from '../../../src/component/extension.ts';
import type { ProcessorDefinition } from '../../../src/component/processor.ts';
import type { Intake, RequestInfo, RequestOutcome } from '../../../src/component/receiver.ts';
import type { ResolvedConfig } from '../../../src/config/resolved.ts';
import { forward } from '../../../src/connectors/forward/index.ts';
import { SpanmillError } from '../../../src/errors.ts';
import { createRuntime, type ReloadSummary, type Runtime } from '../../../src/pipeline/runtime.ts';
import { memoryLimiter } from '../../../src/processors/memory_limiter/index.ts';
import { idsOf } from '../../e2e/support/spans.ts';

/** A request that was set aside, with the processors of its stage. */
interface Aside {
  readonly bytes: Buffer;
  readonly component: string;
  readonly spans: number;
  readonly isJson: boolean;
}

export interface BenchStep {
  readonly definition: ProcessorDefinition;
  /** As YAML would have it. */
  readonly config?: unknown;
}

export interface BenchOptions {
  readonly steps: readonly BenchStep[];
  /** Of a second pipeline, which is then behind the first and sends to the exporters in its place. */
  readonly behind?: readonly BenchStep[];
  readonly workers?: number;
  /** What all that is held may take; default 16 MiB. */
  readonly budgetBytes?: number;
  /** Names of exporters; each is a list of its own. Default: one. */
  readonly exporters?: readonly string[];
  /** What the exporters are configured with: another value makes another exporter. */
  readonly exporterConfig?: unknown;
  /** As for the exporters. */
  readonly receiverConfig?: unknown;
  /** Its id; default `held`. `intake` is that of the first. */
  readonly receiver?: string;
  /** Called when a receiver starts, before it does. */
  starting?(): Promise<void>;
  readonly jobLimitMs?: number;
  /** `storage` names the storage of the bench, which is in memory and has one open queue for each owner. */
  readonly delivery?: DeliveryOptions;
  /** Answers an export; default: accepted. The message is a copy; `exporter`: its id and configuration. */
  exports?(message: Buffer, ids: readonly string[], exporter: string): Promise<ExportResult>;
}

export interface RuntimeBench {
  readonly runtime: Runtime;
  readonly intake: Intake;
  /** Messages that were exported, in order, and the ids of their spans. */
  readonly exported: Buffer[];
  /** Ids of spans by the exporter and the configuration that it had. */
  readonly exportedBy: Map<string, string[]>;
  /** What components did: `start held {}`, `drain held {}`, `stop list {}`. */
  readonly events: string[];
  /** With these instead of the options before. */
  reload(options: BenchOptions): Promise<ReloadSummary>;
  exportedIds(): string[];
  readonly aside: Aside[];
  /** Lines of the log. */
  readonly log: string[];
  send(message: Buffer, metadata?: Readonly<Record<string, string>>): Promise<RequestOutcome>;
  /** Drains and checks that nothing is left and that the account balances. */
  settle(): Promise<{ received: number; exported: number; dropped: number; failed: number; rejected: number }>;
}

const stepOf = ({ definition, config = {} }: BenchStep, i: number) => ({
  id: `${definition.type}/${i}`,
  definition,
  config: definition.config.parse(config),
});

const sinkType = 'list';
const sourceType = 'held';

/** What every component of the bench does when it starts and ends: it says so, `start`, `drain` or `stop`. */
function lifeOf({ on }: { on(event: string): void }) {
  const tell = (event: string) => async (): Promise<void> => on(event);
  return {
    start: tell('start'),
    drain: tell('drain'),
    stop: tell('stop'),
    addresses: () => [],
    metricValues: () => [],
  };
}

export async function startRuntime(t: TestContext, first: BenchOptions): Promise<RuntimeBench> {
  let options = first;
  const exported: Buffer[] = [];
  const exportedBy = new Map<string, string[]>();
  const events: string[] = [];
  const aside: Aside[] = [];
  const log: string[] = [];
  let intake: Intake | null = null;
  const source = defineReceiver({
    ...described(sourceType, 'receiver'),
    create(config, host) {
      const name = `${host.id} ${JSON.stringify(config)}`;
      const life = lifeOf({ on: (event) => events.push(`${event} ${name}`) });
      return {
        ...life,
        /** One with `stuck` has a client that never ends, or does not obey its deadline either. */
        async drain(deadlineMs: number) {
          await life.drain();
          if (name.includes('stuck')) await new Promise((resolve) => setTimeout(resolve, deadlineMs));
          if (name.includes('for ever')) await new Promise(() => undefined);
        },
        async start() {
          await options.starting?.();
          if (JSON.stringify(config).includes('taken')) throw new SpanmillError('LISTEN', 'the address is taken');
          await life.start();
          intake = host.intake;
        },
      };
    },
  });
  const sink = defineExporter({
    ...described(sinkType, 'exporter'),
    delivery: () => options.delivery ?? directDelivery,
    create(config, { id }) {
      const name = `${id} ${JSON.stringify(config)}`;
      return {
        ...lifeOf({ on: (event) => events.push(`${event} ${name}`) }),
        async export({ segments }) {
          const message = Buffer.concat(segments);
          const ids = idsOf(message);
          const result = (await options.exports?.(message, ids, name)) ?? ({ kind: 'accepted' } as const);
          if (result.kind === 'accepted') {
            exported.push(message);
            exportedBy.set(name, [...(exportedBy.get(name) ?? []), ...ids]);
          }
          return result;
        },
      };
    },
  });
  const storage = defineExtension({
    ...described('storage', 'extension'),
    offers: () => ['storage'],
    create: inMemory,
  });
  const limit = (budgetBytes = 16 << 20) => ({ ...memoryLimiter, budgetBytes: () => budgetBytes });
  const configOf = (one: BenchOptions): ResolvedConfig => ({
    receivers: [{ id: one.receiver ?? sourceType, definition: source, config: one.receiverConfig ?? {} }],
    exporters: (one.exporters ?? [sinkType]).map((id) => ({ id, definition: sink, config: one.exporterConfig ?? {} })),
    connectors: one.behind === undefined ? [] : [{ id: 'forward', definition: forward, config: {} }],
    extensions: [{ id: 'storage', definition: storage, config: {} }],
    pipelines: [
      {
        id: 'traces',
        receivers: [one.receiver ?? sourceType],
        processors: [
          { id: 'memory_limiter', definition: limit(one.budgetBytes) as ProcessorDefinition, config: {} },
          ...one.steps.map(stepOf),
        ],
        exporters: one.behind === undefined ? (one.exporters ?? [sinkType]) : ['forward'],
      },
      ...(one.behind === undefined
        ? []
        : [
            {
              id: 'traces/behind',
              receivers: ['forward'],
              processors: one.behind.map(stepOf),
              exporters: one.exporters ?? [sinkType],
            },
          ]),
    ],
    workers: one.workers ?? 1,
    telemetry: {
      logs: { level: 'info', encoding: 'json', outputPaths: [], initialFields: {}, showValues: false, sampling: null },
      metrics: { level: 'none', address: null },
    },
    admin: null,
  });
  const runtime = createRuntime({
    config: configOf(options),
    log: pino({ level: 'info' }, { write: (line: string) => void log.push(line) }),
    workerEntry: new URL('./misbehaving-entry.ts', import.meta.url),
    totalMemoryBytes: 1 << 30,
    ...(options.jobLimitMs === undefined ? {} : { jobLimitMs: options.jobLimitMs }),
    setAside: (bytes, component, spans, isJson) => void aside.push({ bytes, component, spans, isJson }),
  });
  await runtime.start();
  t.after(() => runtime.stop());
  const held = intake as Intake | null;
  assert.ok(held);
  return {
    runtime,
    intake: held,
    exported,
    exportedBy,
    events,
    reload(next) {
      options = next;
      return runtime.reload(configOf(next));
    },
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

/** A storage that keeps nothing beyond the process. */
function inMemory(): Extension {
  const open = new Set<string>();
  const storage = {
    async open(owner: string): Promise<StoredQueue> {
      if (open.has(owner)) throw new SpanmillError('STORAGE', `the stored queue of ${owner} is open already`);
      open.add(owner);
      const kept = new Map<number, Buffer>();
      let last = 0;
      return {
        recovered: [],
        async append(segments, spans, tag) {
          const bytes = Buffer.concat([...segments]);
          kept.set(++last, bytes);
          return { key: last, spans, bytes: bytes.length, tag };
        },
        read: async ({ key }) => kept.get(key) ?? Buffer.alloc(0),
        async remove(entries) {
          for (const { key } of entries) kept.delete(key);
        },
        close: async () => void open.delete(owner),
      };
    },
  };
  const nothing = (): Promise<void> => Promise.resolve();
  return { offers: { storage }, start: nothing, stop: nothing, addresses: () => [] };
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
