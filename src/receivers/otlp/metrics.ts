// What the receiver's servers count, as metrics.
import type { MetricSpec, MetricValue } from '../../component/definition.ts';
import type { ServerCounters } from '../../transport/grpc-server.ts';

const labels = ['receiver', 'transport'];
const names = {
  connections: 'spanmill_receiver_connections',
  accepted: 'spanmill_receiver_accepted_connections',
  ended: 'spanmill_receiver_ended_connections',
  calls: 'spanmill_receiver_calls',
  held: 'spanmill_receiver_held_bytes',
} as const;

export const serverMetrics: readonly MetricSpec[] = [
  { name: names.connections, kind: 'gauge', help: 'Connections that are open.', labels },
  { name: names.accepted, kind: 'counter', help: 'Connections that were opened.', labels },
  {
    name: names.ended,
    kind: 'counter',
    help: 'Connections that the receiver ended, by reason: protocol_error, keepalive, or the kind of flood.',
    labels: [...labels, 'reason'],
  },
  {
    name: names.calls,
    kind: 'counter',
    help: 'Calls by what became of them: ok, failed (answered with an error), refused (before they were taken), cancelled.',
    labels: [...labels, 'outcome'],
  },
  {
    name: names.held,
    kind: 'gauge',
    help: 'Bytes held outside of the memory budget while requests wait for a place in it.',
    labels,
  },
];

export function* serverMetricValues(transport: string, counters: Readonly<ServerCounters>): Iterable<MetricValue> {
  const one = (name: string, value: number, more: Record<string, string> = {}): MetricValue => ({
    name,
    labels: { transport, ...more },
    value,
  });
  yield one(names.connections, counters.connectionsNow);
  yield one(names.accepted, counters.connections);
  yield one(names.ended, counters.connectionErrors, { reason: 'protocol_error' });
  yield one(names.ended, counters.keepaliveClosed, { reason: 'keepalive' });
  for (const [kind, value] of Object.entries(counters.floods)) yield one(names.ended, value, { reason: kind });
  let refused = 0;
  for (const count of Object.values(counters.refused)) refused += count;
  const outcomes = { ok: counters.ok, failed: counters.failed, refused, cancelled: counters.cancelled };
  for (const [outcome, value] of Object.entries(outcomes)) yield one(names.calls, value, { outcome });
  yield one(names.held, counters.heldBytesNow);
}
