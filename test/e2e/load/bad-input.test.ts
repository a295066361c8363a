// What users get wrong, and what goes wrong around them: one clear line (or the list of what is wrong in a file), the right
// exit code, and no process left behind (support/spanload.ts looks at that in every run).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { selfSigned } from '../../conformance/support/certificates.ts';
import { peers, programOf } from '../../conformance/support/peers.ts';
import { ok, startGrpcServer, startHttpServer } from './support/otlp-server.ts';
import { assertWell, freePort, measured, reportFile, shopFile, spanload, startSpanload } from './support/spanload.ts';

/** Far more than a run needs that cannot begin, even where all processors are busy. */
const secondsMs = 8_000;
const usage = 2;

interface Refusal {
  readonly args: readonly string[];
  readonly line: RegExp;
  readonly files?: Readonly<Record<string, string>>;
}

/** One line on stderr, nothing on stdout, no report. */
async function assertRefused(t: TestContext, { args, line, files = {} }: Refusal): Promise<void> {
  const run = await spanload(t, args, files);
  assert.equal(run.code, usage, run.stderr);
  assert.equal(run.stdout, '');
  assert.equal(run.stderr.trimEnd().split('\n').length, 1, `more than a line: ${run.stderr}`);
  assert.ok(run.stderr.endsWith('\n'));
  assert.match(run.stderr, line);
  assert.equal(run.report, null);
  assert.ok(run.elapsedMs < secondsMs, `it took ${run.elapsedMs} ms`);
}

const shop = ['--profile', shopFile];

describe('a command line', { concurrency: 3 }, () => {
  const wrong: readonly (readonly [name: string, args: readonly string[], line: RegExp])[] = [
    ['with an unknown option', ['--profil', 'gateway'], /^USAGE unknown option --profil; did you mean "--profile"\?$/m],
    ['with an unknown profile', ['--profile', 'gatewya'], /^USAGE unknown profile "gatewya"; did you mean "gateway"\?/],
    [
      'with a profile that is not there',
      ['--profile', './none.yaml'],
      /^CONFIG_READ cannot read the profile none\.yaml: there is no such file$/m,
    ],
    ['with a rate that is none', ['--rate', 'fast'], /^USAGE --rate fast: expected spans a second/],
    ['with a rate below zero', ['--rate', '-5'], /^USAGE --rate needs a value/],
    ['with a word too many', ['gateway'], /^USAGE Unexpected argument 'gateway'$/m],
    [
      'with an endpoint of another kind',
      ['--endpoint', 'ftp://here'],
      /^USAGE --endpoint ftp:\/\/here: expected http:/,
    ],
    [
      'with an expectation but no sink',
      ['--expect', shopFile],
      /^USAGE --expect and --fault .* need --sink HOST:PORT$/m,
    ],
    [
      'with an expectation that is not there',
      ['--expect', 'no.yaml', '--sink', 'a:1'],
      /^USAGE --expect no\.yaml: cannot/,
    ],
    [
      'with a report that cannot be written',
      ['--report', 'no/r.json'],
      /^USAGE --report no\/r\.json: cannot be written/,
    ],
    ['with two reports of one kind', ['--report', 'a.json', '--report', 'b.json'], /^USAGE --report a\.json and/],
    ['with a process that does not run', ['--pid', '2147483647'], /^USAGE --pid 2147483647: expected a process/],
    ['with a client that cannot do it', ['--client', 'grpc-js', '--protocol', 'http/json'], /^USAGE .*gRPC only/],
  ];
  for (const [name, args, line] of wrong) {
    test(`${name} is refused in a line`, (t) => assertRefused(t, { args, line }));
  }

  test('with a fault that is none is refused in a line', async (t) => {
    const args = [...shop, '--sink', `127.0.0.1:${await freePort()}`, '--fault', 'delay=soon'];
    await assertRefused(t, { args, line: /^USAGE --fault "delay=soon": not a value of delay/ });
  });

  test('with a compression that the client has not is refused in a line', async (t) => {
    const { port } = await startGrpcServer(t, () => ok);
    const args = [...shop, '--endpoint', `127.0.0.1:${port}`, '--client', 'grpc-js', '--compression', 'zstd'];
    await assertRefused(t, { args, line: /^USAGE .*grpc-js has no zstd/ });
  });
});

describe('a file', { concurrency: 3 }, () => {
  const sample = (change: Readonly<Record<string, unknown>>): string =>
    JSON.stringify(
      {
        description: 'wrong',
        resources: { shop: { scope: { name: 'shop' } } },
        traces: [{ root: 'order' }],
        spans: { order: { resource: 'shop', ...change } },
      },
      null,
      1,
    );
  const lists: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>, readonly RegExp[]])[] =
    [
      [
        'of --profile',
        ['--profile', './wrong.yaml'],
        { './wrong.yaml': sample({ duration: '5 parsec', kind: 'klient', colour: 'red' }) },
        [
          /^\.\/wrong\.yaml:18:16 CONFIG_DURATION spans\.order\.duration: /m,
          /^\.\/wrong\.yaml:19:12 CONFIG_VALUE spans\.order\.kind: .*did you mean "client"\?$/m,
          /^\.\/wrong\.yaml:20:4 CONFIG_UNKNOWN_KEY spans\.order: unknown key "colour"/m,
        ],
      ],
      [
        'of --profile that is no YAML',
        ['--profile', './wrong.yaml'],
        { './wrong.yaml': 'spans: [' },
        [/^\.\/wrong\.yaml:1:9 CONFIG_SYNTAX not valid YAML/m],
      ],
      [
        'of --expect',
        [...shop, '--expect', 'wrong.yaml'],
        { 'wrong.yaml': 'droped: []\nspans: { removed: 7 }\ndropped: [{ name: { matches: "(" } }]\n' },
        [
          /^wrong\.yaml:1:1 CONFIG_UNKNOWN_KEY .*did you mean "dropped"\?$/m,
          /^wrong\.yaml:2:19 CONFIG_TYPE expect\.spans\.removed: expected a list/m,
          /^wrong\.yaml:3:30 CONFIG_REGEXP expect\.dropped\[0\]\.name\.matches: missing closing \)/m,
        ],
      ],
      [
        'of --expect that looks at a text which is different in every span',
        [...shop, '--expect', 'fresh.yaml'],
        { 'fresh.yaml': 'dropped: [{ attributes: { session.id: { matches: "^[0-7]" } } }]\n' },
        [/^fresh\.yaml:1:27 CONFIG_VALUE expect\.dropped\[0\]\.attributes\.session\.id: .*different in every span/m],
      ],
    ];
  for (const [name, args, files, expected] of lists) {
    test(`${name} is refused with all its problems, each with its place`, async (t) => {
      const sink = ['--sink', `127.0.0.1:${await freePort()}`];
      const run = await spanload(t, [...args, ...sink, '--report', reportFile], files);
      assert.equal(run.code, usage);
      assert.equal(run.stdout, '');
      for (const line of expected) assert.match(run.stderr, line);
      assert.equal(run.stderr.match(/^\S+:\d+:\d+ CONFIG_/gm)?.length, expected.length, run.stderr);
      assert.ok(run.elapsedMs < secondsMs);
    });
  }
});

async function listening(t: TestContext, server: Server): Promise<number> {
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

describe('an endpoint', { concurrency: 3 }, () => {
  const senders: readonly (readonly [name: string, args: readonly string[]])[] = [
    ['native gRPC', []],
    ['grpc-js', ['--client', 'grpc-js']],
    ['HTTP', ['--protocol', 'http/protobuf']],
  ];
  for (const [name, args] of senders) {
    test(`at which nobody listens is said in a line: ${name}`, async (t) => {
      const port = await freePort();
      const line = new RegExp(`^CONNECT 127\\.0\\.0\\.1:${port}: (?!Error).*ECONNREFUSED(?!.*Resolution note)`, 'm');
      await assertRefused(t, { args: [...shop, ...args, '--endpoint', `127.0.0.1:${port}`], line });
    });
  }

  test('that speaks HTTP/1.1 is no place for gRPC', async (t) => {
    const { port } = await startHttpServer(t, () => ok);
    const line = new RegExp(`^CONNECT 127\\.0\\.0\\.1:${port}: .*HTTP/2`, 'm');
    await assertRefused(t, { args: [...shop, '--endpoint', `127.0.0.1:${port}`], line });
  });

  test('that hangs up at once is said in a line', async (t) => {
    const port = await listening(
      t,
      createServer((socket) => socket.destroy()),
    );
    const line = new RegExp(`^CONNECT 127\\.0\\.0\\.1:${port}: .*(?:closed|ECONNRESET)`, 'm');
    await assertRefused(t, { args: [...shop, '--endpoint', `127.0.0.1:${port}`], line });
  });

  test('without TLS is no place for https://', async (t) => {
    const { port } = await startHttpServer(t, () => ok);
    const args = [...shop, '--protocol', 'http/json', '--endpoint', `https://127.0.0.1:${port}`];
    await assertRefused(t, { args, line: new RegExp(`^CONNECT 127\\.0\\.0\\.1:${port}: .*TLS`, 'm') });
  });

  for (const [name, args] of senders) {
    test(`with a certificate that nobody vouches for is refused, unless nobody is to: ${name}`, async (t) => {
      const openssl = programOf(peers.openssl);
      if (openssl === null) return t.skip(peers.openssl.reason);
      const start = name === 'HTTP' ? startHttpServer : startGrpcServer;
      const { port } = await start(t, () => ok, await selfSigned(t, openssl, '127.0.0.1'));
      const all = [...shop, ...args, '--endpoint', `https://127.0.0.1:${port}`];
      const line = new RegExp(`^CONNECT 127\\.0\\.0\\.1:${port}: .*certificate`, 'm');
      await assertRefused(t, { args: all, line });
      const load = ['--rate', '200', '--duration', '200ms', '--insecure-skip-verify'];
      assertWell(await measured(t, [...all, ...load]));
    });
  }

  // Only the first request shows it: an HTTP client does not speak before.
  test('that speaks HTTP/2 only takes nothing over HTTP/1.1, and the run says so and ends', async (t) => {
    const { port } = await startGrpcServer(t, () => ok);
    const load = ['--rate', '200', '--duration', '300ms', '--protocol', 'http/protobuf'];
    const { report, elapsedMs, stdout } = await measured(t, [...shop, ...load, '--endpoint', `127.0.0.1:${port}`]);
    assert.equal(report.verdict.exitCode, 1);
    assert.equal(report.spans.acknowledged, 0);
    assert.ok(report.verdict.problems.some((problem) => problem.startsWith('no span was acknowledged; the first')));
    assert.match(stdout, /^Failed: No span was acknowledged$/m);
    assert.ok(elapsedMs < secondsMs);
  });

  test('that has not what is asked for is told with its status', async (t) => {
    const { port } = await startHttpServer(t, () => ({ kind: 'status', code: 404, message: '' }));
    const load = ['--rate', '200', '--duration', '300ms', '--protocol', 'http/json'];
    const { report } = await measured(t, [...shop, ...load, '--endpoint', `http://127.0.0.1:${port}/v2`]);
    assert.equal(report.verdict.exitCode, 1);
    assert.deepEqual(Object.keys(report.requests.byStatus), ['HTTP 404']);
    assert.match(report.verdict.problems[0], /^no span was acknowledged; the first request: HTTP 404/);
  });

  for (const [name, args] of senders) {
    test(`that goes for good in the middle ends the run with a report: ${name}`, async (t) => {
      const start = name === 'HTTP' ? startHttpServer : startGrpcServer;
      let taken = 0;
      const server = await start(t, () => {
        if (++taken === 20) setImmediate(() => server.close());
        return ok;
      });
      const load = ['--rate', '400', '--duration', '1s', '--endpoint', `127.0.0.1:${server.port}`];
      const { report, elapsedMs } = await measured(t, [...shop, ...args, ...load]);
      assert.equal(report.verdict.exitCode, 1);
      const gone = /^the server is gone, and cannot be reached again: /;
      assert.deepEqual(
        report.verdict.problems.filter((problem) => gone.test(problem)).length,
        1,
        report.verdict.problems[0],
      );
      const { spans, requests } = report;
      // Requests that come while it closes may be answered too.
      assert.ok(requests.acknowledged >= 1 && requests.acknowledged <= taken, `${requests.acknowledged} of ${taken}`);
      assert.equal(spans.generated, spans.acknowledged + spans.rejected + spans.failed);
      assert.ok(elapsedMs < secondsMs, `it took ${elapsedMs} ms`);
    });
  }
});

test('a port that is taken is no place for a sink', async (t) => {
  const { port } = await startHttpServer(t, () => ok);
  const args = [...shop, '--sink', `127.0.0.1:${port}`, '--endpoint', `127.0.0.1:${port}`];
  await assertRefused(t, {
    args,
    line: new RegExp(`^LISTEN cannot listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`, 'm'),
  });
});

test('a summary that cannot be written is said in a line, and is no success', async (t) => {
  if (!existsSync('/dev/full')) return t.skip('no /dev/full: only Linux has a disk that is always full');
  const { port } = await startGrpcServer(t, () => ok);
  const load = [...shop, '--rate', '200', '--duration', '200ms', '--quiet', '--endpoint', `127.0.0.1:${port}`];
  for (const args of [['--help'], ['--version'], [...load, '--report', reportFile]]) {
    const { code, stderr, report } = await startSpanload(t, args, {}, 'full').ended;
    assert.match(stderr, /^USAGE standard output cannot be written: ENOSPC[^\n]*\n$/);
    // What the run itself found goes before it.
    assert.equal(code, report?.verdict.exitCode || usage);
  }
});

test('nobody has to read what is printed', async (t) => {
  const port = await freePort();
  const load = [
    '--rate',
    '200',
    '--duration',
    '1200ms',
    '--endpoint',
    `127.0.0.1:${port}`,
    '--sink',
    `127.0.0.1:${port}`,
  ];
  const running = startSpanload(t, [...shop, ...load, '--report', reportFile], {}, 'unread');
  const { code, report } = await running.ended;
  assert.ok(report !== null);
  assert.equal(code, 0);
  assertWell({ report });
});
