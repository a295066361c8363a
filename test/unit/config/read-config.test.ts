// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are configurations with references
// The values that come out, where test/config/cases shows the problems that come out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ReadResult, readConfig } from '../../../src/config/read-config.ts';
import type { ResolvedConfig } from '../../../src/config/resolved.ts';
import { testRegistry } from '../../config/test-registry.ts';

const BASE = `
receivers: {otlp: {protocols: {grpc: }}}
processors: {batch: , batch/unused: }
exporters: {debug: , otlp: {endpoint: "a:1"}}
service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [debug]}}}
`;

interface Input {
  readonly files?: readonly string[];
  readonly sets?: readonly string[];
  readonly env?: Record<string, string>;
  readonly named?: Record<string, string>;
}
const read = ({ files = [], sets = [], env = {}, named = {} }: Input): ReadResult => {
  const texts: Record<string, string> = { 'base.yaml': BASE, ...named };
  for (const [index, text] of files.entries()) texts[`${index}.yaml`] = text;
  return readConfig({
    files: ['base.yaml', ...files.map((_, index) => `${index}.yaml`)],
    sets,
    env,
    readFile: (path) => {
      const text = texts[path];
      if (text === undefined) throw new Error('no such file');
      return text;
    },
    registry: testRegistry,
    cores: 4,
  });
};
const valid = (input: Input): ResolvedConfig => {
  const result = read(input);
  assert.deepEqual(result.errors, []);
  assert.ok(result.config);
  return result.config;
};
const batchOf = (config: ResolvedConfig): unknown => config.pipelines[0]?.processors[0]?.config;
const exporterOf = (config: ResolvedConfig): Record<string, unknown> =>
  config.exporters.at(-1)?.config as Record<string, unknown>;
const attributesOf = (config: ResolvedConfig): unknown =>
  (config.pipelines[0]?.processors[0]?.config as { actions: { value: unknown }[] } | undefined)?.actions.map(
    (action) => action.value,
  );

const WITH_OTLP = 'service: {pipelines: {traces: {exporters: [otlp]}}}';
const WITH_ATTRIBUTES = 'service: {pipelines: {traces: {processors: [attributes]}}}';

test('defaults apply where a component is written with nothing under it', () => {
  const config = valid({});
  assert.deepEqual(batchOf(config), { send_batch_size: 8192, send_batch_max_size: 0, timeout: 200, metadata_keys: [] });
  assert.deepEqual(config.receivers[0]?.config, {
    protocols: { grpc: { endpoint: 'localhost:4317', max_recv_msg_size_mib: 4, keepalive: { time: 7_200_000 } } },
  });
  assert.equal(config.workers, 3);
  assert.deepEqual(config.telemetry, {
    logs: {
      level: 'info',
      encoding: 'console',
      outputPaths: ['stderr'],
      showValues: false,
      initialFields: {},
      sampling: { tickMs: 10_000, initial: 10, thereafter: 100 },
    },
    metrics: { level: 'normal', address: { host: '127.0.0.1', port: 8888 } },
  });
});

test('only what pipelines use is built; the rest is a note', () => {
  const result = read({});
  assert.deepEqual(
    result.config?.exporters.map((one) => one.id),
    ['debug'],
  );
  assert.deepEqual(
    result.notes.map((note) => note.message.split(' ')[0]),
    ['processors.batch/unused', 'exporters.otlp'],
  );
});

test('maps merge deeply; lists and scalars are replaced by the later file', () => {
  const config = valid({
    files: [
      'processors: {batch: {timeout: 1s, send_batch_size: 7, metadata_keys: [a, b]}}',
      'processors: {batch: {timeout: 2s, metadata_keys: [c]}}',
    ],
  });
  assert.deepEqual(batchOf(config), {
    send_batch_size: 7,
    send_batch_max_size: 0,
    timeout: 2000,
    metadata_keys: ['c'],
  });
});

test('a key with nothing under it wipes what earlier files had there, an empty map does not', () => {
  const first = 'processors: {batch: {timeout: 1s}}';
  assert.equal((batchOf(valid({ files: [first, 'processors: {batch: }'] })) as { timeout: number }).timeout, 200);
  assert.equal((batchOf(valid({ files: [first, 'processors: {batch: {}}'] })) as { timeout: number }).timeout, 1000);
});

test('--set comes after all files and is YAML', () => {
  const config = valid({
    files: ['processors: {batch: {timeout: 1s}}'],
    sets: ['processors.batch.timeout=3s', 'processors.batch.metadata_keys=[x]'],
  });
  assert.deepEqual(batchOf(config), {
    send_batch_size: 8192,
    send_batch_max_size: 0,
    timeout: 3000,
    metadata_keys: ['x'],
  });
});

test('a value that is one reference is typed, and its text is kept for string fields', () => {
  // Value of the variable, what a number field gets, what a string field gets: the Collector's own table.
  const table: readonly [string, unknown, string][] = [
    ['123', 123, '123'],
    ['0123', 83, '0123'],
    ['0xdeadbeef', 3_735_928_559, '0xdeadbeef'],
  ];
  for (const [text, number, string] of table) {
    const config = valid({
      files: [
        `processors: {batch: {send_batch_size: "\${env:X}"}}\nexporters: {otlp: {endpoint: "\${env:X}", headers: {h: "\${X}"}}}\n${WITH_OTLP}`,
      ],
      env: { X: text },
    });
    assert.equal((batchOf(config) as { send_batch_size: number }).send_batch_size, number);
    assert.equal(exporterOf(config).endpoint, string);
    assert.deepEqual(exporterOf(config).headers, { h: string });
  }
});

test('strings come through references verbatim, with their quotes, newlines and colons', () => {
  for (const text of [
    '"0123"',
    '!!str 0123',
    'foo\nbar',
    '1111:1111::',
    '2006-01-02T15:04:05Z07:00',
    '{a: b}',
    '[',
    't',
    '',
  ]) {
    const config = valid({
      files: [`exporters: {otlp: {endpoint: a, headers: {whole: "\${env:X}", part: "<\${env:X}>"}}}\n${WITH_OTLP}`],
      env: { X: text },
    });
    assert.deepEqual(exporterOf(config).headers, { whole: text, part: `<${text}>` }, text);
  }
});

test('dollar signs are escaped by doubling, and single ones stay', () => {
  const headers = [
    'a: $$${env:X}',
    'b: $${env:NOT}',
    'c: $$$$',
    'd: $X',
    'e: "${"',
    'f: x}y',
    'g: ^(.*)$',
    'h: ${env:D}',
  ];
  const config = valid({
    files: [
      `exporters:\n  otlp:\n    endpoint: a\n    headers:\n${headers.map((line) => `      ${line}\n`).join('')}${WITH_OTLP}`,
    ],
    env: { X: 'x', D: 'p$$w' },
  });
  assert.deepEqual(exporterOf(config).headers, {
    a: '$x',
    b: '${env:NOT}',
    c: '$$',
    d: '$X',
    e: '${',
    f: 'x}y',
    g: '^(.*)$',
    h: 'p$w',
  });
});

test('defaults, nested references and references inside references expand', () => {
  const headers = '{a: "${env:NONE:-x:y}", b: "${env:${env:WHICH}}", c: "${env:OUTER}", d: "${env:EMPTY:-unused}"}';
  const config = valid({
    files: [`exporters: {otlp: {endpoint: a, headers: ${headers}}}\n${WITH_OTLP}`],
    env: { WHICH: 'REAL', REAL: 'real', OUTER: 'the ${env:REAL} thing', EMPTY: '' },
  });
  assert.deepEqual(exporterOf(config).headers, { a: 'x:y', b: 'real', c: 'the real thing', d: '' });
});

test('a map may come from a variable, a file or YAML text, and is expanded in turn', () => {
  const config = valid({
    files: [
      `processors: {batch: "\${env:BATCH}"}\nexporters: {debug: "\${file:debug.yaml}", otlp: {endpoint: "\${file:token}"}}\nservice: {pipelines: {traces: {exporters: [debug, otlp]}}}`,
    ],
    env: { BATCH: '{timeout: "${env:T}", metadata_keys: ["${env:K}"]}', T: '4s', K: 'tenant' },
    named: { 'debug.yaml': 'verbosity: detailed\n', token: 's3cret\n' },
  });
  assert.deepEqual(batchOf(config), {
    send_batch_size: 8192,
    send_batch_max_size: 0,
    timeout: 4000,
    metadata_keys: ['tenant'],
  });
  assert.equal((config.exporters[0]?.config as { verbosity: string } | undefined)?.verbosity, 'detailed');
  assert.equal(exporterOf(config).endpoint, 's3cret\n');
});

test('free values keep integers, doubles and strings apart', () => {
  const values = ['1', '1.0', '"1"', 'true', '9223372036854775807', '[1, a]', '${env:N}', '${env:S}', '-0x10', '~'];
  const actions = values
    .map((value) => `      - {action: insert, key: k, value: ${value.startsWith('$') ? `"${value}"` : value}}\n`)
    .join('');
  const config = valid({
    files: [`processors:\n  attributes:\n    actions:\n${actions}${WITH_ATTRIBUTES}`],
    env: { N: '7', S: 'seven' },
  });
  assert.deepEqual(attributesOf(config), [
    1n,
    1,
    '1',
    true,
    9_223_372_036_854_775_807n,
    [1n, 'a'],
    7n,
    'seven',
    -16n,
    null,
  ]);
});

test('nothing given (null) is the same as no key', () => {
  const config = valid({
    files: [
      'processors: {batch: {timeout: , send_batch_size: ~, metadata_keys: null}}\nservice: {extensions: , telemetry: {logs: , metrics: {level: }}}',
    ],
  });
  assert.deepEqual(batchOf(config), { send_batch_size: 8192, send_batch_max_size: 0, timeout: 200, metadata_keys: [] });
});

test('configurations may be given as env: and yaml: locations', () => {
  const result = readConfig({
    files: ['env:CONFIG', 'yaml:processors::batch::timeout: 9s', 'file:extra.yaml'],
    sets: [],
    env: { CONFIG: BASE },
    readFile: () => 'service: {workers: 1}',
    registry: testRegistry,
    cores: 4,
  });
  assert.deepEqual(result.errors, []);
  assert.equal((result.config && (batchOf(result.config) as { timeout: number }))?.timeout, 9000);
  assert.equal(result.config?.workers, 1);
});

test('a file that cannot be read is a problem of that file, beside the problems of the others', () => {
  const { errors, config } = readConfig({
    files: ['missing.yaml', 'yaml:a: [', 'env:UNSET', 'http://host/config'],
    sets: [],
    env: {},
    readFile: () => {
      throw new Error('ENOENT: no such file');
    },
    registry: testRegistry,
    cores: 1,
  });
  assert.equal(config, null);
  assert.deepEqual(
    errors.map((issue) => `${issue.file} ${issue.code}`),
    ['missing.yaml CONFIG_READ', 'yaml: CONFIG_SYNTAX', 'env:UNSET CONFIG_ENV', 'http://host/config CONFIG_READ'],
  );
});

test('each pipeline has processors of its own; receivers and exporters are shared, in the order of the file', () => {
  const config = valid({
    files: [
      'service: {pipelines: {traces: {exporters: [otlp, debug]}, traces/2: {receivers: [otlp], processors: [batch], exporters: [debug]}}}',
    ],
  });
  assert.deepEqual(
    config.exporters.map((one) => one.id),
    ['debug', 'otlp'],
  );
  assert.deepEqual(
    config.receivers.map((one) => one.id),
    ['otlp'],
  );
  assert.deepEqual(
    config.pipelines.map((one) => [one.id, one.processors.map((processor) => processor.id), one.exporters]),
    [
      ['traces', ['batch'], ['otlp', 'debug']],
      ['traces/2', ['batch'], ['debug']],
    ],
  );
});

test('the metrics address comes from the short form or from the first Prometheus reader; none switches it off', () => {
  const address = (metrics: string): unknown =>
    valid({ files: [`service: {telemetry: {metrics: ${metrics}}}`] }).telemetry.metrics.address;
  assert.deepEqual(address('{address: ":9"}'), { host: '0.0.0.0', port: 9 });
  assert.deepEqual(address('{address: "[::1]:9"}'), { host: '::1', port: 9 });
  assert.deepEqual(address('{readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 1}}}}]}'), {
    host: '0.0.0.0',
    port: 1,
  });
  assert.deepEqual(address('{readers: [{pull: {exporter: {prometheus: }}}]}'), { host: 'localhost', port: 8888 });
  assert.equal(address('{readers: []}'), null);
  assert.equal(address('{level: none}'), null);
});

test('aliases multiply nothing: a file that would grow beyond bounds is refused quickly', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 12; level += 1)
    lines.push(
      `a${level}: &a${level} [${Array(10)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    );
  const { errors } = read({ files: [lines.join('\n')] });
  assert.deepEqual(
    errors.map((issue) => issue.code),
    ['CONFIG_SYNTAX'],
  );
});

test('messages never show the value of a reference', () => {
  const { errors } = read({
    files: ['processors: {batch: {timeout: "${env:SECRET}", send_batch_size: "x${env:SECRET}"}}'],
    env: { SECRET: 'hunter2' },
  });
  assert.equal(errors.length, 2);
  for (const issue of errors) assert.doesNotMatch(issue.message + issue.excerpt, /hunter2/);
});

test('the fields of every log line are plain JSON', () => {
  const config = valid({
    files: ['service: {telemetry: {logs: {initial_fields: {zone: a, rack: 7, tags: [1.5, {x: 2}]}}}}'],
  });
  assert.deepEqual(config.telemetry.logs.initialFields, { zone: 'a', rack: 7, tags: [1.5, { x: 2 }] });
});

test('a component that stands in the wrong section is told where it belongs', () => {
  const { errors } = read({ files: ['processors: {forward/x: }\nconnectors: {batch: , nothing: }'] });
  const messages = errors.map(({ message }) => message);
  assert.equal(messages[0], 'processors: "forward" is no processor: it stands under connectors:');
  assert.equal(messages[1], 'connectors: "batch" is no connector: it stands under processors:');
  assert.match(messages[2], /there is no connector "nothing" here/);
});
