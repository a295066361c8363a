import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AdmissionProcessorDefinition } from '../../../../src/component/types.ts';
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
    [{ check_interval, limit_mib: 10, spike_limit_mib: 9, min_gc_interval_when_soft_limited: '1s' }],
  ] as const) {
    assert.deepEqual(problems(config), places, JSON.stringify(config));
  }
});
