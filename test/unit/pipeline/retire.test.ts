// The end of what no configuration has any more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { Inventory } from '../../../src/pipeline/inventory.ts';
import { type Leftovers, retire } from '../../../src/pipeline/retire.ts';
import { MovingLookup, type RunningExporter, type RunningExtension } from '../../../src/pipeline/running.ts';
import { deliveryStats } from '../delivery/delivery-host.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const log = pino({ level: 'silent' });
const nothing: Leftovers = { extensions: [], exporters: [], pipelines: [], receivers: [], instances: [] };

/** A queue that uses the extension `auth`, and that is empty when `emptied` is called. */
function parts() {
  const events: string[] = [];
  const inventory = new Inventory();
  const auth = {
    id: 'auth',
    metrics: [],
    extension: { stop: async () => void events.push('stop auth') },
  } as unknown as RunningExtension;
  let emptied = (): void => {};
  const queue = {
    id: 'otlp',
    component: { definition: { references: () => [{ id: 'auth' }] } },
    metrics: [],
    exporter: { metricValues: () => [], stop: async () => void events.push('stop otlp') },
    lookup: new MovingLookup(new Map([['auth', auth]])),
    outlet: {
      delivery: { stats: deliveryStats() },
      flush() {},
      drain: () => new Promise<void>((resolve) => (emptied = resolve)),
      close: async () => void events.push('close otlp'),
    },
  } as unknown as RunningExporter;
  inventory.extensions.add(auth);
  inventory.exporters.add(queue);
  return { inventory, events, auth, queue, empty: () => emptied() };
}

test('an extension ends when the last queue that uses it has, told of it and without looking again and again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const { inventory, events, auth, queue, empty } = parts();
  const other = retire({ ...nothing, exporters: [queue] }, { inventory, log });
  const ended = retire({ ...nothing, extensions: [auth] }, { inventory, log });
  await turn();
  assert.deepEqual(events, []);
  empty();
  await Promise.all([other, ended]);
  assert.deepEqual(events, ['close otlp', 'stop otlp', 'stop auth']);
});

test('an extension stays while a reload that may yet fail has taken the queue that uses it out of those that end', async () => {
  const { inventory, events, auth, queue } = parts();
  void retire({ ...nothing, exporters: [queue] }, { inventory, log });
  const ended = retire({ ...nothing, extensions: [auth] }, { inventory, log });
  inventory.leaving.delete(queue);
  inventory.changed();
  await turn();
  assert.deepEqual(events, []);
  // The reload is applied: the queue has the extensions of now.
  queue.lookup.now = new Map();
  inventory.changed();
  await ended;
  assert.deepEqual(events, ['stop auth']);
});
