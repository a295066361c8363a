// A gate for CI against gross regressions of CPU a span. A shared machine is faster today than tomorrow, so that figures of two
// days cannot be compared; but what the service costs as a multiple of what a pass-through on node:http2 costs on the same
// machine in the same minutes can. Disturbances only ever add CPU time: the least of several runs is taken of both.
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { SpanmillError } from '../src/errors.ts';
import type { LoadCase } from './cases.ts';
import { type Measurement, measure } from './measure.ts';
import type { BenchOptions } from './options.ts';
import type { Subject } from './subject.ts';

const gateFile = z.strictObject({
  comment: z.string(),
  /** The gate is shut when a ratio is more than this many times the recorded one. */
  factor: z.number().positive(),
  /** By load: CPU a span of the service, divided by that of the pass-through. */
  ratios: z.record(z.string(), z.number().positive()),
});
type GateFile = z.infer<typeof gateFile>;

const gateSeconds = 2;
const leastRounds = 2;
/** More rounds are run while the gate would be shut: they can only open it. */
const mostRounds = 5;
const factor = 2;
const passThrough: Subject = {
  name: 'pass-through',
  command: [process.execPath, 'bench/pass-through.ts'],
  chain: false,
};

export interface GateResult {
  readonly label: string;
  readonly serviceMicroseconds: number;
  readonly passThroughMicroseconds: number;
  readonly ratio: number;
  /** The highest ratio allowed; Infinity while recording. */
  readonly limit: number;
  readonly complaints: readonly string[];
}

function readGate(path: string): GateFile {
  try {
    return gateFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new SpanmillError('USAGE', `${path} is not a gate file; --record writes one`, { cause: error });
  }
}

async function gateCase(service: Subject, of: LoadCase, limit: number, seconds: number): Promise<GateResult> {
  const load: LoadCase = { ...of, seconds };
  const all: Measurement[] = [];
  const least = (subject: Subject) =>
    Math.min(
      ...all.filter((m) => m.subject === subject.name).map((m) => m.report.service?.cpuMicrosecondsPerSpan ?? 0),
    );
  const ratio = () => least(service) / least(passThrough);
  const rounds = limit === Number.POSITIVE_INFINITY ? 3 : leastRounds;
  for (let round = 0; round < rounds || (ratio() > limit && round < mostRounds); round++) {
    all.push(await measure(passThrough, load), await measure(service, load));
  }
  return {
    label: load.label,
    serviceMicroseconds: least(service),
    passThroughMicroseconds: least(passThrough),
    ratio: ratio(),
    limit,
    complaints: all.flatMap((m) => m.report.verdict.problems.map((line) => `${m.subject}: ${line}`)),
  };
}

/** Measures each size; with `record` writes the file, else compares with it. */
export async function runGate(service: Subject, path: string, options: BenchOptions): Promise<GateResult[]> {
  const gate = options.record ? null : readGate(path);
  const results: GateResult[] = [];
  for (const load of options.cases) {
    if (load.group === 'idle') continue;
    const recorded = gate?.ratios[load.label];
    if (gate !== null && recorded === undefined) {
      throw new SpanmillError('USAGE', `${path} says nothing of ${load.label} spans a request; --record writes it`);
    }
    const limit = gate === null || recorded === undefined ? Number.POSITIVE_INFINITY : recorded * gate.factor;
    results.push(await gateCase(service, load, limit, options.seconds ?? gateSeconds));
  }
  if (options.record) {
    const file: GateFile = {
      comment: 'CPU a span of the service as a multiple of a pass-through on node:http2; npm run bench -- --gate',
      factor,
      ratios: Object.fromEntries(results.map((r) => [r.label, Number(r.ratio.toFixed(3))])),
    };
    writeFileSync(path, `${JSON.stringify(file, null, 2)}\n`);
  }
  return results;
}

export function isShut(result: GateResult): boolean {
  return result.ratio > result.limit || result.complaints.length > 0;
}
