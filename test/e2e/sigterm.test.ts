// SIGTERM while something else is wrong: the process ends in its time, clients are answered, and the account says of every span
// that was acknowledged what became of it. A second signal ends it at once.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createClient, createTally, type Reply, type Tally } from './support/client.ts';
import { configOf } from './support/config.ts';
import { type GoingFault, goingFaults, type Scene } from './support/going-faults.ts';
import { runLoad } from './support/load.ts';
import { type End, startService } from './support/service.ts';
import { accountOf } from './support/settle.ts';
import { type Sink, startSink } from './support/sink.ts';
import { createSpanSource } from './support/spans.ts';

/** The drain's deadline, and what a busy machine adds to it. */
const mostMs = 25_000 + 5000;
/** After a second signal: far less than what the first gives it, and far more than it takes on a quiet machine. */
const atOnceMs = 12_000;
const { OK, exhausted, unavailable } = { OK: 0, exhausted: 8, unavailable: 14 };

interface Answered {
  readonly replies: Reply[];
  readonly statuses: number[];
  /** All calls and held connections; each settles. */
  readonly pending: Promise<unknown>[];
}

async function setUp(t: TestContext, fault: GoingFault): Promise<{ scene: Scene; answered: Answered; config: object }> {
  const sink = await startSink(t);
  const folder = mkdtempSync(join(tmpdir(), 'spanmill-sigterm-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await fault.prepare?.({ t, sink, folder });
  const config = configOf({ http: {}, ...fault.config({ t, sink, folder }) });
  const { openFiles, preload } = fault;
  const options = { ...(openFiles === undefined ? {} : { openFiles }), ...(preload === undefined ? {} : { preload }) };
  const service = await startService(t, config, options);
  const tally = createTally();
  const source = createSpanSource();
  const client = createClient(t, service, tally);
  const answered: Answered = { replies: [], statuses: [], pending: [] };
  const keep = <T>(work: Promise<T>): Promise<T> => {
    answered.pending.push(work);
    return work;
  };
  const httpPort = portOf(service.lines.find(({ msg }) => msg === 'spanmill is ready')?.listening as string[], 'http ');
  const scene: Scene = {
    t,
    sink,
    folder,
    service,
    tally,
    source,
    httpPort,
    async send(spans, shape) {
      const reply = await keep(client.send(source.request(spans, shape)));
      answered.replies.push(reply);
      return reply.code;
    },
    async post({ message, ids }, headers = {}, body = message) {
      const status = await keep(statusOf(httpPort, headers, body));
      answered.statuses.push(status);
      const into = status === 200 ? tally.acknowledged : status === 0 ? tally.unknown : tally.refused;
      for (const id of ids) into.add(id);
      return status;
    },
    async hold(port, bytes) {
      const socket = net.connect(port, '127.0.0.1');
      t.after(() => socket.destroy());
      socket.on('error', () => undefined).resume();
      await once(socket, 'connect');
      keep(once(socket, 'close'));
      if (bytes.length > 0) socket.write(bytes);
    },
  };
  return { scene, answered, config };
}

const portOf = (listening: readonly string[], protocol: string): number =>
  Number(/:(\d+)$/.exec(listening.find((one) => one.startsWith(protocol)) ?? '')?.[1]);

async function statusOf(port: number, headers: Readonly<Record<string, string>>, body: Buffer): Promise<number> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', ...headers },
      body: new Uint8Array(body),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}

/** Requests without a pause, over connections of their own, until they are refused. */
function load({ t, service, tally, source }: Scene, replies: Reply[]): Promise<void> {
  const clients = [createClient(t, service, tally), createClient(t, service, tally)];
  const goOn = (reply: Reply): boolean => {
    replies.push(reply);
    return reply.code === OK;
  };
  return runLoad({ clients, source, inFlight: 2, spans: 3, goOn });
}

for (const again of [false, true]) {
  const what = again ? 'SIGTERM, and again,' : 'SIGTERM';
  describe(what, { concurrency: 8 }, () => {
    for (const fault of goingFaults) {
      // What ends by itself may have ended when the second signal comes.
      if (again && fault.ends === 'exported' && !fault.name.includes('runs away')) continue;
      test(`${what} while ${fault.name}`, { timeout: 120_000 }, async (t) => {
        const { scene, answered, config } = await setUp(t, fault);
        const { service, tally, sink } = scene;
        await fault.begin(scene);
        answered.pending.push(load(scene, answered.replies));
        await new Promise(setImmediate);
        const began = performance.now();
        service.signal('SIGTERM');
        await service.line(({ msg }) => msg?.startsWith('draining') === true);
        if (again) service.signal('SIGTERM');
        const end = await service.end();
        const tookMs = performance.now() - began;
        t.diagnostic(`ended in ${Math.round(tookMs)} ms`);
        assert.ok(tookMs < (again ? atOnceMs : mostMs), `it took ${tookMs} ms`);
        await Promise.all(answered.pending);
        assertAnswered(answered, fault);
        if (again) assertHeld(end, tally, sink, fault);
        else assertEnd(end, tally, sink, fault);
        if (fault.ends === 'kept') await assertGoesOn(scene, config);
      });
    }
  });
}

function assertAnswered({ replies, statuses }: Answered, { codes = [] }: GoingFault): void {
  for (const { code, message, retryDelayMs } of replies) {
    assert.ok([OK, exhausted, unavailable, ...codes].includes(code), `${code} ${message}`);
    if (code === exhausted) assert.ok((retryDelayMs ?? 0) > 0, message);
  }
  for (const status of statuses) assert.ok([0, 200, 429, 503].includes(status), `HTTP ${status}`);
}

/** What every end has to be. Returns what became of the spans. */
function accountAtEnd(end: End, tally: Tally, sink: Sink, { repeats = false }: GoingFault) {
  assert.equal(end.code, 0);
  const account = accountOf(end, {});
  const { received, remainder } = account;
  assert.equal(remainder, 0, JSON.stringify(account));
  assert.equal(account.dropped + account.rejected, 0, JSON.stringify(account));
  const told = tally.acknowledged.size;
  const sent = told + tally.unknown.size + tally.refused.size;
  assert.ok(received >= told && received <= sent, `${received} received, ${told} acknowledged, ${sent} sent`);
  for (const id of sink.spans.keys()) assert.ok(!tally.refused.has(id), 'a span arrived that was refused');
  if (!repeats) for (const times of sink.spans.values()) assert.equal(times, 1, 'a span arrived twice');
  const missing = [...tally.acknowledged].filter((id) => !sink.spans.has(id)).length;
  assert.ok(missing <= account.failed + account.held, `${missing} are missing: ${JSON.stringify(account)}`);
  return account;
}

function assertEnd(end: End, tally: Tally, sink: Sink, fault: GoingFault): void {
  const { failed, held, failedBy, exported } = accountAtEnd(end, tally, sink, fault);
  assert.equal(exported, sink.spans.size, 'the account and the backend differ');
  const { not_stored: notStored = 0, ...others } = failedBy;
  assert.ok(notStored <= tally.refused.size + tally.unknown.size, 'what is not stored is refused');
  if (fault.ends === 'exported') assert.deepEqual([failed, held], [0, 0]);
  if (fault.ends === 'given up') {
    assert.equal(held, 0);
    assert.ok(failed > 0);
    assert.deepEqual(Object.keys(others), ['shutdown']);
  }
  if (fault.ends === 'kept') {
    assert.deepEqual(others, {});
    assert.ok(held > 0);
  }
}

/** What was not exported is said to be held, or failed. An export whose answer did not come any more may have arrived. */
function assertHeld(end: End, tally: Tally, sink: Sink, fault: GoingFault): void {
  const { failed, held, received, exported } = accountAtEnd(end, tally, sink, fault);
  assert.ok(exported <= sink.spans.size);
  assert.equal(failed + held, received - exported);
}

/** The next process brings what this one kept. */
async function assertGoesOn({ t, sink, tally }: Scene, config: object): Promise<void> {
  sink.resume();
  const next = await startService(t, config);
  await sink.until(() => [...tally.acknowledged].every((id) => sink.spans.has(id)));
  const { recovered, exported, remainder, held } = accountOf(await next.end(), {}) as unknown as Record<string, number>;
  assert.deepEqual([exported, held, remainder], [recovered, 0, 0]);
}
