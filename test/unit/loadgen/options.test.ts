import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CommandLine, parseCommandLine } from '../../../loadgen/options.ts';
import { SpanmillError } from '../../../src/errors.ts';

function parsed(...args: string[]): CommandLine {
  const result = parseCommandLine(args);
  assert.ok(typeof result === 'object');
  return result;
}

const wrong: readonly (readonly [args: string[], message: RegExp])[] = [
  [['--prifile', 'x'], /^unknown option --prifile; did you mean "--profile"\?$/],
  [['--rate', '0'], /^--rate 0: expected spans a second, such as 20000, or max, or 1000\.\.100000$/],
  [['--rate', '100..50'], /^--rate 100\.\.50: expected/],
  [['--rate', '1..2..3'], /^--rate 1\.\.2\.\.3: expected/],
  [['--rate', '1', '--requests-per-second', '2'], /^--rate and --requests-per-second: one of them$/],
  [['--requests-per-second', '-1'], /--requests-per-second/],
  [['--duration', '30'], /^--duration 30: expected a duration such as 500ms, 30s or 2m$/],
  [['--batch-size', '5-2'], /^--batch-size 5-2: expected spans, such as 512 or 1-64$/],
  [['--batch-size', '0'], /^--batch-size 0: expected spans/],
  [['--protocol', 'http'], /^--protocol http: unknown/],
  [['--protocol', 'http/prot'], /^--protocol http\/prot: unknown; did you mean "http\/protobuf"\?$/],
  [['--client', 'grpcjs'], /^--client grpcjs: unknown; did you mean "grpc-js"\?$/],
  [['--client', 'grpc-js', '--protocol', 'http/json'], /^--client grpc-js speaks gRPC only, not http\/json$/],
  [['--endpoint', 'ftp://x:1'], /^--endpoint ftp:\/\/x:1: expected http:\/\/HOST:PORT or https:\/\/HOST:PORT$/],
  [['--endpoint', 'unix:/x'], /^--endpoint unix:\/x: expected .*; spanload speaks over TCP, not over Unix sockets$/],
  [['--endpoint', 'unix:///run/x.sock'], /^--endpoint unix:\/\/\/run\/x\.sock: .* not over Unix sockets$/],
  [
    ['--endpoint', 'http://me:secret@x:1'],
    /^--endpoint http:\/\/\*\*\*@x:1: .*, without credentials: those go into --header$/,
  ],
  [
    ['--endpoint', 'http://x:1/v1/traces'],
    /^--endpoint .*; gRPC has a path of its own, or is --protocol http\/protobuf meant\?$/,
  ],
  [['--endpoint', 'x:70000'], /^--endpoint x:70000: expected http/],
  [['--endpoint', 'http://'], /^--endpoint http:\/\/: expected http/],
  [['--endpoint', 'http://x:1/a b', '--protocol', 'http/json'], /^--endpoint http:\/\/x:1\/a b: expected/],
  [['--metrics', 'http://me:secret@x:1/metrics'], /^--metrics: expected a URL .*, without credentials$/],
  [['--metrics', 'ftp://me:secret@x'], /^--metrics ftp:\/\/\*\*\*@x: expected a URL/],
  [['--header', 'no value'], /^--header: expected NAME=VALUE$/],
  [['--in-flight', '3'], /^--in-flight belongs to --rate max$/],
  [['--rate', 'max', '--max-in-flight', '3'], /^--max-in-flight belongs to rates that go by the clock/],
  [['--duration', '0s'], /^--duration 0s: expected a duration above 0$/],
  [['--timeout', '600h'], /^--timeout 600h: expected a duration of 24 days at most$/],
  [['--sink', '127.0.0.1'], /^--sink 127\.0\.0\.1: expected HOST:PORT$/],
  [['--fault', 'stall'], /^--expect and --fault are about the backend: they need --sink HOST:PORT$/],
  [['--expect', 'nowhere.yaml', '--sink', 'localhost:1'], /^--expect nowhere\.yaml: cannot be read: /],
  [['--ca', 'nowhere.pem'], /^--ca nowhere\.pem: cannot be read: /],
  [['--report', 'report.txt'], /^--report report\.txt: expected a name that ends in \.json or \.html$/],
  [['--seed', '4294967296'], /^--seed 4294967296: expected a whole number from 0 to 4294967295$/],
  [['--seed', '1.5'], /^--seed 1\.5: expected a whole number/],
  [['--connections', '0'], /^--connections 0: expected/],
  [['--pid', 'self'], /^--pid self: expected/],
  [['--seed'], /--seed/],
  [['stray'], /stray/],
];

for (const [args, message] of wrong) {
  test(`spanload ${args.join(' ')} is refused in one clear line`, () => {
    assert.throws(
      () => parseCommandLine(args),
      (error) => {
        assert.ok(error instanceof SpanmillError);
        assert.equal(error.code, 'USAGE');
        assert.match(error.message, message);
        assert.ok(!error.message.includes('\n'));
        return true;
      },
    );
  });
}

test('without options a mixed load goes to the service on this machine', () => {
  const { run } = parsed();
  assert.deepEqual(run.target.endpoint, { host: '127.0.0.1', port: 4317, path: '', tls: false });
  assert.deepEqual(run.rate, { kind: 'spans', perSecond: 1000 });
  assert.deepEqual([run.profile, run.target.protocol, run.client], ['mixed', 'grpc', 'native']);
  assert.equal(run.durationMs, 30_000);
  assert.ok(run.seed >= 0 && run.seed < 2 ** 32);
});

test('rates are spans or requests a second, all there is, or a ramp', () => {
  assert.deepEqual(parsed('--rate', '20_000').run.rate, { kind: 'spans', perSecond: 20_000 });
  assert.deepEqual(parsed('--requests-per-second', '0.5').run.rate, { kind: 'requests', perSecond: 0.5 });
  assert.deepEqual(parsed('--rate', 'max', '--in-flight', '3').run.rate, { kind: 'max', inFlight: 3 });
  const ramp = parsed('--rate', '1000..50000').run;
  assert.deepEqual(ramp.rate, { kind: 'ramp', from: 1000, to: 50_000 });
  assert.equal(ramp.durationMs, 5000);
});

test('endpoints have a scheme, a host, a port and for HTTP a path', () => {
  const endpoint = (...args: string[]) => parsed(...args).run.target.endpoint;
  assert.deepEqual(endpoint('--endpoint', 'https://[::1]:4318/v1/traces', '--protocol', 'http/json'), {
    host: '::1',
    port: 4318,
    path: '/v1/traces',
    tls: true,
  });
  assert.deepEqual(endpoint('--endpoint', 'localhost:1'), { host: 'localhost', port: 1, path: '', tls: false });
  assert.equal(endpoint('--protocol', 'http/protobuf').port, 4318);
});

test('an address without a port is at OTLP’s, a URL without one at that of its scheme', () => {
  const where = (...args: string[]) => {
    const { host, port, tls, path } = parsed('--endpoint', ...args).run.target.endpoint;
    return `${host} ${port} ${tls} ${path}`;
  };
  const http = ['--protocol', 'http/protobuf'];
  assert.equal(where('traces.internal'), 'traces.internal 4317 false ');
  assert.equal(where('traces.internal', ...http), 'traces.internal 4318 false ');
  assert.equal(where('traces.internal/otlp/v1/traces', ...http), 'traces.internal 4318 false /otlp/v1/traces');
  assert.equal(where('[::1]', ...http), '::1 4318 false ');
  assert.equal(where('http://traces.internal/', ...http), 'traces.internal 80 false ');
  assert.equal(where('https://traces.internal/v1/traces?key=1', ...http), 'traces.internal 443 true /v1/traces?key=1');
  assert.equal(where('https://traces.internal'), 'traces.internal 443 true ');
});

test('headers come one by one or in a list, and values may hold anything', () => {
  const { headers } = parsed('--header', 'Authorization=Bearer a=b,c', '--headers', 'x-one=1,x-two=2').run.target;
  assert.deepEqual(headers, [
    ['authorization', 'Bearer a=b,c'],
    ['x-one', '1'],
    ['x-two', '2'],
  ]);
});

test('the command in a report shows no credentials', () => {
  const { command } = parsed(
    '--header',
    'Authorization=Bearer a,b',
    '--headers=x-api-key=1,x-team=2',
    '--profile',
    'mixed',
  ).run;
  assert.deepEqual(command.slice(1), [
    '--header',
    'Authorization=***',
    '--headers=x-api-key=***,x-team=***',
    '--profile',
    'mixed',
  ]);
  const address = ['--endpoint', 'https://x:1/v1/traces?api_key=secret&team=a', '--protocol', 'http/json'];
  const metrics = '--metrics=http://x:2/metrics?token=secret';
  assert.deepEqual(parsed(...address, metrics, '--headers', 'a=secret,b: secret').run.command.slice(1), [
    '--endpoint',
    'https://x:1/v1/traces?api_key=***&team=***',
    '--protocol',
    'http/json',
    '--metrics=http://x:2/metrics?token=***',
    '--headers',
    'a=***,b=***',
  ]);
});

test('reports are named by their ending, and the command line is kept for them', () => {
  const line = parsed('--report', 'a.json', '--report', 'b.html', '--quiet');
  assert.deepEqual([line.jsonReport, line.htmlReport, line.quiet], ['a.json', 'b.html', true]);
  assert.deepEqual(line.run.command, ['spanload', '--report', 'a.json', '--report', 'b.html', '--quiet']);
});

test('--help and --version are answered before anything else is read', () => {
  assert.equal(parseCommandLine(['--help']), 'help');
  assert.equal(parseCommandLine(['--version', '--rate', 'x']), 'version');
});
