// service.telemetry as the runtime wants it, and warnings for what is accepted but does nothing here.
import { nodeAt, type Path } from './node.ts';
import type { MetricsConfig, TelemetryConfig } from './resolved.ts';
import type { TelemetrySection } from './service-schema.ts';
import { type Issue, makeIssue } from './source.ts';
import { type Subject, spotFor } from './subject.ts';

/** `host:port` of a section of the service itself. */
export const splitAddress = (address: string): { host: string; port: number } => {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  // Go listens on all interfaces where the host is left out.
  return { host: host === '' ? '0.0.0.0' : host, port: Number(address.slice(colon + 1)) };
};

const metricsAddress = (metrics: TelemetrySection['metrics']): MetricsConfig['address'] => {
  if (metrics.level === 'none') return null;
  if (metrics.address !== undefined) return splitAddress(metrics.address);
  if (metrics.readers === undefined) return { host: '127.0.0.1', port: 8888 };
  for (const { pull } of metrics.readers) {
    const prometheus = pull?.exporter.prometheus;
    if (prometheus !== undefined) return { host: prometheus.host, port: prometheus.port };
  }
  return null;
};

/** Free values hold integers as bigint, which JSON does not know. */
const withNumbers = (value: unknown): unknown => {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(withNumbers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withNumbers(inner)]));
};

export const telemetryConfig = (section: TelemetrySection): TelemetryConfig => {
  const { logs, metrics } = section;
  const { enabled, tick, initial, thereafter } = logs.sampling;
  return {
    logs: {
      level: logs.level,
      encoding: logs.encoding,
      outputPaths: logs.output_paths,
      showValues: logs.show_values,
      initialFields: withNumbers(logs.initial_fields) as Record<string, unknown>,
      sampling: enabled ? { tickMs: tick, initial, thereafter } : null,
    },
    metrics: { level: metrics.level, address: metricsAddress(metrics) },
  };
};

/** Warnings for what is written under `service.telemetry` and has no effect. `service`: the section as a whole. */
export const telemetryWarnings = (section: TelemetrySection, service: Subject): Issue[] => {
  const warnings: Issue[] = [];
  const warn = (path: Path, message: string): void => {
    const where = ['telemetry', ...path];
    if (nodeAt(service.node, where) === undefined) return;
    warnings.push(makeIssue('warning', spotFor(service, where), 'CONFIG_VALUE', message));
  };
  if (section.traces !== undefined)
    warn(['traces'], 'service.telemetry.traces has no effect: spanmill does not trace itself');
  if (section.resource !== undefined) warn(['resource'], 'service.telemetry.resource has no effect here');
  if (section.logs.processors !== undefined)
    warn(
      ['logs', 'processors'],
      "service.telemetry.logs.processors has no effect: spanmill's log is not exported over OTLP",
    );
  if (section.metrics.views !== undefined)
    warn(['metrics', 'views'], 'service.telemetry.metrics.views has no effect here');
  let served = 0;
  for (const [index, reader] of (section.metrics.readers ?? []).entries()) {
    const where = ['metrics', 'readers', index];
    if (reader.pull?.exporter.prometheus === undefined)
      warn(where, 'this reader has no effect: metrics are only served as Prometheus text');
    else if (served++ > 0)
      warn(where, 'this reader has no effect: the first Prometheus reader is the one that is served');
  }
  return warnings;
};
