// All that a gRPC server of this project has to do, whatever is under it.
import { describe } from 'node:test';
import { badInputTests } from './server-bad-input.ts';
import type { StartServer } from './server-bench.ts';
import { callTests } from './server-calls.ts';
import { collectorTests } from './server-collector.ts';
import { jsHeavyTests } from './server-js-heavy.ts';
import { goTests, pythonTests } from './server-languages.ts';
import { lifecycleTests } from './server-lifecycle.ts';
import { limitTests } from './server-limits.ts';
import { peerTests } from './server-peers.ts';
import { toolTests } from './server-tools.ts';

export function serverSuite(name: string, start: StartServer): void {
  describe(name, () => {
    describe('calls', () => callTests(start));
    describe('limits', () => limitTests(start));
    describe('bad input', () => badInputTests(start));
    describe('connections', () => lifecycleTests(start));
    describe('much at once', () => jsHeavyTests(start));
    describe('other clients', () => peerTests(start));
    describe('grpc-go', () => goTests(start));
    describe('Python', () => pythonTests(start));
    describe('tools that know no gRPC', () => toolTests(start));
    describe('a Collector', () => collectorTests(start));
  });
}
