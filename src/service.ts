// A running service in a process: the runtime with its log, metrics and signals, and the last line with the account.
import { totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { RunningService, StartOptions } from './cli.ts';
import type { ResolvedConfig } from './config/resolved.ts';
import { type AdminAddress, createAdminServer } from './control/admin-server.ts';
import { BoundServer, type PreparedChange } from './control/bound-server.ts';
import { logAccounts } from './control/log-accounts.ts';
import { metricSources } from './control/metric-sources.ts';
import { Reloader } from './control/reloader.ts';
import { createSetAside } from './control/set-aside.ts';
import { announceDrain, terminations } from './control/termination.ts';
import { watchFiles } from './control/watch-files.ts';
import { createRuntime, type ReloadSummary, type Runtime } from './pipeline/runtime.ts';
import { createLog, type ServiceLog } from './telemetry/log.ts';
import { createMetricsServer } from './telemetry/metrics.ts';

/** Below the 30 s that Kubernetes gives a pod before it kills it. */
const drainDeadlineMs = 25_000;
/** What a second signal gives clients to be told, and threads to end. */
const mostStopMs = 1000;
/** What is left of that when load balancers were waited for. */
const leastDrainMs = 10_000;

/** What the configuration says of the process, as it is in use. */
interface Process {
  readonly log: ServiceLog;
  readonly runtime: Runtime;
  readonly metrics: BoundServer<AdminAddress>;
  readonly admin: BoundServer<AdminAddress>;
  config: ResolvedConfig;
}

export async function startService(
  config: ResolvedConfig,
  { notes, reader, watch }: StartOptions,
  version: string,
): Promise<RunningService> {
  const log = createLog(config.telemetry.logs);
  const { logger } = log;
  for (const note of notes) logger.debug({ file: note.file, line: note.line }, note.message);
  const runtime: Runtime = createRuntime({
    config,
    log: logger,
    workerEntry: workerEntry(),
    totalMemoryBytes: memoryLimit(),
    setAside: createSetAside(logger, () => runtime.deadLetter()),
  });
  const reloader = new Reloader({ reader, log: logger, apply: (next) => applyConfig(running, next) });
  const sources = metricSources(runtime, reloader.stats, version);
  const running: Process = {
    log,
    runtime,
    metrics: new BoundServer((address) => createMetricsServer(address, sources, logger)),
    admin: new BoundServer((address) => createAdminServer(address, () => reload('admin'))),
    config,
  };
  /** Not before all has started: one that is asked for earlier comes then. */
  const started = Promise.withResolvers<void>();
  const reload = async (cause: string) => {
    await started.promise;
    const report = await reloader.request(cause);
    watching?.refresh();
    return report;
  };
  process.on('SIGHUP', () => void reload('SIGHUP'));
  // Before anyone is listened to: a signal that comes while the last receivers start must drain what the first have taken.
  const nextSignal = terminations();
  const signalled = nextSignal();
  const isUp = await Promise.race([bringUp(running), signalled.then(() => false)]);
  goOnAfterFaults(logger);
  const watching =
    watch && isUp
      ? watchFiles({ files: () => reader.files(), changed: () => void reload('a file has changed'), log: logger })
      : null;
  if (isUp) {
    sayReady(running);
    started.resolve();
  }
  const done = signalled.then(async (signal) => {
    watching?.stop();
    reloader.close();
    const delayMs = await announceDrain(runtime, logger, nextSignal);
    logger.info({ signal }, 'draining: no new requests, exporting what was accepted');
    const again = nextSignal().then(async (another) => {
      logger.warn({ signal: another }, 'another signal: ending without waiting for the backends');
      await Promise.race([runtime.stop(), sleep(mostStopMs, undefined, { ref: false })]);
    });
    await Promise.race([runtime.drain(Math.max(drainDeadlineMs - delayMs, leastDrainMs)), again]);
    const balanced = logAccounts(runtime.accounts, logger);
    await stopServers(running);
    await log.close();
    return balanced ? 0 : 1;
  });
  return { done };
}

/** Starts all of it, and gives up all of it when one part cannot start. */
async function bringUp(running: Process): Promise<boolean> {
  const { runtime, metrics, admin, config, log } = running;
  try {
    (await metrics.prepare(config.telemetry.metrics.address)).commit();
    await runtime.start();
    (await admin.prepare(config.admin)).commit();
    return true;
  } catch (error) {
    // Told to end meanwhile: who drains it closes the rest.
    if (runtime.state() === 'draining') return false;
    await runtime.stop();
    await stopServers(running);
    await log.close();
    throw error;
  }
}

function sayReady({ runtime, metrics, admin, log: { logger } }: Process): void {
  const listening = runtime.addresses();
  const adminAddress = admin.address();
  logger.info(
    { listening, metrics: metrics.address(), ...(adminAddress === '' ? {} : { admin: adminAddress }) },
    'spanmill is ready',
  );
}

async function stopServers({ metrics, admin }: Process): Promise<void> {
  await admin.stop();
  await metrics.stop();
}

/** Takes another configuration into use as a whole, or rejects and changes nothing. */
async function applyConfig(running: Process, next: ResolvedConfig): Promise<ReloadSummary> {
  const { config, runtime } = running;
  const prepared: PreparedChange[] = [];
  let summary: ReloadSummary;
  try {
    prepared.push(running.log.prepare(next.telemetry.logs));
    prepared.push(await running.metrics.prepare(next.telemetry.metrics.address));
    prepared.push(await running.admin.prepare(next.admin));
    summary = await runtime.reload(next);
  } catch (error) {
    for (const change of prepared) change.cancel();
    throw error;
  }
  for (const change of prepared) change.commit();
  running.config = next;
  const needsRestart = [...summary.needsRestart];
  if (!isDeepStrictEqual(config.telemetry.logs.initialFields, next.telemetry.logs.initialFields)) {
    needsRestart.push('service.telemetry.logs.initial_fields');
  }
  const isSame = isDeepStrictEqual([config.telemetry, config.admin], [next.telemetry, next.admin]);
  return { ...summary, outcome: isSame ? summary.outcome : 'applied', needsRestart };
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
