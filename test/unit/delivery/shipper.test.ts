import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { Batch, ExportResult } from '../../../src/component/exporter.ts';
import { Attempts } from '../../../src/delivery/attempts.ts';
import type { LearnedLimit } from '../../../src/delivery/cut/learned-limit.ts';
import { type Cutter, type Part, Shipper, type ShipperOptions } from '../../../src/delivery/shipper.ts';
import { SpanmillError } from '../../../src/errors.ts';
import { rateLimited } from '../../../src/lib/rate-limit.ts';
import { deliveryOptions, deliveryStats } from './delivery-host.ts';
import { createFakeClock } from './fake-clock.ts';

// A request of these tests is the names of its spans, one byte each.
const partOf = (text: string): Part => ({ segments: [Buffer.from(text)], spans: text.length, bytes: text.length });
const textOf = ({ segments }: { readonly segments: readonly Buffer[] }): string =>
  Buffer.concat([...segments]).toString();

const cutter: Cutter = {
  async split(part, { maxBytes, maxSpans }) {
    const size = Math.min(maxBytes, maxSpans);
    const text = textOf(part);
    return Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
      partOf(text.slice(i * size, (i + 1) * size)),
    );
  },
  async halve(part) {
    const text = textOf(part);
    const middle = Math.ceil(text.length / 2);
    return text.length === 1 ? null : [partOf(text.slice(0, middle)), partOf(text.slice(middle))];
  },
  // A span in lower case is smaller than one in upper case.
  shrink: async (part) => partOf(textOf(part).toLowerCase()),
};

const accepted: ExportResult = { kind: 'accepted' };
const invalid: ExportResult = { kind: 'invalid', reason: 'invalid_argument', message: 'bad span' };
const tooLarge = (limitBytes = 0): ExportResult => ({
  kind: 'too_large',
  reason: 'resource_exhausted',
  message: 'larger than max',
  limitBytes,
});

function peer(answer: (text: string) => ExportResult, change: Partial<ShipperOptions> = {}, maxElapsedMs = 0) {
  const sent: string[] = [];
  const aside: [string, string][] = [];
  const limit = {
    maxBytes: Number.POSITIVE_INFINITY,
    passed() {},
    refused(_bytes: number, limitBytes: number) {
      if (limitBytes > 0) limit.maxBytes = limitBytes;
    },
  } satisfies LearnedLimit;
  const clock = createFakeClock();
  const log = rateLimited(pino({ level: 'silent' }));
  const exporter = {
    start: async () => {},
    stop: async () => {},
    async export(batch: Batch): Promise<ExportResult> {
      const text = textOf(batch);
      assert.equal(batch.spans, text.length);
      const result = answer(text);
      sent.push(`${text}${result.kind === 'accepted' ? '' : '!'}`);
      return result;
    },
  };
  const attempts = new Attempts(
    exporter,
    { ...deliveryOptions, retry: { ...deliveryOptions.retry, maxElapsedMs } },
    deliveryStats(),
    log,
    clock,
  );
  const shipper = new Shipper({
    attempts,
    cutter,
    limit,
    maxSpans: Number.POSITIVE_INFINITY,
    maxBytes: Number.POSITIVE_INFINITY,
    shrinks: true,
    leave: async (part, reason) => {
      aside.push([textOf(part), reason]);
      return 'set_aside';
    },
    log,
    ...change,
  });
  return { sent, aside, clock, ship: (text: string) => shipper.ship(partOf(text), {}) };
}

test('what the peer takes goes out once, whole', async () => {
  const { ship, sent } = peer(() => accepted);
  assert.deepEqual(await ship('abcd'), { failures: [], message: '', retryable: false, staysStored: false });
  assert.deepEqual(sent, ['abcd']);
});

test('a batch that is invalid is halved until only the bad spans are set aside', async () => {
  const { ship, sent, aside } = peer((text) => (/[xy]/.test(text) ? invalid : accepted));
  const { failures } = await ship('abxdefgy');
  assert.deepEqual(failures, [{ reason: 'invalid_argument', spans: 2 }]);
  assert.deepEqual(aside, [
    ['x', 'invalid_argument'],
    ['y', 'invalid_argument'],
  ]);
  assert.deepEqual(sent, ['abxdefgy!', 'abxd!', 'ab', 'xd!', 'x!', 'd', 'efgy!', 'ef', 'gy!', 'g', 'y!']);
});

test('a peer that finds everything wrong is not asked about each span', async () => {
  const { ship, sent } = peer(() => invalid);
  const { failures } = await ship('x'.repeat(8192));
  assert.deepEqual(failures, [{ reason: 'invalid_argument', spans: 8192 }]);
  assert.ok(sent.length < 600, `${sent.length} requests`);
});

test('a peer that says what it takes gets no more, also next time', async () => {
  const { ship, sent } = peer((text) => (text.length > 3 ? tooLarge(3) : accepted));
  assert.deepEqual((await ship('abcdefgh')).failures, []);
  assert.deepEqual(sent, ['abcdefgh!', 'abc', 'def', 'gh']);
  sent.length = 0;
  await ship('abcdefgh');
  assert.deepEqual(sent, ['abc', 'def', 'gh']);
});

test('the time for attempts counts from the first one of the batch, for all of its parts together', async () => {
  const { ship, sent, clock } = peer(
    (text) =>
      text.length > 2 ? tooLarge(2) : { kind: 'retry', reason: 'unavailable', message: 'no connection', afterMs: 0 },
    {},
    150,
  );
  const shipped = ship('abcdef');
  await clock.advance(1000);
  assert.deepEqual((await shipped).failures, [{ reason: 'retries_exhausted', spans: 6 }]);
  assert.deepEqual(
    sent,
    ['abcdef!', 'ab!', 'ab!', 'cd!', 'ef!'],
    'at 0, 0 and 100 ms; the others once, as their time is over',
  );
});

test('a span that is too large alone is shrunk and sent', async () => {
  const { ship, sent, aside } = peer((text) => (/[A-Z]/.test(text) ? tooLarge() : accepted));
  assert.deepEqual((await ship('aBc')).failures, []);
  assert.deepEqual(sent, ['aBc!', 'aB!', 'a', 'B!', 'b', 'c']);
  assert.deepEqual(aside, []);
});

test('with shrinking off, or where it does not help, the whole span is set aside', async () => {
  const refuse = (text: string): ExportResult => (/b/i.test(text) ? tooLarge() : accepted);
  for (const change of [{ shrinks: false }, {}]) {
    const { ship, aside } = peer(refuse, change);
    assert.deepEqual((await ship('aBc')).failures, [{ reason: 'resource_exhausted', spans: 1 }]);
    assert.deepEqual(aside, [['B', 'resource_exhausted']], 'as it was, not as it was cut');
  }
});

test('requests are cut to what the configuration says', async () => {
  const { ship, sent } = peer(() => accepted, { maxSpans: 4 });
  await ship('abcdefghij');
  assert.deepEqual(sent, ['abcd', 'efgh', 'ij']);
});

test('a request that cannot be cut fails with its reason, and the shipper goes on', async () => {
  for (const [code, reason] of [
    ['OTLP_PROTOBUF', 'malformed'],
    ['WORKER', 'cut_failed'],
  ] as const) {
    const broken: Cutter = { ...cutter, halve: () => Promise.reject(new SpanmillError(code, 'it ended')) };
    const { ship, aside } = peer((text) => (text.includes('x') ? invalid : accepted), { cutter: broken });
    assert.deepEqual((await ship('axb')).failures, [{ reason, spans: 3 }]);
    assert.deepEqual(aside, [['axb', reason]]);
    assert.deepEqual((await ship('ab')).failures, []);
  }
});

test('what nobody can keep is counted as failed all the same', async () => {
  const { ship } = peer(() => ({ kind: 'refused', reason: 'unauthenticated', message: 'no' }), {
    leave: async () => 'lost',
  });
  assert.deepEqual(await ship('ab'), {
    failures: [{ reason: 'unauthenticated', spans: 2 }],
    message: 'no',
    retryable: false,
    staysStored: false,
  });
});
