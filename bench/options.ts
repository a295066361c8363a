// The command line of the bench.

import { parseArgs } from 'node:util';
import { SpanmillError } from '../src/errors.ts';

export type Mode = 'throughput' | 'stall' | 'latency' | 'idle' | 'gate';

/** What is asked of the service. */
export interface LoadShape {
  /** As `--only` takes it. */
  readonly label: string;
  readonly spansPerRequest: number;
  readonly connections: number;
  /** Calls in flight on each. */
  readonly inFlight: number;
}

export interface BenchOptions {
  readonly mode: Mode;
  readonly service: readonly string[];
  /** A Collector's binary, run on the same configuration. */
  readonly peer: string | null;
  readonly config: string;
  readonly shapes: readonly LoadShape[];
  /** Idle connections (idle). */
  readonly idleConnections: number;
  readonly runs: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** Spans a second of the open loop (latency). */
  readonly rate: number;
  readonly json: string | null;
  readonly gate: string | null;
  readonly record: boolean;
}

export const usage = `npm run bench -- [options]

Runs the service between a generator and a sink: CPU and memory a span for requests of 512, 100, 10 and 1 spans, over
2 connections with 8 calls in flight on each (512, 100) or 32 with 8, and of 10 and 1 also over 256 with 1.

  --peer PATH       also a Collector's binary on the same YAML, in turn with the service; prints ratios
  --runs N          rounds, each the service and then the peer (1; 3 with --peer)
  --only LIST       these only: 512,100,10@256x1 is 512 and 100 spans a request, and 10 over 256 connections with 1 call
  --seconds N       measured seconds of a run (5; latency 10; stall 15; gate 2)
  --service "CMD"   another command than bin/spanmill run --config pipelines/bench.yaml
  --config FILE     another configuration, of both
  --json FILE       all figures as JSON
  --stall           the backend is silent at full load: peak memory, and whether all arrives afterwards
  --latency         from a span's start to the backend, open loop, batch timeout 5 ms
  --idle            memory of a connection without calls
  --connections N   of --idle (5000)
  --rate N          spans a second of --latency (50000)
  --gate FILE       a short run that fails when the service costs more than twice what FILE says, measured against
                    a pass-through on node:http2 on the same machine
  --record          with --gate: write FILE instead

The service finds its ports in RECEIVER_PORT and SINK_PORT. Exit codes: 0; 1 spans lost, or the gate is shut; 2 usage.
`;

const secondsByMode: Readonly<Record<Mode, number>> = { throughput: 5, stall: 15, latency: 10, idle: 2, gate: 2 };
const shapesByMode: Readonly<Record<Mode, string>> = {
  throughput: '512,100,10,1,10@256x1,1@256x1',
  stall: '512',
  latency: '512',
  idle: '10',
  gate: '512,10,1',
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
  connections: { type: 'string' },
  idle: { type: 'boolean' },
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

function shape(label: string): LoadShape {
  const match = /^(\d+)(?:@(\d+)x(\d+))?$/.exec(label);
  if (match === null) throw new SpanmillError('USAGE', `--only ${label}: expected spans, or spans@connections x calls`);
  const [spansPerRequest, connections, inFlight] = match
    .slice(1)
    .map((text: string | undefined) => whole('only', text, 0));
  if (connections > 0) return { label, spansPerRequest, connections, inFlight };
  return { label, spansPerRequest, connections: spansPerRequest >= 100 ? 2 : 32, inFlight: 8 };
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
  const modes = (['stall', 'latency', 'idle', 'gate'] as const).filter((mode) => values[mode]);
  if (modes.length > 1) throw new SpanmillError('USAGE', `--${modes.join(' and --')}: one at a time`);
  if (values.record && !values.gate) throw new SpanmillError('USAGE', '--record belongs to --gate FILE');
  const mode: Mode = modes[0] ?? 'throughput';
  const config = values.config ?? 'pipelines/bench.yaml';
  return {
    mode,
    config,
    service: values.service?.trim().split(/\s+/) ?? ['bin/spanmill', 'run', '--config', config],
    peer: values.peer ?? null,
    shapes: (values.only ?? shapesByMode[mode]).split(',').map(shape),
    idleConnections: whole('connections', values.connections, 5000),
    runs: whole('runs', values.runs, values.peer && mode !== 'stall' ? 3 : 1),
    seconds: positive('seconds', values.seconds, secondsByMode[mode]),
    warmupSeconds: 2,
    rate: positive('rate', values.rate, 50_000),
    json: values.json ?? null,
    gate: values.gate ?? null,
    record: values.record ?? false,
  };
}
