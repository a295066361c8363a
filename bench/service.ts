// `npm run bench`: see options.ts for what it takes, measure.ts for what it does.
import { writeFileSync } from 'node:fs';
import { SpanmillError } from '../src/errors.ts';
import { isShut, runGate } from './gate.ts';
import { measureIdle } from './idle.ts';
import { type Measurement, type MeasureOptions, measure } from './measure.ts';
import { type BenchOptions, type LoadShape, parseOptions, usage } from './options.ts';
import { type LoadMode, machine, progressLine, ratios, ratioTable, resultTable } from './report.ts';
import type { Subject } from './subject.ts';

const batchTimeoutForLatency = ['--set', 'processors.batch.timeout=5ms'];
/** Most calls in flight on each connection of the open loop. */
const openLoopInFlight = 256;

function subjects(options: BenchOptions): Subject[] {
  const more = options.mode === 'latency' ? batchTimeoutForLatency : [];
  const list: Subject[] = [{ name: 'service', command: [...options.service, ...more], chain: true }];
  if (options.peer !== null) {
    list.push({ name: 'peer', command: [options.peer, '--config', options.config, ...more], chain: true });
  }
  return list;
}

function measureOptions(shape: LoadShape, options: BenchOptions): MeasureOptions {
  const base = {
    shape,
    seconds: options.seconds,
    warmupSeconds: options.warmupSeconds,
    stall: options.mode === 'stall',
    latency: options.mode === 'latency',
  };
  if (options.mode !== 'latency') return { ...base, pace: { kind: 'closed' } };
  const requestsPerSecond = options.rate / shape.spansPerRequest;
  return { ...base, shape: { ...shape, inFlight: openLoopInFlight }, pace: { kind: 'open', requestsPerSecond } };
}

async function compare(options: BenchOptions, mode: LoadMode): Promise<number> {
  const measurements: Measurement[] = [];
  let wrong = false;
  for (const shape of options.shapes) {
    for (let round = 0; round < options.runs; round++) {
      for (const subject of subjects(options)) {
        const result = await measure(subject, measureOptions(shape, options));
        measurements.push(result);
        console.log(progressLine(result));
        for (const complaint of result.complaints) console.log(`  ${subject.name}: ${complaint}`);
        if (result.firstFailure !== '') console.log(`  ${subject.name}: first refusal: ${result.firstFailure}`);
        // What a peer loses is its own affair.
        if (subject.name !== 'peer' && result.complaints.length > 0) wrong = true;
      }
    }
  }
  console.log(`\n${resultTable(measurements, mode)}`);
  const compared = options.peer === null ? [] : ratios(measurements, mode);
  if (compared.length > 0) console.log(`\n${ratioTable(compared)}`);
  if (options.json !== null) {
    const report = { mode, machine: machine(), arguments: process.argv.slice(2), measurements, ratios: compared };
    writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  return wrong ? 1 : 0;
}

async function idle(options: BenchOptions): Promise<number> {
  const count = options.idleConnections;
  for (let round = 0; round < options.runs; round++) {
    for (const subject of subjects(options)) {
      const bytes = await measureIdle(subject, count);
      console.log(`${subject.name}: ${(bytes / 1024).toFixed(1)} KiB for each of ${count} idle connections`);
    }
  }
  return 0;
}

async function gate(options: BenchOptions, path: string): Promise<number> {
  const [service] = subjects(options);
  const results = await runGate(service, path, options);
  for (const result of results) {
    const figures = `${result.serviceMicroseconds.toFixed(2)} us/span, pass-through ${result.passThroughMicroseconds.toFixed(2)}`;
    const verdict = isShut(result) ? 'SHUT' : 'open';
    console.log(
      `${result.label} spans/request: ${figures}; ratio ${result.ratio.toFixed(2)}, limit ${result.limit.toFixed(2)}: ${verdict}`,
    );
    for (const complaint of result.complaints) console.log(`  ${complaint}`);
  }
  if (options.json !== null) {
    writeFileSync(options.json, `${JSON.stringify({ mode: 'gate', machine: machine(), results }, null, 2)}\n`);
  }
  return results.some(isShut) ? 1 : 0;
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(usage);
    return 0;
  }
  if (options.mode === 'idle') return idle(options);
  if (options.mode === 'gate') return gate(options, options.gate ?? '');
  return compare(options, options.mode);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof SpanmillError)) throw error;
  console.error(error.message);
  process.exitCode = error.code === 'USAGE' ? 2 : 1;
}
