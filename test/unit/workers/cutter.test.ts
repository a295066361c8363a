// The cutting thread: what wire/cut does, on another thread, which may die.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { SpanmillError } from '../../../src/errors.ts';
import type { Part } from '../../../src/wire/cut/part.ts';
import { shrinkSpan } from '../../../src/wire/cut/shrink.ts';
import { splitInHalves, splitToLimits } from '../../../src/wire/cut/split.ts';
import { encodeRequest } from '../../../src/wire/reference/codec.ts';
import { readJson } from '../../../src/wire/reference/json-reader.ts';
import { type Cutter, type CutterOptions, createCutter } from '../../../src/workers/cutter.ts';

const none = Number.POSITIVE_INFINITY;

function start(t: { after(done: () => Promise<void>): void }, options: Partial<CutterOptions> = {}): Cutter {
  const cutter = createCutter({ log: pino({ level: 'silent' }), ...options });
  t.after(() => cutter.stop());
  return cutter;
}

function requestOf(spans: number, bytes: number): Buffer {
  const request = readJson('{"resourceSpans":[{"resource":{},"scopeSpans":[{"spans":[{}]}]}]}');
  const [scopeSpans] = request.resourceSpans[0].scopeSpans;
  const [span] = scopeSpans.spans;
  const value = { stringValue: 'x'.repeat(bytes) };
  scopeSpans.spans = Array.from({ length: spans }, (_, i) => ({
    ...span,
    name: `span ${i}`,
    attributes: [{ key: 'k', value, keyStrindex: 0 }],
  }));
  return Buffer.from(encodeRequest(request));
}

const partOf = (segments: readonly Buffer[], spans: number): Part => ({
  segments,
  spans,
  bytes: segments.reduce((sum, { length }) => sum + length, 0),
});

/** As what the service holds: views of memory that all threads share. */
function inSharedMemory(bytes: Buffer): Buffer {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
  const view = Buffer.from(memory.buffer as unknown as ArrayBuffer, 1000, bytes.length);
  view.set(bytes);
  return view;
}

const bytesOf = (part: Part | null | undefined): Buffer => Buffer.concat(part?.segments ?? []);

test('the thread gives what the functions give, for shared memory, for other memory, and for both in one request', async (t) => {
  const cutter = start(t);
  const message = requestOf(50, 500);
  const one = requestOf(1, 5000);
  const middle = 7000;
  const [head, tail] = [message.subarray(0, middle), message.subarray(middle)];
  for (const segments of [[message], [head, tail], [inSharedMemory(message)], [inSharedMemory(head), tail]]) {
    const part = partOf(segments, 50);
    const limits = { maxBytes: 4000, maxSpans: none };
    const split = await cutter.split(part, limits);
    assert.deepEqual(split.map(bytesOf), splitToLimits([message], limits).map(bytesOf));
    assert.deepEqual(
      split.map(({ spans, bytes }) => [spans, bytes]),
      splitToLimits([message], limits).map(({ spans, bytes }) => [spans, bytes]),
    );
    const halves = await cutter.halve(part);
    assert.deepEqual(halves?.map(bytesOf), splitInHalves([message])?.map(bytesOf));
    assert.deepEqual(Buffer.concat(segments), message, 'the input was changed or taken away');
  }
  for (const segments of [[one], [inSharedMemory(one)]]) {
    const part = partOf(segments, 1);
    const shrunk = await cutter.shrink(part, 1000);
    assert.deepEqual(bytesOf(shrunk), bytesOf(shrinkSpan([one], 1000)));
    assert.equal(shrunk?.bytes, bytesOf(shrunk).length);
    assert.equal(await cutter.shrink(part, 20), null);
    assert.equal(await cutter.shrink(part, 6000), part);
    assert.equal(await cutter.halve(part), null);
    assert.deepEqual(await cutter.split(part, { maxBytes: 6000, maxSpans: 1 }), [part]);
  }
});

test('parts of shared memory are views of it: nothing is copied', async (t) => {
  const cutter = start(t);
  const message = inSharedMemory(requestOf(20, 2000));
  const parts = await cutter.split(partOf([message], 20), { maxBytes: none, maxSpans: 5 });
  assert.equal(parts.length, 4);
  const copied = parts.flatMap(({ segments }) => segments).filter(({ buffer }) => buffer !== message.buffer);
  assert.ok(copied.reduce((sum, { length }) => sum + length, 0) < 100);
});

test('many calls at once are done one after another, each with its own result', async (t) => {
  const cutter = start(t);
  const sizes = [5, 3, 17, 1, 30, 2];
  const results = await Promise.all(
    sizes.map((spans) => cutter.split(partOf([requestOf(spans, 100)], spans), { maxBytes: none, maxSpans: 2 })),
  );
  assert.deepEqual(
    results.map((parts) => parts.reduce((sum, { spans }) => sum + spans, 0)),
    sizes,
  );
});

test('malformed bytes are an error of that call alone', async (t) => {
  const cutter = start(t);
  const bad = partOf([Buffer.from([0x0a, 0xff, 0x01])], 1);
  await assert.rejects(cutter.split(bad, { maxBytes: 1, maxSpans: 1 }), { code: 'OTLP_PROTOBUF' });
  await assert.rejects(cutter.halve(bad), (error) => error instanceof SpanmillError);
  assert.equal((await cutter.split(partOf([requestOf(2, 1)], 2), { maxBytes: none, maxSpans: 1 })).length, 2);
});

const faulty = new URL('./faulty-cut-entry.ts', import.meta.url);

test('a thread that dies rejects its call, and the next call has a new thread', async (t) => {
  const cutter = start(t, { entry: faulty });
  const part = partOf([requestOf(3, 10)], 3);
  const good = cutter.split(part, { maxBytes: none, maxSpans: 1 });
  const dies = cutter.shrink(part, 666);
  const after = cutter.split(part, { maxBytes: none, maxSpans: 1 });
  assert.equal((await good).length, 3);
  await assert.rejects(dies, (error) => error instanceof SpanmillError && error.code === 'WORKER');
  assert.equal((await after).length, 3);
});

test('a call whose thread dies is made again, by a new thread', async (t) => {
  const cutter = start(t, { entry: faulty });
  const message = requestOf(1, 5000);
  const shared = Buffer.from(new SharedArrayBuffer(message.length + 1));
  message.copy(shared, 1);
  const small = await cutter.shrink(partOf([shared.subarray(1)], 1), 668);
  assert.equal(shared[0], 2, 'the thread did not die, or not once');
  assert.ok(small !== null && small.bytes <= 668);
});

test('a call that takes too long is ended and rejected, and the next call has a new thread', async (t) => {
  const cutter = start(t, { entry: faulty, limitMs: 3000 });
  const part = partOf([requestOf(3, 10)], 3);
  await assert.rejects(cutter.shrink(part, 667), { code: 'WORKER', message: /longer than 3000 ms/ });
  assert.equal((await cutter.split(part, { maxBytes: none, maxSpans: 1 })).length, 3);
});

test('stopping rejects what runs and what waits, may come twice and before any call, and nothing works afterwards', async () => {
  const unused = createCutter({ log: pino({ level: 'silent' }) });
  await unused.stop();
  await unused.stop();
  const cutter = createCutter({ log: pino({ level: 'silent' }), entry: faulty });
  const part = partOf([requestOf(3, 10)], 3);
  await cutter.split(part, { maxBytes: none, maxSpans: 1 });
  const calls = [cutter.shrink(part, 667), cutter.shrink(part, 1), cutter.halve(part)];
  const settled = Promise.allSettled(calls);
  await new Promise((resolve) => setImmediate(resolve));
  await cutter.stop();
  await cutter.stop();
  for (const result of await settled) {
    assert.equal(result.status, 'rejected');
    assert.equal((result as PromiseRejectedResult).reason.code, 'WORKER');
  }
  await assert.rejects(cutter.halve(part), { code: 'WORKER' });
});
