// What extensions want to know of clients, and whether it can get to them: judged by the whole configuration.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ReadResult, readConfig } from '../../../src/config/read-config.ts';
import { registry } from '../../../src/registry.ts';

interface Parts {
  readonly auth?: string;
  readonly setter: string;
  readonly batch?: string;
  readonly queue?: string;
  readonly extensions?: string;
  readonly shows?: boolean;
}

/** The setter's header stands in line 2. */
const fileOf = ({ auth = '', setter, batch, queue = '', extensions = '', shows = true }: Parts): string =>
  [
    'extensions:',
    `  headers_setter: {headers: [{key: x-org, ${setter}}]}`,
    '  basicauth: {htpasswd: {file: users}}',
    '  bearertokenauth: {filename: tokens}',
    extensions,
    `receivers: {otlp: {protocols: {grpc: {include_metadata: ${shows}${auth === '' ? '' : `, auth: {authenticator: ${auth}}`}}}}}`,
    `processors: {batch: {${batch ?? ''}}}`,
    `exporters: {otlp: {endpoint: "localhost:1", auth: {authenticator: headers_setter}${queue}}}`,
    'service:',
    `  extensions: [headers_setter, basicauth, bearertokenauth${extensions === '' ? '' : ', headers_setter/2'}]`,
    `  pipelines: {traces: {receivers: [otlp], processors: [${batch === undefined ? '' : 'batch'}], exporters: [otlp]}}`,
  ].join('\n');

const read = (text: string): ReadResult =>
  readConfig({ files: ['a.yaml'], sets: [], env: {}, readFile: () => text, registry, cores: 2 });
const said = (list: ReadResult['errors']): string[] =>
  list.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`);
const errorsOf = (parts: Parts): string[] => said(read(fileOf(parts)).errors);
const warningsOf = (parts: Parts): string[] => {
  const { errors, warnings } = read(fileOf(parts));
  assert.deepEqual(said(errors), []);
  return said(warnings);
};

const username = 'from_attribute: username';
const place = 'extensions.headers_setter.headers[0].from_attribute';

test('an attribute that the authenticator of a receiver knows is taken', () => {
  assert.deepEqual(errorsOf({ auth: 'basicauth', setter: username }), []);
  assert.deepEqual(errorsOf({ auth: 'basicauth', setter: 'from_attribute: raw' }), []);
});

test('an attribute that no authenticator knows is an error that says which are known', () => {
  const knows = (known: string, name: string) => [
    `2:59 CONFIG_CONFLICT ${place}: no authenticator of a receiver of pipeline "traces" knows "${name}" of its clients: they know ${known}`,
  ];
  assert.deepEqual(errorsOf({ setter: username }), knows('nothing', 'username'));
  assert.deepEqual(errorsOf({ auth: 'bearertokenauth', setter: username }), knows('nothing', 'username'));
  const subject = { auth: 'basicauth', setter: 'from_attribute: subject' };
  assert.deepEqual(errorsOf(subject), knows('username, raw', 'subject'));
  // The same key under its other name would be nothing that a client sent.
  assert.match(errorsOf({ setter: 'from_context: auth.username' })[0], /^2:57 .*no authenticator/);
});

test('a header that no receiver shows is warned of; the address of a client and its credential need no header', () => {
  const setter = 'from_context: x-tenant';
  assert.deepEqual(warningsOf({ setter, shows: false }), [
    '2:57 CONFIG_CONFLICT extensions.headers_setter.headers[0].from_context: no receiver of pipeline "traces" shows the headers of requests, so that x-tenant is never there: set include_metadata',
  ]);
  assert.deepEqual(warningsOf({ setter }), []);
  assert.deepEqual(warningsOf({ setter: 'from_context: client.address', shows: false }), []);
  assert.deepEqual(warningsOf({ auth: 'basicauth', setter: username, shows: false }), []);
});

test('what a batch mixes is lost: an error for an attribute, a warning for a header, neither where it is kept apart', () => {
  const auth = 'basicauth';
  assert.deepEqual(errorsOf({ auth, setter: username, batch: '' }), [
    `2:59 CONFIG_CONFLICT ${place}: the processor "batch" of pipeline "traces" mixes clients, so that auth.username is lost: add it to its metadata_keys`,
  ]);
  assert.deepEqual(errorsOf({ auth, setter: username, batch: 'metadata_keys: [auth.username]' }), []);
  const setter = 'from_context: X-Tenant';
  assert.deepEqual(warningsOf({ setter, batch: '' }), [
    '2:57 CONFIG_CONFLICT extensions.headers_setter.headers[0].from_context: the processor "batch" of pipeline "traces" mixes clients, so that x-tenant is lost: add it to its metadata_keys',
  ]);
  assert.deepEqual(warningsOf({ setter, batch: 'metadata_keys: [X-Tenant]' }), []);
  assert.deepEqual(warningsOf({ setter }), []);
});

test('so is what the batches of a queue mix', () => {
  const setter = 'from_context: x-tenant';
  assert.match(
    warningsOf({ setter, queue: ', sending_queue: {batch: {}}' })[0],
    /sending_queue of exporter "otlp" mixes/,
  );
  const partition = ', sending_queue: {batch: {partition: {metadata_keys: [x-tenant]}}}';
  assert.deepEqual(warningsOf({ setter, queue: partition }), []);
});

test('one way by which it may come is enough, and it is also looked for behind additional_auth', () => {
  const more = `  headers_setter/2: {headers: [{key: y, ${username}}], additional_auth: headers_setter}`;
  const text = fileOf({ auth: 'basicauth', setter: 'from_context: x-tenant', batch: '', extensions: more }).replace(
    'authenticator: headers_setter}',
    'authenticator: headers_setter/2}',
  );
  const { errors, warnings } = read(text);
  assert.deepEqual(
    said(errors).map((line) => line.split(' ')[0]),
    ['5:57'],
  );
  assert.deepEqual(
    said(warnings).map((line) => line.split(' ')[0]),
    ['2:57'],
  );
  const other = 'traces/2: {receivers: [otlp], exporters: [otlp]}';
  for (const two of [text.replace('traces: {', `${other}, traces: {`), `${text.slice(0, -1)}, ${other}}`]) {
    assert.equal(read(two).config?.pipelines.length, 2);
    assert.deepEqual(said(read(two).warnings), []);
  }
});

const circle = (...names: readonly (readonly [string, string])[]): ReadResult =>
  read(
    [
      'extensions:',
      ...names.map(
        ([id, named]) =>
          `  headers_setter/${id}: {headers: [{key: x, value_file: y}], additional_auth: headers_setter/${named}}`,
      ),
      'receivers: {otlp: {protocols: {grpc: }}}',
      `exporters: {otlp: {endpoint: "localhost:1", auth: {authenticator: headers_setter/${names[0][0]}}}}`,
      `service: {extensions: [${names.map(([id]) => `headers_setter/${id}`).join(', ')}], pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}`,
    ].join('\n'),
  );

test('extensions that name each other in a circle are one error at the first of them, which shows the circle', () => {
  const [one, ...others] = said(circle(['a', 'a']).errors);
  assert.deepEqual(others, []);
  assert.match(one, /^2:75 CONFIG_CONFLICT .*additional_auth: .*circle: headers_setter\/a -> headers_setter\/a;/);
  // The first one only leads to the circle.
  const three = said(circle(['in', 'c'], ['a', 'b'], ['b', 'c'], ['c', 'a']).errors);
  assert.equal(three.length, 1, three.join('\n'));
  assert.match(
    three[0],
    /^3:\d+ .*circle: headers_setter\/a -> headers_setter\/b -> headers_setter\/c -> headers_setter\/a;/,
  );
  assert.deepEqual(said(circle(['a', 'b'], ['b', 'a'], ['c', 'd'], ['d', 'c']).errors).length, 2);
});

test('extensions start behind those that they name, and otherwise in the order of the file', () => {
  const text = [
    'extensions:',
    '  headers_setter/a: {headers: [{key: x, value_file: y}], additional_auth: headers_setter/b}',
    '  headers_setter/b: {headers: [{key: x, value_file: y}], additional_auth: bearertokenauth}',
    '  bearertokenauth: {filename: tokens}',
    '  health_check: {auth: {authenticator: basicauth}}',
    '  basicauth: {htpasswd: {file: users}}',
    'receivers: {otlp: {protocols: {grpc: }}}',
    'exporters: {nop: }',
    'service:',
    '  extensions: [health_check, headers_setter/a, basicauth, headers_setter/b, bearertokenauth]',
    '  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}',
  ].join('\n');
  const { config, errors } = read(text);
  assert.deepEqual(said(errors), []);
  assert.deepEqual(
    config?.extensions.map(({ id }) => id),
    ['basicauth', 'health_check', 'bearertokenauth', 'headers_setter/b', 'headers_setter/a'],
  );
});

test('client metadata is followed through connectors, past every pipeline on the way', () => {
  const file = (front: string, back: string): string =>
    [
      'extensions:',
      '  headers_setter: {headers: [{key: x-org, from_attribute: username}]}',
      '  basicauth: {htpasswd: {file: users}}',
      'receivers: {otlp: {protocols: {grpc: {auth: {authenticator: basicauth}}}}, otlp/2: {protocols: {grpc: }}}',
      'processors: {batch: {}, batch/kept: {metadata_keys: [auth.username]}}',
      'exporters: {otlp: {endpoint: "localhost:1", auth: {authenticator: headers_setter}}}',
      'connectors: {forward: , forward/2: }',
      'service:',
      '  extensions: [headers_setter, basicauth]',
      '  pipelines:',
      `    traces: {receivers: [otlp], processors: [${front}], exporters: [forward]}`,
      '    traces/b: {receivers: [forward], exporters: [forward/2]}',
      `    traces/c: {receivers: [forward/2], processors: [${back}], exporters: [otlp]}`,
    ].join('\n');
  const errors = (front: string, back: string): string[] => said(read(file(front, back)).errors);
  assert.deepEqual(errors('', ''), []);
  assert.deepEqual(errors('batch/kept', 'batch/kept'), []);
  assert.match(errors('batch', '')[0], /the processor "batch" of pipeline "traces" mixes clients/);
  assert.match(errors('', 'batch')[0], /the processor "batch" of pipeline "traces\/c" mixes clients/);
  const unknown = said(read(file('', '').replace('receivers: [otlp]', 'receivers: [otlp/2]')).errors);
  assert.match(unknown[0], /no authenticator of a receiver of pipeline "traces\/c" knows "username"/);
  // One way that is open is enough.
  const both = file('batch', '').replace('receivers: [forward]', 'receivers: [forward, otlp]');
  assert.deepEqual(said(read(both).errors), []);
});

test('a router that asks for a header behind a batch that does not keep it is warned of', () => {
  const file = (processors: string): string =>
    [
      'receivers: {otlp: {protocols: {grpc: }}}',
      'processors: {batch: {}, batch/kept: {metadata_keys: [X-Org]}}',
      'exporters: {nop: }',
      'connectors:',
      '  routing:',
      '    table:',
      '      - {context: resource, condition: \'attributes["a"] == "b"\', pipelines: [traces/b]}',
      '      - {context: request, condition: \'request["x-org"] == "b"\', pipelines: [traces/b]}',
      'service:',
      '  pipelines:',
      `    traces: {receivers: [otlp], processors: [${processors}], exporters: [routing]}`,
      '    traces/b: {receivers: [routing], exporters: [nop]}',
    ].join('\n');
  const warnings = (processors: string): string[] => {
    const { errors, warnings } = read(file(processors));
    assert.deepEqual(said(errors), []);
    return said(warnings);
  };
  assert.deepEqual(warnings(''), []);
  assert.deepEqual(warnings('batch/kept'), []);
  assert.deepEqual(warnings('batch'), [
    '8:39 CONFIG_CONFLICT connectors.routing.table[1].condition: the processor "batch" of pipeline "traces" mixes clients, so that x-org is lost: add it to its metadata_keys',
  ]);
});
