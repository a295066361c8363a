// Server suite: nghttp2's h2load and nghttp, and curl with prior knowledge, which know nothing of gRPC.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selfSigned } from '../support/certificates.ts';
import { type Peer, peers, programOf } from '../support/peers.ts';
import { type Ran, run, testFile } from '../support/programs.ts';
import { type Bench, type BenchOptions, framed, pattern, type StartServer, startBench } from './server-bench.ts';
import { exportPath } from './test-method.ts';

const header = (name: string, value: string): string[] => ['-H', `${name}: ${value}`];
const grpcArgs = [...header('content-type', 'application/grpc'), ...header('te', 'trailers')];
const urlOf = (bench: Bench, scheme = 'http'): string => `${scheme}://${bench.address}${exportPath}`;

/** A test with one of the tools, which sends a message from a file to a server. */
function toolTest(
  start: StartServer,
  peer: Peer,
  title: string,
  message: Buffer,
  body: (bench: Bench, send: (args: readonly string[]) => Promise<Ran>, file: string) => Promise<void>,
  options: BenchOptions = {},
): void {
  test(`${peer.name}: ${title}`, async (t) => {
    const program = programOf(peer);
    if (program === null) return t.skip(peer.reason);
    const bench = await startBench(t, start, options);
    const file = await testFile(t, 'body', framed(message));
    await body(bench, (args) => run(program, args), file);
  });
}

/** That so many messages were handled, each as it was sent. */
function expectHandled(bench: Bench, count: number, message: Buffer): void {
  const { handled } = bench.method;
  assert.equal(handled.length, count);
  const wrong = handled.filter((one) => !one.message.equals(message)).length;
  assert.equal(wrong, 0, `${wrong} messages came out differently`);
  assert.equal(bench.server.counters.ok, count);
}

export function toolTests(start: StartServer): void {
  loadTests(start);
  nghttpTests(start);
  curlTests(start);
}

const loads = [
  ['20,000 requests, a hundred at a time on each of ten connections', 20_000, 300, ['-c10', '-m100']],
  ['5,000 requests, one at a time on each of two hundred connections', 5000, 300, ['-c200', '-m1']],
  ['5,000 requests through windows of one byte for replies', 5000, 300, ['-c4', '-m100', '-w1', '-W1']],
  ['400 requests of 1 MiB, twenty at a time on each of four connections', 400, 1 << 20, ['-c4', '-m20', '-w10']],
  ['3,000 requests with a header table of no bytes', 3000, 20, ['-c3', '-m50', '--header-table-size=0']],
  ['3,000 requests without a header table at the sender', 3000, 20, ['-c3', '-m50', '--encoder-header-table-size=0']],
] as const;

function expectLoaded(ran: Ran, count: number): void {
  assert.equal(ran.exitCode, 0, ran.stderr);
  assert.ok(ran.stdout.includes(`${count} succeeded, 0 failed, 0 errored, 0 timeout`), ran.stdout);
  assert.ok(ran.stdout.includes(`status codes: ${count} 2xx`), ran.stdout);
}

function loadTests(start: StartServer): void {
  for (const [title, count, size, how] of loads) {
    const message = pattern(size);
    toolTest(start, peers.h2load, title, message, async (bench, send, file) => {
      expectLoaded(await send(['-n', String(count), ...how, '-d', file, ...grpcArgs, urlOf(bench)]), count);
      expectHandled(bench, count, message);
    });
  }

  test(`${peers.h2load.name}: 5,000 requests over TLS`, async (t) => {
    const [program, openssl] = [programOf(peers.h2load), programOf(peers.openssl)];
    if (program === null) return t.skip(peers.h2load.reason);
    if (openssl === null) return t.skip(peers.openssl.reason);
    const { cert, key } = await selfSigned(t, openssl, '127.0.0.1');
    const bench = await startBench(t, start, { tls: { cert, key } });
    const message = pattern(3000);
    const file = await testFile(t, 'body', framed(message));
    const args = ['-n5000', '-c10', '-m100', '-d', file, ...grpcArgs, urlOf(bench, 'https')];
    expectLoaded(await run(program, args), 5000);
    expectHandled(bench, 5000, message);
  });
}

const variants = [
  ['a request as it is by default, with PRIORITY frames', []],
  ['padding of every frame', ['-b', '200']],
  ['padding as long as it can be', ['-b', '255']],
  ['windows of one byte for replies', ['-w1', '-W1']],
  ['a request without content-length', ['--no-content-length']],
  ['a request that ends in trailers', ['--trailer', 'x-checksum: 1', '-b', '50']],
  ['no header table at the receiver', ['-c0']],
  ['a header table that shrinks and grows', ['-c64', '-c8192']],
  ['no header table at the sender', ['--encoder-header-table-size=0']],
  ['expect: 100-continue', ['--expect-continue']],
  ['neither dependencies nor priorities', ['--no-dep', '--no-rfc7540-pri']],
] as const;

function nghttpTests(start: StartServer): void {
  const message = pattern(100_000);
  for (const [title, args] of variants) {
    toolTest(start, peers.nghttp, title, message, async (bench, send, file) => {
      const count = 30;
      const ran = await send(['-nv', '-t20', '-m', String(count), ...args, '-d', file, ...grpcArgs, urlOf(bench)]);
      assert.equal(ran.exitCode, 0, ran.stderr);
      assert.equal(ran.stdout.match(/recv \(stream_id=\d+\) grpc-status: 0/g)?.length, count, ran.stdout.slice(-2000));
      assert.doesNotMatch(ran.stdout, /RST_STREAM|INVALID|error_code=[A-MO-Z]/);
      expectHandled(bench, count, message);
    });
  }

  toolTest(
    start,
    peers.nghttp,
    'a header list with CONTINUATION frames',
    message,
    async (bench, send, file) => {
      const ran = await send(['-nv', '-t20', '--continuation', '-d', file, ...grpcArgs, urlOf(bench)]);
      // nghttp shows the frames of a block as one; no frame may be longer than 16,384 bytes.
      const sent = Math.max(
        ...[...ran.stdout.matchAll(/send HEADERS frame <length=(\d+)/g)].map(([, length]) => Number(length)),
      );
      assert.ok(sent > 16_384, `a header block of ${sent} bytes`);
      assert.match(ran.stdout, /recv \(stream_id=\d+\) grpc-status: 0/);
      expectHandled(bench, 1, message);
    },
    { limits: { maxHeaderBytes: 64 << 10 } },
  );
}

function curlTests(start: StartServer): void {
  const h2 = ['-sS', '-m20', '--http2-prior-knowledge'];
  const message = pattern(3_000_000);
  const showTrailers = ['-D-', '-o/dev/null', '-w', '%{http_code} over %{http_version}'];

  const uploads = [
    ['a large upload', ['--data-binary']],
    ['an upload without content-length', ['-XPOST', '-T']],
    ['an upload that waits for 100-continue', ['-H', 'expect: 100-continue', '--data-binary']],
  ] as const;
  for (const [title, how] of uploads) {
    toolTest(start, peers.curl, title, message, async (bench, send, file) => {
      const source = how.at(-1) === '-T' ? file : `@${file}`;
      const length = how.at(-1) === '-T' ? ['-H', 'content-length:'] : [];
      const ran = await send([...h2, ...showTrailers, ...grpcArgs, ...length, ...how, source, urlOf(bench)]);
      assert.equal(ran.exitCode, 0, ran.stderr);
      assert.match(ran.stdout, /^grpc-status: 0\r?$/m);
      assert.match(ran.stdout, /200 over 2$/);
      expectHandled(bench, 1, message);
    });
  }

  // Over TLS: with prior knowledge curl 7.88 sends its preface again on a connection that it uses a second time.
  test('curl: a hundred uploads side by side on one connection over TLS', async (t) => {
    const [program, openssl] = [programOf(peers.curl), programOf(peers.openssl)];
    if (program === null) return t.skip(peers.curl.reason);
    if (openssl === null) return t.skip(peers.openssl.reason);
    const { cert, key, certFile } = await selfSigned(t, openssl, '127.0.0.1');
    const bench = await startBench(t, start, { tls: { cert, key } });
    const message = pattern(50_000);
    const body = ['--data-binary', `@${await testFile(t, 'body', framed(message))}`];
    const one = ['-sS', '-m20', '--cacert', certFile, '-o/dev/null', ...grpcArgs, ...body, urlOf(bench, 'https')];
    const all = Array.from({ length: 100 }, () => [...one, '--next']).flat();
    const ran = await run(program, ['-Z', ...all.slice(0, -1)]);
    assert.equal(ran.exitCode, 0, ran.stderr);
    expectHandled(bench, 100, message);
    assert.equal(bench.server.counters.connections, 1);
  });

  toolTest(start, peers.curl, 'who asks for something else is told so', pattern(5), async (bench, send) => {
    const shown = [...h2, '-D-', '-o/dev/null'];
    // Without a body: curl 7.88 forgets an answer when it is told before the body's end that no more of that is wanted.
    const json = ['-XPOST', ...header('content-type', 'application/json'), urlOf(bench)];
    const replies = [
      [[`http://${bench.address}/`], 405, 13, 'HTTP method GET where gRPC has POST'],
      [json, 415, 3, 'content-type application/json is not application/grpc'],
      [['-XPOST', ...grpcArgs, `http://${bench.address}/no.Such/Method`], 200, 12, 'unknown method /no.Such/Method'],
    ] as const;
    for (const [args, httpStatus, code, message] of replies) {
      const ran = await send([...shown, ...args]);
      assert.equal(ran.exitCode, 0, ran.stderr);
      const told = ran.stdout.split('\r\n').filter((line) => /^(HTTP|grpc-status|grpc-message)/.test(line));
      assert.deepEqual(told, [`HTTP/2 ${httpStatus} `, `grpc-status: ${code}`, `grpc-message: ${message}`]);
    }
    assert.equal(bench.method.handled.length, 0);
  });

  toolTest(start, peers.curl, 'other protocols end without harm', pattern(5), async (bench, send, file) => {
    const plain = `http://${bench.address}/`;
    for (const args of [
      ['--http1.1', plain],
      ['--http2', plain],
      ['-k', `https://${bench.address}/`],
    ]) {
      const ran = await send(['-sS', '-m20', ...args]);
      assert.notEqual(ran.exitCode, 0, args.join(' '));
      assert.notEqual(ran.exitCode, 28, `${args.join(' ')} was left without an answer`);
    }
    const ran = await send([...h2, ...showTrailers, ...grpcArgs, '--data-binary', `@${file}`, urlOf(bench)]);
    assert.match(ran.stdout, /^grpc-status: 0\r?$/m);
    expectHandled(bench, 1, pattern(5));
  });
}
