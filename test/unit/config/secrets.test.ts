// Secrets in a configuration file: warned of at their place, and in no output whatever else is wrong with the file.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskLine } from '../../../src/config/mask-line.ts';
import { type ReadResult, readConfig } from '../../../src/config/read-config.ts';
import { renderIssues } from '../../../src/config/render.ts';
import { registry } from '../../../src/registry.ts';

const secret = 'SESAME-0123456789';
const service = ['service:', '  pipelines:', '    traces: {receivers: [otlp], exporters: [otlp]}', ''].join('\n');
const plain = ['receivers: {otlp: {protocols: {grpc: }}}', 'exporters: {otlp: {endpoint: "backend:4317"}}', ''].join(
  '\n',
);

function read(text: string, more: Partial<Parameters<typeof readConfig>[0]> = {}): ReadResult & { shown: string } {
  const env = { TOKEN: secret, WHOLE: text };
  const result = readConfig({ files: ['a.yaml'], sets: [], env, readFile: () => text, registry, cores: 2, ...more });
  const { errors, warnings, notes } = result;
  return {
    ...result,
    shown: renderIssues([...errors, ...warnings, ...notes], false) + JSON.stringify([errors, warnings, notes]),
  };
}
const places = ({ warnings }: ReadResult): string[] =>
  warnings.map(({ line, column, code }) => `${line}:${column} ${code}`);

const withExtension = (yaml: string): string => `${plain}extensions:\n${yaml}\n${service}`;

test('literal secrets are warned of at their keys', () => {
  for (const [yaml, ...expected] of [
    [`  bearertokenauth: {token: ${secret}}`, '4:21 CONFIG_SECRET'],
    [`  bearertokenauth:\n    token: "${secret}"`, '5:5 CONFIG_SECRET'],
    [`  bearertokenauth:\n    tokens:\n      - ${secret}\n      - ${secret}`, '5:5 CONFIG_SECRET'],
    [`  basicauth:\n    client_auth: {username: a, password: ${secret}}`, '5:32 CONFIG_SECRET'],
    [`  basicauth:\n    client_auth: {username: a, password: "${secret}$\${x}"}`, '5:32 CONFIG_SECRET'],
    [`  basicauth:\n    htpasswd:\n      inline: |\n        ann:${secret}`, '6:7 CONFIG_SECRET'],
    [`  headers_setter:\n    headers:\n      - key: X-Api-Key\n        value: ${secret}`, '7:9 CONFIG_SECRET'],
  ] as const) {
    const result = read(withExtension(yaml));
    assert.deepEqual(result.errors, [], result.shown);
    assert.deepEqual(places(result), expected, result.shown);
    assert.doesNotMatch(result.shown, /SESAME/, result.shown);
    assert.match(result.shown, /\$\{env:NAME\}/);
  }
});

test('headers of exporters that carry keys, keys as text, and passwords in addresses', () => {
  for (const name of [
    'authorization',
    'Authorization',
    'x-api-key',
    'api-key',
    'X-Honeycomb-Team',
    'dd-api-key',
    'x-auth-token',
  ]) {
    const text = `receivers: {otlp: {protocols: {grpc: }}}\nexporters:\n  otlp:\n    endpoint: a:1\n    headers:\n      ${name}: ${secret}\n${service}`;
    const result = read(text);
    assert.deepEqual(places(result), ['6:7 CONFIG_SECRET'], name);
    assert.doesNotMatch(result.shown, /SESAME/);
  }
  const key = `receivers: {otlp: {protocols: {grpc: }}}\nexporters:\n  otlp:\n    endpoint: a:1\n    tls:\n      cert_file: a\n      key_pem: |\n        ${secret}\n${service}`;
  assert.deepEqual(places(read(key)), ['7:7 CONFIG_SECRET']);
  const proxy = `receivers: {otlp: {protocols: {grpc: }}}\nexporters:\n  otlp_http:\n    endpoint: http://a:1\n    proxy_url: http://ann:${secret}@proxy:3128\n${service.replace('exporters: [otlp]', 'exporters: [otlp_http]')}`;
  const result = read(proxy);
  assert.deepEqual(places(result), ['5:5 CONFIG_SECRET'], result.shown);
  assert.doesNotMatch(result.shown, /SESAME/);
});

test('what comes from elsewhere is no secret of the file, nor is what only sounds like one', () => {
  for (const yaml of [
    `  bearertokenauth: {token: "\${env:TOKEN}"}`,
    `  bearertokenauth:\n    token: \${env:TOKEN}`,
    `  bearertokenauth:\n    scheme: ""\n    token: Token \${env:TOKEN} x`,
    '  bearertokenauth: {filename: /etc/token}',
    '  basicauth: {client_auth: {username: a, password_file: /etc/password}}',
    '  headers_setter: {headers: [{key: authorization, value_file: /etc/token}]}',
    '  headers_setter: {headers: [{key: authorization, from_context: authorization}]}',
    '  headers_setter: {headers: [{key: x-tenant, value: acme}]}',
  ]) {
    const result = read(withExtension(yaml));
    assert.deepEqual(result.errors, [], result.shown);
    assert.deepEqual(places(result), [], yaml);
  }
  const attributes = `processors:\n  attributes: {actions: [{key: password, action: upsert, value: removed}]}\n${plain}${service}`;
  assert.deepEqual(places(read(attributes)), []);
  const whole = read(withExtension(`  bearertokenauth: {token: ${secret}}`), { files: ['env:WHOLE'] });
  assert.deepEqual(places(whole), [], 'an environment variable is no file');
});

test('a secret on the command line is warned of, and its place is named without it', () => {
  for (const set of [
    `exporters.otlp.headers.authorization=${secret}`,
    `exporters::otlp::headers::authorization=${secret}`,
  ]) {
    const result = read(plain + service, { sets: [set] });
    assert.equal(result.warnings.length, 1, result.shown);
    assert.match(result.warnings[0].file, /^--set exporters.*authorization=\*+$/);
    assert.doesNotMatch(result.shown, /SESAME/);
  }
});

test('headers as the environment of an SDK has them are refused without what they hold', () => {
  for (const headers of [
    `"api-key=${secret}"`,
    `["Authorization: Bearer ${secret}"]`,
    `[{name: x-token, value: [${secret}]}]`,
  ]) {
    const text = `receivers: {otlp: {protocols: {grpc: }}}\nexporters:\n  otlp:\n    endpoint: a:1\n    headers: ${headers}\n${service}`;
    const result = read(text);
    assert.equal(result.errors.length, 1, result.shown);
    assert.match(result.errors[0].message, /expected/);
    assert.doesNotMatch(result.shown, /SESAME/);
  }
  const pair = `receivers: {otlp: {protocols: {grpc: }}}\nexporters:\n  otlp:\n    endpoint: a:1\n    headers: [{name: x-token, value: ${secret}}]\n${service}`;
  assert.deepEqual(places(read(pair)), ['5:31 CONFIG_SECRET']);
});

test('whatever else is wrong with a line, its secret is not shown', () => {
  for (const yaml of [
    `  bearertokenauth: {token: ${secret}, no_such_key: 1}`,
    `  bearertokenauth: {no_such_key: 1, token: ${secret}}`,
    `  bearertokenauth: {scheme: "a b", token: "${secret}"}`,
    `  bearertokenauth: {token: "${secret}`,
    `  bearertokenauth:\n    token: "${secret}\n   x: y`,
    `  bearertokenauth: {token: ${secret}, token: ${secret}}`,
    `  bearertokenauth: {tokens: [${secret}, {a: b}]}`,
    `  bearertokenauth: {token: {a: ${secret}}}`,
    `  basicauth: {client_auth: {username: "a:b", password: ${secret}, x: \${env:NO_SUCH}}}`,
    `  headers_setter: {headers: [{key: authorization, value: "${secret}\\n"}]}`,
    `  no_such: {password: ${secret}}`,
  ]) {
    const { errors, shown } = read(withExtension(yaml));
    assert.ok(errors.length > 0, yaml);
    assert.doesNotMatch(shown, /SESAME/, shown);
  }
  const number = read(withExtension('  bearertokenauth: {token: 9876543210}'));
  assert.ok(number.errors.length > 0);
  assert.doesNotMatch(number.shown, /9876543210/, number.shown);
});

test('a reference that leads to a secret shows the reference', () => {
  const { shown, errors } = read(withExtension(`  bearertokenauth: {token: "\${env:TOKEN}", scheme: "a b"}`));
  assert.equal(errors.length, 1);
  assert.match(shown, /\$\{env:TOKEN\}/);
  assert.doesNotMatch(shown, /SESAME/);
});

test('a masked line is as long as it was, and keeps what is no secret', () => {
  for (const [line, masked] of [
    ['  token: abc', '  token: ***'],
    ['  "token" : \'abc\'', '  "token" : *****'],
    ['  - {a: b, x-api-key: abc, c: d}', '  - {a: b, x-api-key: **********'],
    [`  tokens: \${env:X}`, `  tokens: \${env:X}`],
    ['  endpoint: https://ann:pass@host:1/x', '  endpoint: https://ann:****@host:1/x'],
    ['  endpoint: localhost:4317', '  endpoint: localhost:4317'],
    ['  token_file: abc', '  token_file: abc'],
    ['exporters.otlp.headers.authorization=abc', 'exporters.otlp.headers.authorization=***'],
  ] as const) {
    assert.equal(maskLine(line), masked);
    assert.equal(maskLine(line).length, line.length);
  }
});

test('a line of a megabyte is masked at once', () => {
  const begun = performance.now();
  for (const line of [
    'a'.repeat(1 << 20),
    'a.'.repeat(1 << 19),
    'a: '.repeat(1 << 18),
    ' '.repeat(1 << 20),
    'a://'.repeat(1 << 18),
  ])
    maskLine(line);
  assert.ok(performance.now() - begun < 5000);
});

test('an otlp receiver for everybody is warned of at its endpoint', () => {
  const text = `receivers:\n  otlp:\n    protocols:\n      grpc:\n        endpoint: 0.0.0.0:4317\nexporters: {otlp: {endpoint: "backend:4317"}}\n${service}`;
  const result = read(text);
  assert.deepEqual(places(result), ['5:19 CONFIG_EXPOSED'], result.shown);
  assert.ok(result.config, 'a warning is no error');
});
