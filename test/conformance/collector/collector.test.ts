// The Collector's own results, span for span, from the running service.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type CanonicalSpan, canonicalSpans } from './canonical.ts';
import { type Implementation, runCase } from './harness.ts';

/** Cases whose components are built in. */
const supported = [
  /^pass$/,
  /^attributes-/,
  /^filter-/,
  /^forward-/,
  /^prob-/,
  /^resource-/,
  /^routing-/,
  /^span-/,
  /^(transform|ottl)-/,
];

/** All others, and what they wait for. */
const waiting: readonly { readonly cases: RegExp; readonly reason: string }[] = [
  { cases: /^chain-all$/, reason: 'needs the processor redaction' },
  { cases: /^redaction-/, reason: 'needs the processor redaction' },
  { cases: /^tail-/, reason: 'needs the processor tail_sampling' },
];

// The metrics endpoint has a fixed default port, on which two runs at once would meet.
const quiet = ['--set', 'service.telemetry.metrics.level=none'];

const spanmill: Implementation = {
  command: fileURLToPath(new URL('../../../bin/spanmill', import.meta.url)),
  arguments: (configFile) => ['run', '--config', configFile, ...quiet],
};

/** Set by people who check the harness (see README.md): then the Collector runs all that it recorded. */
const peer = process.env.SPANMILL_PEER;
const implementation: Implementation =
  peer === undefined ? spanmill : { command: peer, arguments: (configFile) => ['--config', configFile, ...quiet] };

const names = readdirSync(new URL('cases', import.meta.url)).map((file) => file.replace(/\.yaml$/, ''));
const isSupported = (name: string) => supported.some((pattern) => pattern.test(name));

function expectedSpans(name: string): CanonicalSpan[] {
  return JSON.parse(readFileSync(new URL(`expected/${name}.json`, import.meta.url), 'utf8')) as CanonicalSpan[];
}

test('every case either runs or stands in the table with its reason', () => {
  for (const name of names) {
    const rows = waiting.filter(({ cases }) => cases.test(name)).length + Number(isSupported(name));
    assert.equal(rows, 1, name);
  }
  const expected = readdirSync(new URL('expected', import.meta.url)).map((file) => file.replace(/\.json$/, ''));
  assert.deepEqual(expected.sort(), [...names].sort());
});

for (const name of peer === undefined ? names.filter(isSupported) : names) {
  test(`${name}: the same spans as from the Collector`, async () => {
    const received = await runCase(implementation, name);
    assert.deepEqual(canonicalSpans(received), expectedSpans(name));
  });
}
