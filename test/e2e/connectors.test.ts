// Pipelines behind connectors, in the real process: every span arrives once where it belongs, whoever stalls, refuses, is
// reloaded or killed, and each pipeline's account says so.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createClient, createTally, type Tally } from './support/client.ts';
import { configOf, exportTo, memoryLimiter, type Parts } from './support/config.ts';
import { runLoad } from './support/load.ts';
import { reload } from './support/reload.ts';
import { assertClean, type End, type Service, startService } from './support/service.ts';
import { accountOf } from './support/settle.ts';
import { type Sink, startSink } from './support/sink.ts';
import { createSpanSource } from './support/spans.ts';

type Section = Readonly<Record<string, unknown>>;

const configWith = (connectors: Readonly<Record<string, Section>>, parts: Parts): object => ({
  ...configOf(parts),
  connectors,
});

/** By the attribute `to` of each span: a, b, or what has none to the default. */
const router = (more: Section = {}): Section => ({
  table: ['a', 'b'].map((to) => ({
    context: 'span',
    condition: `attributes["to"] == "${to}"`,
    pipelines: [`traces/${to}`],
  })),
  ...more,
});

const to = (way: string, padding = 0) => ({ attributes: { to: way }, padding });

/** What arrived is what was acknowledged, each once. */
function assertArrived({ spans }: Pick<Sink, 'spans'>, { acknowledged }: Tally): void {
  assert.deepEqual([...spans.keys()].sort(), [...acknowledged].sort());
  assert.ok(
    [...spans.values()].every((times) => times === 1),
    'a span arrived twice',
  );
}

const account = (end: End, pipeline: string, exporter: string) => {
  const { received, exported, dropped, failed, rejected } = accountOf(end, { pipeline, exporter });
  return { received, exported, dropped, failed, rejected };
};
const allExported = (spans: number) => ({ received: spans, exported: spans, dropped: 0, failed: 0, rejected: 0 });

test('forward sends every span to each pipeline behind it, once, with and without batches on the way', async (t) => {
  for (const batch of [{}, { batch: { timeout: '20ms', send_batch_size: 700 } }]) {
    const sinks = [await startSink(t), await startSink(t)];
    const processors = Object.keys(batch);
    const config = configWith(
      { forward: {} },
      {
        processors: batch,
        exporters: { 'otlp/b': exportTo(sinks[0]), 'otlp/c': exportTo(sinks[1]) },
        pipelines: {
          traces: { receivers: ['otlp'], processors, exporters: ['forward'] },
          'traces/b': { receivers: ['forward'], exporters: ['otlp/b'] },
          'traces/c': { receivers: ['forward'], processors, exporters: ['otlp/c'] },
        },
        workers: 2,
      },
    );
    const service = await startService(t, config);
    const tally = createTally();
    const clients = [createClient(t, service, tally), createClient(t, service, tally)];
    let left = 200;
    await runLoad({ clients, source: createSpanSource(), inFlight: 8, spans: 20, goOn: () => left-- > 0 });
    const end = await service.end();
    assertClean(end, service);
    for (const sink of sinks) assertArrived(sink, tally);
    const all = allExported(tally.acknowledged.size);
    assert.ok(tally.acknowledged.size >= 4000);
    assert.deepEqual(account(end, 'traces', 'forward'), all);
    assert.deepEqual(account(end, 'traces/b', 'otlp/b'), all);
    assert.deepEqual(account(end, 'traces/c', 'otlp/c'), all);
  }
});

/** Ways for a, b and the rest, or for a and b only. */
function routed(
  sinks: { readonly a: Sink; readonly b: Sink; readonly rest?: Sink },
  parts: Partial<Parts> = {},
): object {
  const ways = Object.keys(sinks);
  return configWith(
    { routing: router(sinks.rest === undefined ? {} : { default_pipelines: ['traces/rest'] }) },
    {
      exporters: Object.fromEntries(Object.entries(sinks).map(([way, sink]) => [`otlp/${way}`, exportTo(sink)])),
      pipelines: {
        traces: { receivers: ['otlp'], processors: Object.keys(parts.processors ?? {}), exporters: ['routing'] },
        ...Object.fromEntries(
          ways.map((way) => [`traces/${way}`, { receivers: ['routing'], exporters: [`otlp/${way}`] }]),
        ),
      },
      ...parts,
    },
  );
}

test('routing splits what it is sent, counts what gets nowhere, and shows how many spans took each route', async (t) => {
  const sinks = { a: await startSink(t), b: await startSink(t) };
  const config = routed(sinks, { workers: 2 }) as { service: { telemetry: object } };
  config.service.telemetry = { ...config.service.telemetry, metrics: { address: '127.0.0.1:0' } };
  const service = await startService(t, config);
  const tallies = { a: createTally(), b: createTally(), nowhere: createTally() };
  const source = createSpanSource();
  await Promise.all(
    Object.entries(tallies).map(async ([way, tally]) => {
      let left = 60;
      const clients = [createClient(t, service, tally)];
      await runLoad({ clients, source, inFlight: 4, spans: 7, shape: to(way), goOn: () => left-- > 0 });
    }),
  );
  const { metrics } = (await service.line(({ msg }) => msg === 'spanmill is ready')) as { metrics?: string };
  const text = await (await fetch(`http://${metrics?.replace(/^http:\/\//, '').replace(/\/.*$/, '')}/metrics`)).text();
  const [a, b, nowhere] = [tallies.a, tallies.b, tallies.nowhere].map(({ acknowledged }) => acknowledged.size);
  const metric = /^spanmill_connector_routed_spans(?:_total)?\{(.*)\} (\d+)$/gm;
  const labels = (text: string) => Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [k, v]));
  const counted = [...text.matchAll(metric)].map(([, text, value]) => {
    const { connector, pipeline, route } = labels(text);
    return [connector, pipeline, route, Number(value)].join(' ');
  });
  assert.deepEqual(counted.sort(), [`routing traces/a table[0] ${a}`, `routing traces/b table[1] ${b}`], text);
  const end = await service.end();
  assertClean(end, service);
  assertArrived(sinks.a, tallies.a);
  assertArrived(sinks.b, tallies.b);
  const all = a + b + nowhere;
  const ledger = /^spanmill_ledger_spans\{(.*stage="dropped".*)\} (\d+)$/gm;
  const dropped = [...text.matchAll(ledger)].map(([, text, value]) => ({ ...labels(text), value: Number(value) }));
  assert.deepEqual(
    dropped.map(({ pipeline, component, reason, value }: Record<string, unknown>) => [
      pipeline,
      component,
      reason,
      value,
    ]),
    [['traces', 'routing', 'no_route', nowhere]],
  );
  assert.deepEqual(account(end, 'traces', 'routing'), { ...allExported(all), exported: a + b, dropped: nowhere });
  assert.deepEqual(account(end, 'traces/a', 'otlp/a'), allExported(a));
  assert.deepEqual(account(end, 'traces/b', 'otlp/b'), allExported(b));
});

test('a backend behind a connector that takes nothing holds back the clients, in bounded memory, and nothing is lost', async (t) => {
  const sink = await startSink(t);
  sink.answer = () => ({ kind: 'stall' });
  const budgetMib = 24;
  const exporter = exportTo(sink, { timeout: '10m', sending_queue: { num_consumers: 2, queue_size: 2 } });
  const config = configWith(
    { forward: {}, 'forward/2': {} },
    {
      processors: { memory_limiter: memoryLimiter(budgetMib), batch: { timeout: '20ms', send_batch_size: 500 } },
      exporters: { otlp: exporter },
      pipelines: {
        traces: { receivers: ['otlp'], processors: ['memory_limiter'], exporters: ['forward'] },
        'traces/b': { receivers: ['forward'], processors: ['batch'], exporters: ['forward/2'] },
        'traces/c': { receivers: ['forward/2'], exporters: ['otlp'] },
      },
    },
  );
  const service = await startService(t, config);
  const tally = createTally();
  const clients = Array.from({ length: 4 }, () => createClient(t, service, tally));
  const source = createSpanSource();
  let refused = 0;
  const flood = async (until: number): Promise<void> =>
    await runLoad({
      clients,
      source,
      inFlight: 4,
      spans: 50,
      shape: { padding: 2000 },
      goOn({ code, retryDelayMs }) {
        if (code === 0) return refused < until;
        assert.equal(code, 8);
        assert.ok(retryDelayMs !== undefined && retryDelayMs > 0);
        return ++refused < until;
      },
    });
  await flood(40);
  const resident = service.residentBytes();
  refused = 0;
  await flood(120);
  const growth = service.residentBytes() - resident;
  assert.ok(growth < 24 << 20, `${growth >> 20} MiB more while nothing can be taken`);
  sink.resume();
  const end = await service.end();
  assertClean(end, service);
  assertArrived(sink, tally);
  const all = allExported(tally.acknowledged.size);
  assert.deepEqual(account(end, 'traces/c', 'otlp'), all);
  assert.deepEqual(account(end, 'traces', 'forward'), all);
});

test('behind a router, a backend that takes nothing costs its own spans after a while, and not those of others', async (t) => {
  const sinks = { a: await startSink(t), b: await startSink(t), rest: await startSink(t) };
  sinks.a.answer = () => ({ kind: 'stall' });
  const limiter = { memory_limiter: memoryLimiter(32) };
  const service = await startService(t, routed(sinks, { processors: limiter }));
  const source = createSpanSource();
  const tallies = { a: createTally(), b: createTally() };
  const send = async (way: 'a' | 'b', isOver: () => boolean): Promise<void> => {
    const clients = [createClient(t, service, tallies[way])];
    const goOn = (): boolean => !isOver();
    await runLoad({ clients, source, inFlight: 4, spans: 50, shape: to(way, 1000), goOn });
  };
  const missed = service.line(({ msg = '' }) => msg.startsWith('an exporter is full: it misses spans'));
  let isMissed = false;
  void missed.then(() => {
    isMissed = true;
  });
  const sentBefore = new Set<string>();
  await Promise.all([send('a', () => isMissed), send('b', () => isMissed)]);
  for (const id of tallies.b.acknowledged) sentBefore.add(id);
  // From here on nobody waits for it.
  let left = 100;
  await Promise.all([send('a', () => left <= 0), send('b', () => left-- <= 0)]);
  assert.ok(tallies.b.acknowledged.size > sentBefore.size);
  sinks.a.resume();
  const end = await service.end();
  assertClean(end, service);
  assertArrived(sinks.b, tallies.b);
  const { failedBy, received, exported, failed } = accountOf(end, { pipeline: 'traces/a', exporter: 'otlp/a' });
  assert.deepEqual(Object.keys(failedBy), ['queue_full']);
  assert.equal(received, tallies.a.acknowledged.size);
  assert.equal(exported, sinks.a.spans.size);
  assert.equal(exported + failed, received);
});

async function settleAll(service: Service, pipeline: string, tally: Tally): Promise<{ tally: Tally; end: End }> {
  const end = await service.end();
  assertClean(end, service);
  assert.deepEqual(account(end, pipeline, 'otlp'), allExported(tally.acknowledged.size));
  return { tally, end };
}

test('SIGTERM empties the pipelines in the order of the way, whatever waits in them', async (t) => {
  const sink = await startSink(t);
  const batch = { timeout: '1h', send_batch_size: 1_000_000 };
  const config = configWith(
    { forward: {}, 'forward/2': {}, 'forward/3': {} },
    {
      processors: { batch, 'batch/2': batch },
      exporters: { otlp: exportTo(sink) },
      pipelines: {
        'traces/last': { receivers: ['forward/3', 'forward/2'], processors: ['batch'], exporters: ['otlp'] },
        'traces/middle': { receivers: ['forward'], processors: ['batch', 'batch/2'], exporters: ['forward/2'] },
        traces: { receivers: ['otlp'], processors: ['batch'], exporters: ['forward'] },
      },
    },
  ) as { connectors: Record<string, unknown>; service: { pipelines: Record<string, { receivers: string[] }> } };
  // One connector that is not needed would be an error.
  delete config.connectors['forward/3'];
  config.service.pipelines['traces/last'].receivers = ['forward/2'];
  const service = await startService(t, config);
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let i = 0; i < 5; i++) assert.equal((await client.send(source.request(100))).code, 0);
  assert.equal(sink.spans.size, 0);
  const { end } = await settleAll(service, 'traces/last', tally);
  assertArrived(sink, tally);
  assert.deepEqual(account(end, 'traces/middle', 'forward/2'), allExported(500));
});

test('connectors come, change and go under load, and nothing is refused, lost or sent twice', async (t) => {
  const sinks = { a: await startSink(t), b: await startSink(t) };
  const exporters = { 'otlp/a': exportTo(sinks.a), 'otlp/b': exportTo(sinks.b) };
  const direct = configOf({
    exporters,
    pipelines: { traces: { receivers: ['otlp'], exporters: ['otlp/a'] } },
  });
  const forwarded = configWith(
    { forward: {} },
    {
      exporters,
      pipelines: {
        traces: { receivers: ['otlp'], exporters: ['forward'] },
        'traces/a': { receivers: ['forward'], exporters: ['otlp/a'] },
      },
    },
  );
  const routes = (condition: string): object =>
    configWith(
      {
        routing: { default_pipelines: ['traces/a'], table: [{ context: 'span', condition, pipelines: ['traces/b'] }] },
      },
      {
        exporters,
        pipelines: {
          traces: { receivers: ['otlp'], exporters: ['routing'] },
          'traces/a': { receivers: ['routing'], processors: [], exporters: ['otlp/a'] },
          'traces/b': { receivers: ['routing'], exporters: ['otlp/b'] },
        },
      },
    );
  const chained = configWith(
    { forward: {}, 'forward/2': {} },
    {
      exporters,
      processors: { batch: { timeout: '5ms' } },
      pipelines: {
        traces: { receivers: ['otlp'], processors: ['batch'], exporters: ['forward'] },
        'traces/a': { receivers: ['forward'], exporters: ['forward/2'] },
        'traces/b': { receivers: ['forward/2'], processors: ['batch'], exporters: ['otlp/b'] },
      },
    },
  );
  const service = await startService(t, direct);
  const tally = createTally();
  let isOver = false;
  const replies: number[] = [];
  const load = runLoad({
    clients: [createClient(t, service, tally), createClient(t, service, tally)],
    source: createSpanSource(),
    inFlight: 4,
    spans: 20,
    shape: to('b'),
    goOn({ code }) {
      replies.push(code);
      return !isOver;
    },
  });
  const nowhere = 'attributes["to"] == "x"';
  const somewhere = 'attributes["to"] == "b"';
  for (const config of [
    forwarded,
    routes(nowhere),
    routes(somewhere),
    chained,
    forwarded,
    chained,
    direct,
    routes(somewhere),
  ]) {
    const line = await reload(service, config);
    assert.match(line.msg ?? '', /^reloaded/, JSON.stringify(line));
    const before = replies.length;
    while (replies.length < before + 50) await new Promise((resolve) => setImmediate(resolve));
  }
  const wrong = await reload(
    service,
    configWith(
      { forward: {} },
      { exporters, pipelines: { traces: { receivers: ['otlp', 'forward'], exporters: ['forward'] } } },
    ),
  );
  assert.match(wrong.msg ?? '', /^not reloaded/);
  isOver = true;
  await load;
  const end = await service.end();
  assertClean(end, service);
  assert.deepEqual([...new Set(replies)], [0]);
  const arrived = [...sinks.a.spans, ...sinks.b.spans];
  assert.equal(arrived.length, tally.acknowledged.size);
  assert.ok(arrived.every(([id, times]) => times === 1 && tally.acknowledged.has(id)));
  assert.ok(sinks.b.spans.size > 0 && sinks.a.spans.size > 0);
});

test('what a pipeline behind a connector refuses is told to the client, as long as no batch stands between', async (t) => {
  const sink = await startSink(t);
  const filter = { error_mode: 'propagate', traces: { span: ['ParseJSON(attributes["to"]) == 1'] } };
  const config = (batch: object): object =>
    configWith(
      { forward: {} },
      {
        processors: { filter, ...batch },
        exporters: { otlp: exportTo(sink) },
        pipelines: {
          traces: { receivers: ['otlp'], processors: Object.keys(batch), exporters: ['forward'] },
          'traces/b': { receivers: ['forward'], processors: ['filter'], exporters: ['otlp'] },
        },
      },
    );
  const source = createSpanSource();
  const heard = await startService(t, config({}));
  const reply = await createClient(t, heard, createTally()).send(source.request(3, to('no json')));
  assert.equal(reply.code, 13, reply.message);
  const end = await heard.end();
  assertClean(end, heard);
  const failed = { received: 3, exported: 0, dropped: 0, failed: 3, rejected: 0 };
  assert.deepEqual(account(end, 'traces', 'forward'), failed);
  assert.deepEqual(account(end, 'traces/b', 'otlp'), allExported(0));

  const unheard = await startService(t, config({ batch: { timeout: '10ms' } }));
  const accepted = await createClient(t, unheard, createTally()).send(source.request(3, to('no json')));
  assert.equal(accepted.code, 0, accepted.message);
  assert.deepEqual(account(await unheard.end(), 'traces', 'forward'), failed);
});

test('what is refused of one client says nothing of the others that came at the same moment', async (t) => {
  const sink = await startSink(t);
  const filter = { error_mode: 'propagate', traces: { span: ['ParseJSON(attributes["to"]) == 1'] } };
  const config = configWith(
    { forward: {}, 'forward/2': {} },
    {
      processors: { filter },
      exporters: { otlp: exportTo(sink) },
      pipelines: {
        traces: { receivers: ['otlp'], exporters: ['forward'] },
        'traces/b': { receivers: ['forward'], exporters: ['forward/2'] },
        'traces/c': { receivers: ['forward/2'], processors: ['filter'], exporters: ['otlp'] },
      },
    },
  );
  const service = await startService(t, config);
  const tallies = { good: createTally(), bad: createTally() };
  const clients = { good: createClient(t, service, tallies.good), bad: createClient(t, service, tallies.bad) };
  const source = createSpanSource();
  const replies = await Promise.all(
    Array.from({ length: 300 }, async (_, i) => {
      const kind = i % 3 === 1 ? 'bad' : 'good';
      const { code } = await clients[kind].send(source.request(2, to(kind === 'bad' ? 'no json' : '[]')));
      return `${kind} ${code}`;
    }),
  );
  assert.deepEqual([...new Set(replies)].sort(), ['bad 13', 'good 0']);
  const end = await service.end();
  assertClean(end, service);
  assertArrived(sink, tallies.good);
  const [sent, refused] = [tallies.good.acknowledged.size, tallies.bad.refused.size];
  assert.deepEqual([sent, refused], [400, 200]);
  // What the last pipeline refuses is the loss of the one that sent it there.
  assert.deepEqual(account(end, 'traces', 'forward'), allExported(600));
  assert.deepEqual(account(end, 'traces/b', 'forward/2'), { ...allExported(600), exported: sent, failed: refused });
  assert.deepEqual(account(end, 'traces/c', 'otlp'), allExported(sent));
});

test('a condition that fails refuses the request by default, and everything of it', async (t) => {
  const sinks = { a: await startSink(t), b: await startSink(t), rest: await startSink(t) };
  const config = routed(sinks) as { connectors: { routing: { table: object[] } } };
  config.connectors.routing.table.splice(1, 0, {
    context: 'span',
    condition: 'ParseJSON(attributes["to"]) == 1',
    pipelines: ['traces/rest'],
  });
  const service = await startService(t, config);
  const client = createClient(t, service, createTally());
  const source = createSpanSource();
  assert.equal((await client.send(source.request(4, to('a')))).code, 0);
  const reply = await client.send(source.request(4, to('b')));
  assert.equal(reply.code, 13, reply.message);
  const end = await service.end();
  assertClean(end, service);
  assert.deepEqual(account(end, 'traces', 'routing'), { ...allExported(8), exported: 4, failed: 4 });
  assert.equal(sinks.a.spans.size, 4);
  assert.equal(sinks.b.spans.size + sinks.rest.spans.size, 0);
});

test('wait_for_result behind a connector is waited for, across a batch too, and says what the backend said', async (t) => {
  const sink = await startSink(t);
  const config = configWith(
    { forward: {} },
    {
      processors: { batch: { timeout: '10ms' } },
      exporters: {
        otlp: exportTo(sink, { sending_queue: { wait_for_result: true }, retry_on_failure: { enabled: false } }),
      },
      pipelines: {
        traces: { receivers: ['otlp'], processors: ['batch'], exporters: ['forward'] },
        'traces/b': { receivers: ['forward'], exporters: ['otlp'] },
      },
    },
  );
  const service = await startService(t, config);
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  assert.equal((await client.send(source.request(5))).code, 0);
  assert.equal(sink.spans.size, 5, 'answered before it was exported');
  sink.answer = () => ({ kind: 'status', code: 14, message: 'gone fishing' });
  const reply = await client.send(source.request(5));
  assert.equal(reply.code, 8, reply.message);
  assert.match(reply.message, /gone fishing/);
  sink.answer = () => ({ kind: 'ok' });
  const end = await service.end();
  assertClean(end, service);
  assert.deepEqual(account(end, 'traces', 'forward'), allExported(10));
  assert.deepEqual(account(end, 'traces/b', 'otlp'), { ...allExported(10), exported: 5, failed: 5 });
});

test('what was acknowledged for a stored queue behind connectors survives kill -9', async (t) => {
  const sink = await startSink(t);
  const other = await startSink(t);
  const folder = mkdtempSync(join(tmpdir(), 'spanmill-connectors-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = configWith(
    { forward: {}, routing: router({ default_pipelines: ['traces/rest'] }) },
    {
      processors: { batch: { timeout: '5ms' } },
      extensions: { file_storage: { directory: folder, create_directory: true } },
      exporters: {
        otlp: exportTo(sink, { sending_queue: { storage: 'file_storage', queue_size: 100_000 } }),
        'otlp/other': exportTo(other),
      },
      pipelines: {
        traces: { receivers: ['otlp'], processors: ['batch'], exporters: ['forward'] },
        'traces/between': { receivers: ['forward'], exporters: ['routing'] },
        'traces/a': { receivers: ['routing'], exporters: ['otlp'] },
        'traces/b': { receivers: ['routing'], exporters: ['otlp/other'] },
        'traces/rest': { receivers: ['routing'], exporters: ['otlp'] },
      },
    },
  );
  sink.answer = () => ({ kind: 'stall' });
  const tally = createTally();
  const source = createSpanSource();
  for (let i = 0; i < 3; i++) {
    const service = await startService(t, config);
    const wanted = tally.acknowledged.size + 400;
    await runLoad({
      clients: [createClient(t, service, tally), createClient(t, service, tally)],
      source,
      inFlight: 4,
      spans: 10,
      shape: to(i % 2 === 0 ? 'a' : 'else'),
      goOn({ code }) {
        if (tally.acknowledged.size >= wanted) service.signal('SIGKILL');
        return code === 0;
      },
    });
    await service.ended;
  }
  assert.ok(tally.acknowledged.size >= 1200);
  sink.resume();
  const last = await startService(t, config);
  await sink.until(() => [...tally.acknowledged].every((id) => sink.spans.has(id)));
  const end = await last.end();
  assertClean(end, last);
});

test('what a client said of itself passes through connectors, as far as those behind ask for it', async (t) => {
  const sink = await startSink(t);
  const other = await startSink(t);
  const config = configWith(
    {
      forward: {},
      routing: {
        default_pipelines: ['traces/rest'],
        table: [{ context: 'request', condition: 'request["X-Org"] == "acme"', pipelines: ['traces/acme'] }],
      },
    },
    {
      grpc: { include_metadata: true },
      processors: { batch: { timeout: '10ms', metadata_keys: ['x-org'] } },
      extensions: { headers_setter: { headers: [{ key: 'x-tenant', from_context: 'x-org' }] } },
      exporters: {
        otlp: exportTo(sink, { auth: { authenticator: 'headers_setter' } }),
        'otlp/other': exportTo(other),
      },
      pipelines: {
        traces: { receivers: ['otlp'], exporters: ['forward'] },
        'traces/between': { receivers: ['forward', 'otlp'], processors: ['batch'], exporters: ['routing'] },
        'traces/acme': { receivers: ['routing'], processors: ['batch'], exporters: ['otlp'] },
        'traces/rest': { receivers: ['routing', 'forward'], exporters: ['otlp/other'] },
      },
    },
  );
  const service = await startService(t, config);
  const [acme, rest] = [createTally(), createTally()];
  const source = createSpanSource();
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const client = createClient(t, service, i % 2 === 0 ? acme : rest);
      const { code, message } = await client.send(source.request(5), { 'x-org': i % 2 === 0 ? 'acme' : `other-${i}` });
      assert.equal(code, 0, message);
    }),
  );
  const end = await service.end();
  assertClean(end, service);
  // By two ways each: straight, and through `forward`.
  assert.deepEqual([...sink.spans.keys()].sort(), [...acme.acknowledged].sort());
  assert.ok([...sink.spans.values()].every((times) => times === 2));
  for (const { headers } of sink.exports) assert.equal(headers['x-tenant'], 'acme');
  for (const [id, times] of other.spans) assert.equal(times, acme.acknowledged.has(id) ? 1 : 3);
  assert.equal(other.spans.size, acme.acknowledged.size + rest.acknowledged.size);
});
