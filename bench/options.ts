// The command line of the bench.

import { parseArgs } from 'node:util';
import { SpanmillError } from '../src/errors.ts';
import { allCases, type Case, groups, sizeCase, storageVariable } from './cases.ts';

export interface BenchOptions {
  readonly service: readonly string[];
  /** A Collector's binary, run on the same configuration. */
  readonly peer: string | null;
  readonly config: string;
  readonly cases: readonly Case[];
  readonly runs: number;
  /** Instead of what each case says. */
  readonly seconds: number | null;
  readonly json: string | null;
  /** The document to write. */
  readonly document: string | null;
  readonly gate: string | null;
  readonly record: boolean;
}

const defaultCases = 'sizes';
const defaultDocument = 'docs/benchmarks.md';

export const usage = `npm run bench -- [options]

Runs the service between spanload's generator and its sink, on pipelines/bench.yaml: CPU, memory, latency, and an account
of every span.

  --peer PATH       also a Collector's binary on the same YAML, in turn with the service: all cases, three rounds,
                    written to ${defaultDocument}
  --only LIST       these cases only, and no document: names of cases or groups; with them what they are compared with
                      ${groups.join(' ')}
                      ${allCases.map(({ label }) => label).join(' ')}
                    512@2x8 is 512 spans a request over 2 connections with 8 calls in flight on each
  --runs N          rounds, each the service and then the peer (1; 3 with --peer)
  --seconds N       measured seconds of a run, or of each step of a ramp, instead of what each case says
  --service "CMD"   another command than bin/spanmill run --config pipelines/bench.yaml
  --config FILE     another configuration, of both
  --json FILE       all figures as JSON
  --document FILE   the document to write
  --gate FILE       a short run that fails when the service costs more than twice what FILE says, measured against
                    a pass-through on node:http2 on the same machine, over HTTP against itself over gRPC
  --record          with --gate: write FILE instead

The service finds its ports in RECEIVER_PORT, RECEIVER_HTTP_PORT and SINK_PORT, and an empty directory in ${storageVariable}.
Exit codes: 0; 1 spans lost, or the gate is shut; 2 usage.
`;

const flags = {
  peer: { type: 'string' },
  only: { type: 'string' },
  runs: { type: 'string' },
  seconds: { type: 'string' },
  service: { type: 'string' },
  config: { type: 'string' },
  json: { type: 'string' },
  document: { type: 'string' },
  gate: { type: 'string' },
  record: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const gateCases = '512,10,1,http-512,http-1';

function positive(flagName: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) {
    throw new SpanmillError('USAGE', `--${flagName} ${text}: expected a number above 0`);
  }
  return value;
}

/** What the case is compared with comes before it. */
function withBase(one: Case): Case[] {
  if (one.group === 'idle' || one.base === null) return [one];
  return [...allCases.filter(({ label, group }) => label === one.base && group === one.group), one];
}

function casesOf(list: string): Case[] {
  const cases = list.split(',').flatMap((name) => {
    const found = allCases.filter(({ label, group }) => label === name || group === name);
    const size = found.length === 0 ? sizeCase(name) : null;
    if (size !== null) return [size];
    if (found.length > 0) return found.flatMap(withBase);
    throw new SpanmillError('USAGE', `--only ${name}: no such case; npm run bench -- --help lists them`);
  });
  return cases.filter((one, i) => cases.findIndex(({ label }) => label === one.label) === i);
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
  if (values.record && !values.gate) throw new SpanmillError('USAGE', '--record belongs to --gate FILE');
  const { peer = null, only, gate = null, config = 'pipelines/bench.yaml' } = values;
  const isWhole = peer !== null && only === undefined && gate === null;
  const runs = positive('runs', values.runs) ?? (peer === null ? 1 : 3);
  if (!Number.isInteger(runs)) throw new SpanmillError('USAGE', `--runs ${runs}: expected a whole number`);
  return {
    config,
    service: values.service?.trim().split(/\s+/) ?? ['bin/spanmill', 'run', '--config', config],
    peer,
    cases: isWhole ? allCases : casesOf(only ?? (gate === null ? defaultCases : gateCases)),
    runs,
    seconds: positive('seconds', values.seconds),
    json: values.json ?? null,
    document: values.document ?? (isWhole ? defaultDocument : null),
    gate,
    record: values.record ?? false,
  };
}
