import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { allCases, groups, type LoadCase, sizeCase, storageVariable } from '../../../bench/cases.ts';
import { withRate } from '../../../bench/measure.ts';
import { caseOf } from './measurements.ts';

const root = join(import.meta.dirname, '../../..');
const loads = allCases.filter((one): one is LoadCase => one.group !== 'idle');

describe('the cases', () => {
  it('have a name each, which is no other group', () => {
    assert.equal(new Set(allCases.map(({ label }) => label)).size, allCases.length);
    for (const { label, group } of allCases) {
      assert.ok(!groups.some((other) => other === label && other !== group), label);
    }
  });

  it('stand behind what they are compared with, in the same group', () => {
    const based = loads.filter(({ base }) => base !== null);
    assert.ok(based.length > 0);
    for (const one of based) {
      const at = loads.findIndex(({ label, group }) => label === one.base && group === one.group);
      assert.ok(at >= 0 && at < loads.indexOf(one), one.label);
    }
  });

  it('differ from what they are compared with in what is set, or in the rate, and in nothing else of the load', () => {
    for (const one of loads.filter(({ base }) => base !== null)) {
      const base = caseOf(one.base ?? '');
      const { label, settings, rate, seconds, base: _, ...same } = one;
      assert.deepEqual({ ...base, label, settings, rate, seconds, base: one.base }, one, label);
      assert.notDeepEqual({ settings, rate }, { settings: base.settings, rate: base.rate });
      assert.ok(Object.keys(same).length > 0);
    }
  });

  it('take a multiple of what a ramp held only', () => {
    const multiples = loads.filter(({ rate }) => rate.kind === 'times');
    assert.deepEqual(
      multiples.map(({ label }) => label),
      ['overload'],
    );
    for (const { base } of multiples) assert.equal(caseOf(base ?? '').rate.kind, 'ramp');
  });

  it('set what pipelines/bench.yaml can be set to', () => {
    const distinct = [...new Map(loads.map(({ settings }) => [settings.join(' '), settings])).values()];
    assert.ok(distinct.length > 4);
    for (const settings of distinct) {
      const command = ['validate', '--config', 'pipelines/bench.yaml', ...settings];
      const env = { ...process.env, [storageVariable]: tmpdir() };
      const { status, stderr } = spawnSync(join(root, 'bin/spanmill'), command, { cwd: root, encoding: 'utf8', env });
      assert.equal(status, 0, stderr);
      assert.equal(stderr, '');
    }
  });
});

describe('the size of requests', () => {
  it('is a number of spans, with connections and calls in flight where they are not the usual ones', () => {
    const read = (label: string) => {
      const { batchSize, connections, rate } = sizeCase(label) ?? {};
      return [batchSize, connections, rate];
    };
    assert.deepEqual(read('512'), [512, 2, { kind: 'max', inFlight: 8 }]);
    assert.deepEqual(read('99'), [99, 32, { kind: 'max', inFlight: 8 }]);
    assert.deepEqual(read('10@256x1'), [10, 256, { kind: 'max', inFlight: 1 }]);
  });

  it('is nothing else', () => {
    for (const wrong of ['', 'x', '0', '-1', '1.5', '10@', '10@0x1', '10@1x0', '10@256', '10@256x1x1', ' 10']) {
      assert.equal(sizeCase(wrong), null, wrong);
    }
  });
});

describe('a rate that is a multiple of what was held', () => {
  it('is that many spans a second', () => {
    assert.deepEqual(withRate(caseOf('overload'), 400_000)?.rate, { kind: 'spans', perSecond: 800_000 });
  });

  it('does not exist where nothing was held', () => {
    assert.equal(withRate(caseOf('overload'), null), null);
  });

  it('leaves other rates as they are', () => {
    const load = caseOf('512');
    assert.deepEqual(withRate(load, 400_000), load);
    assert.deepEqual(withRate(load, null), load);
  });
});
