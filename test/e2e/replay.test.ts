// `spanmill replay` as a process, against the running service and against backends that say no.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import type { DeadLetter } from '../../src/component/capabilities.ts';
import { createDeadLetter } from '../../src/extensions/dead_letter/extension.ts';
import { toJsonLine } from '../../src/wire/reference/json.ts';
import { configOf, exportTo } from './support/config.ts';
import { assertClean, startService } from './support/service.ts';
import { type Sink, startSink } from './support/sink.ts';
import { createSpanSource } from './support/spans.ts';

const launcher = fileURLToPath(new URL('../../bin/spanmill', import.meta.url));

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function replay(args: readonly string[], stdin: Buffer = Buffer.alloc(0)): Promise<Run> {
  const child = spawn(launcher, ['replay', ...args], { stdio: ['pipe', 'pipe', 'pipe'], timeout: 60_000 });
  child.stdin.end(stdin);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, out, err };
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'spanmill-replay-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

const to = (sink: Pick<Sink, 'port'>): string[] => ['--endpoint', `http://127.0.0.1:${sink.port}`];

test('dead letters go through the service to the backend, each once, and are removed when told to', async (t) => {
  const sink = await startSink(t);
  const service = await startService(t, configOf({ exporters: { otlp: exportTo(sink) } }));
  const directory = folder(t);
  const extension = createDeadLetter({
    directory,
    createsDirectory: true,
    maxBytes: 1 << 30,
    maxAgeMs: 0,
    whenFull: 'refuse',
    log: pino({ level: 'silent' }),
  });
  await extension.start();
  const letters = extension.offers?.deadLetter as DeadLetter;
  const source = createSpanSource();
  const requests = [3, 200, 1].map((spans) => source.request(spans, { padding: 300 }));
  for (const { message, ids } of requests) {
    const why = { component: 'otlp', reason: 'refused', message: '' };
    assert.equal(await letters.put([message], ids.length, why), true);
  }
  await extension.stop();
  const files = readdirSync(directory)
    .sort()
    .map((name) => join(directory, name));
  const endpoint = ['--endpoint', service.address, '--insecure'];
  const first = await replay([...files, ...endpoint]);
  assert.deepEqual([first.code, first.err], [0, '']);
  assert.match(
    first.out,
    /^.*-000001\.otlp: 3 spans sent\n.*-000002\.otlp: 200 spans sent\n.*-000003\.otlp: 1 span sent\n$/,
  );
  assert.ok(files.every((file) => existsSync(file)));
  const second = await replay([directory, ...endpoint, '--remove']);
  assert.deepEqual([second.code, second.err], [0, '']);
  assert.match(second.out, /^(.*\d spans? sent, removed\n){3}$/);
  assert.deepEqual(readdirSync(directory), []);
  const ids = requests.flatMap((request) => request.ids);
  await sink.until(() => ids.every((id) => sink.spans.get(id) === 2));
  assertClean(await service.end(), service);
});

test('a directory of requests that made workers fail is sent, protobuf and JSON', async (t) => {
  const sink = await startSink(t);
  const directory = folder(t);
  const source = createSpanSource();
  const [a, b] = [source.request(2), source.request(3)];
  writeFileSync(join(directory, '1.pb'), a.message);
  writeFileSync(join(directory, '2.json'), toJsonLine(b.message));
  const run = await replay([directory, ...to(sink), '--remove']);
  assert.deepEqual([run.code, run.err], [0, '']);
  assert.match(run.out, /^\S+1\.pb: 2 spans sent, removed\n\S+2\.json: 3 spans sent, removed\n$/);
  assert.deepEqual([...sink.spans.keys()].sort(), [...a.ids, ...b.ids].sort());
  assert.deepEqual(readdirSync(directory), []);
});

test('what comes on stdin, and lines of JSON, are sent; headers go with them', async (t) => {
  const sink = await startSink(t);
  const source = createSpanSource();
  const [a, b] = [source.request(2), source.request(3)];
  const lines = Buffer.from(`${toJsonLine(a.message)}\n${toJsonLine(b.message)}\n`);
  const run = await replay(['-', ...to(sink), '--header', 'x-api-key=geheim'], lines);
  assert.deepEqual(run, { code: 0, out: '-: 5 spans sent in 2 requests\n', err: '' });
  assert.deepEqual([...sink.spans.keys()].sort(), [...a.ids, ...b.ids].sort());
  assert.ok(sink.exports.every(({ headers }) => headers['x-api-key'] === 'geheim'));
});

test('bad files are said in a line each, and the good ones between them are sent', async (t) => {
  const sink = await startSink(t);
  const directory = folder(t);
  const request = createSpanSource().request(4);
  const file = (name: string, bytes: Buffer | string): string => {
    writeFileSync(join(directory, name), bytes);
    return join(directory, name);
  };
  const files = [
    file('text.otlp', 'hello world'),
    file('good.otlp', request.message),
    file('half.json', '{"resourceSpans": ['),
    join(directory, 'missing.otlp'),
  ];
  const run = await replay([...files, ...to(sink), '--remove']);
  assert.equal(run.code, 1);
  assert.match(run.out, /^\S+good\.otlp: 4 spans sent, removed\n$/);
  const errors = run.err.trimEnd().split('\n');
  assert.equal(errors.length, 3, run.err);
  assert.match(errors[0], /^OTLP_PROTOBUF \S+text\.otlp: not a valid ExportTraceServiceRequest/);
  assert.match(errors[1], /^OTLP_JSON \S+half\.json: not JSON/);
  assert.match(errors[2], /^STORAGE \S+missing\.otlp: it cannot be read: ENOENT/);
  assert.deepEqual(readdirSync(directory).sort(), ['half.json', 'text.otlp']);
  assert.equal(sink.spans.size, 4);
});

test('what the backend refuses stays, with its words; what follows is sent', async (t) => {
  const sink = await startSink(t);
  const directory = folder(t);
  const source = createSpanSource();
  const [bad, part, good] = [source.request(1), source.request(5), source.request(2)];
  sink.answer = ({ ids }) => {
    if (ids[0] === bad.ids[0]) return { kind: 'status', code: 3, message: 'span has no name' };
    return ids[0] === part.ids[0] ? { kind: 'partial', rejected: 2, message: 'too old' } : { kind: 'ok' };
  };
  [bad, part, good].forEach(({ message }, i) => {
    writeFileSync(join(directory, `${i}.otlp`), message);
  });
  const run = await replay([directory, ...to(sink), '--remove']);
  assert.equal(run.code, 1);
  assert.match(run.err, /^EXPORT \S+0\.otlp: .*span has no name\nEXPORT \S+1\.otlp: 2 spans were rejected: too old\n$/);
  assert.match(run.out, /^\S+2\.otlp: 2 spans sent, removed\n$/);
  assert.deepEqual(readdirSync(directory).sort(), ['0.otlp', '1.otlp']);
});

test('a file of which a part was refused stays whole, and it is said what would come twice', async (t) => {
  const sink = await startSink(t);
  const directory = folder(t);
  const source = createSpanSource();
  const requests = [1, 1, 1].map((spans) => source.request(spans));
  sink.answer = ({ ids }) =>
    ids[0] === requests[1].ids[0] ? { kind: 'status', code: 3, message: 'no' } : { kind: 'ok' };
  const file = join(directory, 'lines.json');
  writeFileSync(file, requests.map(({ message }) => toJsonLine(message)).join('\n'));
  const run = await replay([file, ...to(sink), '--remove']);
  assert.deepEqual([run.code, run.out], [1, '']);
  assert.match(run.err, /^EXPORT \S+: 2 of 3 requests were sent, and would be again; .*no\n$/);
  assert.ok(existsSync(file));
});

test('what is too large for the peer goes in parts, by its limit where it says one', async (t) => {
  const sink = await startSink(t);
  const { message, ids } = createSpanSource().request(8, { padding: 1000 });
  for (const says of ['too large', 'grpc: received message larger than max (9000 vs. 2500)']) {
    sink.answer = ({ message: sent }) =>
      sent.length > 2500 ? { kind: 'status', code: 8, message: says } : { kind: 'ok' };
    const run = await replay(['-', ...to(sink)], message);
    assert.deepEqual([run.code, run.err, run.out], [0, '', '-: 8 spans sent in 4 requests\n']);
  }
  assert.deepEqual(
    [...sink.spans],
    ids.map((id) => [id, 2]),
  );
  sink.answer = () => ({ kind: 'status', code: 8, message: 'too large' });
  const run = await replay(['-', ...to(sink)], message);
  assert.deepEqual([run.code, run.out], [1, '']);
  assert.match(run.err, /^EXPORT -: .*too large\n$/);
});

test('a peer that asks to come later is asked again', async (t) => {
  const sink = await startSink(t);
  const { message, ids } = createSpanSource().request(2);
  sink.answer = () =>
    sink.calls() < 3 ? { kind: 'status', code: 8, message: 'busy', retryDelayMs: 20 } : { kind: 'ok' };
  const run = await replay(['-', ...to(sink)], message);
  assert.deepEqual([run.code, run.err], [0, '']);
  assert.deepEqual([...sink.spans.keys()], [...ids]);
});

test('where nobody listens the first file says so, and the others are not tried', async (t) => {
  const sink = await startSink(t);
  await sink.close();
  const directory = folder(t);
  for (const name of ['a', 'b', 'c'])
    writeFileSync(join(directory, `${name}.otlp`), createSpanSource().request(1).message);
  const run = await replay([directory, ...to(sink), '--remove']);
  assert.deepEqual([run.code, run.out], [1, '']);
  assert.match(run.err, /^EXPORT \S+a\.otlp: .*ECONNREFUSED.*\n2 more files were not tried\n$/);
  assert.equal(readdirSync(directory).length, 3);
});

test('http/protobuf goes to /v1/traces', async (t) => {
  const bodies: Buffer[] = [];
  const seen: (string | undefined)[] = [];
  const server = createServer(async (request, response) => {
    seen.push(request.url, request.headers['content-type'], request.headers['x-api-key'] as string);
    bodies.push(await buffer(request));
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const { message } = createSpanSource().request(3);
  const options = [
    '--protocol',
    'http/protobuf',
    '--insecure',
    '--endpoint',
    `127.0.0.1:${port}`,
    '--header',
    'X-Api-Key=k',
  ];
  const run = await replay(['-', ...options], message);
  assert.deepEqual(run, { code: 0, out: '-: 3 spans sent\n', err: '' });
  assert.deepEqual(bodies, [message]);
  assert.deepEqual(seen, ['/v1/traces', 'application/x-protobuf', 'k']);
});

test('wrong usage is exit code 2, help is 0', async (t) => {
  const directory = folder(t);
  assert.deepEqual(await replay([]), {
    code: 2,
    out: '',
    err: 'USAGE no file is named\nSee: spanmill replay --help\n',
  });
  const endpoint = await replay(['a', '--endpoint', 'not an endpoint']);
  assert.equal(endpoint.code, 2);
  assert.match(endpoint.err, /^USAGE --endpoint: .*\nSee: spanmill replay --help\n$/);
  const help = await replay(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.out, /^Usage: spanmill replay FILE/);
  const empty = await replay([directory]);
  assert.equal(empty.code, 1);
  assert.match(empty.err, /^STORAGE \S+: the directory has no file of spans\n$/);
});
