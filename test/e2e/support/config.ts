// Configurations of the service under test: what all have in common, and the parts that tests change.
import type { Sink } from './sink.ts';

type Section = Readonly<Record<string, unknown>>;

export interface Parts {
  readonly grpc?: Section;
  /** Of OTLP/HTTP, at a port of its own; default: there is none. */
  readonly http?: Section;
  /** In the order of the pipeline, by id. */
  readonly processors?: Readonly<Record<string, Section>>;
  readonly exporters: Readonly<Record<string, Section>>;
  /** Default: one with all processors and all exporters. */
  readonly pipelines?: Readonly<Record<string, Section>>;
  readonly workers?: number;
  /** All are started, in this order. */
  readonly extensions?: Readonly<Record<string, Section>>;
}

export function configOf(parts: Parts): object {
  const { grpc = {}, http, processors = {}, exporters, pipelines, workers = 1, extensions = {} } = parts;
  const protocols = {
    grpc: { endpoint: '127.0.0.1:0', ...grpc },
    ...(http === undefined ? {} : { http: { endpoint: '127.0.0.1:0', ...http } }),
  };
  return {
    receivers: { otlp: { protocols } },
    processors,
    exporters,
    extensions,
    service: {
      extensions: Object.keys(extensions),
      workers,
      telemetry: { metrics: { level: 'none' }, logs: { encoding: 'json', sampling: { enabled: false } } },
      pipelines: pipelines ?? {
        traces: { receivers: ['otlp'], processors: Object.keys(processors), exporters: Object.keys(exporters) },
      },
    },
  };
}

/** An otlp exporter to the sink that tries again at once. */
export function exportTo(sink: Pick<Sink, 'port'>, more: Section = {}): Section {
  return {
    endpoint: `127.0.0.1:${sink.port}`,
    compression: 'none',
    tls: { insecure: true },
    retry_on_failure: { initial_interval: '20ms', max_interval: '100ms' },
    ...more,
  };
}

/** A budget of `mib` MiB for all that is held. */
export const memoryLimiter = (mib: number): Section => ({
  check_interval: '1s',
  limit_mib: mib + 1,
  spike_limit_mib: 1,
});
