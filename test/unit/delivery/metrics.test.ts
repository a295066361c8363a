import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDeliverySource } from '../../../src/delivery/metrics.ts';
import type { DeliveryStats } from '../../../src/delivery/queue.ts';
import { deliveryStats } from './delivery-host.ts';

const stats = deliveryStats({
  exporter: 'otlp/a',
  queueSize: 3,
  inFlight: 2,
  sentSpans: 40,
  failedSpans: new Map([['shutdown', 5]]),
  enqueueFailedSpans: 7,
  setAsideSpans: 4,
  retries: 1,
});
const shown = (all: DeliveryStats[]): string[] =>
  [...createDeliverySource(() => all).collect()].map(
    ({ name, labels, value }) => `${name} ${Object.values(labels).join(',')} ${String(value)}`,
  );

test('the numbers of an exporter are shown by the names of the Collector', () => {
  assert.deepEqual(shown([stats]), [
    'otelcol_exporter_sent_spans otlp/a 40',
    'otelcol_exporter_send_failed_spans otlp/a,shutdown 5',
    'otelcol_exporter_in_flight_requests traces,otlp/a 2',
    'spanmill_exporter_retries otlp/a 1',
    'otelcol_exporter_enqueue_failed_spans otlp/a 7',
    'spanmill_exporter_set_aside_spans otlp/a 4',
    'otelcol_exporter_queue_size traces,otlp/a 3',
    'otelcol_exporter_queue_capacity traces,otlp/a 1000',
  ]);
});

test('an exporter without a queue shows no size of one', () => {
  assert.equal(
    shown([{ ...stats, queueEnabled: false }]).some((line) => line.includes('_queue_')),
    false,
  );
});
