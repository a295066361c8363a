// One measurement: a subject between spanload's generator and its sink.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { processFigures } from '../loadgen/process-figures.ts';
import type { LoadReport } from '../loadgen/report/schema.ts';
import { type Rate, type RunOptions, runLoad } from '../loadgen/run.ts';
import { type LoadCase, timeScale } from './cases.ts';
import { type RunningSubject, type Subject, startSubject } from './subject.ts';

export interface Measurement {
  readonly subject: string;
  readonly case: LoadCase;
  /** From 0: what was measured in the same minutes has the same. */
  readonly round: number;
  readonly rssIdleBytes: number;
  readonly report: LoadReport;
}

const settleMs = 1000;

/** A case with a rate in numbers. */
export type ReadyCase = LoadCase & { readonly rate: Rate };

/** `held`: spans a second of its base; null where there is none, or none was held: so there is no multiple of it either. */
export function withRate(load: LoadCase, held: number | null): ReadyCase | null {
  const { rate } = load;
  if (rate.kind !== 'times') return { ...load, rate };
  return held === null ? null : { ...load, rate: { kind: 'spans', perSecond: rate.factor * held } };
}

function runOptions(subject: Subject, { profile, rate, connections, ...of }: ReadyCase): RunOptions {
  const expect = subject.chain ? of.expect : null;
  return {
    command: ['spanload', '--profile', profile],
    profile,
    rate,
    durationMs: of.seconds * 1000,
    warmupMs: of.warmupSeconds * 1000,
    batchSize: of.batchSize === null ? null : [of.batchSize, of.batchSize],
    seed: 1,
    timeScale,
    client: 'native',
    connections,
    maxInFlight: 16_384,
    target: {
      endpoint: { host: '127.0.0.1', port: 0, path: '', tls: false },
      protocol: of.protocol,
      compression: of.compression,
      headers: [],
      tls: { ca: null, cert: null, key: null, serverName: null, insecureSkipVerify: false },
      timeoutMs: 120_000,
    },
    sink: { host: '127.0.0.1', port: 0 },
    expect: expect === null ? null : { name: expect, text: readFileSync(expect, 'utf8') },
    // Enough to see that the chain does its work; comparing every span would keep the sink too busy to be a yardstick.
    checkShare: of.expect === null ? 0 : 0.02,
    faults: of.faults,
    waitMs: of.waitSeconds * 1000,
    pid: null,
    metrics: null,
  };
}

/** What is wrong, and what makes the figures say less than they seem to; a line each. */
export function notesOf({ report }: Measurement): string[] {
  const { verdict, generator, sink } = report;
  return [
    ...verdict.problems,
    ...(generator.bottleneck ? [`the generator was the limit: ${generator.why}`] : []),
    ...(sink?.bottleneck ? ['the sink was the limit'] : []),
    ...verdict.remarks,
  ];
}

/** Starts everything, measures, ends everything. Rejects with SpanmillError. */
export async function measure(subject: Subject, load: ReadyCase, round: number): Promise<Measurement> {
  let running: RunningSubject | null = null;
  let rssIdleBytes = 0;
  try {
    const report = await runLoad(runOptions(subject, load), {
      async prepare(sinkPort) {
        running = await startSubject(subject, sinkPort, load.protocol);
        await delay(settleMs);
        rssIdleBytes = processFigures(running.pid)?.residentBytes ?? 0;
        return running;
      },
      async loadEnded() {
        running?.check();
      },
    });
    return { subject: subject.name, case: load, round, rssIdleBytes, report };
  } finally {
    await (running as RunningSubject | null)?.end();
  }
}
