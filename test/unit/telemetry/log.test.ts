import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { createLimiter, rateLimited } from '../../../src/lib/rate-limit.ts';
import { createLog, createLogger, type LogOptions, toConsoleLine } from '../../../src/telemetry/log.ts';

const options: LogOptions = {
  level: 'info',
  encoding: 'json',
  outputPaths: ['stderr'],
  initialFields: {},
  sampling: null,
};

function collecting(change: Partial<LogOptions> = {}): { logger: ReturnType<typeof createLogger>; lines: string[] } {
  const lines: string[] = [];
  return { logger: createLogger({ ...options, ...change }, { write: (line) => void lines.push(line) }), lines };
}

test('a line has level, time, message and fields by the keys of the Collector', () => {
  const { logger, lines } = collecting({ initialFields: { region: 'eu' } });
  logger.child({ 'otelcol.component.id': 'otlp' }).warn({ error: new Error('no route'), n: 1 }, 'export failed');
  const { ts, ...rest } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  assert.match(String(ts), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(rest, {
    level: 'warn',
    region: 'eu',
    'otelcol.component.id': 'otlp',
    error: 'no route',
    n: 1,
    msg: 'export failed',
  });
});

test('lines below the level are left out', () => {
  const { logger, lines } = collecting({ level: 'warn' });
  logger.info('quiet');
  logger.error('loud');
  assert.equal(lines.length, 1);
});

test('the console form is one line for people: time, level, message, fields', () => {
  const line = '{"level":"info","ts":"2026-01-02T03:04:05.678Z","a":1,"msg":"ready"}\n';
  assert.equal(toConsoleLine(line, false), '2026-01-02T03:04:05.678Z\tinfo\tready\t{"a":1}\n');
  assert.equal(toConsoleLine('{"level":"warn","ts":"t","msg":"a\\nb"}', false), 't\twarn\ta\nb\n');
  assert.equal(toConsoleLine('{"level":"warn","ts":"t","msg":"x"}', true), 't\t\u001b[33mwarn\u001b[0m\tx\n');
});

test('sampling lets a message through a few times, each level and text for itself', () => {
  const { logger, lines } = collecting({ sampling: { tickMs: 3_600_000, initial: 2, thereafter: 3 } });
  for (let i = 0; i < 8; i++) logger.info({ i }, 'same');
  logger.warn('same');
  logger.info('other');
  assert.deepEqual(
    lines
      .map((line) => JSON.parse(line) as { level: string; msg: string; i?: number })
      .map(({ level, msg, i }) => `${level} ${msg} ${i}`),
    ['info same 0', 'info same 1', 'info same 4', 'info same 7', 'warn same undefined', 'info other undefined'],
  );
});

test('outputs are files too, complete after close', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spanmill-log-'));
  try {
    const path = join(folder, 'service.log');
    for (const text of ['first', 'second']) {
      const log = createLog({ ...options, encoding: 'console', outputPaths: [path] });
      for (let i = 0; i < 2000; i++) log.logger.info(text);
      await log.close();
      assert.equal(readFileSync(path, 'utf8').split(`\tinfo\t${text}\n`).length, 2001);
    }
    assert.equal(readFileSync(path, 'utf8').split('\n').length, 4001);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an output that cannot be opened is an error at the start', () => {
  assert.throws(() => createLog({ ...options, outputPaths: [tmpdir()] }), { code: 'LOG', message: /EISDIR/ });
});

test('lines of a process that ends without close are written, and stderr and stdout are told apart', () => {
  const script = `
    import { createLog } from ${JSON.stringify(new URL('../../../src/telemetry/log.ts', import.meta.url).href)};
    const options = { level: 'info', encoding: 'console', initialFields: {}, sampling: null };
    createLog({ ...options, outputPaths: ['stderr'] }).logger.info('to stderr');
    createLog({ ...options, outputPaths: ['stdout'] }).logger.info('to stdout');`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.match(stdout, /^\S+\tinfo\tto stdout\n$/);
  assert.match(stderr, /\tinfo\tto stderr\n/);
});

test('a limiter counts anew after its tick and tells how many lines were left out', () => {
  let nowMs = 0;
  const limiter = createLimiter({ tickMs: 1000, initial: 1, thereafter: 3 }, () => nowMs);
  const passed = Array.from({ length: 7 }, () => limiter.pass('a'));
  assert.deepEqual(passed, [0, null, null, 2, null, null, 2]);
  assert.equal(limiter.pass('b'), 0);
  assert.equal(limiter.pass('a'), null);
  nowMs = 1000;
  assert.equal(limiter.pass('a'), 1);
});

test('with thereafter 0 nothing passes after the first lines', () => {
  const limiter = createLimiter({ tickMs: 1000, initial: 1, thereafter: 0 }, () => 0);
  assert.deepEqual([limiter.pass('a'), limiter.pass('a'), limiter.pass('a')], [0, null, null]);
});

test('a rate-limited log writes one line a problem, with the number left out on the next', () => {
  const lines: { level: number; msg: string; omitted?: number; n: number }[] = [];
  const log = pino({}, { write: (line) => void lines.push(JSON.parse(line)) });
  let nowMs = 0;
  const limited = rateLimited(log, { initial: 1 }, () => nowMs);
  for (let n = 0; n < 5; n++) limited.warn('full', { n }, 'disk full');
  nowMs = 10_000;
  limited.warn('full', { n: 5 }, 'disk full');
  limited.error('full', { n: 6 }, 'another level');
  assert.deepEqual(
    lines.map(({ level, n, omitted }) => ({ level, n, omitted })),
    [
      { level: 40, n: 0, omitted: undefined },
      { level: 40, n: 5, omitted: 4 },
      { level: 50, n: 6, omitted: undefined },
    ],
  );
});
