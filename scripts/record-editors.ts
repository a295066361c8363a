// Records what an OpenTelemetry Collector makes of the cases of test/unit/ottl/editors.test.ts:
//     SPANMILL_OTELCOL=/path/to/otelcol node scripts/record-editors.ts
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeRequest } from '../src/wire/reference/codec.ts';
import { readJson } from '../src/wire/reference/json-reader.ts';
import { type EditorCase, editorCases, titleOf } from '../test/unit/ottl/editors/cases.ts';
import { contextOf, editorRequest, readBack } from '../test/unit/ottl/editors/sample.ts';
import { readModel } from '../test/unit/ottl/oracle/model.ts';

const collector = process.env.SPANMILL_OTELCOL;
if (collector === undefined) throw new Error('SPANMILL_OTELCOL is the path of the Collector to ask');

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}

/** A statement for the span of its case only. */
function guarded(statement: string, number: number): string {
  const id = Buffer.from([1, 1, 1, 1, 1, 1, number >> 8, number & 255]).toString('hex');
  return `${statement} where span.span_id.string == "${id}"`;
}

function configuration(cases: readonly EditorCase[], port: number, file: string): unknown {
  const groups = cases.map((one, number) => ({
    context: contextOf(one),
    // A configuration of the Collector takes $$ for a $.
    statements: one.statements.map((statement) => guarded(statement, number).replaceAll('$', '$$$$')),
  }));
  return {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    processors: { transform: { error_mode: 'ignore', trace_statements: groups } },
    exporters: { file: { path: file, flush_interval: '10ms' } },
    service: {
      telemetry: { metrics: { level: 'none' }, logs: { encoding: 'json', sampling: { enabled: false } } },
      pipelines: { traces: { receivers: ['otlp'], processors: ['transform'], exporters: ['file'] } },
    },
  };
}

const folder = mkdtempSync(join(tmpdir(), 'editors-'));
const port = await freePort();
const output = join(folder, 'out.json');
const config = join(folder, 'config.json');
writeFileSync(config, JSON.stringify(configuration(editorCases, port, output)));
const child = spawn(collector, ['--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
process.on('exit', () => child.kill('SIGKILL'));
let log = '';
const ready = new Promise<void>((resolve) => {
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk;
    if (log.includes('Everything is ready')) resolve();
  });
});
await Promise.race([
  ready,
  once(child, 'exit').then(() => {
    throw new Error(log);
  }),
]);
const all = editorRequest(editorCases).resourceSpans;
// One by one: what makes the Collector panic must not cost the others.
for (const resourceSpans of all) {
  await fetch(`http://127.0.0.1:${port}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: Buffer.from(encodeRequest({ resourceSpans: [resourceSpans] })),
  }).catch(() => undefined);
}
child.kill('SIGTERM');
await once(child, 'exit');

const failed = new Set(
  log
    .split('\n')
    .filter((line) => line.includes('failed to execute statement'))
    .map((line) => (JSON.parse(line.slice(line.indexOf('{'))) as { statement: string }).statement),
);
const lines = readFileSync(output, 'utf8').trim().split('\n');
const after = lines.flatMap((line) => readModel(encodeRequest(readJson(line))));
const values = readBack(after, editorCases);
const recorded = editorCases.map((one, number) => {
  const fails = one.statements.some((statement) => failed.has(guarded(statement, number)));
  const gives = values[number] ?? 'panic';
  return [titleOf(one), fails ? { fails, gives } : { gives }] as const;
});
rmSync(folder, { recursive: true });
writeFileSync(
  new URL('../test/unit/ottl/recorded-editors.json', import.meta.url),
  `{\n${recorded.map(([title, result]) => `${JSON.stringify(title)}: ${JSON.stringify(result)}`).join(',\n')}\n}\n`,
);
process.stdout.write(`${recorded.length} cases, ${recorded.filter(([, { fails }]) => fails).length} of them fail\n`);
