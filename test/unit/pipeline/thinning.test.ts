import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { Thinning } from '../../../src/pipeline/thinning.ts';

type Line = Readonly<Record<string, unknown>>;

/** At 10 ms a turn, as the jobs of a busy pipeline. */
function create(t: TestContext) {
  mock.timers.enable({ apis: ['setInterval'] });
  t.after(() => mock.timers.reset());
  const lines: Line[] = [];
  const state = { fullness: 0, dropped: 0, now: 0, looks: 0 };
  const thinning = new Thinning(
    { from: 0.5, mostHalvings: 2 },
    {
      processor: 'memory_limiter',
      pipeline: 'traces',
      log: pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(JSON.parse(line)) }),
      fullness() {
        state.looks++;
        return state.fullness;
      },
      droppedSpans: () => state.dropped,
      now: () => state.now,
    },
  );
  const pass = (ms: number, jobs: boolean): void => {
    for (let left = ms; left > 0; left -= 10) {
      state.now += 10;
      if (jobs) thinning.halvings();
      mock.timers.tick(10);
    }
  };
  return { thinning, state, lines, pass };
}

test('each job is told how hard to thin, and the probability follows', (t) => {
  const { thinning, state, pass } = create(t);
  pass(100, true);
  assert.deepEqual([thinning.halvings(), thinning.probability], [0, 1]);
  state.fullness = 0.6;
  pass(100, true);
  assert.deepEqual([thinning.halvings(), thinning.probability], [1, 0.5]);
  state.fullness = 0.9;
  pass(100, true);
  assert.deepEqual([thinning.halvings(), thinning.probability], [2, 0.25]);
});

test('it is said once when it begins and once when it is over, with what it dropped', (t) => {
  const { thinning, state, lines, pass } = create(t);
  state.dropped = 7;
  state.fullness = 0.9;
  pass(1000, true);
  state.dropped += 900;
  state.fullness = 0.1;
  pass(2000, true);
  assert.equal(thinning.halvings(), 0);
  // Again, before it was said to be over: the same time of thinning.
  state.fullness = 0.6;
  pass(200, true);
  state.dropped += 100;
  assert.equal(lines.length, 1);
  assert.deepEqual([lines[0].keeps, lines[0].pipeline, lines[0].processor], [0.5, 'traces', 'memory_limiter']);
  state.fullness = 0.1;
  pass(20_000, true);
  assert.equal(lines.length, 2);
  assert.deepEqual([lines[1].dropped, lines[1].keptAtLeast], [1000, 0.25]);
  pass(60_000, true);
  assert.equal(lines.length, 2);
});

test('when no jobs come any more it ends all the same, and then nobody looks', (t) => {
  const { thinning, state, lines, pass } = create(t);
  pass(10_000, false);
  assert.equal(state.looks, 0, 'nothing is looked at before there is something to do');
  state.fullness = 0.9;
  pass(100, true);
  state.fullness = 0;
  pass(30_000, false);
  assert.equal(thinning.probability, 1);
  assert.equal(lines.length, 2);
  const { looks } = state;
  pass(10_000, false);
  assert.equal(state.looks, looks);
});

test('a pipeline that ends while it thins says what it dropped', (t) => {
  const { thinning, state, lines, pass } = create(t);
  state.fullness = 0.9;
  pass(100, true);
  state.dropped = 12;
  thinning.close();
  assert.equal(lines[1]?.dropped, 12);
  const { looks } = state;
  pass(10_000, false);
  assert.equal(state.looks, looks);
});
