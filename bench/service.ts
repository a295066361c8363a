// `npm run bench`: see options.ts for what it takes, cases.ts for what it measures.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { machine } from '../loadgen/verdict.ts';
import { SpanmillError } from '../src/errors.ts';
import { allCases, type Case, groups, type IdleCase, type LoadCase } from './cases.ts';
import { documentText, type Findings, type IdleMeasurement } from './document.ts';
import { isShut, runGate } from './gate.ts';
import { measureIdle } from './idle.ts';
import { type Measurement, measure, notesOf, withRate } from './measure.ts';
import { type BenchOptions, parseOptions, usage } from './options.ts';
import { number, progressLine, ratios, ratioTable, resultTable } from './report.ts';
import type { Subject } from './subject.ts';

function subjects({ service, peer, config }: BenchOptions, settings: readonly string[]): Subject[] {
  const ours: Subject = { name: 'spanmill', command: [...service, ...settings], chain: true };
  if (peer === null) return [ours];
  return [ours, { name: 'Collector', command: [peer, '--config', config, ...settings], chain: true }];
}

/** What a command says of its version; empty where it says nothing. */
function versionOf(command: string): string {
  for (const argument of ['version', '--version']) {
    try {
      return execFileSync(command, [argument], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      // The other one, then.
    }
  }
  return '';
}

/** `done`: what was measured before, of this round too. */
async function runLoad(
  of: LoadCase,
  round: number,
  options: BenchOptions,
  done: readonly Measurement[],
): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (const subject of subjects(options, of.settings)) {
    const base = done.find((m) => m.case.label === of.base && m.round === round && m.subject === subject.name);
    const load = withRate(of, base?.report.rate.held ?? null);
    if (load === null) {
      console.log(`${of.label}, ${subject.name}: not measured, because ${of.base} held no rate`);
      continue;
    }
    const result = await measure(subject, { ...load, seconds: options.seconds ?? load.seconds }, round);
    measurements.push(result);
    console.log(progressLine(result));
    for (const note of notesOf(result)) console.log(`  ${subject.name}: ${note}`);
  }
  return measurements;
}

async function runIdle({ connections }: IdleCase, options: BenchOptions): Promise<IdleMeasurement[]> {
  const measurements: IdleMeasurement[] = [];
  for (const subject of subjects(options, [])) {
    const bytes = await measureIdle(subject, connections);
    measurements.push({ subject: subject.name, connections, bytes });
    console.log(`${subject.name}: ${(bytes / 1024).toFixed(1)} KiB for each of ${connections} idle connections`);
  }
  return measurements;
}

function printTables(measurements: readonly Measurement[]): void {
  for (const group of groups) {
    if (group === 'idle' || !measurements.some((m) => m.case.group === group)) continue;
    console.log(`\n${resultTable(measurements, group)}`);
    const compared = ratios(measurements, group);
    if (compared.length > 0) console.log(`\n${ratioTable(compared)}`);
  }
}

/** Whether all of them is what is measured, as the document wants it. */
const isWhole = (cases: readonly Case[]): boolean => allCases.every((one) => cases.includes(one));

async function compare(options: BenchOptions): Promise<number> {
  const measurements: Measurement[] = [];
  const idle: IdleMeasurement[] = [];
  for (const group of groups) {
    const cases = options.cases.filter((one) => one.group === group);
    // Rounds of the whole group, so that what is compared was measured in the same minutes.
    for (let round = 0; round < options.runs; round++) {
      for (const one of cases) {
        if (one.group === 'idle') idle.push(...(await runIdle(one, options)));
        else measurements.push(...(await runLoad(one, round, options, measurements)));
      }
    }
  }
  printTables(measurements);
  const versions = subjects(options, []).map(({ name, command }) => ({
    subject: name,
    version: versionOf(command[0]),
  }));
  const findings: Findings = { machine: machine(), versions, measurements, idle, date: new Date() };
  if (options.json !== null) writeFileSync(options.json, `${JSON.stringify(findings, null, 2)}\n`);
  if (options.document !== null)
    writeFileSync(options.document, documentText(findings, options, isWhole(options.cases)));
  // What a peer loses is its own affair.
  const isWrong = measurements.some((m) => m.subject === 'spanmill' && m.report.verdict.problems.length > 0);
  return isWrong ? 1 : 0;
}

async function gate(options: BenchOptions, path: string): Promise<number> {
  const [service] = subjects(options, []);
  const results = await runGate(service, path, options);
  for (const result of results) {
    const figures = `${number(result.serviceMicroseconds)} us/span, ${result.yardstick} ${number(result.yardstickMicroseconds)}`;
    const verdict = isShut(result) ? 'SHUT' : 'open';
    console.log(
      `${result.load.label}: ${figures}; ratio ${result.ratio.toFixed(2)}, limit ${result.limit.toFixed(2)}: ${verdict}`,
    );
    for (const complaint of result.complaints) console.log(`  ${complaint}`);
  }
  return results.some(isShut) ? 1 : 0;
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(usage);
    return 0;
  }
  return options.gate === null ? compare(options) : gate(options, options.gate);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof SpanmillError)) throw error;
  console.error(error.message);
  process.exitCode = error.code === 'USAGE' ? 2 : 1;
}
