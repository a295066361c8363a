// What the gate refuses before anything is measured. That it measures rightly is seen where it runs: in CI.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { isShut, runGate } from '../../../bench/gate.ts';
import { parseOptions } from '../../../bench/options.ts';
import { caseOf } from './measurements.ts';

const service = { name: 'spanmill', command: ['false'], chain: true };

function gateFile(t: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'spanmill-gate-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'gate.json');
  writeFileSync(path, text);
  return path;
}

async function refused(t: TestContext, text: string, message: RegExp, ...args: string[]): Promise<void> {
  const path = gateFile(t, text);
  const options = parseOptions(['--gate', path, ...args]);
  assert.ok(options !== null);
  await assert.rejects(runGate(service, path, options), { code: 'USAGE', message });
}

describe('the gate', () => {
  const recorded = '{"comment":"","factor":2,"ratios":{"512":1,"http-512":1.5}}';

  it('wants a file that it understands', async (t) => {
    await refused(t, '{"factor":2}', /is not a gate file; --record writes one/);
    await refused(t, '', /is not a gate file/);
  });

  it('names the case of which the file says nothing', async (t) => {
    await refused(t, recorded, /says nothing of 10;/, '--only', '10');
  });

  it('measures nothing over HTTP without gRPC to compare it with', async (t) => {
    await refused(t, recorded, /http-512 is measured against gRPC: name 512 before it/, '--only', 'http-512');
  });

  it('compares loads of one rate only', async (t) => {
    for (const label of ['idle', 'overload', 'gateway-held']) {
      await refused(t, recorded, /has no one rate/, '--record', '--only', label);
    }
  });

  it('is shut by a ratio above the limit, and by a span that is missing', () => {
    const result = {
      load: caseOf('512'),
      serviceMicroseconds: 1,
      yardstick: 'pass-through',
      yardstickMicroseconds: 1,
      ratio: 1,
      limit: 1,
      complaints: [],
    };
    assert.equal(isShut(result), false);
    assert.equal(isShut({ ...result, ratio: 1.01 }), true);
    assert.equal(isShut({ ...result, complaints: ['spanmill: 1 acknowledged spans never arrived'] }), true);
  });
});
