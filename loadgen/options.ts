// The command line of spanload.
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { suggestion } from '../src/config/suggest.ts';
import { SpanmillError } from '../src/errors.ts';
import { parseDurationNanos } from '../src/lib/duration.ts';
import { type Endpoint, parseEndpoint } from '../src/transport/endpoint.ts';
import type { Rate, RunOptions } from './run.ts';
import { withoutCredentials } from './without-credentials.ts';

export interface CommandLine {
  readonly run: RunOptions;
  /** Files to write. */
  readonly jsonReport: string | null;
  readonly htmlReport: string | null;
  readonly quiet: boolean;
}

export const usage = `spanload: sends the spans of LLM applications to an OTLP pipeline, and proves what became of each of them.

Usage: spanload --endpoint URL --profile NAME [options]

What is sent
  --profile NAME|FILE      gateway, streaming, collector, retrieval, prompt, mixed, or a YAML file (mixed)
  --rate N|max|A..B        spans a second; max: as fast as answered; A..B: a ramp that finds the highest rate held (1000)
  --requests-per-second N  instead of --rate
  --duration D             how long it is measured (30s); for a ramp each step (5s)
  --warmup D               before it, not measured (0s)
  --batch-size N|A-B       spans a request, instead of what the profile says
  --seed N                 same seed and profile: same spans (random)
  --time-scale X           all durations of the profile times X (1)

How it is sent
  --endpoint URL           http://HOST:PORT, https://HOST:PORT, HOST:PORT, for HTTP with a path (127.0.0.1:4317, HTTP :4318)
  --protocol P             grpc, http/protobuf, http/json (grpc)
  --client C               native, grpc-js, sdk (the SDK's spans and serializer) (native)
  --compression C          none, gzip, zstd (none)
  --connections N          (4)
  --in-flight N            --rate max: requests under way on each connection (8)
  --max-in-flight N        other rates: the most requests under way; those due beyond it wait, and it counts (16384)
  --timeout D              of a request (10s)
  --header NAME=VALUE      repeatable; also --headers A=B,C=D
  --ca FILE, --cert FILE, --key FILE, --server-name NAME, --insecure-skip-verify
                           TLS: for an https:// endpoint

What is proven
  --sink HOST:PORT         is the backend too: accounts for every span that arrives, over gRPC or HTTP
  --expect FILE            what the pipeline is meant to do to spans: docs/load-expectations.md
  --check SHARE            of the requests that arrive, compare the spans with what was sent; all are counted (1)
  --fault F                of the sink, repeatable: delay=200ms refuse=UNAVAILABLE,retry=1s partial=3 stall reset
                           slow=64KiB/s; each with share=0.1 or between=5s..10s
  --wait D                 after the end, for spans that have not arrived: as long as some come in this time (10s)
  --pid N                  the service's process: its CPU and memory
  --metrics URL            the service's Prometheus endpoint: its own account

What is said
  --report FILE            FILE.json or FILE.html, repeatable
  --quiet                  no progress

Exit codes: 0 nothing acknowledged was lost; 1 something was, or arrived otherwise than it should, or nothing was acknowledged,
or no rate of a ramp was held, or the server went away for good; 2 wrong usage, or no connection at the start; 3 the generator
or the sink was the bottleneck, so that the figures say nothing of the service.
`;

const flags = {
  profile: { type: 'string' },
  rate: { type: 'string' },
  'requests-per-second': { type: 'string' },
  duration: { type: 'string' },
  warmup: { type: 'string' },
  'batch-size': { type: 'string' },
  seed: { type: 'string' },
  'time-scale': { type: 'string' },
  endpoint: { type: 'string' },
  protocol: { type: 'string' },
  client: { type: 'string' },
  compression: { type: 'string' },
  connections: { type: 'string' },
  'in-flight': { type: 'string' },
  'max-in-flight': { type: 'string' },
  timeout: { type: 'string' },
  header: { type: 'string', multiple: true },
  headers: { type: 'string', multiple: true },
  ca: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  'server-name': { type: 'string' },
  'insecure-skip-verify': { type: 'boolean' },
  sink: { type: 'string' },
  expect: { type: 'string' },
  check: { type: 'string' },
  fault: { type: 'string', multiple: true },
  wait: { type: 'string' },
  pid: { type: 'string' },
  metrics: { type: 'string' },
  report: { type: 'string', multiple: true },
  quiet: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;
type Flag = keyof typeof flags;

const fail = (message: string): never => {
  throw new SpanmillError('USAGE', message);
};

type Values = { readonly [name in Flag]?: string | boolean | (string | boolean)[] };

const secretFlag = /^--(?:headers?|endpoint|metrics)$/;

/** What timers can be set to. */
const mostNanoseconds = 24n * 86_400n * 1_000_000_000n;

/** Readers of single flags: each throws SpanmillError USAGE that names the flag, what was found and what was expected. */
function readers(values: Values) {
  const text = (name: Flag): string | undefined => values[name] as string | undefined;
  const wrong = (name: Flag, expected: string): never => fail(`--${name} ${text(name)}: expected ${expected}`);

  function number(name: Flag, otherwise: number, least: number): number {
    const found = text(name);
    if (found === undefined) return otherwise;
    const value = Number(found.replaceAll('_', ''));
    if (found.trim() === '' || !Number.isFinite(value) || value < least || (least === 0 && value === 0)) {
      return wrong(name, least === 0 ? 'a number above 0' : `a number from ${least}`);
    }
    return value;
  }
  function whole(name: Flag, otherwise: number, least: number, most: number): number {
    const value = number(name, otherwise, least === 0 ? -0.5 : least);
    if (!Number.isInteger(value) || value > most) wrong(name, `a whole number from ${least} to ${most}`);
    return value;
  }
  function durationMs(name: Flag, otherwise: number): number {
    const found = text(name);
    if (found === undefined) return otherwise;
    const nanoseconds = parseDurationNanos(found);
    if (nanoseconds === null || nanoseconds < 0n) return wrong(name, 'a duration such as 500ms, 30s or 2m');
    if (nanoseconds > mostNanoseconds) return wrong(name, 'a duration of 24 days at most');
    return Number(nanoseconds) / 1e6;
  }
  function choice<const T extends string>(name: Flag, choices: readonly T[]): T {
    const found = text(name) ?? choices[0];
    const chosen = choices.find((one) => one === found);
    if (chosen !== undefined) return chosen;
    return fail(`--${name} ${found}: unknown${suggestion(found, choices, 'known are')}`);
  }
  /** The text of a file that a flag names. */
  function file(name: Flag): string | null {
    const path = text(name);
    if (path === undefined) return null;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      return fail(`--${name} ${path}: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { text, wrong, number, whole, durationMs, choice, file };
}
type Readers = ReturnType<typeof readers>;

function batchSize({ text, wrong }: Readers): readonly [number, number] | null {
  const found = text('batch-size');
  if (found === undefined) return null;
  const match = /^(\d+)(?:(?:-|\.\.)(\d+))?$/.exec(found);
  const [least, most] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (match === null || least < 1 || most < least || most > 100_000) wrong('batch-size', 'spans, such as 512 or 1-64');
  return [least, most];
}

function rate(read: Readers): Rate {
  const found = read.text('rate');
  if (read.text('requests-per-second') !== undefined) {
    if (found !== undefined) fail('--rate and --requests-per-second: one of them');
    return { kind: 'requests', perSecond: read.number('requests-per-second', 0, 0) };
  }
  if (found === 'max') return { kind: 'max', inFlight: read.whole('in-flight', 8, 1, 100_000) };
  const [from, to, ...more] = (found ?? '1000').split('..').map((part) => Number(part.replaceAll('_', '')));
  const wrong = () => read.wrong('rate', 'spans a second, such as 20000, or max, or 1000..100000');
  if (!(from > 0 && Number.isFinite(from)) || more.length > 0) wrong();
  if (to === undefined) return { kind: 'spans', perSecond: from };
  if (!(to > from && Number.isFinite(to))) wrong();
  return { kind: 'ramp', from, to };
}

function duration(read: Readers, otherwise: number): number {
  const found = read.durationMs('duration', otherwise);
  return found > 0 ? found : read.wrong('duration', 'a duration above 0');
}

/** OTLP's ports where there is an address only; a URL without a port means what every URL means. */
const usualPort = (secure: boolean | null, isGrpc: boolean): number =>
  secure === null ? (isGrpc ? 4317 : 4318) : secure ? 443 : 80;

function endpoint(read: Readers, isGrpc: boolean): RunOptions['target']['endpoint'] {
  const expected = 'http://HOST:PORT or https://HOST:PORT';
  const found = read.text('endpoint') ?? '127.0.0.1';
  const refuse = (why: string): never => fail(`--endpoint ${withoutCredentials(found)}: expected ${expected}${why}`);
  const [, address = '', path = ''] = /^((?:[a-z]+:\/\/)?[^/?#]*)(.*)$/is.exec(found) ?? [];
  if (address.includes('@')) return refuse(', without credentials: those go into --header');
  if (/^unix:/i.test(found)) return refuse('; spanload speaks over TCP, not over Unix sockets');
  const parsed: Endpoint | null = parseEndpoint(address);
  if (parsed?.kind !== 'tcp' || (path !== '' && !/^\/[!-~]*$/.test(path))) return refuse('');
  if (isGrpc && path !== '' && path !== '/')
    return refuse('; gRPC has a path of its own, or is --protocol http/protobuf meant?');
  const { host, secure } = parsed;
  const port = /:\d+$/.test(address) ? parsed.port : usualPort(secure, isGrpc);
  return { host, port, tls: secure === true, path: path === '/' ? '' : path };
}

function headers(values: Values): [string, string][] {
  const pairs = [
    ...((values.header as string[] | undefined) ?? []),
    ...((values.headers as string[] | undefined) ?? []).flatMap((list) => list.split(',')),
  ];
  return pairs.map((pair) => {
    const [, name, value] = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*[=:]\s*(.*)$/.exec(pair) ?? [];
    if (name === undefined) return fail('--header: expected NAME=VALUE');
    return [name.toLowerCase(), value];
  });
}

function address(read: Readers, name: Flag): { host: string; port: number } | null {
  const found = read.text(name);
  if (found === undefined) return null;
  const parsed = parseEndpoint(found);
  if (parsed?.kind !== 'tcp' || !/:\d+\/?$/.test(found)) return read.wrong(name, 'HOST:PORT');
  return { host: parsed.host, port: parsed.port };
}

function share(read: Readers, name: Flag): number {
  const found = Number(read.text(name) ?? 1);
  if (!(found >= 0 && found <= 1)) read.wrong(name, 'a number from 0 to 1');
  return found;
}

function metricsUrl(read: Readers): string | null {
  const found = read.text('metrics');
  if (found === undefined) return null;
  const url = URL.parse(found);
  const expected = 'expected a URL such as http://127.0.0.1:8888/metrics';
  if (url === null || !/^https?:/.test(url.protocol)) fail(`--metrics ${withoutCredentials(found)}: ${expected}`);
  else if (url.username !== '' || url.password !== '') fail(`--metrics: ${expected}, without credentials`);
  return found;
}

function parse(args: readonly string[]): Values {
  try {
    return parseArgs({ args: [...args], options: flags }).values as Values;
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const unknown = /^Unknown option '(--?[^']*)'/.exec(message)?.[1];
    const ambiguous = /^Option '(?:-\w, )?(--[^' ]*)[^']*' argument is ambiguous/.exec(message)?.[1];
    if (ambiguous !== undefined)
      return fail(`${ambiguous} needs a value; one with a dash first as ${ambiguous}=-VALUE`);
    if (unknown === undefined) return fail(message.split(/\.?\n|\. /)[0]);
    const known = Object.keys(flags).map((flag) => `--${flag}`);
    return fail(`unknown option ${unknown}${suggestion(unknown, known, 'options')}`);
  }
}

function runningProcess({ whole, wrong }: Readers): number {
  const pid = whole('pid', 0, 1, 2 ** 31);
  return existsSync(`/proc/${pid}`) ? pid : wrong('pid', 'a process that is running');
}

function reportFiles(values: Values): { jsonReport: string | null; htmlReport: string | null } {
  let jsonReport: string | null = null;
  let htmlReport: string | null = null;
  for (const path of (values.report as string[] | undefined) ?? []) {
    const before = path.endsWith('.json') ? jsonReport : path.endsWith('.html') ? htmlReport : null;
    if (before !== null) fail(`--report ${before} and --report ${path}: one of each kind`);
    if (path.endsWith('.json')) jsonReport = path;
    else if (path.endsWith('.html')) htmlReport = path;
    else fail(`--report ${path}: expected a name that ends in .json or .html`);
  }
  return { jsonReport, htmlReport };
}

function runOptions(values: Values, command: readonly string[]): RunOptions {
  const read = readers(values);
  const client = read.choice('client', ['native', 'grpc-js', 'sdk']);
  const protocol = read.choice('protocol', ['grpc', 'http/protobuf', 'http/json']);
  if (client === 'grpc-js' && protocol !== 'grpc') fail(`--client grpc-js speaks gRPC only, not ${protocol}`);
  const chosenRate = rate(read);
  if (values['in-flight'] !== undefined && chosenRate.kind !== 'max') fail('--in-flight belongs to --rate max');
  if (values['max-in-flight'] !== undefined && chosenRate.kind === 'max') {
    fail('--max-in-flight belongs to rates that go by the clock; with --rate max it is --in-flight');
  }
  const seed = read.whole('seed', Math.floor(Math.random() * 2 ** 32), 0, 2 ** 32 - 1);
  const sink = address(read, 'sink');
  if (sink === null && (values.expect !== undefined || values.fault !== undefined)) {
    fail('--expect and --fault are about the backend: they need --sink HOST:PORT');
  }
  const expectText = read.file('expect');
  return {
    command,
    profile: read.text('profile') ?? 'mixed',
    rate: chosenRate,
    durationMs: duration(read, chosenRate.kind === 'ramp' ? 5000 : 30_000),
    warmupMs: read.durationMs('warmup', 0),
    batchSize: batchSize(read),
    seed,
    timeScale: read.number('time-scale', 1, 0),
    client,
    connections: read.whole('connections', 4, 1, 100_000),
    maxInFlight: read.whole('max-in-flight', 16_384, 1, 10_000_000),
    target: {
      endpoint: endpoint(read, protocol === 'grpc'),
      protocol,
      compression: read.choice('compression', ['none', 'gzip', 'zstd']),
      headers: headers(values),
      tls: {
        ca: read.file('ca'),
        cert: read.file('cert'),
        key: read.file('key'),
        serverName: read.text('server-name') ?? null,
        insecureSkipVerify: values['insecure-skip-verify'] === true,
      },
      timeoutMs: read.durationMs('timeout', 10_000),
    },
    sink,
    expect: expectText === null ? null : { name: read.text('expect') ?? '', text: expectText },
    checkShare: share(read, 'check'),
    faults: (values.fault as string[] | undefined) ?? [],
    waitMs: read.durationMs('wait', 10_000),
    metrics: metricsUrl(read),
    pid: values.pid === undefined ? null : runningProcess(read),
  };
}

/** Reports are shown to others, and header values may let somebody in. */
function withoutSecrets(args: readonly string[]): string[] {
  const masked = (pair: string) => pair.replace(/[=:].*$/s, '=***');
  const maskedValue = (flag: string, value: string) => {
    if (flag === '--header') return masked(value);
    return flag === '--headers' ? value.split(',').map(masked).join(',') : withoutCredentials(value);
  };
  return args.map((argument, i) => {
    if (i > 0 && secretFlag.test(args[i - 1])) return maskedValue(args[i - 1], argument);
    const [, flag, value] = /^(--[a-z]+)=(.*)$/s.exec(argument) ?? [];
    return flag === undefined || !secretFlag.test(flag) ? argument : `${flag}=${maskedValue(flag, value)}`;
  });
}

/** `help` or `version` where they are asked for. Throws SpanmillError USAGE. */
export function parseCommandLine(args: readonly string[]): CommandLine | 'help' | 'version' {
  const values = parse(args);
  if (values.help === true) return 'help';
  if (values.version === true) return 'version';
  return {
    run: runOptions(values, ['spanload', ...withoutSecrets(args)]),
    quiet: values.quiet === true,
    ...reportFiles(values),
  };
}
