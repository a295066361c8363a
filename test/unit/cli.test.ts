import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { type CliDeps, runCli, type StartOptions } from '../../src/cli.ts';
import type { ResolvedConfig } from '../../src/config/resolved.ts';
import { SpanmillError } from '../../src/errors.ts';
import { testRegistry } from '../config/test-registry.ts';

const GOOD = `
receivers: {otlp: {protocols: {grpc: }}}
processors: {batch: }
exporters: {debug: }
service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [debug]}}}
`;
const FILES: Record<string, string> = {
  'good.yaml': GOOD,
  'extra.yaml': 'processors: {batch: {timeout: 1s}}',
  'bad.yaml': `${GOOD.replace('batch: }', 'batch: {timout: 1s}}')}`,
  'warn.yaml': `${GOOD.replace('pipelines', 'telemetry: {traces: {}}, pipelines')}`,
};

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly started: readonly ResolvedConfig[];
}

const run = async (argv: readonly string[], change: Partial<CliDeps> = {}): Promise<Run> => {
  let out = '';
  let err = '';
  const started: ResolvedConfig[] = [];
  const code = await runCli(argv, {
    registry: testRegistry,
    version: '1.2.3',
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: { FROM_ENV: GOOD },
    readFile: (path) => {
      const text = FILES[path];
      if (text === undefined) throw new Error('no such file');
      return text;
    },
    cores: 2,
    startService: async (config) => {
      started.push(config);
      return { done: Promise.resolve(0) };
    },
    ...change,
  });
  return { code, out, err, started };
};

test('run starts the service with the resolved configuration and ends with its exit code', async () => {
  const good = await run(['run', '--config', 'good.yaml', '--config=extra.yaml', '--set', 'service.workers=7']);
  assert.equal(good.code, 0);
  assert.equal(good.err, '');
  assert.equal(good.started[0]?.workers, 7);
  assert.equal(
    (good.started[0]?.pipelines[0]?.processors[0]?.config as { timeout: number } | undefined)?.timeout,
    1000,
  );
  const failed = await run(['run', '--config', 'good.yaml'], {
    startService: async () => ({ done: Promise.resolve(1) }),
  });
  assert.equal(failed.code, 1);
});

test('run hands over what reads the configuration again, and whether to watch its files', async () => {
  const options: StartOptions[] = [];
  const startService: CliDeps['startService'] = async (_config, given) => {
    options.push(given);
    return { done: Promise.resolve(0) };
  };
  await run(['run', '--config', 'good.yaml', '--config', 'extra.yaml'], { startService });
  await run(['run', '--watch', '--config', 'good.yaml', '--set', 'service.workers=1'], { startService });
  assert.equal(options.length, 2);
  assert.deepEqual(
    options.map(({ watch, reader }) => [watch, reader.files()]),
    [
      [false, ['good.yaml', 'extra.yaml']],
      [true, ['good.yaml']],
    ],
  );
  const { config, errors } = options[0].reader.read();
  assert.deepEqual([config?.pipelines.length, errors], [1, []]);
});

test('a service that cannot start is one line with its code, exit 1, never a stack trace', async () => {
  const listen = await run(['run', '--config', 'good.yaml'], {
    startService: () => Promise.reject(new SpanmillError('LISTEN', 'port 4317 is taken')),
  });
  assert.deepEqual([listen.code, listen.err], [1, 'LISTEN port 4317 is taken\n']);
  const fault = await run(['run', '--config', 'good.yaml'], {
    startService: () => Promise.reject(new TypeError('x is not y')),
  });
  assert.deepEqual([fault.code, fault.err], [1, 'INTERNAL x is not y\n']);
});

test('a wrong configuration is shown with its line and caret, exit 2, and nothing starts', async () => {
  for (const command of ['run', 'validate']) {
    const { code, err, out, started } = await run([command, '--config', 'bad.yaml']);
    assert.equal(code, 2);
    assert.equal(out, '');
    assert.deepEqual(started, []);
    assert.match(
      err,
      /^bad\.yaml:3:22 CONFIG_UNKNOWN_KEY processors\.batch: unknown key "timout"; did you mean "timeout"\?\n/,
    );
    assert.match(err, /\n {2}processors: \{batch: \{timout: 1s\}\}\n {23}\^\n1 problem in the configuration\n$/);
  }
});

test('validate says that a configuration is valid, and shows warnings', async () => {
  const { code, out, err } = await run(['validate', '--config', 'warn.yaml']);
  assert.equal(code, 0);
  assert.equal(out, 'The configuration is valid. Pipelines: traces\n');
  assert.match(err, /^warn\.yaml:5:\d+ CONFIG_VALUE warning: service\.telemetry\.traces has no effect/);
});

test('a configuration may come from env: and yaml:', async () => {
  assert.equal(
    (await run(['validate', '--config', 'env:FROM_ENV', '--config', 'yaml:processors::batch::timeout: 2s'])).code,
    0,
  );
});

test('a missing file is a configuration problem', async () => {
  const { code, err } = await run(['validate', '--config', 'nowhere.yaml']);
  assert.equal(code, 2);
  assert.match(err, /^nowhere\.yaml:1:1 CONFIG_READ cannot read the file: no such file\n/);
});

test('wrong usage is exit 2 with the nearest right thing', async () => {
  const table: readonly [string[], RegExp][] = [
    [[], /Usage: spanmill COMMAND/],
    [['rnu'], /USAGE unknown command "rnu"; did you mean "run"\?/],
    [['frobnicate'], /commands: components, ottl, replay, run, schema, validate, version/],
    [['--config', 'good.yaml'], /a command comes first/],
    [['constructor'], /unknown command/],
    [['run'], /--config FILE is required/],
    [['run', '--confg', 'x'], /unknown option --confg; did you mean "--config"\?/],
    [['run', '-c', 'x'], /unknown option -c/],
    [['run', '--config', 'good.yaml', '--watch=yes'], /--watch takes no value/],
    [['validate', '--config', 'good.yaml', '--watch'], /unknown option --watch/],
    [['run', '--config'], /--config needs a value/],
    [['run', '--config', '--set', 'a=b'], /--config needs a value/],
    [['run', 'good.yaml'], /unexpected argument "good\.yaml"; a file is given as --config FILE/],
    [['schema', '--config', 'x'], /unknown option --config/],
    [['version', 'x'], /unexpected argument/],
  ];
  for (const [argv, message] of table) {
    const { code, out, err } = await run(argv);
    assert.equal(code, 2, argv.join(' '));
    assert.equal(out, '');
    assert.match(err, message);
  }
});

test('every command has help, and there is help for all', async () => {
  for (const name of ['run', 'validate', 'schema', 'components', 'version']) {
    const { code, out } = await run([name, '--help']);
    assert.equal(code, 0);
    assert.ok(out.startsWith(`Usage: spanmill ${name}`), name);
    assert.match((await run(['--help'])).out, new RegExp(`\\n  ${name} `));
  }
  assert.match((await run(['run', '-h'])).out, /--set a\.b=c/);
});

test('components is YAML with every component, its stability and its aliases', async () => {
  const { code, out } = await run(['components']);
  assert.equal(code, 0);
  const list = parse(out) as Record<string, { name: string; aliases?: string[]; stability: string }[]>;
  assert.deepEqual(
    list.processors?.map((one) => one.name),
    ['attributes', 'batch', 'filter', 'memory_limiter', 'probabilistic_sampler'],
  );
  assert.deepEqual(list.exporters?.find((one) => one.name === 'otlp')?.aliases, ['otlp_grpc']);
  assert.ok(list.receivers?.every((one) => one.stability === 'beta'));
});

test('schema prints JSON, version prints the version', async () => {
  assert.equal((JSON.parse((await run(['schema'])).out) as { title: string }).title, 'spanmill configuration');
  assert.equal((await run(['version'])).out, 'spanmill 1.2.3\n');
  assert.equal((await run(['--version'])).out, 'spanmill 1.2.3\n');
});

test('colours are used on a terminal, and not where NO_COLOR is set', async () => {
  let shown = '';
  const stderr = { write: (text: string) => (shown += text), isTTY: true };
  await run(['validate', '--config', 'bad.yaml'], { stderr });
  assert.ok(shown.includes('\u001b['));
  shown = '';
  await run(['validate', '--config', 'bad.yaml'], { stderr, env: { NO_COLOR: '1' } });
  assert.ok(!shown.includes('\u001b['));
});
