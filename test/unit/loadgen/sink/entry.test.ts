// The sink as a process of its own, over the built-in profiles.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startChild } from '../../../../loadgen/child.ts';
import { unixOffset } from '../../../../loadgen/clock.ts';
import { corpusOf, type StampableCorpus } from '../../../../loadgen/corpus/build.ts';
import type { CorpusOptions } from '../../../../loadgen/corpus/corpus.ts';
import { createStamper } from '../../../../loadgen/corpus/stamp.ts';
import { builtInProfiles, readProfile } from '../../../../loadgen/profile/load.ts';
import { createArrivals } from '../../../../loadgen/sink/arrivals.ts';
import { createSpanCheck } from '../../../../loadgen/sink/check.ts';
import { indexCorpus } from '../../../../loadgen/sink/corpus-index.ts';
import { createExpectation } from '../../../../loadgen/sink/expect.ts';
import { readExpectations } from '../../../../loadgen/sink/expect-schema.ts';
import { lastField, readFields } from '../../../../loadgen/sink/message-reader.ts';
import type { SinkOptions, SinkReady, SinkReport, SinkRequest, SinkTick } from '../../../../loadgen/sink/messages.ts';
import { SpanmillError } from '../../../../src/errors.ts';
import { noRules, origin } from './fixture.ts';

const optionsFor = (profile: string): CorpusOptions => ({
  profile: readProfile(profile),
  seed: 3,
  run: 77,
  batchSize: null,
  timeScale: 1,
  rate: { requestsPerSecond: 1000 },
  encoding: 'protobuf',
  wholeDoubles: 'double',
});

/** The bodies of requests, stamped one after another. */
function createBodies(corpus: StampableCorpus) {
  const stamper = createStamper(corpus);
  return (k: number, dueNs: bigint): Buffer => {
    const index = k % corpus.requests.length;
    const round = Math.floor(k / corpus.requests.length);
    stamper.stampRequest(index, round, Number(dueNs & 0xffff_ffffn), Number(dueNs >> 32n));
    const { start, end } = corpus.requests[index];
    return corpus.bytes.subarray(start, end);
  };
}

for (const profile of builtInProfiles()) {
  test(`all that ${profile} sends arrives as it was sent, in two rounds`, () => {
    const corpus = corpusOf(optionsFor(profile));
    const own = { ...corpus, bytes: Buffer.from(corpus.bytes) };
    const check = createSpanCheck(own, indexCorpus(own), createStamper(own), noRules);
    const arrivals = createArrivals({
      corpus: own,
      originNs: origin,
      mostSpans: 2 ** 48,
      check,
      checkShare: 1,
      random: () => 0,
    });
    const bodyOf = createBodies(corpus);
    const requests = corpus.requests.length * 2;
    for (let k = 0; k < requests; k++) arrivals.take(bodyOf(k, origin + BigInt(k)), 1e9, 0);
    assert.deepEqual(arrivals.oddities().altered.slice(0, 3), []);
    const distinct = corpus.spans * 2;
    assert.deepEqual(arrivals.counts(), { distinct, duplicated: 0, foreign: 0, malformed: 0, altered: 0 });
    assert.equal(check.ways().whole, distinct);
  });
}

const clockOffset = unixOffset();
const sinkOptions = (expect: string | null, faults: readonly string[] = []): SinkOptions => ({
  host: '127.0.0.1',
  port: 0,
  corpus: optionsFor('gateway'),
  expect: expect === null ? null : { name: 'expect.yaml', text: expect },
  checkShare: 1,
  faults,
  clockOffset: String(clockOffset),
});

const start = (options: SinkOptions) =>
  startChild<SinkRequest>(new URL('../../../../loadgen/sink/entry.ts', import.meta.url), options);

test('the process takes what arrives, and settles what was lost, repeated and altered', async () => {
  const yaml = 'dropped: [{ kind: client }]\nsampling: { percentage: 50, mode: proportional }';
  const child = await start(sinkOptions(yaml));
  try {
    const corpus = corpusOf(optionsFor('gateway'));
    const { config } = readExpectations('expect.yaml', yaml);
    assert.ok(config !== null);
    const outcomes = createExpectation(config, { ...corpus, bytes: Buffer.from(corpus.bytes) }).outcomes(0);
    const { port } = child.ready as SinkReady;
    const bodyOf = createBodies(corpus);
    const bodyNow = (k: number) => bodyOf(k, clockOffset + process.hrtime.bigint());
    const post = async (body: Buffer) => {
      const headers = { 'content-type': 'application/x-protobuf' };
      const url = `http://127.0.0.1:${port}/v1/traces`;
      const response = await fetch(url, { method: 'POST', body: new Uint8Array(body), headers });
      assert.equal(response.status, 200);
      await response.arrayBuffer();
    };
    const end = corpus.requests[6].first;
    // Of six requests the first comes twice, the third never, the fifth with another end time.
    for (const k of [1, 3, 5]) await post(bodyNow(k));
    const repeated = Buffer.from(bodyNow(0));
    await post(repeated);
    await post(repeated);
    const changed = bodyNow(4);
    const { start: bodyAt, first } = corpus.requests[4];
    const [from, to] = [corpus.spanStart[first] - bodyAt, corpus.spanEnd[first] - bodyAt];
    const endTime = lastField(readFields(changed, from, to), 8, 1);
    changed[endTime?.from ?? 0] ^= 1;
    await post(changed);
    const tick = (await child.ask({ kind: 'tick' })) as SinkTick;
    const [twice, never] = [corpus.requests[0], corpus.requests[2]];
    assert.equal(tick.distinct, end - never.spans);
    assert.equal(tick.endToEnd.count, end - never.spans + twice.spans);
    assert.ok(tick.endToEnd.max < 60_000);
    const { account, examples } = (await child.ask({ kind: 'settle', end, unsure: [] })) as SinkReport;
    const count = (from: number, to: number, what: number) =>
      outcomes.slice(from, to).filter((each) => each === what).length;
    assert.equal(account.acknowledged, end);
    assert.equal(account.dropped, count(0, end, 1));
    assert.equal(account.sampledOut, count(0, end, 2));
    assert.equal(account.lost, count(never.first, never.first + never.spans, 0));
    const present = end - never.spans;
    assert.equal(account.unexpected + account.arrived, present);
    assert.equal(account.duplicated, twice.spans);
    assert.equal(account.altered, 1);
    assert.equal(examples.altered[0].what, 'end time');
    assert.equal(examples.lost.length, account.lost);
  } finally {
    await child.end();
  }
});

test('a file of expectations that is wrong is said at its place', async () => {
  await assert.rejects(start(sinkOptions('droped: []')), (error) => {
    assert.ok(error instanceof SpanmillError && error.code === 'CONFIG_UNKNOWN_KEY');
    assert.match(error.message, /expect\.yaml:1:1 CONFIG_UNKNOWN_KEY .*did you mean "dropped"/);
    return true;
  });
});

test('a condition that looks at fresh text is said at its place', async () => {
  const yaml = 'dropped:\n  - kind: server\n  - attributes: { gen_ai.response.id: { matches: "^a" } }';
  await assert.rejects(start(sinkOptions(yaml)), (error) => {
    assert.ok(error instanceof SpanmillError && error.code === 'CONFIG_VALUE');
    assert.match(
      error.message,
      /expect\.yaml:3:19 CONFIG_VALUE expect\.dropped\[1\]\.attributes\.gen_ai\.response\.id: depends on a text/,
    );
    return true;
  });
});

test('a fault that cannot be understood is said', async () => {
  await assert.rejects(start(sinkOptions(null, ['stal'])), (error) => {
    assert.ok(error instanceof SpanmillError && error.code === 'USAGE');
    return true;
  });
});
