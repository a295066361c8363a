// Takes another configuration into use when somebody asks for it: reads, checks, applies, and says what came of it. One at a
// time; those who ask meanwhile share the next one. A configuration that is wrong changes nothing.
import type { Logger } from 'pino';
import type { ConfigReader } from '../config/read-config.ts';
import type { ResolvedConfig } from '../config/resolved.ts';
import type { Issue } from '../config/source.ts';
import { SpanmillError } from '../errors.ts';
import type { ReloadSummary } from '../pipeline/runtime.ts';

export type ReloadOutcome = 'applied' | 'unchanged' | 'failed';

export interface ReloadReport {
  readonly outcome: ReloadOutcome;
  readonly durationMs: number;
  /** null: it failed. */
  readonly summary: ReloadSummary | null;
  /** What is wrong with the configuration, as `validate` says it; warnings too, when it was taken. */
  readonly issues: readonly Issue[];
  /** Why a configuration that is right could not be taken, as `CODE message`; '' when that was not so. */
  readonly error: string;
}

/** Plain numbers, for the metrics. */
export interface ReloadStats {
  readonly outcomes: Record<ReloadOutcome, number>;
  /** True before the first. */
  lastSuccessful: boolean;
  /** When the configuration in use was read; milliseconds since 1970. */
  lastSuccessAt: number;
}

export interface ReloaderHost {
  readonly reader: ConfigReader;
  readonly log: Logger;
  /** Rejects when it cannot be taken into use; then nothing has changed. */
  apply(config: ResolvedConfig): Promise<ReloadSummary>;
}

export class Reloader {
  readonly stats: ReloadStats;
  readonly #host: ReloaderHost;
  #running: Promise<ReloadReport> | null = null;
  #next: Promise<ReloadReport> | null = null;
  #closed = false;

  constructor(host: ReloaderHost) {
    this.#host = host;
    this.stats = {
      outcomes: { applied: 0, unchanged: 0, failed: 0 },
      lastSuccessful: true,
      lastSuccessAt: Date.now(),
    };
  }

  /** `cause`: for the log. Never rejects. */
  request(cause: string): Promise<ReloadReport> {
    if (this.#running === null) {
      this.#running = this.#reload(cause).finally(() => {
        this.#running = null;
      });
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.request(cause);
    });
    return this.#next;
  }

  /** The service is going to stop: nothing is applied any more. */
  close(): void {
    this.#closed = true;
  }

  async #reload(cause: string): Promise<ReloadReport> {
    const started = performance.now();
    const report = await this.#attempt(started);
    const { stats } = this;
    stats.outcomes[report.outcome]++;
    stats.lastSuccessful = report.outcome !== 'failed';
    if (stats.lastSuccessful) stats.lastSuccessAt = Date.now();
    this.#say(cause, report);
    return report;
  }

  async #attempt(started: number): Promise<ReloadReport> {
    const report = (part: Partial<ReloadReport>): ReloadReport => ({
      outcome: 'failed',
      summary: null,
      issues: [],
      error: '',
      ...part,
      durationMs: Math.round((performance.now() - started) * 10) / 10,
    });
    if (this.#closed) return report({ error: 'INTERNAL the service is stopping' });
    try {
      const { config, errors, warnings } = this.#host.reader.read();
      if (config === null) return report({ issues: errors });
      const summary = await this.#host.apply(config);
      return report({ outcome: summary.outcome, summary, issues: warnings });
    } catch (error) {
      return report({ error: textOf(error) });
    }
  }

  #say(cause: string, { outcome, durationMs, summary, issues, error }: ReloadReport): void {
    const { log } = this.#host;
    const lines = issues.map(lineOf);
    if (summary === null) {
      const why = error === '' ? `${issues.length} ${issues.length === 1 ? 'problem' : 'problems'}` : error;
      const fields = { cause, durationMs, ...(lines.length > 0 ? { problems: lines } : {}) };
      log.error(fields, `not reloaded, the service goes on as it was: ${why}`);
      return;
    }
    for (const line of lines) log.warn(line);
    const { receivers, exporters, extensions, pipelines, needsRestart } = summary;
    if (outcome === 'unchanged') log.info({ cause, durationMs }, 'reloaded: nothing has changed');
    else log.info({ cause, durationMs, receivers, exporters, extensions, pipelines }, 'reloaded');
    if (needsRestart.length > 0) log.warn({ settings: needsRestart }, 'these settings need a restart to change');
  }
}

/** As `validate` prints it. */
export function lineOf({ file, line, column, severity, code, message }: Issue): string {
  return `${file}:${line}:${column} ${code} ${severity === 'error' ? '' : `${severity}: `}${message}`;
}

function textOf(error: unknown): string {
  if (error instanceof SpanmillError) return `${error.code} ${error.message}`;
  return `INTERNAL ${error instanceof Error ? error.message : String(error)}`;
}
