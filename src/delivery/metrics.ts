// What delivery shows of itself, by the Collector's names.
import type { MetricSample, MetricSource } from '../telemetry/source.ts';
import type { DeliveryStats } from './queue.ts';

/** `stats` is read at each scrape: the numbers of every exporter. */
export function createDeliverySource(stats: () => Iterable<DeliveryStats>): MetricSource {
  return {
    *collect() {
      for (const one of stats()) yield* samplesOf(one);
    },
  };
}

function* samplesOf(stats: DeliveryStats): Iterable<MetricSample> {
  const exporter = { exporter: stats.exporter };
  const typed = { data_type: 'traces', exporter: stats.exporter };
  yield {
    name: 'otelcol_exporter_sent_spans',
    help: 'Number of spans successfully sent to destination.',
    kind: 'counter',
    labels: exporter,
    value: stats.sentSpans,
  };
  for (const [reason, value] of stats.failedSpans) {
    yield {
      name: 'otelcol_exporter_send_failed_spans',
      help: 'Number of spans in failed attempts to send to destination.',
      kind: 'counter',
      labels: { ...exporter, reason },
      value,
    };
  }
  yield {
    name: 'otelcol_exporter_in_flight_requests',
    help: 'Number of export requests currently in-flight (including retry backoff).',
    kind: 'gauge',
    labels: typed,
    value: stats.inFlight,
  };
  yield {
    name: 'spanmill_exporter_retries',
    help: 'Number of attempts after the first of a batch.',
    kind: 'counter',
    labels: exporter,
    value: stats.retries,
  };
  yield {
    name: 'otelcol_exporter_enqueue_failed_spans',
    help: 'Number of spans failed to be added to the sending queue.',
    kind: 'counter',
    labels: exporter,
    value: stats.enqueueFailedSpans,
  };
  yield {
    name: 'spanmill_exporter_set_aside_spans',
    help: 'Number of failed spans that an extension keeps.',
    kind: 'counter',
    labels: exporter,
    value: stats.setAsideSpans,
  };
  if (!stats.queueEnabled) return;
  yield {
    name: 'otelcol_exporter_queue_size',
    help: 'Current size of the retry queue, in units of its sizer.',
    kind: 'gauge',
    labels: typed,
    value: stats.queueSize,
  };
  yield {
    name: 'otelcol_exporter_queue_capacity',
    help: 'Fixed capacity of the retry queue, in units of its sizer.',
    kind: 'gauge',
    labels: typed,
    value: stats.queueCapacity,
  };
}
