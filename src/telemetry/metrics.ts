// The service's own metrics as Prometheus text. Values are read from their sources at each scrape and rendered by
// prom-client, which is asked for nothing else.
import type { Server, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { SpanmillError } from '../errors.ts';
import { nodeHttp } from '../transport/node/http.ts';
import type { MetricSample, MetricSource } from './source.ts';

export interface MetricsOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly naming?: MetricNaming;
}

/** A default Collector's names have no suffixes. */
export interface MetricNaming {
  /** Names of counters end in _total. */
  readonly typeSuffix: boolean;
  /** Names end in their unit. */
  readonly unitSuffix: boolean;
}

export interface MetricsServer {
  /** Rejects with a SpanmillError (LISTEN) when the address cannot be had. */
  start(): Promise<void>;
  /** May be called twice and before start. */
  stop(): Promise<void>;
  /** `http://127.0.0.1:8888/metrics`; '' before start. */
  address(): string;
}

const path = '/metrics';
/** Of the Prometheus text format. */
const contentType = 'text/plain; version=0.0.4; charset=utf-8';

/** `sources` are read at each scrape, so that what is added later is shown. */
export function createMetricsServer(
  options: MetricsOptions,
  sources: readonly MetricSource[],
  log: Logger,
): MetricsServer {
  const server = nodeHttp.createServer((request, response) => {
    if (request.url?.split('?', 1)[0] !== path) return answer(response, 404, `Not found. Metrics are at ${path}\n`);
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 405, 'Method not allowed.\n');
    renderMetrics(sources, options.naming).then(
      (text) => answer(response, 200, text, contentType),
      (error: unknown) => {
        log.error({ error }, 'metrics cannot be shown');
        answer(response, 500, 'Metrics cannot be shown; see the log.\n');
      },
    );
  });
  return {
    start: () => listen(server, options.host, options.port),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    address: () => {
      const bound = server.address();
      if (bound === null || typeof bound === 'string') return '';
      const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
      return `http://${host}:${bound.port}${path}`;
    },
  };
}

function answer(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type }).end(text);
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void =>
      reject(
        new SpanmillError('LISTEN', `metrics cannot be served at ${host}:${port}: ${error.message}`, { cause: error }),
      );
    server.once('error', onError);
    // Go listens on the IPv4 loopback for "localhost", Node on whichever the resolver names first.
    server.listen(port, host === 'localhost' ? '127.0.0.1' : host, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

interface RenderedValue {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** Of histograms, whose lines have names of their own. */
  readonly metricName?: string;
}
interface RenderedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: MetricSample['kind'];
  readonly aggregator: 'sum';
  readonly values: RenderedValue[];
}

/** The samples of all sources as Prometheus text, names in order. Samples of equal name and labels are added up. */
export async function renderMetrics(
  sources: readonly MetricSource[],
  naming: MetricNaming = { typeSuffix: false, unitSuffix: false },
): Promise<string> {
  const metrics = new Map<string, RenderedMetric>();
  for (const source of sources) {
    for (const sample of source.collect()) {
      const name = fullName(sample, naming);
      let metric = metrics.get(name);
      if (metric === undefined) {
        metric = { name, help: sample.help, type: sample.kind, aggregator: 'sum', values: [] };
        metrics.set(name, metric);
      }
      if (sample.kind === 'histogram') metric.values.push(...histogramValues(name, sample));
      else metric.values.push({ labels: sample.labels, value: sample.value });
    }
  }
  // Loaded for the first scrape: a service that nobody asks does without its 6 MB.
  const { AggregatorRegistry } = await import('prom-client');
  const sorted = [...metrics.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return AggregatorRegistry.aggregate([sorted]).metrics();
}

function fullName(sample: MetricSample, naming: MetricNaming): string {
  const unit = naming.unitSuffix && sample.unit !== undefined ? `_${sample.unit}` : '';
  const name = unit !== '' && !sample.name.endsWith(unit) ? sample.name + unit : sample.name;
  return naming.typeSuffix && sample.kind === 'counter' ? `${name}_total` : name;
}

function histogramValues(name: string, sample: MetricSample & { kind: 'histogram' }): RenderedValue[] {
  const { bounds, counts, sum } = sample.value;
  const { labels } = sample;
  let total = 0;
  const lines: RenderedValue[] = counts.map((count, i) => {
    total += count;
    const le = i < bounds.length ? bounds[i] : '+Inf';
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total };
  });
  lines.push({ metricName: `${name}_sum`, labels, value: sum }, { metricName: `${name}_count`, labels, value: total });
  return lines;
}
