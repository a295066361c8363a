// An exporter's outlet from its definition: queue, storage, dead letters, and what cuts requests that are too large.
import type { Logger } from 'pino';
import type { ExtensionLookup } from '../component/capabilities.ts';
import type { DeliveryOptions, Exporter } from '../component/exporter.ts';
import { systemClock } from './clock.ts';
import { createLearnedLimit } from './cut/learned-limit.ts';
import { Outlet } from './outlet.ts';
import { createDelivery } from './queue.ts';
import type { Cutter } from './shipper.ts';

export interface OutletHost {
  readonly id: string;
  readonly exporter: Exporter;
  readonly options: DeliveryOptions;
  readonly extensions: ExtensionLookup;
  readonly cutter: Cutter;
  readonly log: Logger;
}

export function createOutlet({ id, exporter, options, extensions, cutter, log }: OutletHost): Outlet {
  const { deadLetter } = options;
  const { storage } = options.queue;
  return new Outlet({
    queue: options.queue,
    now: () => systemClock.now(),
    openStorage: storage === null ? null : () => extensions.get(storage, 'storage').open(`exporter ${id}`),
    connect: (onSpace) =>
      createDelivery(id, exporter, options, {
        log,
        onSpace,
        cutter,
        limit: createLearnedLimit(systemClock),
        setAside:
          deadLetter === null
            ? null
            : ({ segments, spans }, reason, message) =>
                extensions.get(deadLetter, 'deadLetter').put(segments, spans, { component: id, reason, message }),
      }),
  });
}
