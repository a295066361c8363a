// The command line of the bench.

import { parseArgs } from 'node:util';
import { SpanmillError } from '../src/errors.ts';

export type Mode = 'throughput' | 'stall' | 'latency' | 'gate';

export interface BenchOptions {
  readonly mode: Mode;
  readonly service: readonly string[];
  /** A Collector's binary, run on the same configuration. */
  readonly peer: string | null;
  readonly config: string;
  readonly sizes: readonly number[];
  readonly runs: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** Spans a second of the open loop (latency). */
  readonly rate: number;
  readonly json: string | null;
  readonly gate: string | null;
  readonly record: boolean;
}

/** Connections and calls in flight on each, as the load of that size is defined. */
export function loadShape(spansPerRequest: number): { readonly connections: number; readonly inFlight: number } {
  return spansPerRequest >= 100 ? { connections: 2, inFlight: 8 } : { connections: 32, inFlight: 8 };
}

export const usage = `npm run bench -- [options]

Runs the service between a generator and a sink: CPU and memory a span for requests of 512, 100, 10 and 1 spans.

  --peer PATH       also a Collector's binary on the same YAML, in turn with the service; prints ratios
  --runs N          rounds, each the service and then the peer (1; 3 with --peer)
  --only 512,100    these request sizes only
  --seconds N       measured seconds of a run (5; latency 10; stall 15; gate 2)
  --service "CMD"   another command than bin/spanmill run --config pipelines/bench.yaml
  --config FILE     another configuration, of both
  --json FILE       all figures as JSON
  --stall           the backend is silent at full load: peak memory, and whether all arrives afterwards
  --latency         from a span's start to the backend, open loop, batch timeout 5 ms
  --rate N          spans a second of --latency (50000)
  --gate FILE       a short run that fails when the service costs more than twice what FILE says, measured against
                    a pass-through on node:http2 on the same machine
  --record          with --gate: write FILE instead

The service finds its ports in RECEIVER_PORT and SINK_PORT. Exit codes: 0; 1 spans lost, or the gate is shut; 2 usage.
`;

const secondsByMode: Readonly<Record<Mode, number>> = { throughput: 5, stall: 15, latency: 10, gate: 2 };
const sizesByMode: Readonly<Record<Mode, readonly number[]>> = {
  throughput: [512, 100, 10, 1],
  stall: [512],
  latency: [512],
  gate: [512, 10, 1],
};
const flags = {
  peer: { type: 'string' },
  runs: { type: 'string' },
  only: { type: 'string' },
  seconds: { type: 'string' },
  service: { type: 'string' },
  config: { type: 'string' },
  json: { type: 'string' },
  rate: { type: 'string' },
  stall: { type: 'boolean' },
  latency: { type: 'boolean' },
  gate: { type: 'string' },
  record: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

function positive(flagName: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) {
    throw new SpanmillError('USAGE', `--${flagName} ${text}: expected a number above 0`);
  }
  return value;
}

function whole(flagName: string, text: string | undefined, otherwise: number): number {
  const value = positive(flagName, text, otherwise);
  if (!Number.isInteger(value)) throw new SpanmillError('USAGE', `--${flagName} ${text}: expected a whole number`);
  return value;
}

function sizes(text: string | undefined, mode: Mode): readonly number[] {
  if (text === undefined) return sizesByMode[mode];
  return text.split(',').map((size) => whole('only', size, 0));
}

/** Null when help is asked for. Throws SpanmillError USAGE. */
export function parseOptions(args: readonly string[]): BenchOptions | null {
  let values: ReturnType<typeof parse>['values'];
  const parse = () => parseArgs({ args: [...args], options: flags });
  try {
    values = parse().values;
  } catch (error) {
    throw new SpanmillError('USAGE', error instanceof Error ? error.message : String(error));
  }
  if (values.help) return null;
  const modes = [values.stall && 'stall', values.latency && 'latency', values.gate && 'gate'].filter(Boolean);
  if (modes.length > 1) throw new SpanmillError('USAGE', `--${modes.join(' and --')}: one at a time`);
  if (values.record && !values.gate) throw new SpanmillError('USAGE', '--record belongs to --gate FILE');
  const mode = (modes[0] ?? 'throughput') as Mode;
  const config = values.config ?? 'pipelines/bench.yaml';
  return {
    mode,
    config,
    service: values.service?.trim().split(/\s+/) ?? ['bin/spanmill', 'run', '--config', config],
    peer: values.peer ?? null,
    sizes: sizes(values.only, mode),
    runs: whole('runs', values.runs, values.peer && mode === 'throughput' ? 3 : 1),
    seconds: positive('seconds', values.seconds, secondsByMode[mode]),
    warmupSeconds: 2,
    rate: positive('rate', values.rate, 50_000),
    json: values.json ?? null,
    gate: values.gate ?? null,
    record: values.record ?? false,
  };
}
