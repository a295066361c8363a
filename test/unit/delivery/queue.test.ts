import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { Batch, DeliveryOptions, Exporter, ExportResult } from '../../../src/component/exporter.ts';
import type { Settlement } from '../../../src/delivery/item.ts';
import { createDelivery, type Delivery, type DeliveryHost } from '../../../src/delivery/queue.ts';
import { SpanmillError } from '../../../src/errors.ts';
import { deliveryHost, deliveryOptions, itemOf, noCutter } from './delivery-host.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

/** How a batch ended, as one reason: these batches fail for one. */
interface Ending {
  readonly exported: number;
  readonly failed: number;
  readonly reason: string;
}

const options = deliveryOptions;
const accepted: ExportResult = { kind: 'accepted' };
const retry: ExportResult = { kind: 'retry', reason: 'unavailable', message: 'no connection', afterMs: 0 };

interface Call {
  readonly batch: Batch;
  readonly signal: AbortSignal;
  answer(result: ExportResult): void;
  fail(error: Error): void;
}

interface Setup {
  readonly clock: FakeClock;
  readonly delivery: Delivery;
  readonly calls: Call[];
  /** name of the batch -> how it ended. */
  readonly settled: Map<string, Ending>;
  readonly log: { level: number; msg: string; [field: string]: unknown }[];
  spaces: number;
  onSpace(): void;
  offer(name: string, spans?: number, bytes?: number): boolean;
  names(): string[];
}

type Change = Partial<Omit<DeliveryOptions, 'queue'>> & { readonly queue?: Partial<DeliveryOptions['queue']> };

function setup(change: Change = {}, behave?: (call: Call) => void, host: Partial<DeliveryHost> = {}): Setup {
  const clock = createFakeClock();
  const calls: Call[] = [];
  const exporter: Exporter = {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    export: (batch, signal) =>
      new Promise((answer, fail) => {
        const call = { batch, signal, answer, fail };
        calls.push(call);
        behave?.(call);
      }),
  };
  const settled = new Map<string, Ending>();
  const log: Setup['log'] = [];
  const logger = pino({}, { write: (line) => void log.push(JSON.parse(line)) });
  const nameOf = (batch: Batch): string => batch.segments[0]?.toString() ?? '';
  const result: Setup = {
    clock,
    calls,
    settled,
    log,
    spaces: 0,
    onSpace: () => void result.spaces++,
    delivery: createDelivery(
      'otlp',
      exporter,
      { ...options, ...change, queue: { ...options.queue, ...change.queue } },
      { ...deliveryHost(logger), onSpace: () => result.onSpace(), ...host },
      clock,
    ),
    offer: (name, spans = 10, bytes = 100) =>
      result.delivery.offer(
        itemOf(name, spans, bytes, ({ exported, failures }) => {
          assert.equal(settled.has(name), false, `${name} was settled twice`);
          assert.ok(failures.length <= 1);
          const { spans: failed, reason } = failures[0] ?? { spans: 0, reason: '' };
          settled.set(name, { exported, failed, reason });
        }),
      ),
    names: () => calls.map((call) => nameOf(call.batch)),
  };
  return result;
}

const ended = (settled: Map<string, Ending>): Record<string, Ending> => Object.fromEntries(settled);
const whole: Ending = { exported: 10, failed: 0, reason: '' };

test('batches go out in order, as many at a time as there are consumers', async () => {
  const it = setup();
  for (const name of ['a', 'b', 'c']) assert.equal(it.offer(name), true);
  assert.deepEqual(it.names(), ['a', 'b']);
  assert.equal(it.delivery.stats.inFlight, 2);
  it.calls[1]?.answer(accepted);
  await it.clock.settle();
  assert.deepEqual(it.names(), ['a', 'b', 'c']);
  it.calls[0]?.answer(accepted);
  it.calls[2]?.answer(accepted);
  await it.clock.settle();
  assert.deepEqual(ended(it.settled), { b: whole, a: whole, c: whole });
  assert.equal(it.delivery.stats.sentSpans, 30);
  assert.equal(it.delivery.stats.queueSize, 0);
  assert.deepEqual(it.clock.pending(), [], 'no timer is left behind');
});

test('a full queue refuses, keeps what it has, and says once when there is space', async () => {
  const it = setup();
  for (const name of ['a', 'b', 'c']) it.offer(name);
  assert.equal(it.offer('d'), false);
  assert.equal(it.offer('d'), false);
  assert.equal(it.delivery.stats.queueSize, 3);
  it.calls[0]?.answer(accepted);
  await it.clock.settle();
  assert.equal(it.spaces, 1);
  assert.equal(it.offer('d'), true);
  it.calls[1]?.answer(accepted);
  await it.clock.settle();
  assert.equal(it.spaces, 1, 'nobody was refused since');
  assert.deepEqual([...it.settled.keys()], ['a', 'b']);
});

for (const [sizer, size] of [
  ['items', 25],
  ['bytes', 250],
] as const) {
  test(`a queue sized in ${sizer} counts them`, () => {
    const it = setup({ queue: { enabled: true, consumers: 1, size, sizer } });
    assert.equal(it.offer('a'), true);
    assert.equal(it.offer('b'), true);
    assert.equal(it.offer('c'), false);
    assert.equal(it.offer('small', 5, 50), true);
    assert.equal(it.delivery.stats.queueSize, size);
  });
}

test('a batch larger than the whole queue goes through when the queue is empty', async () => {
  const it = setup({ queue: { enabled: true, consumers: 1, size: 5, sizer: 'items' } });
  assert.equal(it.offer('large', 10), true);
  assert.equal(it.offer('next', 1), false);
  it.calls[0]?.answer(accepted);
  await it.clock.settle();
  assert.equal(it.offer('next', 1), true);
});

test('without a queue only what is being exported is held', async () => {
  const it = setup({ queue: { enabled: false, consumers: 1, size: 1000, sizer: 'bytes' } });
  assert.equal(it.offer('a'), true);
  assert.equal(it.offer('b'), false);
  it.calls[0]?.answer(accepted);
  await it.clock.settle();
  assert.equal(it.spaces, 1);
  assert.equal(it.offer('b'), true);
  assert.equal(it.delivery.stats.queueCapacity, 1);
});

test('a retryable answer is tried again after growing waits, and then counts as sent', async () => {
  const it = setup();
  it.offer('a');
  for (const waitMs of [100, 200, 400, 400]) {
    it.calls.at(-1)?.answer(retry);
    await it.clock.settle();
    assert.deepEqual(it.clock.pending(), [waitMs]);
    const before = it.calls.length;
    await it.clock.advance(waitMs - 1);
    assert.equal(it.calls.length, before);
    await it.clock.advance(1);
    assert.equal(it.calls.length, before + 1);
  }
  it.calls.at(-1)?.answer(accepted);
  await it.clock.settle();
  assert.deepEqual(ended(it.settled), { a: whole });
  assert.equal(it.delivery.stats.retries, 4);
  assert.equal(it.delivery.stats.failedSpans.size, 0);
});

test('the wait that the peer asks for is kept when it is longer', async () => {
  const it = setup({}, (call) => call.answer({ ...retry, afterMs: 5000 }));
  it.offer('a');
  await it.clock.settle();
  assert.deepEqual(it.clock.pending(), [5000]);
});

test('a delay of days that a peer asks for is none', async () => {
  const it = setup({}, (call) => call.answer({ ...retry, afterMs: 3e9 }));
  it.offer('a');
  await it.clock.settle();
  assert.deepEqual(it.clock.pending(), [600_000]);
});

test('a batch that waits for its next attempt holds one consumer, not the others', async () => {
  const it = setup();
  it.offer('a');
  it.offer('b');
  it.offer('c');
  it.calls[0]?.answer(retry);
  it.calls[1]?.answer(accepted);
  await it.clock.settle();
  assert.deepEqual(it.names(), ['a', 'b', 'c']);
  assert.equal(it.delivery.stats.inFlight, 2);
});

test('when the time allowed is over the batch is failed as retries_exhausted', async () => {
  const it = setup({ retry: { ...options.retry, maxElapsedMs: 250 } }, (call) => call.answer(retry));
  it.offer('a');
  await it.clock.advance(1000);
  assert.equal(it.calls.length, 2, 'at 0 and 100 ms; the third would be at 300');
  assert.deepEqual(ended(it.settled), { a: { exported: 0, failed: 10, reason: 'retries_exhausted' } });
  assert.deepEqual([...it.delivery.stats.failedSpans], [['retries_exhausted', 10]]);
});

test('with retry off the first retryable answer fails the batch with its own reason', async () => {
  const it = setup({ retry: { ...options.retry, enabled: false } }, (call) => call.answer(retry));
  it.offer('a');
  await it.clock.settle();
  assert.deepEqual(ended(it.settled), { a: { exported: 0, failed: 10, reason: 'unavailable' } });
});

test('a permanent answer fails the batch at once', async () => {
  const it = setup({}, (call) => call.answer({ kind: 'refused', reason: 'invalid_argument', message: 'no' }));
  it.offer('a');
  await it.clock.settle();
  assert.deepEqual(ended(it.settled), { a: { exported: 0, failed: 10, reason: 'invalid_argument' } });
  assert.equal(it.calls.length, 1);
});

test('partial success divides the spans, whatever number the peer says', async () => {
  const it = setup({ queue: { enabled: true, consumers: 9, size: 9, sizer: 'requests' } });
  for (const [name, rejectedSpans] of [
    ['some', 3],
    ['too many', 99],
    ['none', 0],
    ['negative', -4],
  ] as const) {
    it.offer(name);
    it.calls.at(-1)?.answer({ kind: 'partial', rejectedSpans, message: 'too old' });
  }
  await it.clock.settle();
  assert.deepEqual(ended(it.settled), {
    some: { exported: 7, failed: 3, reason: 'partial_rejected' },
    'too many': { exported: 0, failed: 10, reason: 'partial_rejected' },
    none: whole,
    negative: whole,
  });
  assert.equal(it.delivery.stats.sentSpans, 27);
});

test('an attempt that takes too long is aborted with the reason timeout', async () => {
  const it = setup({}, ({ signal, answer }) => {
    signal.addEventListener('abort', () => answer({ ...retry, reason: String(signal.reason) }));
  });
  it.offer('a');
  await it.clock.advance(999);
  assert.equal(it.calls[0]?.signal.aborted, false);
  await it.clock.advance(1);
  assert.equal(it.calls[0]?.signal.reason, 'timeout');
  assert.equal(it.log.find((line) => line.msg.startsWith('export failed'))?.reason, 'timeout');
  await it.clock.advance(100);
  assert.equal(it.calls.length, 2);
});

test('an exporter that rejects, which none may, fails its batch and nothing else', async () => {
  const it = setup({}, (call) => call.fail(new Error('boom')));
  it.offer('a');
  it.offer('b');
  await it.clock.settle();
  assert.equal(it.settled.get('a')?.reason, 'exporter_fault');
  assert.equal(it.settled.get('b')?.reason, 'exporter_fault');
});

test('a drain tries everything, waiting batches at once, and resolves when nothing is held', async () => {
  const it = setup({ queue: { enabled: true, consumers: 1, size: 9, sizer: 'requests' } });
  it.offer('a');
  it.offer('b');
  it.calls[0]?.answer({ ...retry, afterMs: 60_000 });
  await it.clock.settle();
  assert.equal(it.calls.length, 1);
  let drained = false;
  const drain = it.delivery.drain(10_000).then(() => {
    drained = true;
  });
  await it.clock.settle();
  assert.equal(it.calls.length, 2, 'tried without the wait');
  it.calls[1]?.answer(retry);
  await it.clock.settle();
  assert.equal(it.calls.length, 2, 'later attempts wait as ever');
  await it.clock.advance(200);
  it.calls[2]?.answer(accepted);
  await it.clock.settle();
  assert.equal(drained, false);
  it.calls[3]?.answer(accepted);
  await drain;
  assert.deepEqual(ended(it.settled), { a: whole, b: whole });
  assert.deepEqual(it.clock.pending(), []);
});

test('at the deadline of a drain what is left is failed as shutdown, also what is offered later', async () => {
  const it = setup(
    { queue: { enabled: true, consumers: 2, size: 9, sizer: 'requests' } },
    ({ batch, signal, answer }) => {
      if (batch.segments[0]?.toString() === 'waits') answer({ ...retry, afterMs: 60_000 });
      else signal.addEventListener('abort', () => answer({ ...retry, reason: 'aborted' }));
    },
  );
  for (const name of ['under way', 'waits', 'queued']) it.offer(name);
  const drain = it.delivery.drain(500);
  await it.clock.advance(500);
  await drain;
  it.offer('late');
  assert.equal(it.settled.has('late'), false, 'never from within offer');
  await it.clock.settle();
  const lost: Ending = { exported: 0, failed: 10, reason: 'shutdown' };
  assert.deepEqual(ended(it.settled), { queued: lost, 'under way': lost, waits: lost, late: lost });
  assert.equal(it.delivery.stats.queueSize, 0);
  assert.equal(it.delivery.stats.inFlight, 0);
});

test('what is left at the deadline of a drain is set aside where that is configured, many batches together', async () => {
  const aside: string[] = [];
  const setAside: DeliveryHost['setAside'] = async ({ segments, spans }, reason) => {
    aside.push(`${Buffer.concat([...segments])} ${spans} ${reason}`);
    return true;
  };
  const it = setup({ queue: { consumers: 1, size: 99 } }, ({ answer }) => answer(retry), { setAside });
  const settled: number[] = [];
  const offer = (name: string, spans: number, metadata = {}): void => {
    const item = itemOf(name, spans, 30 << 20, ({ failures }) => void settled.push(failures[0]?.spans ?? 0));
    it.delivery.offer({ ...item, metadata });
  };
  for (const [at, name] of [...'abcd'].entries()) offer(name, at + 1);
  offer('e', 5, { tenant: ['x'] });
  const drain = it.delivery.drain(500);
  await it.clock.advance(500);
  await drain;
  assert.deepEqual(aside.sort(), ['a 1 shutdown', 'bc 5 shutdown', 'd 4 shutdown', 'e 5 shutdown']);
  assert.deepEqual(settled.sort(), [1, 2, 3, 4, 5]);
  offer('f', 6);
  offer('g', 7);
  await it.clock.settle();
  assert.equal(aside.at(-1), 'fg 13 shutdown');
  assert.equal(it.delivery.stats.setAsideSpans, 28);
  assert.ok(it.log.filter(({ msg }) => /lost/.test(msg)).length === 0);
});

test('what stays stored at the deadline of a drain is neither set aside nor said to be lost', async () => {
  const setAside = (): never => assert.fail('it is stored');
  const it = setup({ queue: { consumers: 1, storage: 'file_storage' } }, ({ answer }) => answer(retry), { setAside });
  const endings: Settlement[] = [];
  for (const name of ['a', 'b']) {
    const item = itemOf(name, 1, 10, (settlement) => void endings.push(settlement));
    it.delivery.offer({ ...item, stored: true });
  }
  const drain = it.delivery.drain(500);
  await it.clock.advance(500);
  await drain;
  assert.deepEqual(
    endings.map(({ kept }) => kept),
    [true, true],
  );
  assert.deepEqual(
    it.log.map(({ msg }) => msg).filter((msg) => !/try again/.test(msg)),
    ['spans are not exported by this process: they stay stored'],
  );
});

test('what is stored stays so when the threads that should cut it die, unless it is set aside', async () => {
  const died = (): Promise<never> => Promise.reject(new SpanmillError('WORKER', 'its thread has ended'));
  const cutter = { ...noCutter, halve: died };
  const tooLarge: ExportResult = { kind: 'too_large', reason: 'too_large', message: 'too large', limitBytes: 0 };
  for (const isKept of [false, true]) {
    const host = { cutter, setAside: () => Promise.resolve(isKept) };
    const it = setup({ queue: { storage: 'file_storage' } }, ({ answer }) => answer(tooLarge), host);
    const endings: Settlement[] = [];
    it.delivery.offer({ ...itemOf('a', 10, 100, (settlement) => void endings.push(settlement)), stored: true });
    await it.clock.settle();
    const [{ kept, failures }] = endings;
    assert.deepEqual([kept, failures], isKept ? [false, [{ reason: 'cut_failed', spans: 10 }]] : [true, []]);
  }
});

test('a drain whose time is over resolves also when each place that it frees is offered another batch at once', async () => {
  const it = setup({ queue: { consumers: 1, size: 1 } }, ({ signal, answer }) =>
    signal.addEventListener('abort', () => answer({ ...retry, reason: 'aborted' })),
  );
  const waiting = ['b', 'c', 'd'];
  it.offer('a');
  assert.equal(it.offer(waiting[0]), false);
  it.onSpace = () => {
    while (waiting.length > 0 && it.offer(waiting[0])) waiting.shift();
  };
  let drained = false;
  void it.delivery.drain(500).then(() => {
    drained = true;
  });
  await it.clock.advance(500);
  assert.deepEqual([...it.settled.keys()], ['a', 'b', 'c', 'd']);
  assert.equal(drained, true, 'the drain never ends');
});

test('an export that succeeds just as the deadline ends it counts as sent', async () => {
  const it = setup({ timeoutMs: 0 }, ({ signal, answer }) => signal.addEventListener('abort', () => answer(accepted)));
  it.offer('a');
  const drain = it.delivery.drain(500);
  await it.clock.advance(500);
  await drain;
  assert.deepEqual(ended(it.settled), { a: whole });
});

test('of several drains the earliest deadline counts', async () => {
  const it = setup({}, ({ signal, answer }) => signal.addEventListener('abort', () => answer(retry)));
  it.offer('a');
  const drains = [it.delivery.drain(500), it.delivery.drain(60_000)];
  await it.clock.advance(500);
  await Promise.all(drains);
  assert.equal(it.settled.get('a')?.reason, 'shutdown');
});

test('of what went out together and failed in part nobody knows whose spans failed, and all are told', async () => {
  const endings: Settlement[] = [];
  const batch = { flushTimeoutMs: 100, minSize: 20, maxSize: 0, sizer: 'items', metadataKeys: [] } as const;
  const it = setup({ queue: { batch, size: 9 } }, ({ answer }) =>
    answer({ kind: 'partial', rejectedSpans: 3, message: 'too old' }),
  );
  for (const name of ['a', 'b'])
    it.delivery.offer(itemOf(name, 10, 100, (settlement) => void endings.push(settlement)));
  await it.clock.settle();
  assert.deepEqual(
    endings.map(({ exported, isDoubtful }) => [exported, isDoubtful]),
    [
      [7, true],
      [10, true],
    ],
  );
});

test('of what is stored and went out together all is kept when the time is over', async () => {
  const endings: Settlement[] = [];
  const batch = { flushTimeoutMs: 100, minSize: 20, maxSize: 0, sizer: 'items', metadataKeys: [] } as const;
  const it = setup({ queue: { batch, size: 9, storage: 'file_storage' } }, ({ answer }) => answer(retry));
  for (const name of ['a', 'b']) {
    it.delivery.offer({ ...itemOf(name, 10, 100, (settlement) => void endings.push(settlement)), stored: true });
  }
  const drain = it.delivery.drain(50);
  await it.clock.advance(50);
  await drain;
  assert.deepEqual(
    endings.map(({ kept, exported }) => [kept, exported]),
    [
      [true, 0],
      [true, 0],
    ],
  );
});

test('of what is stored no more than 64 MiB are read for exports that run at a time, unless one alone has more', async () => {
  const it = setup({ queue: { consumers: 10, size: 100 } });
  const offer = (name: string, mebibytes: number): void => {
    const item = itemOf(name, 1, mebibytes << 20, ({ exported }) => assert.equal(exported, 1));
    it.delivery.offer({ ...item, stored: true });
  };
  for (const [name, mebibytes] of Object.entries({ a: 40, b: 20, c: 5, d: 100, e: 1 })) offer(name, mebibytes);
  await it.clock.settle();
  const steps = [it.names().join('')];
  for (let next = 0; next < it.calls.length; next++) {
    it.calls[next].answer(accepted);
    await it.clock.settle();
    steps.push(it.names().join(''));
  }
  assert.deepEqual(steps, ['ab', 'abc', 'abc', 'abcd', 'abcde', 'abcde']);
});

test('what cannot be read is kept, and said a few times, not for every batch', async () => {
  const it = setup({ queue: { size: 1000 } });
  const endings: Settlement[] = [];
  for (let i = 0; i < 100; i++) {
    const item = itemOf('a', 1, 10, (settlement) => void endings.push(settlement));
    it.delivery.offer({ ...item, stored: true, open: () => Promise.reject(new Error('the store has stopped')) });
  }
  await it.delivery.drain(1000);
  assert.ok(endings.length === 100 && endings.every(({ kept }) => kept));
  assert.equal(it.log.length, 10);
});

test('an attempt that its time limit ended, and that goes on all the same, does not keep the drain for ever', async () => {
  const it = setup({ timeoutMs: 100 });
  it.offer('a');
  await it.clock.advance(100);
  const drain = it.delivery.drain(500);
  await it.clock.advance(1500);
  await drain;
  assert.equal(it.settled.get('a')?.reason, 'shutdown');
});

test('what is claimed is waited for by a drain', async () => {
  const it = setup({}, ({ answer }) => answer(accepted));
  const size = { spans: 1, bytes: 1 };
  assert.equal(it.delivery.claim(size), true);
  let isDrained = false;
  const drain = it.delivery.drain(1000).then(() => {
    isDrained = true;
  });
  await it.clock.settle();
  assert.equal(isDrained, false);
  it.delivery.unclaim(size);
  await drain;
});

test('an exporter that ignores the deadline does not keep the drain for ever', async () => {
  const it = setup({ timeoutMs: 0 });
  it.offer('a');
  const drain = it.delivery.drain(500);
  await it.clock.advance(1499);
  assert.equal(it.settled.size, 0);
  await it.clock.advance(1);
  await drain;
  assert.equal(it.settled.get('a')?.reason, 'shutdown');
});

test('a drain of nothing resolves at once', async () => {
  const it = setup();
  await it.delivery.drain(1000);
  assert.deepEqual(it.clock.pending(), []);
});

test('a problem that repeats for every batch is logged a few times, not for every batch', async () => {
  const it = setup({}, (call) => call.answer({ kind: 'refused', reason: 'internal', message: 'no' }));
  for (let i = 0; i < 500; i++) {
    assert.equal(it.offer(`b${i}`), true);
    await it.clock.settle();
  }
  assert.equal(it.delivery.stats.failedSpans.get('internal'), 5000);
  assert.equal(it.log.length, 14, '10, then the 110th, 210th, 310th and 410th');
  assert.equal(it.log[10]?.omitted, 99);
});

test('order is kept over a long run of takes and puts', async () => {
  const it = setup({ queue: { enabled: true, consumers: 1, size: 1000, sizer: 'requests' } });
  const names = Array.from({ length: 300 }, (_, i) => `b${i}`);
  for (const name of names) it.offer(name);
  for (let i = 0; i < names.length; i++) {
    it.calls[i]?.answer(accepted);
    await it.clock.settle();
  }
  assert.deepEqual(it.names(), names);
});
