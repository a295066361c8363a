// Extensions that a test runs by themselves.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import type {
  AuthRefusal,
  ClientAuthenticator,
  HeaderReader,
  ServerAuthenticator,
} from '../../../src/component/capabilities.ts';
import type { Extension } from '../../../src/component/extension.ts';

export const silent = pino({ level: 'silent' });

/** Stops after the test, and keeps the process alive until then: looking at files does not. */
export function keep(t: TestContext, extension: Extension): Extension {
  const alive = setInterval(() => undefined, 1000);
  t.after(async () => {
    clearInterval(alive);
    await extension.stop();
    await extension.stop();
  });
  return extension;
}

export function serverSide({ offers }: Extension): ServerAuthenticator {
  assert.ok(offers?.serverAuth);
  return offers.serverAuth;
}

export function clientSide({ offers }: Extension): ClientAuthenticator {
  assert.ok(offers?.clientAuth);
  return offers.clientAuth;
}

/** Header fields by name in lower case. */
export const reader =
  (fields: Readonly<Record<string, string>>): HeaderReader =>
  (name) =>
    fields[name] === undefined ? [] : [fields[name]];

/** '': welcome. */
export const said = (refusal: AuthRefusal | null | Promise<AuthRefusal | null>): string => {
  assert.ok(!(refusal instanceof Promise), 'it is not decided at once');
  return refusal?.message ?? '';
};

/** Looks every few milliseconds, for what a file on a disk brings. */
export async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await new Promise((resolve) => setTimeout(resolve, 2));
}
