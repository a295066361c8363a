import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { grpcCode } from '../../../src/transport/grpc-status.ts';
import type { UnaryCall } from '../../../src/transport/unary-call.ts';
import { createRig, message, type Rig } from './fake-calls.ts';

type Call = UnaryCall<string, string>;

/** Feeds all of the bytes, which must all be taken. */
function feed(call: Call, bytes: Buffer): void {
  assert.equal(call.data(bytes, 0, bytes.length), bytes.length);
}

function clock(t: TestContext): { now: number } {
  const time = { now: 1000 };
  t.mock.method(performance, 'now', () => time.now);
  return time;
}

/** Nothing is held by anybody. */
function assertNothingHeld({ method, shared }: Rig): void {
  assert.equal(method.outstanding(), 0, 'places are still reserved');
  assert.equal(shared.counters.heldBytesNow, 0);
  assert.equal(shared.counters.callsNow, 0);
}

test('a message comes to its place however its bytes are cut, and is handled at its end', () => {
  const content = 'the quick brown fox';
  const bytes = message(content);
  const property = fc.property(fc.array(fc.nat(bytes.length), { maxLength: 6 }), (cuts) => {
    const rig = createRig();
    const call = rig.call();
    const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
    for (let i = 1; i < at.length; i++) assert.equal(call.data(bytes, at[i - 1], at[i]), at[i]);
    assert.equal(rig.method.handled.length, 0, 'handled before its end');
    call.end();
    assert.deepEqual(
      rig.method.handled.map(({ text }) => text),
      [content],
    );
    rig.method.handled[0].call.answer(null);
    assert.equal(rig.said.at(-1), 'ok');
    assertNothingHeld(rig);
  });
  fc.assert(property, { numRuns: 300 });
});

test('a message that is all here is reserved as whole, and no window is announced for it', () => {
  const rig = createRig();
  feed(rig.call(), message('abc'));
  const part = message('abc');
  feed(rig.call(), part.subarray(0, 7));
  assert.deepEqual(rig.method.reserved, [
    { length: 3, isWhole: true },
    { length: 3, isWhole: false },
  ]);
  assert.deepEqual(rig.said, ['admitted 3']);
});

test('what is no single whole message is refused once, and its place comes back', () => {
  const table: [name: string, feed: (call: Call) => void, said: RegExp][] = [
    ['no message', (call) => call.end(), /^fail 13 the request has no message$/],
    [
      'half a prefix',
      (call) => {
        feed(call, Buffer.of(0, 0, 0));
        call.end();
      },
      /^fail 13 the request has only 3 bytes/,
    ],
    ['a flag of 2', (call) => feed(call, message('abc', 2)), /^fail 13 compressed flag 2/],
    ['compressed without an encoding', (call) => feed(call, message('abc', 1)), /^fail 13 .*flagged as compressed/],
    [
      'more than its message',
      (call) => feed(call, Buffer.concat([message('abc'), Buffer.of(0)])),
      /^fail 13 .*goes on/,
    ],
    [
      'more than its message, later',
      (call) => {
        feed(call, message('abc'));
        feed(call, Buffer.of(1));
      },
      /^fail 13 .*goes on/,
    ],
    [
      'less than its message',
      (call) => {
        feed(call, message('abc', 0, 4));
        call.end();
      },
      /^fail 13 the body ended after 3 of the 4/,
    ],
    ['too large', (call) => feed(call, message('', 0, 101)), /^fail 8 .*\(101 vs\. 100\)/],
    ['a length of 2^32-1', (call) => feed(call, message('', 0, 0xffff_ffff)), /^fail 8 .*\(4294967295 vs\. 100\)/],
  ];
  for (const [name, send, said] of table) {
    const rig = createRig({ maxMessageBytes: 100 });
    const call = rig.call();
    send(call);
    // What was under way comes all the same, and is nobody's.
    feed(call, message('xyz'));
    call.end();
    const failures = rig.said.filter((line) => line.startsWith('fail'));
    assert.equal(failures.length, 1, name);
    assert.match(failures[0], said, name);
    assert.equal(rig.method.rejections.length, 1, name);
    assert.equal(rig.method.handled.length, 0, name);
    assertNothingHeld(rig);
  }
});

test('a head with a refusal takes nothing of the body', () => {
  const rig = createRig();
  const status = { code: grpcCode.UNIMPLEMENTED, message: 'unknown method' };
  const call = rig.call({ head: { method: null, refusal: { reason: 'path', status, httpStatus: 200 } } });
  feed(call, message('abc'));
  call.end();
  assert.deepEqual(rig.said, ['fail 12 unknown method']);
  assert.equal(rig.shared.counters.refused.path, 1);
  assertNothingHeld(rig);
});

test('who does not speak gRPC is answered after its request, or when that grows', () => {
  const head = {
    method: null,
    refusal: { reason: 'http_method' as const, status: { code: 13, message: 'POST' }, httpStatus: 405 },
  };
  const short = createRig();
  const get = short.call({ head });
  feed(get, Buffer.alloc(10_000));
  assert.deepEqual(short.said, []);
  get.end();
  const long = createRig();
  const upload = long.call({ head });
  for (let i = 0; i < 3; i++) feed(upload, Buffer.alloc(10_000));
  upload.end();
  for (const rig of [short, long]) {
    assert.deepEqual(rig.said, ['fail 13 POST 405']);
    assert.equal(rig.shared.counters.refused.http_method, 1);
    assertNothingHeld(rig);
  }
});

test('a call without a place takes no bytes until it has one', async () => {
  const rig = createRig();
  rig.method.full = true;
  const call = rig.call();
  const bytes = message('abc');
  assert.equal(call.data(bytes, 0, bytes.length), 5);
  assert.equal(call.data(bytes, 5, bytes.length), 5);
  assert.deepEqual(rig.said, ['pause']);
  await rig.method.decide(true);
  assert.deepEqual(rig.said, ['pause', 'admitted 3', 'resume']);
  assert.equal(call.data(bytes, 5, bytes.length), bytes.length);
  call.end();
  assert.deepEqual(
    rig.method.handled.map(({ text }) => text),
    ['abc'],
  );
});

test('a message of no bytes waits for its place too, and is handled when it has one', async () => {
  const rig = createRig();
  rig.method.full = true;
  const call = rig.call();
  feed(call, message(''));
  call.end();
  assert.equal(rig.method.handled.length, 0);
  await rig.method.decide(true);
  assert.equal(rig.method.handled.length, 1);
  assert.deepEqual(rig.said, ['pause', 'resume']);
  rig.method.handled[0].call.answer(null);
  assertNothingHeld(rig);
});

test('a body that ended while its message waited for a place is refused when it gets one', async () => {
  const rig = createRig();
  rig.method.full = true;
  const call = rig.call();
  feed(call, message('', 0, 3));
  call.end();
  await rig.method.decide(true);
  assert.match(rig.said[1], /^fail 13 the body ended after 0 of the 3/);
  assertNothingHeld(rig);
});

test('a call that may not wait, or waited in vain, is over budget, and counted so once', async () => {
  const refused = createRig();
  refused.method.full = true;
  refused.mayWait = false;
  feed(refused.call(), message('abc'));
  const vain = createRig();
  vain.method.full = true;
  const bytes = message('abc');
  vain.call().data(bytes, 0, bytes.length);
  await vain.method.decide(false);
  assert.deepEqual(refused.said, ['pause', 'fail 8 full']);
  assert.deepEqual(vain.said, ['pause', 'fail 8 full', 'resume']);
  for (const rig of [refused, vain]) {
    assert.equal(rig.method.overBudgets, 1);
    assert.deepEqual(rig.method.rejections, [], 'overBudget and rejected both counted it');
    assert.equal(rig.shared.counters.refused.over_budget, 1);
    assertNothingHeld(rig);
  }
});

test('a place that comes for a call which is gone or was refused meanwhile goes back at once', async () => {
  for (const leave of [(call: Call) => call.closed(), (call: Call) => call.refuseOverBudget()]) {
    const rig = createRig();
    rig.method.full = true;
    const call = rig.call();
    call.data(message('abc'), 0, 8);
    leave(call);
    await rig.method.decide(true);
    assert.ok(!rig.said.includes('resume') && !rig.said.includes('admitted 3'), rig.said.join());
    assert.equal(rig.method.handled.length, 0);
    assertNothingHeld(rig);
  }
});

test('the deadline is asked for before work begins: after a wait, before the method, before decompressing', async (t) => {
  const time = clock(t);
  const head = { timeoutMs: 100, encoding: 'gzip' as const };
  const whole = (call: Call, flag: number): void => {
    feed(call, message('abc', flag));
    time.now += 100;
    call.end();
  };
  const plain = createRig();
  whole(plain.call({ head }), 0);
  const compressed = createRig();
  whole(compressed.call({ head }), 1);
  const waiting = createRig();
  waiting.method.full = true;
  const call = waiting.call({ head });
  call.data(message('abc'), 0, 8);
  time.now += 100;
  await waiting.method.decide(true);
  for (const rig of [plain, compressed, waiting]) {
    const failures = rig.said.filter((line) => line.startsWith('fail'));
    assert.deepEqual(failures, ['fail 4 the deadline passed before the request was taken']);
    assert.equal(rig.method.handled.length + rig.inflating.length, 0);
    assertNothingHeld(rig);
  }
  assert.equal(waiting.said.at(-1), 'resume', 'the connection would stay paused');
  const inTime = createRig();
  const early = inTime.call({ head });
  feed(early, message('abc'));
  time.now += 99;
  early.end();
  assert.equal(inTime.method.handled.length, 1);
});

test('a compressed message is decompressed from its place, which goes back, into one of its own', () => {
  const rig = createRig();
  const call = rig.call({ head: { encoding: 'gzip' } });
  feed(call, message('zipped', 1));
  call.end();
  assert.equal(rig.inflating[0].input.toString('latin1'), 'zipped');
  assert.equal(rig.method.outstanding(), 1);
  rig.inflating[0].done({ kind: 'ok', bytes: Buffer.from('unzipped') });
  assert.deepEqual(
    rig.method.handled.map(({ text }) => text),
    ['unzipped'],
  );
  rig.method.handled[0].call.answer(null);
  assertNothingHeld(rig);
});

test('a client that goes while its message is decompressed gets its place back only when that is done, and once', () => {
  const rig = createRig();
  const call = rig.call({ head: { encoding: 'gzip' } });
  feed(call, message('zipped', 1));
  call.end();
  assert.equal(rig.inflating[0].begin(), true);
  call.closed();
  assert.equal(rig.shared.counters.cancelled, 1);
  assert.equal(rig.method.outstanding(), 1, 'the place is still read from');
  rig.inflating[0].done({ kind: 'ok', bytes: Buffer.from('unzipped') });
  assert.equal(rig.method.handled.length, 0);
  assertNothingHeld(rig);
});

test('a client that goes before its message is decompressed gets its place back at once, and nothing is begun', () => {
  const rig = createRig();
  const call = rig.call({ head: { encoding: 'gzip' } });
  feed(call, message('zipped', 1));
  call.end();
  call.closed();
  assertNothingHeld(rig);
  assert.equal(rig.inflating[0].begin(), false);
  rig.inflating[0].done({ kind: 'dropped' });
  assertNothingHeld(rig);
});

test('what cannot be decompressed, or becomes too large by it, is refused', () => {
  for (const [result, said, reason] of [
    [
      { kind: 'corrupt', message: 'bad' } as const,
      /^fail 13 failed to decompress the received message: bad$/,
      'decompression',
    ],
    [{ kind: 'too_large' } as const, /^fail 8 .*after decompression larger than max/, 'too_large'],
  ] as const) {
    const rig = createRig();
    const call = rig.call({ head: { encoding: 'zstd' } });
    feed(call, message('zipped', 1));
    call.end();
    rig.inflating[0].done(result);
    assert.match(rig.said[0], said);
    assert.deepEqual(rig.method.rejections, [reason]);
    assertNothingHeld(rig);
  }
});

/** A call whose message was decompressed while all was full. */
function inflatedWaits(rig: Rig, name: string): Call {
  rig.method.full = false;
  const call = rig.call({ head: { encoding: 'gzip' }, name });
  feed(call, message('zipped', 1));
  call.end();
  rig.method.full = true;
  rig.inflating[rig.inflating.length - 1].done({ kind: 'ok', bytes: Buffer.alloc(60, 'u') });
  return call;
}

test('a decompressed message waits for a place outside of the memory, within the bound for that', async () => {
  const rig = createRig({ maxHeldBytes: 100 });
  inflatedWaits(rig, 'first');
  assert.equal(rig.shared.counters.heldBytesNow, 60);
  inflatedWaits(rig, 'second');
  assert.deepEqual(rig.said, ['fail 8 full'], 'it stops nobody else on its connection');
  assert.equal(rig.shared.counters.heldBytesNow, 60);
  await rig.method.decide(true);
  assert.deepEqual(
    rig.method.handled.map(({ text }) => text),
    ['u'.repeat(60)],
  );
  rig.method.handled[0].call.answer(null);
  assertNothingHeld(rig);
});

test('a decompressed message whose client goes, or that gets no place, is let go', async () => {
  const gone = createRig({ maxHeldBytes: 100 });
  inflatedWaits(gone, 'gone').closed();
  await gone.method.decide(true);
  const vain = createRig({ maxHeldBytes: 100 });
  inflatedWaits(vain, 'vain');
  await vain.method.decide(false);
  assert.deepEqual(vain.said, ['fail 8 full']);
  for (const rig of [gone, vain]) {
    assert.equal(rig.method.handled.length, 0);
    assertNothingHeld(rig);
  }
});

test('an answer counts once, and not when the client has gone', () => {
  const rig = createRig();
  const handle = (): Call => {
    const call = rig.call();
    feed(call, message('abc'));
    call.end();
    return call;
  };
  handle().answer(null);
  const failing = handle();
  failing.answer({ code: grpcCode.INVALID_ARGUMENT, message: 'malformed' });
  failing.answer(null);
  const gone = handle();
  gone.closed();
  gone.answer(null);
  assert.deepEqual(rig.said, ['ok', 'fail 3 malformed']);
  const { ok, failed, cancelled, calls } = rig.shared.counters;
  assert.deepEqual({ ok, failed, cancelled, calls }, { ok: 1, failed: 1, cancelled: 1, calls: 3 });
  assertNothingHeld(rig);
});

test('a call that found no place looks again for slow ones once they can be judged', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const time = clock(t);
  const rig = createRig();
  feed(rig.call({ name: 'slow', bornAt: time.now }), message('a', 0, 10));
  rig.method.full = true;
  time.now += 150;
  rig.call({ name: 'waiting' }).data(message('abc'), 0, 8);
  assert.deepEqual(rig.said, ['admitted 10', 'pause'], 'one that is too young was judged');
  time.now += 200;
  mock.timers.tick(200);
  assert.deepEqual(rig.said, ['admitted 10', 'pause', 'fail 8 full']);
  assert.equal(rig.shared.counters.refused.too_slow, 1);
  assert.equal(rig.calls[0].stream, 'waiting');
});

test('metadata comes from the fields of the head, with host for :authority', () => {
  const rig = createRig();
  const fields = [
    { name: ':authority', value: 'example:4317' },
    { name: 'tenant', value: 'a' },
    { name: 'tenant', value: 'b' },
  ];
  const call = rig.call({ head: { fields } });
  assert.deepEqual(call.metadata('tenant'), ['a', 'b']);
  assert.deepEqual(call.metadata('host'), ['example:4317']);
  assert.deepEqual(call.metadata('absent'), []);
  assert.deepEqual(rig.call().metadata('tenant'), []);
  assert.equal(call.peer, 'client:1');
});

test('a method may send messages of its own before it answers, and hears of a client that goes away', () => {
  const rig = createRig();
  const handle = () => {
    const call = rig.call();
    feed(call, message('abc'));
    call.end();
    return { call, exchange: rig.method.handled[rig.method.handled.length - 1].call };
  };
  const one = handle();
  one.exchange.send(Buffer.from('first'));
  one.exchange.send(Buffer.from(''));
  one.exchange.answer(null);
  one.exchange.send(Buffer.from('too late'));
  one.exchange.answer(null);
  assert.deepEqual(rig.said, ['message \0\0\0\0\x05first', 'message \0\0\0\0\0', 'end']);
  const failing = handle();
  failing.exchange.send(Buffer.from('x'));
  failing.exchange.answer({ code: 14, message: 'bye' });
  assert.equal(rig.said.at(-1), 'end 14 bye');
  const { ok, failed, cancelled } = rig.shared.counters;
  assert.deepEqual([ok, failed, cancelled], [1, 1, 0]);
  let gone = 0;
  const leaving = handle();
  leaving.exchange.onGone(() => gone++);
  leaving.call.closed();
  assert.deepEqual([gone, rig.shared.counters.cancelled], [1, 1]);
  leaving.exchange.send(Buffer.from('x'));
  leaving.exchange.onGone(() => gone++);
  const answered = handle();
  answered.exchange.onGone(() => gone++);
  answered.exchange.answer(null);
  assert.equal(gone, 1, 'a client was taken for gone that was answered, or had gone before');
  assertNothingHeld(rig);
});

test('a method may take less than the server: more is refused before it has a place, and after it was decompressed', () => {
  const rig = createRig();
  Object.assign(rig.method, { maxMessageBytes: 4 });
  feed(rig.call(), message('12345'));
  assert.deepEqual(rig.said, ['fail 8 received message larger than max (5 vs. 4)']);
  assert.deepEqual([rig.method.reserved, rig.method.rejections], [[], ['too_large']]);
  const compressed = rig.call({ head: { encoding: 'gzip' } });
  feed(compressed, message('xy', 1));
  compressed.end();
  rig.inflating[0].begin();
  rig.inflating[0].done({ kind: 'ok', bytes: Buffer.from('12345') });
  assert.equal(rig.said.at(-1), 'fail 8 received message after decompression larger than max 4');
  assertNothingHeld(rig);
});
