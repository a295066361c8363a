// All that an HTTP/1.1 server of this project has to do, whatever reads it.
import { describe } from 'node:test';
import { answerTests } from './answers.ts';
import { bodyTests } from './bodies.ts';
import { corsAndAuthTests } from './cors-auth.ts';
import type { CreateServer } from './http-bench.ts';
import { lifecycleTests } from './lifecycle.ts';
import { secureTests } from './secure.ts';

export function httpSuite(name: string, create: CreateServer): void {
  describe(name, () => {
    describe('answers', () => answerTests(create));
    describe('bodies', () => bodyTests(create));
    describe('connections', () => lifecycleTests(create));
    describe('TLS', () => secureTests(create));
    describe('origins and credentials', () => corsAndAuthTests(create));
  });
}
