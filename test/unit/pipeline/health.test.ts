import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defaultHealthPolicy, type HealthPolicy, type HealthThresholds } from '../../../src/component/health.ts';
import {
  type ExporterInput,
  type HealthInputs,
  HealthJudge,
  type HealthVerdict,
} from '../../../src/pipeline/health.ts';

const fine: ExporterInput = {
  id: 'otlp',
  queueAgeMs: 0,
  queueFullness: 0,
  consecutiveFailures: 0,
  lastError: '',
  sinceSuccessMs: 0,
};
const exporter = (change: Partial<ExporterInput> = {}): ExporterInput => ({ ...fine, ...change });
const receiver = (acceptedRequests: number, refusedRequests = 0, id = 'otlp') => ({
  id,
  acceptedRequests,
  refusedRequests,
});

function inputs(change: Partial<HealthInputs> = {}): HealthInputs {
  return {
    pipelines: [{ id: 'traces', receivers: ['otlp'], exporters: ['otlp'] }],
    receivers: [receiver(0)],
    exporters: [exporter()],
    memoryFullness: 0,
    workerDeaths: 0,
    storageFailures: 0,
    workersBusyMs: 0,
    ...change,
  };
}

type Change = Omit<Partial<HealthPolicy>, 'degraded' | 'notReady'> & {
  readonly degraded?: Partial<HealthThresholds>;
  readonly notReady?: Partial<HealthThresholds>;
};
function judgeWith(change: Change = {}): HealthJudge {
  return new HealthJudge({
    ...defaultHealthPolicy,
    ...change,
    degraded: { ...defaultHealthPolicy.degraded, ...change.degraded },
    notReady: { ...defaultHealthPolicy.notReady, ...change.notReady },
  });
}

/** Judges once a second, from 0 to `seconds`; the last verdict. */
function judgeFor(judge: HealthJudge, seconds: number, at: (second: number) => HealthInputs): HealthVerdict {
  let verdict: HealthVerdict | undefined;
  for (let second = 0; second <= seconds; second++) verdict = judge.judge(at(second), second * 1000);
  assert.ok(verdict !== undefined);
  return verdict;
}

/** `not_ready memory memory` and the like, of the only pipeline. */
const shown = ({ pipelines }: HealthVerdict): string[] => [
  pipelines[0].state,
  ...pipelines[0].reasons.map(({ state, cause, component }) => `${state} ${cause} ${component}`),
];

test('a service that has nothing to complain of is healthy, with traffic and without', () => {
  const judge = judgeWith();
  const verdict = judgeFor(judge, 30, (second) => inputs({ receivers: [receiver(second * 1000)] }));
  assert.deepEqual(shown(verdict), ['ok']);
  assert.deepEqual([verdict.live, verdict.pipelines[0].ready, verdict.pipelines[0].forMs], [true, true, 30_000]);
  assert.deepEqual(shown(judgeFor(judgeWith(), 30, () => inputs())), ['ok']);
});

const stuck = { queueAgeMs: 600_000, consecutiveFailures: 99, lastError: 'refused', sinceSuccessMs: Infinity };
const table: [name: string, at: (second: number) => HealthInputs, expected: string[]][] = [
  ['a batch that has waited for 29 s', () => inputs({ exporters: [exporter({ queueAgeMs: 29_999 })] }), ['ok']],
  [
    'a batch that has waited for 30 s',
    () => inputs({ exporters: [exporter({ queueAgeMs: 30_000 })] }),
    ['degraded', 'degraded queue_age exporter:otlp'],
  ],
  ['two failed attempts in a row', () => inputs({ exporters: [exporter({ consecutiveFailures: 2 })] }), ['ok']],
  [
    'three failed attempts in a row',
    () => inputs({ exporters: [exporter({ consecutiveFailures: 3 })] }),
    ['degraded', 'degraded exporter_failures exporter:otlp'],
  ],
  [
    'a backend that is gone, with room for what comes',
    (second) => inputs({ exporters: [exporter(stuck)], receivers: [receiver(second)] }),
    ['degraded', 'degraded queue_age exporter:otlp', 'degraded exporter_failures exporter:otlp'],
  ],
  [
    'a full queue that moves',
    () => inputs({ exporters: [exporter({ queueFullness: 1, sinceSuccessMs: 100 })] }),
    ['degraded', 'degraded queue exporter:otlp'],
  ],
  [
    'a full queue that stands still',
    () => inputs({ exporters: [exporter({ queueFullness: 1, sinceSuccessMs: 10_000 })] }),
    ['not_ready', 'not_ready queue pipeline:traces', 'degraded queue exporter:otlp'],
  ],
  [
    'a queue that is full now and then',
    (second) => inputs({ exporters: [exporter({ queueFullness: second % 5 === 0 ? 0.5 : 1 })] }),
    ['ok'],
  ],
  [
    'nine requests in a thousand refused',
    (second) => inputs({ receivers: [receiver(991 * second, 9 * second)] }),
    ['ok'],
  ],
  [
    'one request in a hundred refused',
    (second) => inputs({ receivers: [receiver(99 * second, second)] }),
    ['degraded', 'degraded refusals receiver:otlp'],
  ],
  [
    'half of the requests refused, as under twice the load',
    (second) => inputs({ receivers: [receiver(500 * second, 500 * second)] }),
    ['degraded', 'degraded refusals receiver:otlp'],
  ],
  [
    'nine of ten requests refused',
    (second) => inputs({ receivers: [receiver(second, 9 * second)] }),
    ['not_ready', 'not_ready refusals receiver:otlp'],
  ],
  ['four requests refused on a quiet service', () => inputs({ receivers: [receiver(0, 4)] }), ['ok']],
  [
    'memory that is full and moves',
    (second) => inputs({ memoryFullness: 1, receivers: [receiver(second)] }),
    ['degraded', 'degraded memory memory'],
  ],
  [
    'memory that is full and takes nothing, though nobody asks',
    () => inputs({ memoryFullness: 1, receivers: [receiver(5)] }),
    ['not_ready', 'not_ready memory memory'],
  ],
  [
    'memory that is nearly full',
    (second) => inputs({ memoryFullness: 0.8, receivers: [receiver(second)] }),
    ['degraded', 'degraded memory memory'],
  ],
  [
    'a worker that died',
    (second) => inputs({ workerDeaths: second > 25 ? 1 : 0 }),
    ['degraded', 'degraded worker_deaths workers'],
  ],
  ['workers that died long ago', () => inputs({ workerDeaths: 7 }), ['ok']],
  [
    'a span that could not be stored',
    (second) => inputs({ storageFailures: second > 25 ? 3 : 2 }),
    ['degraded', 'degraded storage_failures storage'],
  ],
];
for (const [name, at, expected] of table) {
  test(`${name}: ${expected[0]}`, () => {
    assert.deepEqual(shown(judgeFor(judgeWith(), 30, at)), expected);
  });
}

test('reasons say what is wrong in figures, and do not repeat long errors whole', () => {
  const { pipelines } = judgeFor(judgeWith(), 20, (second) =>
    inputs({
      exporters: [exporter({ ...stuck, queueAgeMs: 45_400, lastError: 'x'.repeat(5000) })],
      receivers: [receiver(100 * second, 100 * second)],
      workerDeaths: second > 18 ? 3 : 1,
      storageFailures: second > 18 ? 1 : 0,
      memoryFullness: 0.856,
    }),
  );
  const messages = pipelines[0].reasons.map(({ message }) => message);
  assert.deepEqual(messages, [
    '1000 of 2000 requests of the last 10s were refused for want of room',
    'its oldest batch has waited for 45s',
    `99 attempts in a row failed, the last with: ${'x'.repeat(200)}…`,
    'the memory budget is 85 % used',
    '2 times in 10s a worker died (3 in all)',
    '1 span could not be stored in the last 10s',
  ]);
});

test('every threshold can be moved between the states, and 0 switches it off', () => {
  const bad = (second: number): HealthInputs =>
    inputs({
      exporters: [exporter({ ...stuck, queueFullness: 1 })],
      receivers: [receiver(0, second * 100)],
      memoryFullness: 1,
      workerDeaths: second,
      storageFailures: second,
    });
  const off: HealthThresholds = {
    queueAgeMs: 0,
    exporterFailures: 0,
    refusals: 0,
    fullness: 0,
    workerDeaths: 0,
    storageFailures: 0,
  };
  assert.deepEqual(shown(judgeFor(judgeWith({ degraded: off, notReady: off }), 30, bad)), ['ok']);
  const causes: [key: keyof HealthThresholds, expected: string[]][] = [
    ['queueAgeMs', ['queue_age exporter:otlp']],
    ['exporterFailures', ['exporter_failures exporter:otlp']],
    ['refusals', ['refusals receiver:otlp']],
    ['workerDeaths', ['worker_deaths workers']],
    ['storageFailures', ['storage_failures storage']],
  ];
  for (const [key, expected] of causes) {
    const value = key === 'refusals' ? 1 : 2;
    for (const [level, change] of [
      ['degraded', { degraded: { ...off, [key]: value }, notReady: off }],
      ['not_ready', { degraded: off, notReady: { ...off, [key]: value } }],
    ] as const) {
      const judged = shown(judgeFor(judgeWith(change), 30, bad));
      assert.deepEqual(judged, [level, ...expected.map((one) => `${level} ${one}`)], key);
    }
  }
  assert.deepEqual(shown(judgeFor(judgeWith({ degraded: off, notReady: { ...off, fullness: 0.9 } }), 30, bad)), [
    'not_ready',
    'not_ready queue pipeline:traces',
    'not_ready memory memory',
  ]);
});

test('where pipelines do not decide they are judged all the same', () => {
  const at = (second: number): HealthInputs => inputs({ receivers: [receiver(0, second * 100)] });
  const [pipeline] = judgeFor(judgeWith({ enabled: false }), 20, at).pipelines;
  assert.deepEqual([pipeline.state, pipeline.ready], ['not_ready', true]);
  assert.equal(judgeFor(judgeWith(), 20, at).pipelines[0].ready, false);
});

test('a reason belongs to the pipelines of its component, and what all share to all', () => {
  const change = {
    pipelines: [
      { id: 'traces/a', receivers: ['otlp/a'], exporters: ['dead', 'alive'] },
      { id: 'traces/b', receivers: ['otlp/b'], exporters: ['alive'] },
    ],
    exporters: [exporter({ ...stuck, id: 'dead', queueFullness: 1 }), exporter({ id: 'alive' })],
  };
  const { pipelines } = judgeFor(judgeWith(), 20, (second) =>
    inputs({ ...change, receivers: [receiver(0, 0, 'otlp/a'), receiver(0, second * 10, 'otlp/b')] }),
  );
  assert.deepEqual(
    pipelines.map(({ id, state, reasons }) => [id, state, reasons.map(({ component }) => component)]),
    [
      // One dead backend of two does not take the instance from the live one.
      ['traces/a', 'degraded', ['exporter:dead', 'exporter:dead', 'exporter:dead']],
      ['traces/b', 'not_ready', ['receiver:otlp/b']],
    ],
  );
  const shared = judgeFor(judgeWith(), 20, (second) => inputs({ ...change, receivers: [], workerDeaths: second }));
  assert.ok(shared.pipelines.every(({ reasons }) => reasons.some(({ component }) => component === 'workers')));
});

test('a worse state is entered at once, and left when its cause has been gone for the recovery time', () => {
  const judge = judgeWith({ recoveryMs: 5000 });
  const at = (second: number, consecutiveFailures: number): string =>
    judge.judge(inputs({ exporters: [exporter({ consecutiveFailures })] }), second * 1000).pipelines[0].state;
  assert.equal(at(0, 0), 'ok');
  assert.equal(at(1, 3), 'degraded');
  assert.equal(at(2, 0), 'degraded');
  assert.equal(at(5.9, 0), 'degraded');
  assert.equal(at(6, 0), 'ok');
});

test('a cause that comes and goes faster than the recovery time changes the state once', () => {
  const judge = judgeWith({ recoveryMs: 5000 });
  const states: string[] = [];
  for (let second = 0; second < 60; second++) {
    const consecutiveFailures = second % 4 === 1 ? 5 : 0;
    const verdict = judge.judge(inputs({ exporters: [exporter({ consecutiveFailures })] }), second * 1000);
    const [{ state, reasons, forMs }] = verdict.pipelines;
    states.push(state);
    if (second > 0) assert.deepEqual([reasons[0].forMs, forMs], [(second - 1) * 1000, (second - 1) * 1000]);
  }
  assert.deepEqual(new Set(states.slice(1)), new Set(['degraded']));
});

test('from not ready the way back leads through degraded when the lesser cause stays', () => {
  const judge = judgeWith({ windowMs: 5000, recoveryMs: 3000 });
  const states: string[] = [];
  let refused = 0;
  let accepted = 0;
  for (let second = 0; second < 30; second++) {
    if (second < 10) refused += 100;
    else if (second < 20) {
      accepted += 90;
      refused += 10;
    } else accepted += 100;
    const verdict = judge.judge(inputs({ receivers: [receiver(accepted, refused)] }), second * 1000);
    const [{ state }] = verdict.pipelines;
    if (states.at(-1) !== state) states.push(state);
  }
  assert.deepEqual(states, ['ok', 'not_ready', 'degraded', 'ok']);
});

test('fullness counts when it has lasted for a window, not before', () => {
  const judge = judgeWith();
  const at = (second: number): string =>
    judge.judge(inputs({ memoryFullness: second < 3 ? 0 : 1 }), second * 1000).pipelines[0].state;
  for (let second = 0; second < 13; second++) assert.equal(at(second), 'ok', `at ${second}`);
  assert.equal(at(13), 'not_ready');
});

test('a clock that is set back, or a process that was stopped for an hour, upsets nothing', () => {
  const judge = judgeWith({ recoveryMs: 5000 });
  const at = (ms: number, change: Partial<HealthInputs> = {}): HealthVerdict => judge.judge(inputs(change), ms);
  at(100_000, { exporters: [exporter({ consecutiveFailures: 9 })] });
  const [back] = at(40_000).pipelines;
  assert.deepEqual([back.state, back.forMs, back.reasons[0].forMs], ['degraded', 0, 0]);
  assert.equal(at(104_999).pipelines[0].state, 'degraded');
  assert.equal(at(105_000).pipelines[0].state, 'ok');
  // One request refused in an hour without a look is no refusal of nine in ten.
  const [later] = at(105_000 + 3_600_000, { receivers: [receiver(10_000, 4)] }).pipelines;
  assert.deepEqual([later.state, later.forMs], ['ok', 3_600_000]);
});

test('a component that was replaced counts from zero, one that is gone is forgotten', () => {
  const judge = judgeWith();
  judgeFor(judge, 5, (second) => inputs({ receivers: [receiver(1000 + second * 1000, second)] }));
  // Ten requests in its new life, all accepted: the counter is below where it was.
  const after = judge.judge(inputs({ receivers: [receiver(10, 0)] }), 6000);
  assert.deepEqual(shown(after), ['ok']);
  const sick = judge.judge(inputs({ exporters: [exporter({ consecutiveFailures: 9 })] }), 7000);
  assert.equal(sick.pipelines[0].state, 'degraded');
  const other = {
    pipelines: [{ id: 'traces', receivers: ['otlp'], exporters: ['otlp/new'] }],
    exporters: [exporter({ id: 'otlp/new' })],
  };
  assert.deepEqual(shown(judge.judge(inputs(other), 8000)), ['ok']);
  const again = judge.judge(inputs({ exporters: [exporter()] }), 9000);
  assert.deepEqual(shown(again), ['ok'], 'it came back with what its predecessor had done');
});

test('workers that are all at one job for longer than any is allowed make the process dead, nothing else does', () => {
  const judge = judgeWith();
  const live = (change: Partial<HealthInputs>): boolean => judge.judge(inputs(change), 0).live;
  assert.equal(live({ workersBusyMs: 89_999 }), true);
  assert.equal(live({ workersBusyMs: 90_000 }), false);
  assert.equal(live({ exporters: [exporter(stuck)], memoryFullness: 1, workerDeaths: 100 }), true);
});

test('whatever the numbers, worse ones never give a better state', () => {
  const rank = { ok: 0, degraded: 1, not_ready: 2 };
  const number = fc.record({
    age: fc.nat(100_000),
    failures: fc.nat(10),
    full: fc.double({ min: 0, max: 1, noNaN: true }),
    refused: fc.nat(100),
  });
  const property = fc.property(number, number, (one, more) => {
    const of = (n: typeof one): number => {
      const verdict = judgeFor(judgeWith(), 20, (second) =>
        inputs({
          exporters: [
            exporter({
              queueAgeMs: n.age,
              consecutiveFailures: n.failures,
              queueFullness: n.full,
              sinceSuccessMs: Number.POSITIVE_INFINITY,
            }),
          ],
          receivers: [receiver(100 * second, n.refused * second)],
          memoryFullness: n.full,
        }),
      );
      return rank[verdict.pipelines[0].state];
    };
    const worse = {
      age: one.age + more.age,
      failures: one.failures + more.failures,
      full: Math.max(one.full, more.full),
      refused: one.refused + more.refused,
    };
    assert.ok(of(worse) >= of(one), JSON.stringify([one, worse]));
  });
  fc.assert(property, { numRuns: 100 });
});
