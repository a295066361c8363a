// Who was at the limit, from two looks at a run.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { platform } from 'node:os';
import { test } from 'node:test';
import { cpuWaitMicroseconds, cpuWaitOf } from '../../../loadgen/cpu-wait.ts';
import { limitsOf, starvation } from '../../../loadgen/limits.ts';
import type { Moment } from '../../../loadgen/watch.ts';

interface Use {
  /** Shares of the time. */
  readonly busy: number;
  /** null: the system does not say. */
  readonly waited: number | null;
}

const seconds = 10;

/** Two moments so far apart, between which the processes were busy and waited for a processor. */
function between(generator: Use, sink: Use | null): [begin: Moment, end: Moment] {
  const at = (second: number): Moment => {
    const figures = ({ busy, waited }: Use) => ({
      atMs: 5000 + second * 1000,
      cpuMicroseconds: 3e6 + busy * second * 1e6,
      cpuWaitMicroseconds: waited === null ? null : 7e6 + waited * second * 1e6,
    });
    const moment = { generator: figures(generator), sink: sink === null ? null : figures(sink), service: null };
    return moment as unknown as Moment;
  };
  return [at(0), at(seconds)];
}

const late = (p99: number) => ({
  lateness: { count: 1, p50: p99, p90: p99, p95: p99, p99, p999: p99, max: p99, curve: [] },
});
const idle: Use = { busy: 0.1, waited: 0.01 };

test('at the limit is who keeps a core busy, and nobody who has room', () => {
  const busy: Use = { busy: 0.97, waited: 0.02 };
  const limits = (generator: Use, sink: Use | null) => limitsOf(...between(generator, sink), late(1));
  const full = 'it kept 0.97 cores busy, and can use one';
  assert.deepEqual(limits(idle, idle), { generator: '', sink: '' });
  assert.deepEqual(limits({ busy: 0.9, waited: 0 }, null), { generator: '', sink: '' });
  assert.deepEqual(limits(busy, idle), { generator: full, sink: '' });
  assert.deepEqual(limits(idle, busy), { generator: '', sink: full });
  // Who waits for a processor is not who was too slow.
  assert.deepEqual(limits({ busy: 0.5, waited: 0.5 }, { busy: 0.4, waited: 0.6 }), { generator: '', sink: '' });
});

test('a generator that sends late is at the limit, whatever it used', () => {
  const { generator } = limitsOf(...between(idle, null), late(80));
  assert.equal(generator, 'one request in a hundred was sent more than 80 ms late');
});

test('processes that waited long for a processor are named, others are not', () => {
  const starved = (generator: number | null, sink: number | null) =>
    starvation(...between({ busy: 0.1, waited: generator }, { busy: 0.1, waited: sink })).map((line) =>
      line.replace(/ of the time: .*/, ''),
    );
  assert.deepEqual(starved(0.02, 0.03), []);
  assert.deepEqual(starved(null, null), []);
  assert.deepEqual(starved(0.4, 0.02), ['the generator waited for a processor for 40 %']);
  assert.deepEqual(starved(0.4, 0.6), [
    'the generator waited for a processor for 40 %',
    'the sink waited for a processor for 60 %',
  ]);
  assert.deepEqual(starvation(...between(idle, null)), []);
  const [machine] = starvation(...between({ busy: 0.6, waited: 0.35 }, idle));
  assert.match(
    machine,
    /^the generator waited for a processor for 35 % of the time, and was never idle: the machine was/,
  );
});

test('the wait is the second number of a schedstat file, in microseconds', () => {
  assert.equal(cpuWaitOf('1058054 21500 17\n'), 21.5);
  for (const text of ['', '1 2', '-1 -2 -3\n', '1 2 3 4\n', 'waiting']) assert.equal(cpuWaitOf(text), null);
  const known = cpuWaitMicroseconds();
  if (platform() !== 'linux') assert.equal(known, null);
  // Some kernels and sandboxes have no such file.
  else if (known !== null) assert.ok(known <= (cpuWaitOf(readFileSync('/proc/self/schedstat', 'latin1')) ?? -1));
});
