import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFaults, type Fault, parseFault } from '../../../../loadgen/sink/faults.ts';
import { SpanmillError } from '../../../../src/errors.ts';
import { grpcCode } from '../../../../src/transport/grpc-status.ts';

const usual: Fault = {
  action: { kind: 'take' },
  delayMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  share: 1,
  fromMs: 0,
  toMs: Number.POSITIVE_INFINITY,
};
/** `final`: over which protocols nobody is to try again. */
const refusing = (
  code: number,
  httpStatus: number,
  retryMs: number | null,
  final: 'both' | 'grpc' | 'none' = 'none',
): Fault => ({
  ...usual,
  action: {
    kind: 'refuse',
    refusal: { grpcCode: code, httpStatus, retryMs, isFinal: { grpc: final !== 'none', http: final === 'both' } },
  },
});

const good: readonly [text: string, fault: Fault][] = [
  ['delay=200ms', { ...usual, delayMs: 200 }],
  ['delay=1.5s, share=0.1', { ...usual, delayMs: 1500, share: 0.1 }],
  ['refuse=UNAVAILABLE', refusing(grpcCode.UNAVAILABLE, 503, null)],
  ['refuse=RESOURCE_EXHAUSTED,retry=500ms', refusing(grpcCode.RESOURCE_EXHAUSTED, 429, 500)],
  ['retry=1s,refuse=503', refusing(grpcCode.UNAVAILABLE, 503, 1000)],
  // Over gRPC it is final where no delay comes with it; over HTTP it never is.
  ['refuse=429', refusing(grpcCode.RESOURCE_EXHAUSTED, 429, null, 'grpc')],
  ['refuse=RESOURCE_EXHAUSTED', refusing(grpcCode.RESOURCE_EXHAUSTED, 429, null, 'grpc')],
  ['refuse=400', refusing(grpcCode.INVALID_ARGUMENT, 400, null, 'both')],
  ['refuse=INVALID_ARGUMENT', refusing(grpcCode.INVALID_ARGUMENT, 400, null, 'both')],
  ['refuse=INVALID_ARGUMENT,retry=1s', refusing(grpcCode.INVALID_ARGUMENT, 400, 1000, 'both')],
  ['refuse=UNKNOWN', refusing(grpcCode.UNKNOWN, 500, null, 'both')],
  ['refuse=404', refusing(grpcCode.UNIMPLEMENTED, 404, null, 'both')],
  ['refuse=ABORTED', refusing(grpcCode.ABORTED, 503, null)],
  ['refuse=504', refusing(grpcCode.UNAVAILABLE, 504, null)],
  ['partial=3', { ...usual, action: { kind: 'partial', rejected: 3 } }],
  ['stall,between=5s..10s', { ...usual, action: { kind: 'stall' }, fromMs: 5000, toMs: 10_000 }],
  ['reset,share=.5', { ...usual, action: { kind: 'reset' }, share: 0.5 }],
  ['slow=64KiB/s', { ...usual, bytesPerSecond: 65_536 }],
  ['slow=1.5MB/s,delay=1ms', { ...usual, bytesPerSecond: 1.5e6, delayMs: 1 }],
];

for (const [text, fault] of good) {
  test(`--fault ${text} is understood`, () => {
    assert.deepEqual(parseFault(text), fault);
  });
}

const bad: readonly [text: string, message: RegExp][] = [
  ['', /a setting is empty/],
  ['delya=200ms', /unknown "delya"; did you mean "delay"\?/],
  ['explode', /unknown "explode"; known: delay, refuse/],
  ['delay', /delay needs a value, as in delay=200ms/],
  ['delay=200', /not a value of delay: "200"; for example delay=200ms/],
  ['delay=-1s', /not a value of delay/],
  ['delay=0s', /not a value of delay/],
  ['delay=1s,delay=2s', /delay stands twice/],
  ['stall=1', /stall takes no value/],
  ['refuse=UNAVALABLE', /"UNAVALABLE" is neither .* did you mean "UNAVAILABLE"\?/],
  ['refuse=OK', /is neither/],
  ['refuse=200', /is neither/],
  ['refuse=toString', /is neither/],
  ['retry=1s', /says nothing to do/],
  ['retry=1s,stall', /retry goes with refuse only/],
  ['stall,reset', /stall and reset cannot stand together: give --fault twice/],
  ['share=0.5', /says nothing to do/],
  ['partial=0', /not a value of partial/],
  ['partial=x', /not a value of partial/],
  ['stall,share=0', /not a value of share/],
  ['stall,share=1.01', /not a value of share/],
  ['stall,share=10%', /not a value of share/],
  ['stall,between=5s', /not a value of between: "5s"; for example between=5s\.\.10s/],
  ['stall,between=10s..5s', /not a value of between/],
  ['stall,between=1s..2s..3s', /not a value of between/],
  ['slow=64', /not a value of slow: "64"; for example slow=64KiB\/s/],
  ['slow=0B/s', /not a value of slow/],
];

for (const [text, message] of bad) {
  test(`--fault "${text}" is refused in one line`, () => {
    assert.throws(
      () => parseFault(text),
      (error) => {
        assert.ok(error instanceof SpanmillError && error.code === 'USAGE');
        assert.match(error.message, message);
        assert.ok(error.message.startsWith(`--fault "${text}": `) && !error.message.includes('\n'));
        return true;
      },
    );
  });
}

const kinds = (texts: readonly string[], times: readonly number[], random = () => 0): string[] => {
  const faults = createFaults(texts.map(parseFault), random);
  return times.map((time) => faults.decide(time).action.kind);
};

test('times count from the first request', () => {
  assert.deepEqual(kinds(['stall,between=1s..2s'], [50_000, 50_999, 51_000, 51_999, 52_000]), [
    'take',
    'take',
    'stall',
    'stall',
    'take',
  ]);
});

test('a share hits as many requests, the same ones for the same random numbers', () => {
  const sequence = () => {
    let n = 0;
    return () => (n++ % 10) / 10;
  };
  const first = kinds(['stall,share=0.3'], Array(100).fill(0), sequence());
  assert.equal(first.filter((kind) => kind === 'stall').length, 30);
  assert.deepEqual(first, kinds(['stall,share=0.3'], Array(100).fill(0), sequence()));
});

test('which requests are hit does not depend on the times of other faults', () => {
  const sequence = () => {
    let n = 0;
    return () => (n++ * 0.37) % 1;
  };
  const texts = ['delay=1s,share=0.5,between=1s..2s', 'reset,share=0.5'];
  const early = kinds(texts, Array(50).fill(0), sequence());
  const late = kinds(texts, [0, ...Array(49).fill(1500)], sequence());
  assert.deepEqual(early, late);
});

test('delays add up, the slowest reading counts, and the first action acts', () => {
  const texts = ['delay=1s,slow=2KiB/s', 'delay=2s,partial=1', 'reset,slow=1KiB/s', 'stall'];
  assert.deepEqual(createFaults(texts.map(parseFault), () => 0).decide(0), {
    action: { kind: 'partial', rejected: 1 },
    delayMs: 3000,
    bytesPerSecond: 1024,
  });
});

test('without faults everything is taken', () => {
  assert.deepEqual(createFaults([], () => 0).decide(7), {
    action: { kind: 'take' },
    delayMs: 0,
    bytesPerSecond: Number.POSITIVE_INFINITY,
  });
});
