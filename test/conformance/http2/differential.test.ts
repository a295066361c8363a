// The same frames, cut at random places of the byte stream, come to the same on node:http2's server and on ours.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { errorCode } from '../../../src/transport/http2/frames.ts';
import { framed, pattern, type StartServer, startBench } from '../grpc/server-bench.ts';
import { leftOut, malformed } from './call-flavours.ts';
import { dataFrame, headersFrames, requestFields, wholeCall } from './client-frames.ts';
import { createClientEncoder } from './client-hpack.ts';
import { illegals } from './illegal.ts';
import { type Cuts, type Outcome, run, startOutcomeBench } from './outcome.ts';
import { compile, plans, type Script } from './script.ts';
import { oracle, ours } from './servers.ts';
import { openWire } from './wire-client.ts';

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

/** fast-check prints the seed and the path of what failed; SPANMILL_FUZZ_SEED runs it again. */
function fuzzOptions(t: TestContext, runs: number): { seed: number; numRuns: number } {
  const seed = Number(process.env.SPANMILL_FUZZ_SEED ?? Date.now() % 2 ** 31);
  const numRuns = Number(process.env.SPANMILL_FUZZ_RUNS ?? runs);
  t.diagnostic(`SPANMILL_FUZZ_SEED=${seed}, ${numRuns} runs`);
  return { seed, numRuns };
}

/** What the RFC leaves open is taken out, after it was seen to be within what the RFC allows. */
function judged(outcome: Outcome, script: Script, start: StartServer): Outcome {
  if (script.illegal === null) return outcome;
  const { name, allowed, oracle: deviation } = script.illegal.what;
  const right: readonly (string | null)[] = start === oracle && deviation !== undefined ? [deviation] : allowed;
  assert.ok(right.includes(outcome.illegal), `${name}: ${outcome.illegal}, allowed ${right}`);
  return { ...outcome, illegal: 'as allowed' };
}

describe('differential: node:http2 and ours', () => {
  test('random conversations', async (t) => {
    const [theirs, mine] = [await startOutcomeBench(t, oracle), await startOutcomeBench(t, ours)];
    const property = fc.asyncProperty(plans({ maxOps: 40, faulty: true }), cuts, cuts, async (plan, first, second) => {
      const script = compile(plan);
      const expected = judged(await run(t, theirs, script, first), script, oracle);
      assert.deepEqual(judged(await run(t, mine, script, second), script, ours), expected);
      assert.equal(expected.connection, 'open');
      assert.deepEqual(expected.violations, []);
    });
    await fc.assert(property, fuzzOptions(t, 400));
  });

  for (const [name, start] of [
    ['node:http2', oracle],
    ['ours', ours],
  ] as const) {
    describe(name, () => alone(start));
  }
});

function alone(start: StartServer): void {
  test('where the byte stream is cut makes no difference', async (t) => {
    const bench = await startOutcomeBench(t, start);
    const property = fc.asyncProperty(plans({ maxOps: 12, maxSize: 400, faulty: true }), cuts, async (plan, some) => {
      const script = compile(plan);
      const whole = await run(t, bench, script, []);
      assert.deepEqual(await run(t, bench, script, some), whole);
      assert.deepEqual(await run(t, bench, script, 'bytes'), whole);
    });
    await fc.assert(property, fuzzOptions(t, 60));
  });

  test('each illegal thing ends as the RFC allows, whole and byte by byte', async (t) => {
    const bench = await startOutcomeBench(t, start);
    for (let i = 0; i < illegals.length; i++) {
      const script = compile({ ops: [], illegal: i });
      for (const how of [[], 'bytes'] as const satisfies readonly Cuts[])
        judged(await run(t, bench, script, how), script, start);
    }
  });

  test('the same header block means something else when the table has changed', async (t) => {
    const bench = await startOutcomeBench(t, start);
    const client = await openWire(t, bench.port);
    const encoder = createClientEncoder();
    const tenants = ['a', 'a', 'a', 'b', 'b', 'b', 'a'];
    const blocks = tenants.map((tenant) => {
      const first = encoder.block(requestFields(), ['plain']);
      return Buffer.concat([first, encoder.block([['x-tenant', tenant]], ['shortest'])]);
    });
    assert.ok(blocks[2].equals(blocks[5]), 'the blocks differ, so that this proves nothing');
    for (const [i, block] of blocks.entries()) {
      const stream = 2 * i + 1;
      await client.send(...headersFrames(stream, block), dataFrame(stream, framed(Buffer.alloc(0)), true));
      await client.reply(stream);
    }
    assert.deepEqual(
      bench.method.handled.flatMap(({ call }) => call.metadata('x-tenant')),
      tenants,
    );
  });

  for (const [what, fields] of [...malformed, ...leftOut]) {
    test(`a request with ${what} is a stream error, and the next one is served`, async (t) => {
      const bench = await startBench(t, start);
      const client = await openWire(t, bench.port);
      await client.send(wholeCall(1, framed(pattern(20)), fields));
      const reply = await client.reply(1);
      // If Node's ever takes these as the RFC does, they belong in `malformed`.
      const serves = start === oracle && leftOut.some(([name]) => name === what);
      assert.equal(reply.rstCode, serves ? null : errorCode.protocolError);
      await client.send(wholeCall(3, framed(pattern(20))));
      assert.equal((await client.reply(3)).trailers['grpc-status'], '0');
      assert.equal(bench.method.handled.length, serves ? 2 : 1);
    });
  }
}
