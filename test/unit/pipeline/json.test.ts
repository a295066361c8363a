// OTLP JSON through a runtime with real workers: read there, exported as protobuf, refused alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Intake, RequestInfo, RequestOutcome } from '../../../src/component/receiver.ts';
import { batch } from '../../../src/processors/batch/index.ts';
import { decodeRequest } from '../../../src/wire/reference/codec.ts';
import { toJsonLine } from '../../../src/wire/reference/json.ts';
import { readJson } from '../../../src/wire/reference/json-reader.ts';
import type { ExportTraceServiceRequest } from '../../../src/wire/reference/messages.ts';
import { createSpanSource, idsOf } from '../../e2e/support/spans.ts';
import { misbehaving, misbehaviourKey } from './misbehaving.ts';
import { startRuntime } from './runtime-bench.ts';

const source = createSpanSource();
const info: RequestInfo = { peer: '', isJson: true, metadata: () => [] };

async function sendJson(intake: Intake, json: string | Uint8Array): Promise<RequestOutcome> {
  const bytes = Buffer.from(json);
  const place = intake.reserve(bytes.length, true) ?? (await intake.reserveLater(bytes.length, true));
  if (place === null) return intake.refuse();
  bytes.copy(intake.memory, place.offset);
  return new Promise((resolve) => intake.submit(place, info, (_info, outcome) => resolve(outcome)));
}

/** Of the same spans. */
const jsonOf = (message: Buffer): string => toJsonLine(message);
/** With the messages that JSON always has. */
const asJsonSays = (message: Buffer): ExportTraceServiceRequest => readJson(jsonOf(message));

test('JSON and protobuf of the same spans come out alike, in one job', async (t) => {
  const steps = [{ definition: misbehaving }, { definition: batch, config: { timeout: '1ms' } }];
  const bench = await startRuntime(t, { steps, workers: 2 });
  const requests = Array.from({ length: 40 }, () => source.request(5));
  const outcomes = await Promise.all(
    requests.map(({ message }, i) => (i % 2 === 0 ? sendJson(bench.intake, jsonOf(message)) : bench.send(message))),
  );
  assert.ok(outcomes.every(({ kind }) => kind === 'accepted'));
  const { received, exported } = await bench.settle();
  assert.deepEqual([received, exported], [200, 200]);
  assert.deepEqual(bench.exportedIds().sort(), requests.flatMap(({ ids }) => ids).sort());
  const [first] = decodeRequest(bench.exported[0]).resourceSpans;
  assert.deepEqual(first, asJsonSays(requests[0].message).resourceSpans[0]);
});

test('JSON that is wrong is refused alone, saying what is wrong and where; so is none at all', async (t) => {
  const bench = await startRuntime(t, { steps: [{ definition: misbehaving }] });
  const good = source.request(3);
  const [before, wrong, empty, behind] = await Promise.all([
    sendJson(bench.intake, jsonOf(good.message)),
    sendJson(bench.intake, '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"abc"}]}]}]}'),
    sendJson(bench.intake, ''),
    bench.send(source.request(2).message),
  ]);
  assert.deepEqual([before.kind, behind.kind], ['accepted', 'accepted']);
  assert.ok(wrong.kind === 'malformed' && empty.kind === 'malformed');
  const where = 'resourceSpans[0].scopeSpans[0].spans[0].traceId';
  assert.equal(wrong.message, `${where}: expected 32 hexadecimal digits, found "abc" (at byte 54)`);
  assert.equal(empty.message, 'not JSON: the body is empty');
  const { received, rejected } = await bench.settle();
  assert.deepEqual([received, rejected], [5, 0]);
});

test('JSON without spans is accepted', async (t) => {
  const bench = await startRuntime(t, { steps: [] });
  for (const json of ['{}', '{"resourceSpans":[]}', ' {"new":1} ']) {
    assert.equal((await sendJson(bench.intake, json)).kind, 'accepted');
  }
  assert.equal((await bench.settle()).received, 0);
});

test('names in any order, twice, and value before key come out as the reader of one pass has them', async (t) => {
  const bench = await startRuntime(t, { steps: [{ definition: misbehaving }] });
  const { message, ids } = source.request(50);
  const reversed = JSON.stringify(JSON.parse(jsonOf(message)), (_key, value: unknown) =>
    typeof value !== 'object' || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(Object.entries(value).reverse()),
  );
  assert.match(reversed, /"value":[^}]*\},"key"/);
  assert.equal((await sendJson(bench.intake, reversed)).kind, 'accepted');
  // As dense as protobuf is: its canonical form does not fit behind it at once.
  const dense = `{"resourceSpans":[{"scopeSpans":[{"spans":[${Array.from({ length: 9000 }, () => '{"kind":-1}').join(',')}],"scope":{}}],"resource":{}}]}`;
  assert.equal((await sendJson(bench.intake, dense)).kind, 'accepted');
  assert.deepEqual(idsOf(bench.exported[0]), ids);
  assert.deepEqual(decodeRequest(bench.exported[0]), asJsonSays(message));
  assert.equal((await bench.settle()).exported, 9050);
});

test('a request that kills its worker is set aside as it came', async (t) => {
  const bench = await startRuntime(t, { steps: [{ definition: misbehaving }] });
  const json = jsonOf(source.request(1, { attributes: { [misbehaviourKey]: 'exit' } }).message);
  const outcome = await sendJson(bench.intake, json);
  assert.ok(outcome.kind === 'failed', outcome.kind);
  assert.deepEqual(
    bench.aside.map(({ bytes, isJson }) => [bytes.toString(), isJson]),
    [[json, true]],
  );
  assert.equal((await sendJson(bench.intake, jsonOf(source.request(1).message))).kind, 'accepted');
  assert.equal((await bench.settle()).exported, 1);
});

test('twenty MiB of JSON pass through a worker, whose heap they would not fit as objects', async (t) => {
  const bench = await startRuntime(t, { steps: [{ definition: misbehaving }], budgetBytes: 128 << 20 });
  const small = `{"key":"k","value":{"intValue":"1"}},`;
  const attributes = small.repeat(60).slice(0, -1);
  const span = `{"name":"s","spanId":"00f067aa0ba902b7","attributes":[${attributes}]},`;
  const count = Math.floor((20 << 20) / span.length) - 1;
  const json = `{"resourceSpans":[{"scopeSpans":[{"spans":[${span.repeat(count).slice(0, -1)}]}]}]}`;
  assert.ok(json.length > 19 << 20 && json.length < 20 << 20);
  assert.equal((await sendJson(bench.intake, json)).kind, 'accepted');
  assert.equal((await bench.settle()).exported, count);
  assert.doesNotMatch(bench.log.join(''), /worker died/);
});

test('JSON whose protobuf form finds no space waits, and is refused for now', async (t) => {
  const bench = await startRuntime(t, { steps: [], budgetBytes: 8 << 20, exports: () => new Promise(() => undefined) });
  const outcomes: RequestOutcome[] = [];
  const { message } = source.request(1, { padding: 200_000 });
  const json = jsonOf(message);
  for (let i = 0; i < 60 && outcomes.at(-1)?.kind !== 'overloaded'; i++) {
    outcomes.push(await sendJson(bench.intake, json));
  }
  assert.equal(outcomes.at(-1)?.kind, 'overloaded');
  assert.ok(outcomes.some(({ kind }) => kind === 'accepted'));
});
