// What processors that hold traces show, by the names of the Collector's groupbytrace.
import type { HistogramValue, MetricSample, MetricSource } from './source.ts';

export interface TraceCounts {
  readonly stats: {
    /** Id of the processor. */
    readonly processor: string;
    readonly maxTraces: number;
    /** Released. */
    readonly traces: number;
    readonly spans: number;
    /** Of those, before their wait was over; and of these, for want of room. */
    readonly early: number;
    readonly evicted: number;
    /** Times in ms. */
    readonly received: HistogramValue;
    readonly expired: HistogramValue;
    readonly released: HistogramValue;
  };
  /** Held now. */
  readonly traces: number;
  /** Requests of released traces that wait for a worker, or are with one. */
  readonly requests: number;
}

/** `counts` is read at each scrape. */
export function createTraceSource(counts: () => Iterable<TraceCounts>): MetricSource {
  return {
    *collect() {
      const limits = new Map<string, number>();
      for (const one of counts()) {
        limits.set(one.stats.processor, one.stats.maxTraces);
        yield* samplesOf(one);
      }
      // Of a processor in several pipelines too, and of one that has taken the place of another.
      for (const [processor, value] of limits) {
        const help = 'Maximum number of traces to hold in the internal storage';
        yield { name: named('conf_num_traces'), help, kind: 'gauge', labels: { processor }, value };
      }
    },
  };
}

const named = (rest: string): string => `otelcol_processor_groupbytrace_${rest}`;

function* samplesOf({ stats, traces, requests }: TraceCounts): Iterable<MetricSample> {
  const labels = { processor: stats.processor };
  const one = (kind: 'counter' | 'gauge', name: string, help: string, value: number): MetricSample => ({
    name: named(name),
    help,
    kind,
    labels,
    value,
  });
  yield one('gauge', 'num_traces_in_memory', 'Number of traces currently in the in-memory storage', traces);
  yield one('gauge', 'num_events_in_queue', 'Number of events currently in the queue', requests);
  yield one('counter', 'traces_released', 'Traces released to the next consumer', stats.traces);
  yield one('counter', 'spans_released', 'Spans released to the next consumer', stats.spans);
  yield one('counter', 'traces_evicted', 'Traces evicted from the internal buffer', stats.evicted);
  const suspected = 'Releases that are suspected to have been incomplete';
  yield one('counter', 'incomplete_releases', suspected, stats.early);
  const events = { onTraceReceived: stats.received, onTraceExpired: stats.expired, onTraceReleased: stats.released };
  for (const [event, value] of Object.entries(events)) {
    yield {
      name: named('event_latency'),
      help: 'How long the queue events are taking to be processed',
      kind: 'histogram',
      unit: 'milliseconds',
      labels: { ...labels, event },
      value,
    };
  }
}
