// All that a gRPC server of this project has to do, whatever is under it.
import { describe } from 'node:test';
import { badInputTests } from './server-bad-input.ts';
import type { StartServer } from './server-bench.ts';
import { callTests } from './server-calls.ts';
import { lifecycleTests } from './server-lifecycle.ts';
import { limitTests } from './server-limits.ts';
import { peerTests } from './server-peers.ts';

export function serverSuite(name: string, start: StartServer): void {
  describe(name, () => {
    describe('calls', () => callTests(start));
    describe('limits', () => limitTests(start));
    describe('bad input', () => badInputTests(start));
    describe('connections', () => lifecycleTests(start));
    describe('other clients', () => peerTests(start));
  });
}
