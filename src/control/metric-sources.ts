// Where the service's own metrics come from.
import { hostname } from 'node:os';
import { createDeliverySource } from '../delivery/metrics.ts';
import type { Runtime } from '../pipeline/runtime.ts';
import { createHealthSource } from '../telemetry/health-source.ts';
import { createLedgerSource } from '../telemetry/ledger-source.ts';
import { createMemorySource } from '../telemetry/memory-source.ts';
import { createBatchSource, createComponentSource, createReceiverSource } from '../telemetry/pipeline-source.ts';
import { createProcessSource } from '../telemetry/process-source.ts';
import { createProcessorSource } from '../telemetry/processor-source.ts';
import type { MetricSource } from '../telemetry/source.ts';
import { createThinningSource } from '../telemetry/thinning-source.ts';
import { createTraceSource } from '../telemetry/trace-source.ts';
import { createReloadSource } from './reload-source.ts';
import type { ReloadStats } from './reloader.ts';

export function metricSources(runtime: Runtime, reloads: ReloadStats, version: string): MetricSource[] {
  return [
    createProcessSource({ 'service.name': 'spanmill', 'service.version': version, 'host.name': hostname() }),
    createReceiverSource(() =>
      runtime.receiverStats.flatMap(({ receiver, transports }) =>
        [...transports].map((stats) => ({ receiver, failedSpans: 0, ...stats })),
      ),
    ),
    createComponentSource(() => runtime.componentMetrics()),
    createProcessorSource(() => runtime.accounts),
    createThinningSource(() => runtime.thinning()),
    createBatchSource(function* () {
      for (const { processor, sizes, bySize, byTimeout, metadataCardinality } of runtime.batchStats()) {
        yield { processor, sendSize: sizes, sizeTriggers: bySize, timeoutTriggers: byTimeout, metadataCardinality };
      }
    }),
    createTraceSource(() => runtime.traceStats()),
    createDeliverySource(() => runtime.deliveryStats()),
    createLedgerSource(() => runtime.accounts.flatMap((account) => [...account.rows()])),
    createHealthSource(() => runtime.health()),
    createMemorySource(runtime.arena),
    createReloadSource(reloads),
  ];
}
