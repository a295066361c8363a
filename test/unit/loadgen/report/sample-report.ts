// Reports as real runs make them, from a fixed seed: nothing here is random from one run of the tests to the next.
import { type LoadReport, loadReportSchema, type ReportLatency } from '../../../../loadgen/report/schema.ts';

/** Numbers from 0 to 1 that look random (mulberry32). */
function drawer(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Sorted values in ms: most near `middle`, a tail up to `worst`. */
function latencies(seed: number, count: number, middle: number, worst: number): Float64Array {
  const draw = drawer(seed);
  const values = Float64Array.from({ length: count }, () => {
    const tail = draw() < 0.004 ? (worst - middle) * draw() ** 2 : 0;
    return middle * Math.exp(0.28 * (draw() + draw() + draw() - 1.5)) + tail;
  });
  values[0] = worst;
  return values.sort();
}

const round = (value: number): number => Number(value.toFixed(3));
const at = (sorted: Float64Array, percentile: number): number =>
  round(sorted[Math.min(sorted.length - 1, Math.ceil((percentile / 100) * sorted.length) - 1)]);

const latencyOf = (sorted: Float64Array, count: number): ReportLatency => ({
  count,
  p50: at(sorted, 50),
  p90: at(sorted, 90),
  p95: at(sorted, 95),
  p99: at(sorted, 99),
  p999: at(sorted, 99.9),
  max: at(sorted, 100),
});

/** Five points each time that the rest to 100% is halved. */
function curveOf(sorted: Float64Array, count: number): [number, number][] {
  const curve: [number, number][] = [[0, round(sorted[0])]];
  for (let i = 1; 2 ** (i / 5) <= count; i++) {
    const percentile = Number((100 * (1 - 2 ** (-i / 5))).toFixed(6));
    curve.push([percentile, at(sorted, percentile)]);
  }
  return [...curve, [100, at(sorted, 100)]];
}

const seconds = 30;
const warmup = 3;
const rate = 20_000;
const spansPerRequest = 2.4;

function seriesOf(withSink: boolean, withService: boolean): LoadReport['series'] {
  const draw = drawer(7);
  const second = Array.from({ length: seconds + warmup }, (_, i) => i - warmup);
  const wave = (middle: number, spread: number) => second.map(() => round(middle + spread * (draw() - 0.5)));
  const whole = (values: readonly number[]) => values.map((value) => Math.round(value));
  const generated = whole(wave(rate, 40));
  const arrived = generated.map((value) => Math.round(value * 0.898));
  return {
    second,
    seconds: second.map(() => 1),
    generated,
    acknowledged: generated,
    refused: second.map(() => 0),
    arrived: withSink ? arrived : null,
    inFlight: whole(wave(9, 8)),
    overdue: wave(0, 0),
    latenessMaxMs: wave(1.1, 1.6),
    ackP50Ms: wave(0.83, 0.1),
    ackP99Ms: wave(2.9, 1.1),
    endToEndP50Ms: withSink ? wave(4.1, 0.3) : null,
    endToEndP99Ms: withSink ? wave(8.8, 2.4) : null,
    serviceRssBytes: withService
      ? second.map((_, i) => Math.round(61e6 + 34e6 * (1 - Math.exp(-i / 6)) + 3e6 * draw()))
      : null,
    serviceCores: withService ? wave(0.094, 0.02) : null,
  };
}

const generated = rate * (seconds + warmup);
const sampledOut = 40_512;
const dropped = 26_688;

/** A run in which all went well: gateway traffic at 20,000 spans/s for 30 s through a chain that filters and samples. */
export function sampleReport(changes: Partial<LoadReport> = {}): LoadReport {
  const requests = Math.round(generated / spansPerRequest);
  const measured = Math.round((rate * seconds) / spansPerRequest);
  const arrived = generated - sampledOut - dropped;
  const ack = latencies(1, 20_000, 0.83, 11.4);
  const endToEnd = latencies(2, 20_000, 4.1, 31.8);
  return loadReportSchema.parse({
    version: 1,
    spanload: '0.1.0',
    command: [
      'spanload',
      '--endpoint',
      'http://127.0.0.1:4317',
      '--profile',
      'gateway',
      '--rate',
      '20000',
      '--duration',
      '30s',
      '--warmup',
      '3s',
      '--sink',
      '127.0.0.1:4400',
      '--expect',
      'pipelines/demo expect.yaml',
      '--pid',
      '4711',
      '--report',
      'run.html',
    ],
    startedAt: '2026-03-14T09:26:53.589Z',
    machine: { cpu: 'AMD EPYC 7R13 Processor', cores: 2, kernel: '6.8.0-1021-aws', node: 'v24.21.0' },
    profile: 'gateway',
    seed: 42,
    run: 31_337,
    endpoint: 'http://127.0.0.1:4317',
    protocol: 'grpc',
    client: 'native',
    compression: 'none',
    connections: 8,
    durationSeconds: seconds,
    warmupSeconds: warmup,
    outcome: 'complete',
    verdict: { ok: true, exitCode: 0, problems: [], remarks: [] },
    spans: {
      generated,
      acknowledged: generated,
      rejected: 0,
      failed: 0,
      arrived,
      expected: arrived,
      dropped,
      sampledOut,
      arrivedUnacknowledged: 0,
      lost: 0,
      rejectedBySink: 0,
      unexpected: 0,
      duplicated: 0,
      foreign: 0,
      malformed: 0,
      altered: 0,
    },
    examples: { lost: [], duplicated: [], unexpected: [], altered: [] },
    requests: {
      sent: requests,
      acknowledged: requests,
      byStatus: { OK: requests },
      bytes: generated * 612,
      firstFailure: null,
    },
    ackLatencyMs: latencyOf(ack, measured),
    responseLatencyMs: latencyOf(ack, measured),
    endToEndLatencyMs: latencyOf(endToEnd, Math.round(arrived * (seconds / (seconds + warmup)))),
    rate: { unit: 'spans/s', target: rate, achieved: 19_998.7, requestsPerSecond: 8332.8, held: null },
    ramp: null,
    lateness: { count: measured, p50: 0.061, p90: 0.24, p95: 0.38, p99: 0.91, p999: 1.62, max: 1.9 },
    backlog: { maxInFlight: 31, unsent: 0, unsentSpans: 0, limitedByBytes: false, flushedSpans: 0, notFlushedSpans: 0 },
    generator: { cpuMicrosecondsPerSpan: 3.1, cores: 0.062, cpuWaitShare: 0.002, bottleneck: false, why: '' },
    sink: { cpuMicrosecondsPerSpan: 0.62, cores: 0.011, cpuWaitShare: 0.001, bottleneck: false, why: '' },
    serviceAccount: { accepted: 1_200_000, refused: 0, sent: 1_199_000, failed: 0 },
    service: { pid: 4711, cpuMicrosecondsPerSpan: 4.7, cores: 0.094, peakRssBytes: 98_304_000, rssBytes: 96_120_832 },
    cpuMicrosecondsPerSpan: { generator: 3.1, service: 4.7 },
    faults: [],
    series: seriesOf(true, true),
    percentileCurve: { ack: curveOf(ack, measured), endToEnd: curveOf(endToEnd, arrived) },
    ...changes,
  });
}

/** Without --sink and --pid: what arrived is not known, nor what the service needed. */
export function reportWithoutSink(changes: Partial<LoadReport> = {}): LoadReport {
  const whole = sampleReport();
  const unknown = Object.fromEntries(Object.keys(whole.spans).map((key) => [key, null]));
  const { generated, acknowledged, rejected, failed } = whole.spans;
  return sampleReport({
    spans: { ...whole.spans, ...unknown, generated, acknowledged, rejected, failed },
    endToEndLatencyMs: null,
    sink: null,
    service: null,
    serviceAccount: null,
    cpuMicrosecondsPerSpan: { generator: 3.1, service: null },
    series: seriesOf(false, false),
    percentileCurve: { ...whole.percentileCurve, endToEnd: [] },
    ...changes,
  });
}

const id = (seed: number, digits: number): string => {
  const draw = drawer(seed);
  return Array.from({ length: digits }, () => Math.floor(draw() * 16).toString(16)).join('');
};
const spanOf = (seed: number) => ({ traceId: id(seed, 32), spanId: id(seed + 1000, 16) });

/** A run against a service that refuses for a while, loses, repeats and alters spans, and gets slow. */
export function failedReport(changes: Partial<LoadReport> = {}): LoadReport {
  const whole = sampleReport();
  const { series, spans, requests } = whole;
  const bad = (second: number) => second >= 12 && second < 18;
  const refused = series.second.map((second): number => (bad(second) ? 6_204 : 0));
  const rejected = refused.reduce((sum, value) => sum + value, 0);
  const acknowledged = spans.generated - rejected - 96;
  const expected = acknowledged - sampledOut - dropped;
  const slow = (values: readonly (number | null)[] | null, factor: number) =>
    (values ?? []).map((value, i) => (bad(series.second[i]) ? round((value ?? 0) * factor) : value));
  const ack = latencies(3, 20_000, 0.9, 842);
  const endToEnd = latencies(4, 20_000, 4.6, 6210);
  return sampleReport({
    verdict: {
      ok: false,
      exitCode: 1,
      problems: [
        '1,344 acknowledged spans were lost',
        '17 spans arrived altered, the first in attribute http.route',
        '512 spans arrived more than once',
      ],
      remarks: [],
    },
    spans: {
      ...spans,
      acknowledged,
      rejected,
      failed: 96,
      expected,
      arrived: expected - 1344,
      lost: 1344,
      rejectedBySink: 0,
      duplicated: 512,
      altered: 17,
      arrivedUnacknowledged: 40,
    },
    examples: {
      lost: Array.from({ length: 5 }, (_, i) => spanOf(i)),
      duplicated: Array.from({ length: 3 }, (_, i) => spanOf(i + 50)),
      unexpected: [],
      altered: Array.from({ length: 2 }, (_, i) => ({
        ...spanOf(i + 90),
        what: 'attribute http.route: "/v1/chat" became "/v1/<b>chat</b>"',
      })),
    },
    requests: {
      ...requests,
      acknowledged: requests.sent - 15_550,
      byStatus: { OK: requests.sent - 15_550, UNAVAILABLE: 15_510, TRANSPORT: 40 },
      firstFailure: '14 UNAVAILABLE: no room for the request; try again in 1 s',
    },
    rate: { ...whole.rate, achieved: 18_757.4 },
    ackLatencyMs: latencyOf(ack, 250_000),
    responseLatencyMs: latencyOf(ack, 250_000),
    endToEndLatencyMs: latencyOf(endToEnd, 500_000),
    percentileCurve: { ack: curveOf(ack, 250_000), endToEnd: curveOf(endToEnd, 500_000) },
    backlog: {
      maxInFlight: 1_904,
      unsent: 0,
      unsentSpans: 0,
      limitedByBytes: false,
      flushedSpans: 0,
      notFlushedSpans: 0,
    },
    faults: ['refuse=0.3,status=UNAVAILABLE,retry=1s,from=12s,to=18s', 'delay=200ms,share=0.05'],
    series: {
      ...series,
      refused,
      acknowledged: series.generated.map((value, i) => value - refused[i]),
      arrived: series.generated.map((value, i) => Math.round((value - refused[i]) * 0.89)),
      inFlight: series.inFlight.map((value, i) => (bad(series.second[i]) ? value * 140 : value)),
      ackP50Ms: slow(series.ackP50Ms, 14),
      ackP99Ms: slow(series.ackP99Ms, 190),
      endToEndP50Ms: slow(series.endToEndP50Ms, 30),
      endToEndP99Ms: slow(series.endToEndP99Ms, 420),
    },
    ...changes,
  });
}

/** A ramp whose fifth step was too much. */
export function rampReport(changes: Partial<LoadReport> = {}): LoadReport {
  const whole = sampleReport();
  const step = (target: number, ackP99Ms: number) => ({
    target,
    achieved: target - 3,
    acknowledged: target * 5,
    refused: 0,
    lost: 0,
    drainMs: 210,
    ackP99Ms,
    held: true,
    why: '',
  });
  return sampleReport({
    command: [
      'spanload',
      '--endpoint',
      'http://127.0.0.1:4317',
      '--profile',
      'collector',
      '--rate',
      '100000..800000',
      '--sink',
      '127.0.0.1:4400',
    ],
    profile: 'collector',
    rate: { ...whole.rate, target: { from: 100_000, to: 800_000 }, achieved: 412_310, held: 600_000 },
    ramp: [
      step(100_000, 3.1),
      step(200_000, 3.8),
      step(400_000, 5.9),
      step(600_000, 12.4),
      { ...step(800_000, 912), achieved: 688_102, refused: 61_440, held: false, why: '61,440 spans were refused' },
    ],
    ...changes,
  });
}
