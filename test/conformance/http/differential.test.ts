// The server on HTTP/1.1 of our own against the one on node:http: the same bytes, split anywhere and changed at random, make the
// same requests of both, or are refused by both; where the two may differ, ours is the stricter one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { type TestContext, test } from 'node:test';
import { createNativeHttpServer } from '../../../src/transport/http1/native/native-front.ts';
import { createNodeHttpServer } from '../../../src/transport/http1/node-front.ts';
import { type Random, seededRandom } from '../../wire/arbitraries.ts';
import { type CreateServer, type HttpBench, startHttpBench } from './http-bench.ts';

const good = [
  'POST /v1/traces HTTP/1.1\r\nHost: x\r\nUser-Agent: an exporter/1.0 (of a test, with a long name) and more of it\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nbody',
  'POST /v1/traces HTTP/1.1\r\nHost: x\r\nUser-Agent: an exporter/1.0 (of a test, with a long name) and more of it\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;e\r\nde\r\n0\r\n\r\n',
  'POST /v1/traces?q HTTP/1.1\r\nhost: x\r\nx-filler: one two three four five six seven eight nine ten eleven\r\ncontent-type: application/json; a=b\r\ncontent-length: 0\r\n\r\n',
  'GET /v1/traces HTTP/1.1\r\nHost: x\r\nUser-Agent: an exporter/1.0 (of a test, with a long name) and more of it\r\n\r\n',
  'POST /nowhere HTTP/1.1\r\nHost: x\r\nUser-Agent: an exporter/1.0 (of a test, with a long name) and more of it\r\nContent-Length: 3\r\n\r\nabc',
];

/** With one character replaced, left out or put in. */
function changed(text: string, random: Random): string {
  const at = Math.floor(random() * text.length);
  const characters = ' \t\r\n:;,0a9Z/?"\0\x80\x7f';
  const character = characters[Math.floor(random() * characters.length)];
  const kept = Math.floor(random() * 3);
  return text.slice(0, at) + (kept === 0 ? '' : character) + text.slice(kept === 2 ? at : at + 1);
}

/** What became of the bytes: bodies that were handled, statuses that were answered. */
async function outcome(
  bench: HttpBench,
  bytes: Buffer,
  random: Random,
): Promise<{ bodies: string[]; statuses: string[] }> {
  bench.method.handled.length = 0;
  bench.jsonMethod.handled.length = 0;
  const socket = net.connect(bench.port, '127.0.0.1');
  socket.on('error', () => undefined);
  let said = '';
  socket.on('data', (chunk) => {
    said += chunk.toString('latin1');
  });
  // Not `once`, which rejects when the connection is reset.
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  await once(socket, 'connect');
  for (let at = 0; at < bytes.length; ) {
    const size = random() < 0.5 ? bytes.length : 1 + Math.floor(random() * 40);
    socket.write(bytes.subarray(at, at + size));
    at += size;
    await new Promise(setImmediate);
  }
  // A last request that is never whole ends with the client.
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, said === '' ? 100 : 30))]);
  socket.destroy();
  await closed;
  const handled = [...bench.method.handled, ...bench.jsonMethod.handled];
  const bodies = handled.map(({ message }) => message.toString('latin1'));
  return { bodies, statuses: [...said.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status) };
}

async function both(t: TestContext): Promise<readonly [native: HttpBench, node: HttpBench]> {
  const start = (create: CreateServer): Promise<HttpBench> => startHttpBench(t, create);
  return [await start(createNativeHttpServer), await start(createNodeHttpServer)];
}

test('good requests make the same of both, wherever they are split', async (t) => {
  const [native, node] = await both(t);
  const random = seededRandom(1);
  for (let round = 0; round < 30; round++) {
    const bytes = Buffer.from(
      Array.from({ length: 3 }, () => good[Math.floor(random() * good.length)]).join(''),
      'latin1',
    );
    const ours = await outcome(native, bytes, random);
    assert.equal(ours.statuses.length, 3);
    const theirs = await outcome(node, bytes, random);
    assert.deepEqual(ours.statuses, theirs.statuses);
    assert.deepEqual(ours.bodies.sort(), theirs.bodies.sort());
  }
});

test('what is changed at random is taken by ours only where node:http takes it, with the same bodies', async (t) => {
  const [native, node] = await both(t);
  const random = seededRandom(2);
  let [taken, refused] = [0, 0];
  for (let round = 0; round < 150; round++) {
    const bytes = Buffer.from(changed(good[round % good.length], random), 'latin1');
    const ours = await outcome(native, bytes, random);
    const theirs = await outcome(node, bytes, random);
    const isOurs = ours.bodies.length > 0;
    // A request that lost its length has no body, and the one that was meant is what comes behind it: node:http forgets the former where
    // both are in one chunk.
    const [own, other] = [ours, theirs].map(({ bodies }) => bodies.filter((body) => body !== ''));
    if (isOurs) assert.deepEqual(own, other, JSON.stringify(bytes.toString('latin1')));
    if (isOurs) taken++;
    else refused++;
  }
  assert.ok(taken > 20 && refused > 20, `${taken} taken, ${refused} refused`);
});
