// The calls that the differential test makes: good ones, ones that gRPC refuses, and ones that HTTP refuses.
import * as zlib from 'node:zlib';
import { framed, pattern } from '../grpc/server-bench.ts';
import { type Field, requestFields } from './client-frames.ts';

/** How the test method answers, by the fifth byte of a message. */
export const answers = [
  null,
  { code: 3, message: 'bad request' },
  { code: 8, message: 'naïve — 100 % 😀' },
  { code: 14, message: 'later', details: pattern(40) },
] as const;

/** Bytes that name their stream (0 to 3) and the answer (4) where they are long enough. */
export function messageOf(stream: number, answer: number, size: number): Buffer {
  const message = pattern(size);
  if (size < 5) return message;
  message.writeUInt32BE(stream, 0);
  message[4] = answer;
  return message;
}

export interface Flavour {
  readonly name: string;
  readonly fields: readonly Field[];
  body(message: Buffer): Buffer;
}

const plain = (message: Buffer): Buffer => framed(message);

function flavour(name: string, fields: readonly Field[] = requestFields(), body = plain): Flavour {
  return { name, fields, body };
}

/** The first is drawn as often as all others together. */
export const flavours: readonly Flavour[] = [
  flavour('good'),
  flavour('gzip', requestFields({}, [['grpc-encoding', 'gzip']]), (m) => framed(zlib.gzipSync(m, { level: 1 }), 1)),
  flavour('zstd', requestFields({}, [['grpc-encoding', 'zstd']]), (m) => framed(zlib.zstdCompressSync(m), 1)),
  flavour('identity', requestFields({}, [['grpc-encoding', 'identity']])),
  flavour('with a timeout', requestFields({}, [['grpc-timeout', '60S']])),
  flavour('content-type with a suffix', requestFields({ 'content-type': 'application/grpc+proto' })),
  flavour('without te', requestFields({ te: null })),
  flavour('without :authority, with host', requestFields({ ':authority': null }, [['host', 'example']])),
  flavour('unknown method', requestFields({ ':path': '/nothing.Here/Export' })),
  flavour('GET', requestFields({ ':method': 'GET' })),
  flavour('content-type of something else', requestFields({ 'content-type': 'text/plain' })),
  flavour('without content-type', requestFields({ 'content-type': null })),
  flavour('unknown encoding', requestFields({}, [['grpc-encoding', 'br']])),
  flavour('wrong timeout', requestFields({}, [['grpc-timeout', '1x']])),
  flavour('flagged as compressed without an encoding', requestFields(), (m) => framed(m, 1)),
  flavour('flag of 2', requestFields(), (m) => framed(m, 2)),
  flavour('no message', requestFields(), () => Buffer.alloc(0)),
  flavour('half a prefix', requestFields(), () => Buffer.alloc(3)),
  flavour('ends early', requestFields(), (m) => framed(m, 0, m.length + 7)),
  flavour('goes on', requestFields(), (m) => Buffer.concat([framed(m), pattern(9)])),
  flavour('two messages', requestFields(), (m) => Buffer.concat([framed(m), framed(m)])),
  flavour('too large', requestFields(), (m) => framed(m.subarray(0, 100), 0, 5 << 20)),
  flavour('gzip that is not', requestFields({}, [['grpc-encoding', 'gzip']]), () => framed(pattern(50), 1)),
];

/** Requests that are malformed (RFC 9113 8.1.1): a stream error PROTOCOL_ERROR, and the connection goes on. */
export const malformed: readonly (readonly [name: string, fields: readonly Field[]])[] = [
  // 8.2.1: "A field name MUST NOT contain characters in the ranges 0x00-0x20, 0x41-0x5a, or 0x7f-0xff".
  ['an upper-case name', requestFields({}, [['X-Upper', 'a']])],
  // 8.2.2
  ['connection', requestFields({}, [['connection', 'keep-alive']])],
  ['transfer-encoding', requestFields({}, [['transfer-encoding', 'chunked']])],
  ['te other than trailers', requestFields({ te: 'gzip' })],
  // 8.3, 8.3.1
  ['an unknown pseudo-header', requestFields().toSpliced(4, 0, [':unknown', 'a'])],
  ['a response pseudo-header', requestFields().toSpliced(4, 0, [':status', '200'])],
  ['a pseudo-header behind others', [...requestFields({ ':authority': null }), [':authority', 'a']]],
  ['a pseudo-header twice', requestFields().toSpliced(1, 0, [':method', 'POST'])],
  ['no :method', requestFields({ ':method': null })],
  ['no :path', requestFields({ ':path': null })],
  ['no :scheme', requestFields({ ':scheme': null })],
  ['an empty :path', requestFields({ ':path': '' })],
  // RFC 9110 8.6, and 8.1.1 of RFC 9113: they cannot both be the length of the content
  [
    'two content-lengths',
    requestFields({}, [
      ['content-length', '9'],
      ['content-length', '10'],
    ]),
  ],
];

/** The same, but nghttp2 leaves such a field out (NGHTTP2_ERR_IGN_HTTP_HEADER) and Node serves the rest: not in random conversations. */
export const leftOut: typeof malformed = [
  // 8.2.1
  ['a name with a space', requestFields({}, [['x y', 'a']])],
  ['an empty name', requestFields({}, [['', 'a']])],
  ['a name with a colon inside', requestFields({}, [['x:y', 'a']])],
  // 8.2.1: "A field value MUST NOT contain the zero value (ASCII NUL, 0x00), line feed (ASCII LF, 0x0a), or carriage return (ASCII CR,
  // 0x0d) at any position."
  ['a value with a line feed', requestFields({}, [['x-value', 'a\nb']])],
  ['a value with a carriage return', requestFields({}, [['x-value', 'a\rb']])],
  ['a value with a zero', requestFields({}, [['x-value', 'a\0b']])],
];
