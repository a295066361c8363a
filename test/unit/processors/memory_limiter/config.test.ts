import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AdmissionProcessorDefinition } from '../../../../src/component/processor.ts';
import { memoryLimiter } from '../../../../src/processors/memory_limiter/index.ts';

const definition: AdmissionProcessorDefinition = memoryLimiter;
const mib = 1024 * 1024;
const total = 1000 * mib;
const check_interval = '1s';
const budgetMib = (config: object): number =>
  definition.budgetBytes(definition.config.parse({ check_interval, ...config }), total) / mib;

/** Paths of what is wrong with it. */
function problems(config: object): string[] {
  const result = definition.config.safeParse(config);
  if (!result.success) return result.error.issues.map((issue) => issue.path.join('.'));
  return (definition.check?.(result.data) ?? []).map((issue) => issue.path.join('.'));
}

test('the budget is the soft limit: the limit without the spike, which is a fifth unless given', () => {
  assert.equal(budgetMib({ limit_mib: 100 }), 80);
  assert.equal(budgetMib({ limit_mib: 100, spike_limit_mib: 30 }), 70);
  assert.equal(budgetMib({ limit_percentage: 50 }), 400);
  assert.equal(budgetMib({ limit_percentage: 50, spike_limit_percentage: 20 }), 300);
});

test('a limit in MiB wins over one in percent', () => {
  assert.equal(budgetMib({ limit_mib: 100, limit_percentage: 50, spike_limit_percentage: 20 }), 80);
});

test('what the Collector refuses is refused at its place', () => {
  for (const [config, ...places] of [
    [{ limit_mib: 10 }, 'check_interval'],
    [{ check_interval: 0, limit_mib: 10 }, 'check_interval'],
    [{ check_interval }, ''],
    [{ check_interval, limit_percentage: 200 }, 'limit_percentage'],
    [{ check_interval, limit_mib: 10, spike_limit_percentage: 101 }, 'spike_limit_percentage'],
    [{ check_interval, limit_mib: 10, spike_limit_mib: 10 }, 'spike_limit_mib'],
    [{ check_interval, limit_percentage: 50, spike_limit_percentage: 50 }, 'spike_limit_percentage'],
    [{ check_interval, limit_mib: 10, min_gc_interval_when_hard_limited: '20s' }, 'min_gc_interval_when_soft_limited'],
    [{ check_interval, limit_mib: 10, zz: 1 }, ''],
    [{ check_interval, limit_mib: 10, overload: 'drop' }, 'overload'],
    [{ check_interval, limit_mib: 10, sample_above_percentage: 0 }, 'sample_above_percentage'],
    [{ check_interval, limit_mib: 10, sample_above_percentage: 96 }, 'sample_above_percentage'],
    [{ check_interval, limit_mib: 10, sample_down_to_percentage: 51 }, 'sample_down_to_percentage'],
    [{ check_interval, limit_mib: 10, sample_down_to_percentage: 0 }, 'sample_down_to_percentage'],
    [{ check_interval, limit_mib: 10, spike_limit_mib: 9, min_gc_interval_when_soft_limited: '1s' }],
  ] as const) {
    assert.deepEqual(problems(config), places, JSON.stringify(config));
  }
});

test('spans are thinned only where that is asked for; the lowest rate is a power of two that is not below what is allowed', () => {
  const thinning = (config: object) => {
    return definition.thinning(definition.config.parse({ check_interval, limit_mib: 10, ...config }));
  };
  assert.equal(thinning({}), null);
  assert.equal(thinning({ overload: 'refuse', sample_above_percentage: 50 }), null);
  assert.deepEqual(thinning({ overload: 'sample' }), { from: 0.6, mostHalvings: 6 });
  for (const [sample_down_to_percentage, mostHalvings] of [
    [50, 1],
    [26, 1],
    [25, 2],
    [6.25, 4],
    [0.01, 13],
  ]) {
    assert.equal(thinning({ overload: 'sample', sample_down_to_percentage })?.mostHalvings, mostHalvings);
  }
});

test('what has no effect without sampling is a warning', () => {
  const warned = (config: object): string[] => {
    const parsed = definition.config.parse({ check_interval, limit_mib: 10, ...config });
    return (definition.advise?.(parsed) ?? []).map(({ path }) => path.join('.'));
  };
  assert.deepEqual(warned({ sample_above_percentage: 70 }), ['sample_above_percentage']);
  assert.deepEqual(warned({ overload: 'sample', sample_above_percentage: 70 }), []);
  assert.deepEqual(warned({}), []);
});
