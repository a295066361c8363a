// The composition root of spanload: the command line, the run, its reports, the exit code.
import { writeFileSync } from 'node:fs';
import { SpanmillError } from '../src/errors.ts';
import { type CommandLine, parseCommandLine, usage } from './options.ts';
import { painter } from './report/colours.ts';
import { renderHtml } from './report/html.ts';
import { createProgress, type ProgressFigures } from './report/progress.ts';
import type { LoadReport } from './report/schema.ts';
import { renderSummary } from './report/summary.ts';
import { type Progress, runLoad } from './run.ts';
import { exitCodes, spanloadVersion } from './verdict.ts';
import { refusedSpans } from './watch.ts';

function figuresOf({ phase, moment, before, elapsedMs, remainingMs }: Progress): ProgressFigures {
  const { spans, requests, acknowledgement, lateness } = moment.generator;
  const acknowledged = spans.acknowledged - before.generator.spans.acknowledged;
  return {
    phase,
    elapsedSeconds: elapsedMs / 1000,
    remainingSeconds: remainingMs === null || phase === 'waiting' ? null : remainingMs / 1000,
    spansPerSecond: (acknowledged * 1000) / (moment.atMs - before.atMs),
    acknowledged: spans.acknowledged,
    refused: refusedSpans(moment),
    arrived: moment.sink?.distinct ?? null,
    inFlight: requests.inFlight,
    lagMs: lateness.max,
    ackP99Ms: acknowledgement.count === 0 ? null : acknowledgement.p99,
  };
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
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
  for (const path of [line.jsonReport, line.htmlReport]) if (path !== null) write(path, '');
  const interrupted = new AbortController();
  const interrupt = () => {
    // A second one ends at once.
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    interrupted.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  const progress = createProgress(process.stderr, { environment: process.env });
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

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SpanmillError)) throw error;
  // A profile or a file of --expect has several problems, a line or more each, as they stand.
  const isList = error.code.startsWith('CONFIG_');
  process.stderr.write(isList ? `${error.message.trimEnd()}\n` : `${error.code} ${error.message}\n`);
  process.exitCode = error.code === 'INTERNAL' ? exitCodes.wrong : exitCodes.usage;
}
