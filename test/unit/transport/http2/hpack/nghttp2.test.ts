// An encoder and a decoder that are not ours: nghttp2, as node:http2 has it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, sensitiveHeaders } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameReader } from '../../../../../src/transport/http2/frame-reader.ts';
import {
  defaultMaxFrame,
  flag,
  frame,
  frameType,
  preface,
  setting,
  settingsAck,
  settingsFrame,
} from '../../../../../src/transport/http2/frames.ts';
import { type HeaderBlock, HeaderBlocks } from '../../../../../src/transport/http2/header-blocks.ts';
import { HpackDecoder } from '../../../../../src/transport/http2/hpack/decoder.ts';
import { encodeHeaders } from '../../../../../src/transport/http2/hpack/encoder.ts';

type Field = readonly [name: string, value: string];
const listBytes = 1 << 20;

interface RawServer {
  readonly port: number;
  close(): void;
}

/** Takes one connection, says `settings`, and shows each header block, which is valid during the call only. */
async function rawServer(
  settings: readonly (readonly [number, number])[],
  onBlock: (socket: Socket, block: HeaderBlock) => void,
): Promise<RawServer> {
  const blocks = new HeaderBlocks(listBytes);
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.write(settingsFrame(settings));
    const reader = new FrameReader(
      {
        isFull: false,
        frame(type, flags, stream, bytes, start, end) {
          if (type === frameType.settings && !(flags & flag.ack)) socket.write(settingsAck);
          if (type !== frameType.headers && type !== frameType.continuation) return;
          const block =
            type === frameType.headers
              ? blocks.headers(flags, stream, bytes, start, end)
              : blocks.continuation(flags, bytes, start, end);
          if (block !== null) onBlock(socket, block);
        },
        dataBegins() {},
        data: (_bytes, _start, end) => end,
        dataEnds() {},
      },
      defaultMaxFrame,
    );
    let skip = preface.length;
    socket.on('data', (chunk) => {
      const taken = Math.min(skip, chunk.length);
      skip -= taken;
      reader.push(chunk, taken, chunk.length);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

const visible = Array.from({ length: 0x7f - 0x21 }, (_, i) => String.fromCharCode(0x21 + i));
const high = Array.from({ length: 0x80 }, (_, i) => String.fromCharCode(0x80 + i));
const word = (maxLength: number) => fc.string({ unit: fc.constantFrom(...visible, ...high), minLength: 1, maxLength });
const value = fc.oneof(
  { weight: 6, arbitrary: word(40) },
  { weight: 1, arbitrary: fc.tuple(word(20), word(20)).map((words) => words.join(' ')) },
  { weight: 1, arbitrary: fc.tuple(word(20), word(20)).map((words) => words.join('\t')) },
  { weight: 1, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.integer({ min: 1000, max: 20_000 }).map((length) => 'long '.repeat(length / 5).trim()) },
);
const name = fc.oneof(
  fc.constantFrom('grpc-timeout', 'user-agent', 'x-tenant', 'accept', 'traceparent', 'content-type'),
  fc.stringMatching(/^x-[a-z0-9.-]{1,30}$/),
);

/** Requests of which many repeat fields of others; a third of the fields of each is never to be indexed. */
function someRequests(seed: number): { fields: Field[]; secret: Set<string> }[] {
  const pool = fc.sample(fc.tuple(name, value), { seed, numRuns: 60 });
  const picks = fc.sample(fc.array(fc.nat(pool.length - 1), { maxLength: 12 }), { seed, numRuns: 300 });
  return picks.map((picked, request) => {
    const fields = new Map(picked.map((i) => pool[i]));
    fields.set('x-fresh', `${seed}-${request}`);
    fields.set(`x-secret-${request % 7}`, `hidden ${request % 3}`);
    const secret = [...fields.keys()].filter((key, i) => key.startsWith('x-secret') || i % 3 === 2);
    return { fields: [...fields], secret: new Set(secret) };
  });
}

const pseudo: readonly Field[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':authority', 'some.where:4317'],
  [':path', '/a.package.Service/Method'],
];
const sorted = (fields: readonly Field[]): string[] => fields.map(([key, text]) => `${key}: ${text}`).sort();

function send(session: ClientHttp2Session, fields: readonly Field[], secret: ReadonlySet<string>): void {
  const headers = { ...Object.fromEntries([...pseudo, ...fields]), [sensitiveHeaders]: [...secret] };
  // The server answers nothing, and the connection is ended before it could.
  session.request(headers, { endStream: true }).on('error', () => {});
}

for (const tableBytes of [0, 100, 256, 4096, 65_536]) {
  test(`blocks that nghttp2 encoded for a table of ${tableBytes} bytes are the fields that went in`, async () => {
    const seed = 20_000 + tableBytes;
    const requests = someRequests(seed);
    const decoder = new HpackDecoder(tableBytes, listBytes);
    const versions = new Set<number>();
    let tableMost = 0;
    let blockBytes = 0;
    let fieldBytes = 0;
    let seen = 0;
    const done = Promise.withResolvers<void>();
    const server = await rawServer([[setting.headerTableSize, tableBytes]], (_socket, block) => {
      try {
        const { fields, secret } = requests[seen++];
        const decoded = decoder.decode(block.bytes, block.start, block.end)?.map((f): Field => [f.name, f.value]);
        assert.deepEqual(sorted(decoded ?? []), sorted([...pseudo, ...fields]), `seed ${seed}, request ${seen}`);
        const entries = decoder.entries();
        assert.ok(
          entries.every((entry) => !secret.has(entry.name) || !entry.value.startsWith('hidden')),
          'a never-indexed field is in the table',
        );
        versions.add(decoder.version);
        const used = entries.reduce((sum, entry) => sum + entry.name.length + entry.value.length + 32, 0);
        tableMost = Math.max(tableMost, used);
        blockBytes += block.end - block.start;
        for (const [key, text] of [...pseudo, ...fields]) fieldBytes += key.length + text.length;
        if (seen === requests.length) done.resolve();
      } catch (error) {
        done.reject(error);
      }
    });
    const session = connect(`http://127.0.0.1:${server.port}`, { maxDeflateDynamicTableSize: 65_536 });
    session.on('error', done.reject);
    try {
      await once(session, 'remoteSettings');
      for (const { fields, secret } of requests) send(session, fields, secret);
      await done.promise;
    } finally {
      session.destroy();
      server.close();
    }
    // That it was compression: the table was used where there is one, and the Huffman code.
    assert.ok(tableMost <= tableBytes && tableMost >= tableBytes / 2, `${tableMost} bytes of table`);
    assert.ok(tableBytes === 0 || versions.size > 100, `${versions.size} versions`);
    assert.ok(blockBytes < fieldBytes * 0.9, `${blockBytes} bytes for ${fieldBytes}`);
  });
}

for (const tableBytes of [0, 4096]) {
  test(`blocks of ours are read by nghttp2 with a table of ${tableBytes} bytes`, async () => {
    const responses = someRequests(7).map(({ fields }) => fields);
    let answered = 0;
    const server = await rawServer([], (socket, { stream }) => {
      const block = encodeHeaders([[':status', '200'], ...responses[answered]]);
      // RFC 7541 4.2: a peer that lowered the maximum wants to be told of the new one in the first block after that.
      const update = answered++ === 0 && tableBytes === 0 ? Buffer.of(0x20) : Buffer.alloc(0);
      const whole = Buffer.concat([update, block]);
      const first = whole.subarray(0, defaultMaxFrame);
      const rest = whole.subarray(first.length);
      const flags = flag.endStream | (rest.length === 0 ? flag.endHeaders : 0);
      socket.write(frame(frameType.headers, flags, stream, first));
      for (let at = 0; at < rest.length; at += defaultMaxFrame) {
        const last = at + defaultMaxFrame >= rest.length;
        const part = rest.subarray(at, at + defaultMaxFrame);
        socket.write(frame(frameType.continuation, last ? flag.endHeaders : 0, stream, part));
      }
    });
    const session = connect(`http://127.0.0.1:${server.port}`, {
      settings: { headerTableSize: tableBytes, maxHeaderListSize: listBytes },
      maxSendHeaderBlockLength: listBytes,
    });
    try {
      await once(session, 'localSettings');
      for (const fields of responses) {
        const request = session.request(Object.fromEntries(pseudo), { endStream: true });
        const [, , raw] = (await once(request, 'response')) as [unknown, unknown, string[]];
        request.resume();
        const pairs = raw.flatMap((key, i): Field[] => (i % 2 === 0 ? [[key, raw[i + 1]]] : []));
        assert.deepEqual(pairs, [[':status', '200'], ...fields]);
      }
      assert.equal(answered, responses.length);
    } finally {
      session.destroy();
      server.close();
    }
  });
}
