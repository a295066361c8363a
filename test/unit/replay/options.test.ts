import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replayArguments } from '../../../src/replay/options.ts';

const defaults = { endpoint: 'http://127.0.0.1:4317', protocol: 'grpc', headers: {}, insecure: false, remove: false };

test('files and options are taken in any order', () => {
  const args = [
    'a.otlp',
    '--endpoint',
    'backend:4317',
    '--header',
    'X-Key=a=b',
    '--header=other=1',
    '--insecure',
    'b.otlp',
    '--remove',
  ];
  assert.deepEqual(replayArguments(args), {
    kind: 'options',
    options: {
      files: ['a.otlp', 'b.otlp'],
      endpoint: 'backend:4317',
      protocol: 'grpc',
      headers: { 'x-key': 'a=b', other: '1' },
      insecure: true,
      remove: true,
    },
  });
});

test("without an endpoint it is this machine's service, on the port of the protocol", () => {
  assert.deepEqual(replayArguments(['-']), { kind: 'options', options: { ...defaults, files: ['-'] } });
  assert.deepEqual(replayArguments(['a', '--protocol=http/protobuf']), {
    kind: 'options',
    options: { ...defaults, files: ['a'], protocol: 'http/protobuf', endpoint: 'http://127.0.0.1:4318' },
  });
});

const wrong: readonly (readonly [args: string[], says: RegExp])[] = [
  [[], /no file is named/],
  [['--remove'], /no file is named/],
  [['a', '--protocol', 'http/json'], /--protocol http\/json is not known; grpc and http\/protobuf are/],
  [['a', '--header', 'secret'], /^--header takes NAME=VALUE$/],
  [['a', '--endpont', 'b'], /unknown option '--endpont'/],
  [['a', '--endpoint'], /--endpoint/],
];
for (const [args, says] of wrong) {
  test(`wrong usage is said in one line: ${args.join(' ') || 'nothing'}`, () => {
    const parsed = replayArguments(args);
    assert.equal(parsed.kind, 'wrong');
    assert.match((parsed as { message: string }).message, says);
    assert.doesNotMatch((parsed as { message: string }).message, /\n/);
  });
}

test('--help wins over what is missing', () => {
  assert.deepEqual(replayArguments(['--help']), { kind: 'help' });
  assert.deepEqual(replayArguments(['-h', 'a']), { kind: 'help' });
});
