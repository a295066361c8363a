// The composition root of spanload: the command line, the run, its reports, the exit code.
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { SpanmillError } from '../src/errors.ts';
import { type CommandLine, parseCommandLine, usage } from './options.ts';
import { painter } from './report/colours.ts';
import { renderHtml } from './report/html.ts';
import { createProgress, type ProgressFigures } from './report/progress.ts';
import type { LoadReport } from './report/schema.ts';
import { renderSummary } from './report/summary.ts';
import { type Progress, runLoad } from './run.ts';
import { exitCodes, spanloadVersion } from './verdict.ts';
import { refusedSpans, secondsBetween } from './watch.ts';

const sameSignalMs = 500;
const interruptedNote =
  'interrupted: answers that are on their way are waited for; Ctrl-C once more ends it at once, without a report';

function figuresOf({ phase, moment, before, elapsedMs, remainingMs }: Progress): ProgressFigures {
  const { spans, requests, acknowledgement, lateness } = moment.generator;
  const acknowledged = spans.acknowledged - before.generator.spans.acknowledged;
  return {
    phase,
    elapsedSeconds: elapsedMs / 1000,
    remainingSeconds: remainingMs === null ? null : remainingMs / 1000,
    spansPerSecond: acknowledged / secondsBetween(before, moment),
    acknowledged: spans.acknowledged,
    refused: refusedSpans(moment),
    late: moment.generator.late.spans,
    arrived: moment.sink?.distinct ?? null,
    inFlight: requests.inFlight,
    overdue: requests.overdue,
    lagMs: lateness.max,
    ackP99Ms: acknowledgement.count === 0 ? null : acknowledgement.p99,
  };
}

function write(path: string, text: string, flag: 'w' | 'a' = 'w'): void {
  try {
    writeFileSync(path, text, { flag });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SpanmillError('USAGE', `--report ${path}: cannot be written: ${reason}`);
  }
}

function writeReports({ jsonReport, htmlReport }: CommandLine, report: LoadReport): void {
  if (jsonReport !== null) write(jsonReport, `${JSON.stringify(report, null, 2)}\n`);
  if (htmlReport !== null) write(htmlReport, renderHtml(report));
}

async function load(line: CommandLine): Promise<number> {
  // What cannot be written is said before the run, not after it.
  for (const path of [line.jsonReport, line.htmlReport]) if (path !== null) write(path, '', 'a');
  const interrupted = new AbortController();
  let interruptedAt = Number.POSITIVE_INFINITY;
  const interrupt = (signal: NodeJS.Signals) => {
    // A second one ends at once; but whoever passes signals on may send one twice.
    if (performance.now() - interruptedAt > sameSignalMs) process.exit(128 + constants.signals[signal]);
    if (!interrupted.signal.aborted && !line.quiet) progress.note(interruptedNote);
    interruptedAt = Math.min(interruptedAt, performance.now());
    interrupted.abort();
  };
  const progress = createProgress(process.stderr, { environment: process.env });
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    const seen = line.quiet ? {} : { seen: (one: Progress) => progress.update(figuresOf(one)) };
    const report = await runLoad(line.run, { signal: interrupted.signal, ...seen });
    progress.end();
    writeReports(line, report);
    process.stdout.write(renderSummary(report, painter(process.stdout.isTTY === true, process.env)));
    return report.verdict.exitCode;
  } finally {
    progress.end();
  }
}

async function main(args: readonly string[]): Promise<number> {
  const line = parseCommandLine(args);
  if (line === 'help') process.stdout.write(usage);
  else if (line === 'version') process.stdout.write(`spanload ${spanloadVersion()}\n`);
  else return load(line);
  return exitCodes.well;
}

/**
 * Whoever reads what is printed may go in the middle: the run and its reports go on. A summary that could not be written
 * (a full disk) is said; that progress could not be is not worth ending a run, and there is nowhere to say it.
 */
function surviveOutput(): void {
  let isTold = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || isTold) return;
    isTold = true;
    process.stderr.write(`USAGE standard output cannot be written: ${error.message}\n`);
    // What the run itself found goes before it.
    process.once('exit', (code) => {
      if (code === exitCodes.well) process.exitCode = exitCodes.usage;
    });
  });
  process.stderr.on('error', () => undefined);
}

/** A file with problems has a line or more for each, as they stand: `file:line:column CODE message`. */
const isList = (message: string): boolean => /^\S.*:\d+:\d+ CONFIG_/.test(message);

surviveOutput();

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SpanmillError)) throw error;
  process.stderr.write(isList(error.message) ? `${error.message.trimEnd()}\n` : `${error.code} ${error.message}\n`);
  process.exitCode = error.code === 'INTERNAL' ? exitCodes.wrong : exitCodes.usage;
}
