// Metrics of the process, by the Collector's names; and who it is.
import type { MetricSample, MetricSource } from './source.ts';

/** `attributes` are the service's resource attributes, shown as labels of target_info (dots as underscores). */
export function createProcessSource(attributes: Readonly<Record<string, string | null>>): MetricSource {
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null) labels[key.replace(/[^a-zA-Z0-9_]/g, '_')] = value;
  }
  return {
    *collect(): Iterable<MetricSample> {
      const none = {};
      const { user, system } = process.cpuUsage();
      const memory = process.memoryUsage();
      yield {
        name: 'otelcol_process_uptime',
        help: 'Uptime of the process',
        kind: 'counter',
        unit: 'seconds',
        labels: none,
        value: process.uptime(),
      };
      yield {
        name: 'otelcol_process_cpu_seconds',
        help: 'Total CPU user and system time in seconds',
        kind: 'counter',
        unit: 'seconds',
        labels: none,
        value: (user + system) / 1e6,
      };
      yield {
        name: 'otelcol_process_memory_rss',
        help: 'Total physical memory (resident set size)',
        kind: 'gauge',
        unit: 'bytes',
        labels: none,
        value: memory.rss,
      };
      yield {
        name: 'otelcol_process_runtime_heap_alloc_bytes',
        help: 'Bytes of allocated heap objects (of the JavaScript heap of the main thread)',
        kind: 'gauge',
        unit: 'bytes',
        labels: none,
        value: memory.heapUsed,
      };
      yield { name: 'target_info', help: 'Target metadata', kind: 'gauge', labels, value: 1 };
    },
  };
}
