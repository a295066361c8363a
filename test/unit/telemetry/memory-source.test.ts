import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemorySource } from '../../../src/telemetry/memory-source.ts';
import { renderMetrics } from '../../../src/telemetry/metrics.ts';

test('the budget and what is held of it are shown as they are when somebody asks', async () => {
  const budget = { used: 0, budgetBytes: 128 << 20 };
  const source = createMemorySource(budget);
  assert.match(await renderMetrics([source]), /^spanmill_memory_budget 134217728$[\s\S]*^spanmill_memory_held 0$/m);
  budget.used = 4096;
  budget.budgetBytes = 64 << 20;
  assert.match(await renderMetrics([source]), /^spanmill_memory_budget 67108864$[\s\S]*^spanmill_memory_held 4096$/m);
});
