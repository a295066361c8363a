import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Logger, pino } from 'pino';
import type { DeadLetter } from '../../../src/component/capabilities.ts';
import { createSetAside } from '../../../src/control/set-aside.ts';
import { requestsOf } from '../../../src/replay/requests.ts';
import { encodeRequest } from '../../../src/wire/reference/codec.ts';
import { readJson } from '../../../src/wire/reference/json-reader.ts';
import { makeFolder } from '../transport/tls/certificates.ts';

const json = '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"}]}]}]}';
const protobuf = Buffer.from(encodeRequest(readJson(json)));

/** Resolves with each line of the log. */
function lines(): { readonly log: Logger; next(): Promise<Record<string, unknown>> } {
  const waiting: ((line: Record<string, unknown>) => void)[] = [];
  const log = pino({}, { write: (line: string) => waiting.shift()?.(JSON.parse(line)) });
  return { log, next: () => new Promise((resolve) => waiting.push(resolve)) };
}

function keeper(kept: boolean | Error): DeadLetter & { readonly put: DeadLetter['put']; readonly asked: unknown[] } {
  const asked: unknown[] = [];
  return {
    asked,
    async put(segments, spans, why) {
      asked.push([Buffer.concat([...segments]).toString('latin1'), spans, why]);
      if (kept instanceof Error) throw kept;
      return kept;
    },
  };
}

test('without an extension for it a request becomes a file, named for what it is, that replay can read', async (t) => {
  const directory = join(makeFolder(t).path('set-aside'), 'made');
  const { log, next } = lines();
  const setAside = createSetAside(log, () => null, directory);
  for (const [bytes, isJson, extension] of [
    [protobuf, false, 'pb'],
    [Buffer.from(json), true, 'json'],
  ] as const) {
    const said = next();
    setAside(bytes, 'filter', 0, isJson);
    const { file, component } = await said;
    assert.match(String(file), new RegExp(`\\.${extension}$`));
    assert.equal(component, 'filter');
    assert.deepEqual(readFileSync(String(file)), bytes);
    assert.equal(requestsOf(readFileSync(String(file)))[0].spans, 1);
  }
  assert.equal(readdirSync(directory).length, 2);
});

test('the extension gets the spans that are known, and is told when they are in JSON', async () => {
  const { log, next } = lines();
  const letters = keeper(true);
  const setAside = createSetAside(log, () => letters, 'nowhere');
  for (const [spans, isJson, message] of [
    [7, false, 'this request made a worker fail twice'],
    [0, true, 'this request, in JSON, made a worker fail twice'],
  ] as const) {
    const said = next();
    setAside(Buffer.from('bytes'), 'filter', spans, isJson);
    await said;
    assert.deepEqual(letters.asked.at(-1), ['bytes', spans, { component: 'filter', reason: 'killed', message }]);
  }
});

test('what the extension does not keep, or fails at, becomes a file', async (t) => {
  const directory = makeFolder(t).path('set-aside');
  for (const kept of [false, new Error('broken')]) {
    const { log, next } = lines();
    const said = next();
    createSetAside(log, () => keeper(kept), directory)(protobuf, 'filter', 0, false);
    assert.deepEqual(readFileSync(String((await said).file)), protobuf);
  }
});
