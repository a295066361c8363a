// Server suite: real clients of other languages.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { retryDelayOf, retryInfoStatus } from '../../../src/transport/rpc-status.ts';
import { hasModule, peers, programOf } from '../support/peers.ts';
import { run } from '../support/programs.ts';
import { type StartServer, startBench } from './server-bench.ts';

const awkward = 'naïve — 100 % 😀';

interface PythonReply {
  readonly code: string;
  readonly message?: string;
  readonly details?: string;
  readonly length?: number;
}

export function peerTests(start: StartServer): void {
  test(`${peers.go.name}: all spans arrive`, async (t) => {
    const program = programOf(peers.go);
    if (program === null) return t.skip(peers.go.reason);
    const bench = await startBench(t, start);
    const where = ['--otlp-insecure', '--otlp-endpoint', bench.address];
    const ran = await run(program, ['traces', ...where, '--traces', '200', '--workers', '2', '--rate', '0']);
    assert.equal(ran.exitCode, 0, ran.stderr);
    // Two workers make 200 traces of a parent and a child each; every span's name stands in it once.
    const names = bench.method.handled.map(
      ({ message }) => message.toString('latin1').split(/lets-go|okey-dokey/).length - 1,
    );
    assert.equal(
      names.reduce((sum, count) => sum + count, 0),
      800,
    );
    assert.equal(bench.server.counters.failed, 0);
  });

  test(`${peers.go.name}: errors reach it with their message`, async (t) => {
    const program = programOf(peers.go);
    if (program === null) return t.skip(peers.go.reason);
    const bench = await startBench(t, start);
    bench.method.answer = () => ({ code: 3, message: awkward });
    const where = ['--otlp-insecure', '--otlp-endpoint', bench.address];
    const ran = await run(program, ['traces', ...where, '--traces', '1', '--rate', '0']);
    assert.match(`${ran.stdout}${ran.stderr}`, /InvalidArgument/);
    assert.ok(`${ran.stdout}${ran.stderr}`.includes(awkward), ran.stderr);
  });

  test(`${peers.python.name}: answers, errors, compression, limits, deadline, cancellation`, async (t) => {
    const program = programOf(peers.python);
    if (program === null) return t.skip(peers.python.reason);
    assert.ok(hasModule(program, 'grpc'), `${peers.python.variable} cannot import grpc`);
    const bench = await startBench(t, start, { includeMetadata: true });
    bench.method.answer = (message, call) => {
      const text = message.toString('latin1', 0, 14);
      if (text === 'never answered') return 'later';
      if (text === 'metadata') return { code: 9, message: call.metadata('x-tenant').join('|').replaceAll(', ', '|') };
      return text === 'refuse' ? retryInfoStatus(8, awkward, 1500) : null;
    };
    const script = fileURLToPath(new URL('python_client.py', import.meta.url));
    const ran = await run(program, [script, bench.address]);
    assert.equal(ran.exitCode, 0, ran.stderr);
    const seen = JSON.parse(ran.stdout) as Record<string, PythonReply>;
    for (const name of ['empty', 'small', 'large', 'gzip', 'many']) {
      assert.deepEqual([name, seen[name].code, seen[name].length], [name, 'OK', 0]);
    }
    assert.deepEqual([seen.metadata.code, seen.metadata.message], ['FAILED_PRECONDITION', 'one|two']);
    assert.deepEqual([seen.refused.code, seen.refused.message], ['RESOURCE_EXHAUSTED', awkward]);
    assert.equal(retryDelayOf(Buffer.from(seen.refused.details ?? '', 'hex')), 1500);
    assert.equal(seen.too_large.code, 'RESOURCE_EXHAUSTED');
    assert.deepEqual([seen.deflate.code, seen.unknown.code], ['UNIMPLEMENTED', 'UNIMPLEMENTED']);
    assert.deepEqual([seen.deadline.code, seen.cancelled.code], ['DEADLINE_EXCEEDED', 'CANCELLED']);
    assert.equal(bench.server.counters.connections, 1);
  });
}
