// recorded/: inputs, and what Collector 0.155 printed for them with use_internal_logger false.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Logger, pino } from 'pino';
import { z } from 'zod';
import type { Batch } from '../../../../src/component/exporter.ts';
import { createDebugExporter, type DebugExporterOptions } from '../../../../src/exporters/debug/exporter.ts';
import { debug } from '../../../../src/exporters/debug/index.ts';
import { encodeRequest } from '../../../../src/wire/reference/codec.ts';
import { readJson } from '../../../../src/wire/reference/json-reader.ts';

const folder = mkdtempSync(join(tmpdir(), 'spanmill-debug-'));
after(() => rmSync(folder, { recursive: true }));

const recorded = (name: string): string => readFileSync(new URL(`./recorded/${name}`, import.meta.url), 'utf8');

function batchOf(name: string): Batch {
  const request = readJson(recorded(`${name}.json`));
  const spans = request.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans)).length;
  const bytes = Buffer.from(encodeRequest(request));
  // Two segments, cut anywhere: they are one message only together.
  return { spans, bytes: bytes.length, segments: [bytes.subarray(0, 7), bytes.subarray(7)], metadata: {} };
}

function collecting(): { log: Logger; lines: { msg: string; [field: string]: unknown }[] } {
  const lines: { msg: string }[] = [];
  return { log: pino({ base: null, timestamp: false }, { write: (line) => void lines.push(JSON.parse(line)) }), lines };
}

const options = (change: Partial<DebugExporterOptions>): DebugExporterOptions => ({
  verbosity: 'basic',
  samplingInitial: 2,
  samplingThereafter: 1,
  outputPaths: null,
  log: pino({ level: 'silent' }),
  ...change,
});
const never = new AbortController().signal;

for (const input of ['all-fields', 'odd-values']) {
  for (const verbosity of ['basic', 'normal', 'detailed'] as const) {
    test(`${verbosity} text of ${input} is the Collector's`, async () => {
      const path = join(folder, `${input}.${verbosity}.txt`);
      const exporter = createDebugExporter(options({ verbosity, outputPaths: [path] }));
      await exporter.start();
      assert.deepEqual(await exporter.export(batchOf(input), never), { kind: 'accepted' });
      assert.equal(readFileSync(path, 'utf8'), recorded(`${input}.${verbosity}.txt`));
      await exporter.stop();
    });
  }
}

test('with the internal logger the counts and the text are lines of the log at info', async () => {
  const { log, lines } = collecting();
  const exporter = createDebugExporter(options({ verbosity: 'normal', log }));
  await exporter.start();
  await exporter.export(batchOf('all-fields'), never);
  assert.deepEqual(lines[0], { level: 30, 'resource spans': 2, spans: 4, msg: 'Traces' });
  const [counts, text] = recorded('all-fields.normal.txt').split(/\n(.*)/s);
  assert.equal(counts, 'Traces\t{"resource spans": 2, "spans": 4}');
  assert.equal(lines[1].msg, text.trimEnd());
  assert.equal(lines.length, 2);
});

test('after the first batches of a second only each n-th is shown, and all are accepted', async () => {
  const { log, lines } = collecting();
  let nowMs = 0;
  const exporter = createDebugExporter(options({ samplingInitial: 2, samplingThereafter: 3, log, now: () => nowMs }));
  const batch = batchOf('all-fields');
  for (let i = 0; i < 8; i++) assert.deepEqual(await exporter.export(batch, never), { kind: 'accepted' });
  assert.equal(lines.length, 4, 'the 1st, 2nd, 5th and 8th');
  nowMs = 1000;
  await exporter.export(batch, never);
  assert.equal(lines.length, 5);
});

test('bytes that are not OTLP are refused', async () => {
  const exporter = createDebugExporter(options({}));
  const result = await exporter.export(
    { spans: 1, bytes: 2, segments: [Buffer.from([0x0a, 0x7f])], metadata: {} },
    never,
  );
  assert.equal(result.kind === 'refused' && result.reason, 'malformed');
});

test('a path that cannot be opened is an error at the start', async () => {
  const exporter = createDebugExporter(options({ outputPaths: [folder] }));
  await assert.rejects(exporter.start(), { code: 'EXPORT', message: /EISDIR/ });
  await exporter.stop();
});

test('the configuration has the Collector’s defaults and refuses what the Collector refuses', () => {
  const parsed = debug.config.parse({});
  assert.deepEqual(debug.check?.(parsed), []);
  const { enabled, consumers, waitForResult } = debug.delivery(parsed).queue;
  assert.deepEqual({ enabled, consumers, waitForResult }, { enabled: false, consumers: 1, waitForResult: 'unbatched' });
  const paths = debug.config.parse({ output_paths: ['stdout'] });
  assert.deepEqual(
    debug.check?.(paths).map((issue) => issue.path),
    [['output_paths']],
  );
  assert.deepEqual(debug.check?.(debug.config.parse({ use_internal_logger: false, output_paths: ['stdout'] })), []);
  assert.equal(debug.config.safeParse({ verbosity: 'Detailed' }).success, true);
  for (const wrong of [{ verbosity: 'none' }, { timeout: '1s' }, { sampling_initial: -1 }, { output_paths: [] }]) {
    assert.equal(debug.config.safeParse(wrong).success, false, JSON.stringify(wrong));
  }
  assert.equal(typeof z.toJSONSchema(debug.config, { io: 'input', unrepresentable: 'any' }), 'object');
});
