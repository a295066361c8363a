// The search, over a service that is a few numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GeneratorReport, GeneratorTick, Pace } from '../../../loadgen/generator/messages.ts';
import { climb } from '../../../loadgen/ramp.ts';
import type { Rig } from '../../../loadgen/rig.ts';
import type { Course, RunOptions } from '../../../loadgen/run.ts';
import { Watch } from '../../../loadgen/watch.ts';

const latency = (p99: number) => ({ count: 1, p50: p99, p90: p99, p95: p99, p99, p999: p99, max: p99 });
const record = (p99: number) => ({ ...latency(p99), curve: [] });

interface Service {
  /** Spans a second that it acknowledges. */
  readonly carries: number;
  /** Spans that it refuses above that rate instead of being slow. */
  readonly refuses?: boolean;
  readonly latenessMs?: number;
  readonly generatorCores?: number;
}

const stepMs = 1000;

/** Time passes by steps: each `start` is one of a second. */
function courseOver({ carries, refuses = false, latenessMs = 0, generatorCores = 0.1 }: Service, signal: AbortSignal) {
  let nowMs = 0;
  let acknowledged = 0;
  let rejected = 0;
  let cpu = 0;
  const rates: number[] = [];
  const counters = () => ({
    requests: {
      sent: 0,
      acknowledged: 0,
      byStatus: {},
      bytes: 0,
      overdue: 0,
      unsent: 0,
      unsentSpans: 0,
      inFlight: 0,
      mostInFlight: 0,
    },
    limitedByBytes: false,
    spans: { generated: acknowledged + rejected, acknowledged, rejected, failed: 0 },
    firstFailure: rejected > 0 ? 'UNAVAILABLE: busy' : '',
    late: { requests: 0, spans: 0 },
    cpuMicroseconds: cpu,
    cpuWaitMicroseconds: null,
  });
  const tick = (): GeneratorTick => ({ ...counters(), atMs: nowMs, acknowledgement: latency(1), lateness: latency(0) });
  const report = (): GeneratorReport => ({
    ...counters(),
    end: 0,
    unsure: [],
    disconnected: null,
    acknowledgement: record(5),
    response: record(5),
    lateness: record(latenessMs),
    flushed: { requests: 0, spans: 0 },
    notFlushed: { requests: 0, spans: 0 },
  });
  const generator = {
    ready: { spansPerRequest: 1 },
    lost: new Promise<never>(() => undefined),
    async start(pace: Pace) {
      assert.equal(pace.kind, 'open');
      const rate = pace.kind === 'open' ? pace.perSecond : 0;
      rates.push(rate);
      nowMs += stepMs;
      cpu += generatorCores * stepMs * 1000;
      acknowledged += Math.round(Math.min(rate, carries));
      if (refuses) rejected += Math.round(Math.max(0, rate - carries));
    },
    stop: async () => report(),
    flush: async () => report(),
    abandon: async () => undefined,
    tick: async () => tick(),
    report: async () => report(),
    resetLatency: async () => undefined,
    end: async () => undefined,
  };
  const rig: Rig = { generator, sink: null, pid: null };
  const options = { durationMs: 0, waitMs: 0 } as RunOptions;
  const watch = new Watch(rig, () => undefined);
  const course: Course = {
    rig,
    options,
    watch,
    signal,
    limitMs: 0,
    enter: () => undefined,
    loadEnded: async () => undefined,
  };
  return { course, rates };
}

const never = new AbortController().signal;

test('the rate grows by half while it is held, and then the distance is halved until it is small', async () => {
  const { course, rates } = courseOver({ carries: 4000 }, never);
  const { steps } = await climb(course, 1000, 100_000);
  assert.deepEqual(rates.slice(0, 5).map(Math.round), [1000, 1500, 2250, 3375, 5063]);
  const held = steps.filter((step) => step.held).map((step) => step.target);
  const missed = steps.filter((step) => !step.held).map((step) => step.target);
  assert.ok(Math.max(...held) <= 4000 / 0.98 && Math.max(...held) > 4000 / 1.06, `${Math.max(...held)}`);
  assert.ok(Math.min(...missed) / Math.max(...held) <= 1.05);
  assert.match(steps.find((step) => !step.held)?.why ?? '', /^only 4000 spans\/s were acknowledged$/);
});

test('a ramp ends at its top when that is held, and at once when its foot is not', async () => {
  const easy = courseOver({ carries: 1e6 }, never);
  const up = await climb(easy.course, 1000, 2000);
  assert.deepEqual(
    up.steps.map(({ target, held }) => [target, held]),
    [
      [1000, true],
      [1500, true],
      [2000, true],
    ],
  );
  const hard = courseOver({ carries: 10 }, never);
  const none = await climb(hard.course, 1000, 2000);
  assert.deepEqual(
    none.steps.map(({ held }) => held),
    [false],
  );
});

test('spans refused make a rate one that is not held', async () => {
  const { course } = courseOver({ carries: 1200, refuses: true }, never);
  const { steps } = await climb(course, 1000, 1500);
  assert.match(steps[1].why, /^300 spans refused: UNAVAILABLE: busy/);
  assert.equal(steps[1].refused, 300);
});

test('a generator that is late, or has no more of its core, is said to be the limit', async () => {
  const late = await climb(courseOver({ carries: 1e6, latenessMs: 80 }, never).course, 1000, 2000);
  assert.match(late.limited.generator, /sent more than 80 ms late/);
  const busy = await climb(courseOver({ carries: 1e6, generatorCores: 0.98 }, never).course, 1000, 2000);
  assert.match(busy.limited.generator, /kept 0\.98 cores busy/);
  assert.match(busy.steps[0].why, /^the generator was the limit/);
});

test('a step that is interrupted is no step', async () => {
  const interrupted = new AbortController();
  interrupted.abort();
  const { course } = courseOver({ carries: 1e6 }, interrupted.signal);
  assert.deepEqual((await climb(course, 1000, 2000)).steps, []);
});
