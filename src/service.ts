// A running service in a process: the runtime with its log, metrics and signals, and the last line with the account.
import { mkdirSync, writeFile } from 'node:fs';
import { hostname, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { RunningService } from './cli.ts';
import type { ResolvedConfig } from './config/resolved.ts';
import type { Issue } from './config/source.ts';
import { createDeliverySource } from './delivery/metrics.ts';
import { createRuntime, type Runtime } from './pipeline/runtime.ts';
import { createLedgerSource } from './telemetry/ledger-source.ts';
import { createLog } from './telemetry/log.ts';
import { createMetricsServer } from './telemetry/metrics.ts';
import { createBatchSource, createComponentSource, createReceiverSource } from './telemetry/pipeline-source.ts';
import { createProcessSource } from './telemetry/process-source.ts';
import { createProcessorSource } from './telemetry/processor-source.ts';
import type { MetricSource } from './telemetry/source.ts';

/** Below the 30 s that Kubernetes gives a pod before it kills it. */
const drainDeadlineMs = 25_000;

export async function startService(
  config: ResolvedConfig,
  notes: readonly Issue[],
  version: string,
): Promise<RunningService> {
  const log = createLog(config.telemetry.logs);
  const { logger } = log;
  for (const note of notes) logger.debug({ file: note.file, line: note.line }, note.message);
  const runtime = createRuntime({
    config,
    log: logger,
    workerEntry: workerEntry(),
    totalMemoryBytes: memoryLimit(),
    setAside: (bytes, component) => setAside(logger, bytes, component),
  });
  const metrics = config.telemetry.metrics.address;
  const metricsServer = metrics === null ? null : createMetricsServer(metrics, metricSources(runtime, version), logger);
  try {
    await metricsServer?.start();
    await runtime.start();
  } catch (error) {
    await runtime.stop();
    await metricsServer?.stop();
    await log.close();
    throw error;
  }
  // Before anyone is told that it is ready: a signal that comes at once must drain, not kill.
  const signalled = untilSignal(logger);
  goOnAfterFaults(logger);
  logger.info({ listening: runtime.addresses(), metrics: metricsServer?.address() }, 'spanmill is ready');
  for (const address of runtime.addresses()) {
    const [protocol, at] = address.split(' ');
    if (protocol === 'grpc') logger.info(`send traces with OTEL_EXPORTER_OTLP_ENDPOINT=http://${at}`);
  }
  const done = signalled.then(async (ended) => {
    await Promise.race([runtime.drain(drainDeadlineMs), ended.again]);
    const balanced = logAccount(runtime, logger);
    await metricsServer?.stop();
    await log.close();
    return balanced ? 0 : 1;
  });
  return { done };
}

/** After the start nothing exits the process: a fault in one place is said, and the rest goes on. */
function goOnAfterFaults(log: Logger): void {
  const say = (error: unknown): void => {
    const stack = error instanceof Error ? error.stack : String(error);
    log.error({ stack }, 'a fault in spanmill itself; it goes on, please report this');
  };
  process.on('uncaughtException', say);
  process.on('unhandledRejection', say);
}

/** Resolves at the first SIGTERM or SIGINT; `again` at the second, which ends the drain. */
async function untilSignal(log: Logger): Promise<{ readonly again: Promise<void> }> {
  const next = (): Promise<NodeJS.Signals> =>
    new Promise((resolve) => {
      process.once('SIGTERM', resolve);
      process.once('SIGINT', resolve);
    });
  const signal = await next();
  process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT');
  log.info({ signal }, 'draining: no new requests, exporting what was accepted');
  const again = next().then((second) => {
    log.warn({ signal: second }, 'second signal: ending without waiting for the backends');
  });
  return { again };
}

/** The last line: where every span went. False when something is unaccounted for, which is a bug. */
function logAccount(runtime: Runtime, log: Logger): boolean {
  let balanced = true;
  for (const account of runtime.accounts) {
    for (const exporter of account.exporters) {
      const summary = account.summary(exporter);
      if (summary.remainder !== 0) balanced = false;
      const failed = Object.fromEntries(exporter.failed);
      log.info({ pipeline: account.id, exporter: exporter.id, ...summary, failedBy: failed }, 'account');
    }
  }
  if (!balanced) log.error('the account does not balance: please report this with the lines above');
  return balanced;
}

function metricSources(runtime: Runtime, version: string): MetricSource[] {
  return [
    createProcessSource({ 'service.name': 'spanmill', 'service.version': version, 'host.name': hostname() }),
    createReceiverSource(() =>
      runtime.receiverStats.map(({ receiver, acceptedSpans, refusedSpans, refusedRequests }) => ({
        receiver,
        transport: 'grpc',
        acceptedSpans,
        refusedSpans,
        failedSpans: 0,
        refusedRequests,
      })),
    ),
    createComponentSource(runtime.receivers),
    createProcessorSource(runtime.accounts),
    createBatchSource(() =>
      runtime.stages.flatMap(({ plan, batches, partitions }) =>
        plan.batching === null
          ? []
          : [
              {
                processor: plan.batching.id,
                sendSize: batches.sizes,
                sizeTriggers: batches.size,
                timeoutTriggers: batches.timeout,
                metadataCardinality: partitions,
              },
            ],
      ),
    ),
    createDeliverySource(() => [...runtime.outlets.values()].map(({ delivery }) => delivery.stats)),
    createLedgerSource(() => runtime.accounts.flatMap((account) => [...account.rows()])),
  ];
}

/** In a checkout the sources themselves, in a build what became of them. */
function workerEntry(): URL {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return new URL(`./workers/entry${extension}`, import.meta.url);
}

/** What the cgroup allows, else what the machine has. */
function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem();
}

/** No sender may fill the disk: beyond this the log line is all. */
const mostAsideBytes = 256 << 20;
let asideCount = 0;
let asideBytes = 0;
function setAside(log: Logger, bytes: Buffer, component: string): void {
  asideBytes += bytes.length;
  if (asideBytes > mostAsideBytes) {
    log.error({ component, bytes: bytes.length }, 'a request made a worker fail twice; too many are set aside already');
    return;
  }
  const folder = join(tmpdir(), 'spanmill-dead-letter');
  const file = join(folder, `${new Date().toISOString().replaceAll(':', '-')}-${process.pid}-${++asideCount}.pb`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    log.error({ error: String(error), component }, 'a request that made workers fail could not be set aside');
    return;
  }
  writeFile(file, bytes, { mode: 0o600 }, (error) => {
    if (error)
      log.error({ error: String(error), component }, 'a request that made workers fail could not be set aside');
    else log.error({ file, component, bytes: bytes.length }, 'a request made a worker fail twice and was set aside');
  });
}
