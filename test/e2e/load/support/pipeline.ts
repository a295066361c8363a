// A small pipeline of the real service that ends at spanload's sink, and what spanload is told of it.
import { configOf } from '../../support/config.ts';

export interface Sampling {
  readonly percentage: number;
  readonly mode: 'hash_seed' | 'proportional' | 'equalizing';
  readonly hash_seed?: number;
}

/** How long the service waits for an answer of the sink. */
export const exportTimeoutMs = 400;

/** No machine is so busy that what was sent is sent again for want of an answer. */
export const patientMs = 20_000;

/** What the service tries again is tried soon. */
const exporterTo = (
  sinkPort: number,
  timeoutMs = exportTimeoutMs,
  giveUpAfter = '60s',
): Readonly<Record<string, unknown>> => ({
  endpoint: `127.0.0.1:${sinkPort}`,
  compression: 'none',
  timeout: `${timeoutMs}ms`,
  tls: { insecure: true },
  retry_on_failure: { initial_interval: '20ms', max_interval: '200ms', max_elapsed_time: giveUpAfter },
});

/** Filter, attributes, probabilistic_sampler, batch. */
export function chainTo(sinkPort: number, { percentage, ...sampling }: Sampling): object {
  return configOf({
    grpc: { max_recv_msg_size_mib: 16 },
    processors: {
      filter: {
        error_mode: 'ignore',
        traces: {
          span: [
            'kind == SPAN_KIND_PRODUCER',
            'IsMatch(name, "^(redis\\\\.get|GET) ")',
            'attributes["http.response.status_code"] == 404',
            'resource.attributes["service.name"] == "tensorzero-gateway" and attributes["level"] == "INFO"',
            'attributes["payment.provider"] == "south"',
          ],
        },
      },
      attributes: {
        actions: [
          { key: 'server.address', action: 'delete' },
          { pattern: '^network\\.peer\\.', action: 'delete' },
          { key: 'user.email', action: 'delete' },
          { key: 'tenant', action: 'hash' },
          { key: 'deployment.environment', value: 'e2e', action: 'upsert' },
        ],
      },
      probabilistic_sampler: { sampling_percentage: percentage, ...sampling },
      batch: { timeout: '20ms', send_batch_size: 1000, send_batch_max_size: 1000 },
    },
    exporters: { otlp: exporterTo(sinkPort, patientMs) },
  });
}

interface Expectation {
  readonly dropped: readonly object[];
  readonly spans: { readonly removed: readonly string[]; readonly changed: readonly string[]; readonly added: object };
  readonly sampling: Sampling;
}

export const expectationOf = (sampling: Sampling): Expectation => ({
  dropped: [
    { kind: 'producer' },
    { name: { matches: '^(redis\\.get|GET) ' } },
    { attributes: { 'http.response.status_code': 404 } },
    { service: 'tensorzero-gateway', attributes: { level: 'INFO' } },
    { attributes: { 'payment.provider': 'south' } },
  ],
  spans: {
    removed: ['server.address', 'network.peer.*', 'user.email'],
    changed: ['tenant'],
    added: { 'deployment.environment': 'e2e' },
  },
  sampling,
});

/** Nothing but a batch. */
export const passThroughTo = (sinkPort: number, timeoutMs = exportTimeoutMs, giveUpAfter?: string): object =>
  configOf({
    processors: { batch: { timeout: '20ms', send_batch_size: 16, send_batch_max_size: 16 } },
    exporters: { otlp: exporterTo(sinkPort, timeoutMs, giveUpAfter) },
  });
