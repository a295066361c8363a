import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allCases, groups } from '../../../bench/cases.ts';
import { parseOptions, usage } from '../../../bench/options.ts';
import { SpanmillError } from '../../../src/errors.ts';

const labels = (...args: string[]): string[] => parseOptions(args)?.cases.map(({ label }) => label) ?? [];

describe('the command line of the bench', () => {
  it('measures the sizes without a peer, once, and writes nothing', () => {
    const options = parseOptions([]);
    assert.deepEqual(new Set(options?.cases.map(({ group }) => group)), new Set(['sizes']));
    assert.deepEqual([options?.runs, options?.document, options?.seconds], [1, null, null]);
  });

  it('measures everything with a peer, three times, for the document', () => {
    const options = parseOptions(['--peer', '/bin/collector']);
    assert.deepEqual(options?.cases, allCases);
    assert.deepEqual([options?.runs, options?.document], [3, 'docs/benchmarks.md']);
  });

  it('leaves the document alone where only some cases are measured', () => {
    assert.equal(parseOptions(['--peer', '/bin/collector', '--only', 'http'])?.document, null);
    assert.equal(parseOptions(['--only', 'http', '--document', 'x.md'])?.document, 'x.md');
  });

  it('takes names of cases, of groups and sizes', () => {
    assert.deepEqual(labels('--only', 'http,64@4x2,stall'), ['http-512', 'http-1', 'json-512', '64@4x2', 'stall']);
  });

  it('adds what a case is compared with, before it and once', () => {
    assert.deepEqual(labels('--only', 'export-zstd'), ['plain', 'export-zstd']);
    assert.deepEqual(labels('--only', 'export-zstd,durable,plain'), ['plain', 'export-zstd', 'durable']);
    const delivery = allCases.filter(({ group }) => group === 'delivery');
    assert.deepEqual(
      labels('--only', 'delivery'),
      delivery.map(({ label }) => label),
    );
  });

  it('measures gRPC before HTTP for the gate, which is measured against it', () => {
    assert.deepEqual(labels('--gate', 'gate.json'), ['512', '10', '1', 'http-512', 'http-1']);
  });

  it('names every group and case in its help', () => {
    for (const name of [...groups, ...allCases.map(({ label }) => label)]) assert.ok(usage.includes(` ${name}`), name);
    assert.equal(parseOptions(['--help']), null);
  });

  it('refuses what it does not know', () => {
    for (const [args, message] of [
      [['--only', 'htp'], /^--only htp: no such case/],
      [['--only', ''], /no such case/],
      [['--runs', '0'], /above 0/],
      [['--runs', '1.5'], /whole number/],
      [['--seconds', 'x'], /^--seconds x: expected a number/],
      [['--record'], /--gate/],
      [['--unknown'], /--unknown/],
    ] as const) {
      assert.throws(
        () => parseOptions(args),
        (error) => error instanceof SpanmillError && error.code === 'USAGE' && message.test(error.message),
        args.join(' '),
      );
    }
  });
});
