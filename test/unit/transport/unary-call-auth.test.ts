// Who may come in is decided before anything of a body is taken.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthRefusal, RequestAuth } from '../../../src/transport/request-auth.ts';
import type { RequestHead } from '../../../src/transport/request-head.ts';
import { retryDelayOf } from '../../../src/transport/rpc-status.ts';
import { UnaryCall } from '../../../src/transport/unary-call.ts';
import { createRig, message, type Rig } from './fake-calls.ts';

const wrong: AuthRefusal = { message: 'not you', retryDelayMs: 0 };
const busy: AuthRefusal = { message: 'later', retryDelayMs: 1500 };
const credentials = [{ name: 'authorization', value: 'me' }];

interface Door extends RequestAuth {
  version: number;
  /** What it says. */
  verdict: AuthRefusal | null | Promise<AuthRefusal | null>;
  /** Credentials that it was asked about. */
  readonly asked: (readonly string[])[];
}

function door(verdict: Door['verdict']): Door {
  const made: Door = {
    version: 0,
    verdict,
    asked: [],
    refusal(header) {
      made.asked.push(header('authorization'));
      return made.verdict;
    },
  };
  return made;
}

/** A verdict that the test gives later. */
function later(): { verdict: Promise<AuthRefusal | null>; give(refusal: AuthRefusal | null): Promise<void> } {
  let resolve: (refusal: AuthRefusal | null) => void = () => undefined;
  const verdict = new Promise<AuthRefusal | null>((told) => {
    resolve = told;
  });
  return {
    verdict,
    async give(refusal) {
      resolve(refusal);
      await new Promise((turn) => setImmediate(turn));
    },
  };
}

const untouched = ({ method }: Rig): void => {
  assert.deepEqual(method.reserved, [], 'a place was asked for');
  assert.equal(method.outstanding(), 0);
  assert.equal(method.handled.length, 0);
};

test('a call without the right credential ends at its headers: no byte is read, no place reserved', () => {
  const rig = createRig({}, door(wrong));
  const call = rig.call({ head: { credentials } });
  assert.deepEqual(rig.said, ['fail 16 not you']);
  assert.equal(call.data(message('spans'), 0, 10), 10, 'what still comes is forgotten');
  untouched(rig);
  assert.deepEqual(rig.method.rejections, ['unauthenticated']);
  assert.equal(rig.shared.counters.refused.unauthenticated, 1);
});

test('the authenticator sees the headers; a welcome call goes on as any other', () => {
  const guard = door(null);
  const rig = createRig({}, guard);
  const call = rig.call({ head: { credentials } });
  const body = message('spans');
  call.data(body, 0, body.length);
  call.end();
  assert.deepEqual(guard.asked, [['me']]);
  assert.deepEqual(
    rig.method.handled.map(({ text }) => text),
    ['spans'],
  );
});

test('whoever was welcome is not asked about again until the version changes; whoever was not, is', () => {
  const guard = door(null);
  const rig = createRig({}, guard);
  const one = { method: rig.method, encoding: null, timeoutMs: Number.POSITIVE_INFINITY, refusal: null, fields: [] };
  const head: RequestHead = { ...one, isShown: true, credentials, welcomedIn: -1 };
  const begin = (): void => new UnaryCall(rig.shared, 'stream', 'client', head, performance.now()).begin();
  begin();
  begin();
  assert.equal(guard.asked.length, 1);
  guard.version++;
  guard.verdict = wrong;
  begin();
  begin();
  assert.equal(guard.asked.length, 3);
  assert.equal(rig.shared.counters.refused.unauthenticated, 2);
});

test('too many credentials at a time: the client may come again, and is told when', () => {
  const rig = createRig({}, door(busy));
  let details: Uint8Array | undefined;
  const { fail } = rig.shared.port;
  rig.shared.port.fail = (...told) => {
    details = told[1].details;
    fail(...told);
  };
  rig.call({ head: { credentials } });
  assert.deepEqual(rig.said, ['fail 14 later']);
  assert.equal(retryDelayOf(details ?? Buffer.alloc(0)), 1500);
  assert.deepEqual(rig.method.rejections, ['auth_busy']);
});

test('a slow decision: nothing is taken until it is there, then all of it', async () => {
  const decision = later();
  const rig = createRig({}, door(decision.verdict));
  const call = rig.call({ head: { credentials } });
  const body = message('spans');
  assert.equal(call.data(body, 0, body.length), 0, 'bytes were taken');
  assert.deepEqual(rig.said, ['pause']);
  untouched(rig);
  await decision.give(null);
  assert.deepEqual(rig.said, ['pause', 'resume']);
  assert.equal(call.data(body, 0, body.length), body.length);
  call.end();
  assert.equal(rig.method.handled.length, 1);
});

test('a slow decision: a body that ended meanwhile is judged behind it', async () => {
  const decision = later();
  const rig = createRig({}, door(decision.verdict));
  const call = rig.call({ head: { credentials } });
  call.end();
  assert.deepEqual(rig.said, ['pause']);
  await decision.give(null);
  assert.deepEqual(rig.said, ['pause', 'fail 13 the request has no message', 'resume']);
});

test('a slow decision against the client, one that comes too late for it, and one for a client that has gone', async () => {
  for (const [refusal, deadline, gone, said] of [
    [wrong, false, false, ['pause', 'fail 16 not you', 'resume']],
    [null, true, false, ['pause', 'fail 4 the deadline passed before the request was taken', 'resume']],
    [null, false, true, ['pause']],
  ] as const) {
    const decision = later();
    const rig = createRig({}, door(decision.verdict));
    const timeoutMs = deadline ? 1 : Number.POSITIVE_INFINITY;
    const call = rig.call({ head: { credentials, timeoutMs }, bornAt: performance.now() - 10 });
    if (gone) call.closed();
    await decision.give(refusal);
    assert.deepEqual(rig.said, said);
    untouched(rig);
    const { refused, cancelled } = rig.shared.counters;
    assert.equal(Object.values(refused).reduce((sum, n) => sum + n, 0) + cancelled, 1);
  }
});

test('where no call may wait, one whose decision is slow is told to come again', () => {
  const rig = createRig({}, door(later().verdict));
  rig.mayWait = false;
  rig.call({ head: { credentials } });
  assert.deepEqual(rig.said, ['pause', 'fail 8 full']);
  assert.equal(rig.method.overBudgets, 1);
});

test('a public method is called without asking', () => {
  const guard = door(wrong);
  const rig = createRig({}, guard);
  const call = rig.call({ head: { credentials, method: { ...rig.method, isPublic: true } } });
  const body = message('check');
  call.data(body, 0, body.length);
  call.end();
  assert.deepEqual(guard.asked, []);
  assert.equal(rig.method.handled.length, 1);
});

test('a request that is wrong in itself is refused for that', () => {
  const guard = door(wrong);
  const rig = createRig({}, guard);
  const refusal = { reason: 'path', status: { code: 12, message: 'unknown method' }, httpStatus: 200 } as const;
  rig.call({ head: { credentials, method: null, refusal } });
  assert.deepEqual(rig.said, ['fail 12 unknown method']);
  assert.deepEqual(guard.asked, []);
});

test('what the authenticator knows of the client is read from the headers that let it in, and only when it is asked for', () => {
  const asked: string[] = [];
  const auth: RequestAuth = {
    ...door(null),
    attribute(header, name) {
      asked.push(name);
      return name === 'username' ? (header('authorization')[0] ?? null) : null;
    },
  };
  const call = createRig({}, auth).call({ head: { credentials } });
  assert.deepEqual(asked, []);
  assert.deepEqual([call.credential('username'), call.credential('other')], [['me'], []]);
  assert.deepEqual(createRig({}, door(null)).call({ head: { credentials } }).credential('username'), []);
  assert.deepEqual(createRig({}).call({ head: { credentials } }).credential('username'), []);
});
