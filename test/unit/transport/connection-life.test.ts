import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ConnectionControl, ConnectionLife, sweepIntervalMs } from '../../../src/transport/connection-life.ts';
import {
  defaultPingPolicy,
  defaultServerKeepalive,
  newServerCounters,
  type PingPolicy,
  type ServerKeepalive,
} from '../../../src/transport/grpc-server.ts';

const policy = { minTimeMs: 1000, permitWithoutStream: false };
const hour = 3_600_000;

function create(t: TestContext, maxAgeMs = Number.POSITIVE_INFINITY, random = 0.5) {
  const time = { now: 5000 };
  t.mock.method(performance, 'now', () => time.now);
  t.mock.method(Math, 'random', () => random);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const said: string[] = [];
  const pings: (() => void)[] = [];
  const state = { ended: false, bytesRead: 0, readsBehindGoaway: true };
  const control: ConnectionControl = {
    get ended() {
      return state.ended;
    },
    get readsBehindGoaway() {
      return state.readsBehindGoaway;
    },
    bytesRead: () => state.bytesRead,
    ping(answered) {
      said.push('ping');
      pings.push(answered);
    },
    goaway: (code, lastStream, text) => said.push(`goaway ${code} ${lastStream} ${text}`.trim()),
    finish() {
      said.push('finish');
      state.ended = true;
    },
    destroy() {
      said.push('destroy');
      state.ended = true;
    },
  };
  const life = new ConnectionLife(control, maxAgeMs);
  const counters = newServerCounters();
  const sweep = (afterMs: number, keepalive: Partial<ServerKeepalive>): void => {
    time.now += afterMs;
    life.sweep(time.now, { ...defaultServerKeepalive, timeMs: Number.POSITIVE_INFINITY, ...keepalive }, counters);
  };
  return { time, said, pings, state, life, counters, sweep };
}

const firstGoaway = 'goaway 0 2147483647';

test('a connection is sent away with a GOAWAY that takes every stream, and finished when its ping is answered', (t) => {
  const { life, said, pings } = create(t);
  life.sendAway();
  life.sendAway();
  assert.deepEqual(said, [firstGoaway, 'ping']);
  pings[0]();
  assert.deepEqual(said, [firstGoaway, 'ping', 'finish']);
  t.mock.timers.tick(5000);
  assert.equal(said.length, 3, 'it was finished twice');
});

test('a client that does not answer the ping is finished a second later', (t) => {
  const { life, said, pings } = create(t);
  life.sendAway();
  t.mock.timers.tick(999);
  assert.deepEqual(said, [firstGoaway, 'ping']);
  t.mock.timers.tick(1);
  assert.deepEqual(said, [firstGoaway, 'ping', 'finish']);
  pings[0]();
  assert.equal(said.length, 3, 'it was finished twice');
});

test('where nothing is read behind a GOAWAY there is only the final one, sent when no stream is left', (t) => {
  const idle = create(t);
  idle.state.readsBehindGoaway = false;
  idle.life.sendAway();
  assert.deepEqual(idle.said, ['finish']);
  t.mock.restoreAll();
  t.mock.timers.reset();
  const { life, said, state, pings } = create(t);
  state.readsBehindGoaway = false;
  life.streamsNow = 1;
  life.idle();
  life.sendAway();
  assert.deepEqual(said, [firstGoaway, 'ping']);
  life.streamsNow = 0;
  life.idle();
  assert.deepEqual(said, [firstGoaway, 'ping', 'finish']);
  pings[0]();
  life.idle();
  t.mock.timers.tick(5000);
  assert.equal(said.length, 3, 'it was finished twice');
});

test('a stream that ends between two GOAWAYs does not bring the final one forward where streams may still come', (t) => {
  const { life, said, pings } = create(t);
  life.streamsNow = 1;
  life.sendAway();
  life.streamsNow = 0;
  life.idle();
  assert.deepEqual(said, [firstGoaway, 'ping']);
  pings[0]();
  assert.deepEqual(said, [firstGoaway, 'ping', 'finish']);
});

test('a connection that has ended is not sent away', (t) => {
  const { life, said, state } = create(t);
  state.ended = true;
  life.sendAway();
  assert.deepEqual(said, []);
});

/** Whether the client may go on. */
function ping(life: ConnectionLife, pings: PingPolicy): boolean {
  const counters = newServerCounters();
  life.onPing(pings, counters);
  return counters.keepaliveClosed === 0;
}

test('the third ping in a row that comes too early ends the connection', (t) => {
  const { life, said, time } = create(t);
  life.streamsNow = 1;
  assert.equal(ping(life, policy), true);
  for (const expected of [true, true, false]) {
    time.now += 999;
    assert.equal(ping(life, policy), expected);
  }
  assert.deepEqual(said, ['goaway 11 0 too_many_pings', 'destroy']);
});

test('pings at the permitted pace are no strikes, and do not forgive any', (t) => {
  const { life, time } = create(t);
  life.streamsNow = 1;
  for (let i = 0; i < 10; i++) {
    assert.equal(ping(life, policy), true);
    time.now += 1000;
  }
  ping(life, policy);
  ping(life, policy);
  ping(life, policy);
  time.now += 1000;
  assert.equal(ping(life, policy), true);
  assert.equal(ping(life, policy), false);
});

test('an answer forgives all earlier pings, and the next one', (t) => {
  const { life } = create(t);
  life.streamsNow = 1;
  for (let round = 0; round < 5; round++) {
    life.forgivePings = true;
    for (let i = 0; i < 3; i++) assert.equal(ping(life, policy), true);
  }
});

test('without streams a client may ping every two hours, or as the policy permits', (t) => {
  const strict = create(t);
  for (let i = 0; i < 5; i++, strict.time.now += 2 * hour) assert.equal(ping(strict.life, defaultPingPolicy), true);
  const permitted = { ...policy, permitWithoutStream: true };
  for (let i = 0; i < 5; i++, strict.time.now += 1000) assert.equal(ping(strict.life, permitted), true);
  ping(strict.life, policy);
  strict.time.now += 2 * hour - 1;
  ping(strict.life, policy);
  strict.time.now += 2 * hour - 1;
  assert.equal(ping(strict.life, policy), false);
});

test('a connection without streams for the idle time is sent away, one with streams is not', (t) => {
  const { life, said, sweep, time } = create(t);
  life.streamsNow = 1;
  sweep(10_000, { maxConnectionIdleMs: 1000 });
  assert.deepEqual(said, []);
  life.streamsNow = 0;
  life.idleSince = time.now;
  sweep(999, { maxConnectionIdleMs: 1000 });
  assert.deepEqual(said, []);
  sweep(1, { maxConnectionIdleMs: 1000 });
  assert.deepEqual(said, [firstGoaway, 'ping']);
  sweep(hour, { maxConnectionIdleMs: 1000, maxConnectionAgeGraceMs: 10 });
  assert.equal(said.length, 2, 'the grace is for connections that are too old');
});

test('a connection of the largest age is sent away, and cut when its grace is over', (t) => {
  const { said, sweep, counters, life } = create(t, 60_000);
  life.streamsNow = 1;
  const keepalive = { maxConnectionAgeMs: 60_000, maxConnectionAgeGraceMs: 5000 };
  sweep(59_999, keepalive);
  assert.deepEqual(said, []);
  sweep(1, keepalive);
  assert.deepEqual(said, [firstGoaway, 'ping']);
  assert.equal(counters.keepaliveClosed, 1);
  sweep(4999, keepalive);
  assert.equal(said.length, 2);
  sweep(1, keepalive);
  assert.equal(said.at(-1), 'destroy');
});

test('the ages of connections are spread by a tenth either way', (t) => {
  for (const [random, ageMs] of [
    [0, 900],
    [0.999_999, 1100],
  ]) {
    const { said, sweep } = create(t, 1000, random);
    sweep(ageMs - 1, {});
    assert.deepEqual(said, []);
    sweep(1, {});
    assert.deepEqual(said, [firstGoaway, 'ping']);
    t.mock.restoreAll();
    t.mock.timers.reset();
  }
});

test('a silent connection is pinged once, and cut when nothing comes back', (t) => {
  const { said, sweep, counters } = create(t);
  const keepalive = { timeMs: 1000, timeoutMs: 300 };
  sweep(999, keepalive);
  assert.deepEqual(said, []);
  sweep(1, keepalive);
  sweep(299, keepalive);
  assert.deepEqual(said, ['ping']);
  sweep(1, keepalive);
  assert.deepEqual(said, ['ping', 'destroy']);
  assert.equal(counters.keepaliveClosed, 1);
  sweep(1000, keepalive);
  assert.equal(said.length, 2, 'it is swept on after its end');
});

test('whatever is read shows that the client is alive', (t) => {
  const { said, sweep, state } = create(t);
  const keepalive = { timeMs: 1000, timeoutMs: 300 };
  sweep(1000, keepalive);
  state.bytesRead += 17;
  sweep(299, keepalive);
  sweep(999, keepalive);
  assert.deepEqual(said, ['ping']);
  sweep(1, keepalive);
  assert.deepEqual(said, ['ping', 'ping']);
});

test('sweeps are four in the shortest limit, neither hectic nor lazy', () => {
  assert.equal(sweepIntervalMs([Number.POSITIVE_INFINITY, 400, 1000]), 100);
  assert.equal(sweepIntervalMs([1]), 10);
  assert.equal(sweepIntervalMs([Number.POSITIVE_INFINITY]), 5000);
});
