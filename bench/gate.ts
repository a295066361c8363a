// A gate for CI against gross regressions of CPU a span. A shared machine is faster today than tomorrow, so that figures of two
// days cannot be compared; but what the service costs as a multiple of a yardstick on the same machine in the same minutes can:
// over gRPC of what a pass-through on node:http2 costs, over HTTP of what the service itself does over gRPC. Disturbances only
// ever add CPU time: the least of several runs is taken of both.
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { SpanmillError } from '../src/errors.ts';
import type { LoadCase } from './cases.ts';
import { type Measurement, measure, type ReadyCase, withRate } from './measure.ts';
import type { BenchOptions } from './options.ts';
import type { Subject } from './subject.ts';

const gateFile = z.strictObject({
  comment: z.string(),
  /** The gate is shut when a ratio is more than this many times the recorded one. */
  factor: z.number().positive(),
  /** By load: CPU a span of the service, divided by that of its yardstick. */
  ratios: z.record(z.string(), z.number().positive()),
});
type GateFile = z.infer<typeof gateFile>;

const gateSeconds = 2;
const recordRounds = 3;
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
  readonly load: LoadCase;
  readonly serviceMicroseconds: number;
  /** What it is compared with, in words. */
  readonly yardstick: string;
  readonly yardstickMicroseconds: number;
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

/** `own`: the yardstick, where the service itself is; else the pass-through is measured in turn with it. */
async function gateCase(service: Subject, load: ReadyCase, limit: number, own: GateResult | null): Promise<GateResult> {
  const all: Measurement[] = [];
  const least = (subject: Subject) =>
    Math.min(
      ...all.filter((m) => m.subject === subject.name).map((m) => m.report.service?.cpuMicrosecondsPerSpan ?? 0),
    );
  const yardstick = () => own?.serviceMicroseconds ?? least(passThrough);
  const ratio = () => least(service) / yardstick();
  // Against a yardstick that does not change, a second round could only open an open gate.
  const rounds = limit === Number.POSITIVE_INFINITY ? recordRounds : own === null ? leastRounds : 1;
  for (let round = 0; round < rounds || (ratio() > limit && round < mostRounds); round++) {
    if (own === null) all.push(await measure(passThrough, load, round));
    all.push(await measure(service, load, round));
  }
  return {
    load,
    serviceMicroseconds: least(service),
    yardstick: own === null ? passThrough.name : `gRPC at ${own.load.label}`,
    yardstickMicroseconds: yardstick(),
    ratio: ratio(),
    limit,
    complaints: all.flatMap((m) => m.report.verdict.problems.map((line) => `${m.subject}: ${line}`)),
  };
}

/** The service's own result over gRPC, with as many spans a request; null for gRPC itself. */
function ownYardstick({ label, protocol, batchSize }: LoadCase, results: readonly GateResult[]): GateResult | null {
  if (protocol === 'grpc') return null;
  const own = results.find(({ load }) => load.protocol === 'grpc' && load.batchSize === batchSize);
  if (own !== undefined) return own;
  throw new SpanmillError('USAGE', `--only: ${label} is measured against gRPC: name ${batchSize} before it`);
}

/** Measures each case; with `record` writes the file, else compares with it. */
export async function runGate(service: Subject, path: string, options: BenchOptions): Promise<GateResult[]> {
  const gate = options.record ? null : readGate(path);
  const results: GateResult[] = [];
  for (const one of options.cases) {
    const load = one.group === 'idle' ? null : withRate({ ...one, seconds: options.seconds ?? gateSeconds }, null);
    if (load === null || load.rate.kind === 'ramp') {
      throw new SpanmillError('USAGE', `--only: ${one.label} has no one rate, so that the gate cannot compare it`);
    }
    const recorded = gate?.ratios[one.label];
    if (gate !== null && recorded === undefined) {
      throw new SpanmillError('USAGE', `${path} says nothing of ${one.label}; --record writes it`);
    }
    const limit = gate === null || recorded === undefined ? Number.POSITIVE_INFINITY : recorded * gate.factor;
    results.push(await gateCase(service, load, limit, ownYardstick(load, results)));
  }
  if (options.record) {
    const file: GateFile = {
      comment:
        'CPU a span of the service over gRPC as a multiple of a pass-through on node:http2, over HTTP of itself over gRPC; npm run bench -- --gate',
      factor,
      ratios: Object.fromEntries(results.map((r) => [r.load.label, Number(r.ratio.toFixed(3))])),
    };
    writeFileSync(path, `${JSON.stringify(file, null, 2)}\n`);
  }
  return results;
}

export function isShut(result: GateResult): boolean {
  return result.ratio > result.limit || result.complaints.length > 0;
}
