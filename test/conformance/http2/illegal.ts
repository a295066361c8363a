// What no client may send, and how a server may end it. Each line says what RFC 9113 asks for; where it leaves a choice,
// `allowed` has more than one entry and `choice` says why. Where Node's is known to do something else, `oracle` says what.
import {
  type errorCode,
  flag,
  frame,
  frameType,
  rstStreamFrame,
  settingsFrame,
  windowUpdateFrame,
} from '../../../src/transport/http2/frames.ts';
import { framed } from '../grpc/server-bench.ts';
import {
  dataFrame,
  headersFrames,
  hpackInteger,
  indexed,
  literal,
  literals,
  lyingFrame,
  pingFrame,
  priorityFrame,
  requestFields,
  requestHeaders,
} from './client-frames.ts';

/** `connection x`: GOAWAY with code x and the end; `stream x`: RST_STREAM of the named stream; `cut`: ended without GOAWAY. */
export type Ending = `connection ${keyof typeof errorCode}` | `stream ${keyof typeof errorCode}` | 'ignored' | 'cut';

export interface Streams {
  /** A call whose message is not whole yet. */
  readonly open: number;
  /** A call that was answered; both sides ended it. */
  readonly answered: number;
  /** A call that the client reset. */
  readonly reset: number;
  /** Never used, and the next that may be. */
  readonly next: number;
  /** Lower than `next`, and never used. */
  readonly passedOver: number;
}

export interface Illegal {
  readonly name: string;
  /** Section of RFC 9113. */
  readonly section: string;
  bytes(streams: Streams): Buffer;
  /** Where a stream error shows. */
  target(streams: Streams): number;
  readonly allowed: readonly Ending[];
  readonly choice?: string;
  /** What node:http2 does instead, against the RFC. */
  readonly oracle?: Ending;
}

const nothing = Buffer.alloc(0);
const four = Buffer.alloc(4);
const block = literals(requestFields());

type Make = (streams: Streams) => Buffer | readonly Buffer[];

function illegal(
  section: string,
  name: string,
  allowed: Ending | readonly Ending[],
  make: Make,
  more: { target?: keyof Streams; choice?: string; oracle?: Ending } = {},
): Illegal {
  const made = (streams: Streams): Buffer => {
    const bytes = make(streams);
    return Buffer.isBuffer(bytes) ? bytes : Buffer.concat(bytes as readonly Buffer[]);
  };
  const { target = 'open', ...notes } = more;
  return {
    section,
    name,
    bytes: made,
    target: (streams) => streams[target],
    allowed: typeof allowed === 'string' ? [allowed] : allowed,
    ...notes,
  };
}

const protocol: Ending = 'connection protocolError';
const size: Ending = 'connection frameSizeError';
const flow: Ending = 'connection flowControlError';
const compression: Ending = 'connection compressionError';

const escalates = '5.4.1: a stream error may be treated as a connection error';

const wrongSizes: readonly Illegal[] = [
  illegal('6.7', 'PING of 7 bytes', size, () => frame(frameType.ping, 0, 0, Buffer.alloc(7))),
  illegal('6.5', 'SETTINGS of 5 bytes', size, () => frame(frameType.settings, 0, 0, Buffer.alloc(5))),
  illegal('6.5', 'SETTINGS that acknowledge and have a payload', size, () =>
    frame(frameType.settings, flag.ack, 0, Buffer.alloc(6)),
  ),
  illegal('6.9', 'WINDOW_UPDATE of 3 bytes', size, () => frame(frameType.windowUpdate, 0, 0, Buffer.alloc(3))),
  illegal('6.4', 'RST_STREAM of 3 bytes', size, ({ open }) => frame(frameType.rstStream, 0, open, Buffer.alloc(3))),
  illegal(
    '6.3',
    'PRIORITY of 4 bytes',
    ['stream frameSizeError', size],
    ({ open }) => frame(frameType.priority, 0, open, four),
    { choice: `asks for a stream error; ${escalates}` },
  ),
  illegal(
    '4.2',
    'DATA longer than SETTINGS_MAX_FRAME_SIZE',
    [size, 'stream frameSizeError'],
    ({ open }) => lyingFrame(frameType.data, 0, open, Buffer.alloc(16_385), 16_385),
    { choice: '4.2: in a frame that does not change the state of the connection the error may be the stream’s' },
  ),
  illegal('4.2', 'HEADERS longer than SETTINGS_MAX_FRAME_SIZE', size, ({ next }) =>
    lyingFrame(frameType.headers, flag.endHeaders, next, Buffer.alloc(20_000), 20_000),
  ),
  illegal('6.8', 'GOAWAY of 7 bytes', size, () => frame(frameType.goaway, 0, 0, Buffer.alloc(7))),
  illegal('6.1', 'DATA padded beyond its end', protocol, ({ open }) =>
    frame(frameType.data, flag.padded, open, Buffer.of(9, 1, 2)),
  ),
  illegal('6.2', 'HEADERS padded beyond their end', protocol, ({ next }) =>
    frame(frameType.headers, flag.padded | flag.endHeaders, next, Buffer.concat([Buffer.of(255), block])),
  ),
  illegal(
    '6.1',
    'DATA with PADDED and no byte',
    [size, protocol],
    ({ open }) => frame(frameType.data, flag.padded, open, nothing),
    {
      choice: '4.2 (too small for its mandatory data) and 6.1 both speak of it',
    },
  ),
  illegal(
    '6.2',
    'HEADERS with PRIORITY and 3 bytes',
    [size, protocol],
    ({ next }) => frame(frameType.headers, flag.priority | flag.endHeaders, next, Buffer.alloc(3)),
    {
      choice: '4.2 asks for FRAME_SIZE_ERROR; nghttp2 says PROTOCOL_ERROR',
    },
  ),
];

const wrongStreams: readonly Illegal[] = [
  illegal('6.1', 'DATA on stream 0', protocol, () => dataFrame(0, four)),
  illegal('6.2', 'HEADERS on stream 0', protocol, () => requestHeaders(0)),
  illegal('6.3', 'PRIORITY on stream 0', protocol, () => priorityFrame(0, 1, 15), { oracle: 'ignored' }),
  illegal('6.4', 'RST_STREAM on stream 0', protocol, () => rstStreamFrame(0, 8)),
  illegal('6.10', 'CONTINUATION on stream 0', protocol, () => frame(frameType.continuation, flag.endHeaders, 0, block)),
  illegal('6.5', 'SETTINGS on a stream', protocol, ({ open }) => frame(frameType.settings, 0, open, nothing)),
  illegal('6.7', 'PING on a stream', protocol, ({ open }) => frame(frameType.ping, 0, open, Buffer.alloc(8))),
  illegal('6.8', 'GOAWAY on a stream', protocol, ({ open }) => frame(frameType.goaway, 0, open, Buffer.alloc(8))),
  illegal('5.1.1', 'HEADERS on an even stream', protocol, ({ next }) => requestHeaders(next + 1)),
  illegal(
    '5.1.1',
    'HEADERS on a stream that was passed over',
    [protocol, 'connection streamClosed'],
    ({ passedOver }) => requestHeaders(passedOver),
    { choice: '5.1.1 asks for PROTOCOL_ERROR, 5.1 for STREAM_CLOSED of a closed stream', oracle: 'ignored' },
  ),
  illegal('5.1', 'DATA on an idle stream', protocol, ({ next }) => dataFrame(next, four)),
  illegal('5.1', 'RST_STREAM of an idle stream', protocol, ({ next }) => rstStreamFrame(next, 8)),
  illegal('5.1', 'WINDOW_UPDATE of an idle stream', protocol, ({ next }) => windowUpdateFrame(next, 1)),
  illegal('6.10', 'CONTINUATION that continues nothing', protocol, ({ open }) =>
    frame(frameType.continuation, flag.endHeaders, open, block),
  ),
  illegal('8.4', 'PUSH_PROMISE', protocol, ({ open }) =>
    frame(frameType.pushPromise, flag.endHeaders, open, Buffer.concat([four, block])),
  ),
  illegal(
    '5.1',
    'DATA on an answered stream',
    ['stream streamClosed', 'connection streamClosed', 'ignored'],
    ({ answered }) => dataFrame(answered, four),
    { target: 'answered', choice: '5.1 lets an endpoint ignore what comes for a closed stream; nghttp2 does' },
  ),
  illegal(
    '5.1',
    'HEADERS on an answered stream',
    ['connection streamClosed', 'stream streamClosed', 'ignored'],
    ({ answered }) => requestHeaders(answered),
    { target: 'answered', choice: '5.1: MAY be a connection error STREAM_CLOSED; nghttp2 ignores them' },
  ),
  illegal(
    '5.1',
    'DATA behind one’s own RST_STREAM',
    ['stream streamClosed', 'connection streamClosed', 'ignored'],
    ({ reset }) => dataFrame(reset, four),
    { target: 'reset', choice: '5.1: STREAM_CLOSED; nghttp2 ignores frames for streams that it has forgotten' },
  ),
];

const interruptedBlocks: readonly Illegal[] = [
  ...(
    [
      ['PING', () => pingFrame(1)],
      ['DATA of another stream', ({ open }) => dataFrame(open, four)],
      ['HEADERS of another stream', ({ next }) => requestHeaders(next + 2)],
      ['CONTINUATION of another stream', ({ open }) => frame(frameType.continuation, flag.endHeaders, open, block)],
      ['an unknown frame', ({ next }) => frame(0xfe, 0, next, four)],
      ['RST_STREAM of the stream', ({ next }) => rstStreamFrame(next, 8)],
    ] as const satisfies readonly (readonly [string, (streams: Streams) => Buffer])[]
  ).map(([what, make]) =>
    illegal('6.10', `${what} inside a header block`, protocol, (streams) => [
      headersFrames(streams.next, block, { cuts: [0.5] })[0],
      make(streams),
    ]),
  ),
];

const wrongBlocks: readonly Illegal[] = (
  [
    ['an index of 0', indexed(0)],
    ['an index beyond the tables', indexed(4000)],
    ['an integer without end', Buffer.alloc(40, 0xff)],
    ['a string beyond the block', Buffer.concat([Buffer.of(0), hpackInteger(0, 7, 1000), Buffer.from('abc')])],
    ['a literal without its value', Buffer.of(0, 1, 0x61)],
    ['a table size above the announced one', hpackInteger(0x20, 5, 1 << 24)],
    ['a table size behind a field', Buffer.concat([literal('a', 'b'), hpackInteger(0x20, 5, 100)])],
    ['Huffman code with EOS', Buffer.concat([Buffer.of(0, 0x84), Buffer.alloc(4, 0xff), Buffer.of(0)])],
  ] as const
).map(([what, bytes]) =>
  illegal('4.3', `a header block with ${what}`, compression, ({ next }) =>
    headersFrames(next, Buffer.concat([block, bytes])),
  ),
);

/** RFC 7541 4.1: an entry's size is name + value + 32; both together are one byte more than the table holds. */
const [older, newer] = [literal('x-a', 'v'.repeat(2000), 0x40), literal('x-b', 'v'.repeat(2027), 0x40)];
const evicted: readonly Illegal[] = [
  illegal('4.3', 'a field that left the table when another came', compression, ({ next }) => [
    ...headersFrames(next, Buffer.concat([block, older, newer])),
    ...headersFrames(next + 2, Buffer.concat([block, indexed(63)])),
  ]),
  illegal('4.3', 'a field that left the table when that became smaller', compression, ({ next }) => [
    ...headersFrames(next, Buffer.concat([block, literal('x-a', 'a', 0x40)])),
    ...headersFrames(next + 2, Buffer.concat([hpackInteger(0x20, 5, 0), block, indexed(62)])),
  ]),
];

const wrongValues: readonly Illegal[] = [
  illegal('6.9', 'WINDOW_UPDATE by 0 on the connection', protocol, () => windowUpdateFrame(0, 0)),
  illegal(
    '6.9',
    'WINDOW_UPDATE by 0 on a stream',
    ['stream protocolError', protocol],
    ({ open }) => windowUpdateFrame(open, 0),
    {
      choice: escalates,
    },
  ),
  illegal('6.9.1', 'WINDOW_UPDATE of the connection beyond 2^31-1', flow, () => [
    windowUpdateFrame(0, 0x7fff_ffff),
    windowUpdateFrame(0, 0x7fff_ffff),
  ]),
  illegal(
    '6.9.1',
    'WINDOW_UPDATE of a stream beyond 2^31-1',
    ['stream flowControlError', flow],
    ({ open }) => [windowUpdateFrame(open, 0x7fff_ffff), windowUpdateFrame(open, 0x7fff_ffff)],
    { choice: escalates },
  ),
  illegal('6.9.2', 'an initial window that lifts a stream’s beyond 2^31-1', flow, ({ open }) => [
    windowUpdateFrame(open, 0x7fff_ffff - 65_535),
    settingsFrame([[4, 0x7fff_ffff]]),
  ]),
  illegal('6.5.2', 'SETTINGS_ENABLE_PUSH of 2', protocol, () => settingsFrame([[2, 2]])),
  illegal('6.5.2', 'SETTINGS_INITIAL_WINDOW_SIZE of 2^31', flow, () => settingsFrame([[4, 0x8000_0000]])),
  illegal('6.5.2', 'SETTINGS_MAX_FRAME_SIZE of 16383', protocol, () => settingsFrame([[5, 16_383]])),
  illegal('6.5.2', 'SETTINGS_MAX_FRAME_SIZE of 2^24', protocol, () => settingsFrame([[5, 1 << 24]])),
  illegal(
    '6.5.3',
    'an acknowledgement of SETTINGS that were not sent',
    ['ignored', protocol],
    () => frame(frameType.settings, flag.ack, 0, nothing),
    { choice: 'the RFC says nothing of it' },
  ),
  illegal('6.7', 'the answer to a PING that was not sent', 'ignored', () => pingFrame(77, flag.ack), {
    oracle: 'connection internalError',
  }),
  illegal(
    '8.1',
    'trailers that do not end the stream',
    ['stream protocolError', protocol],
    ({ open }) => headersFrames(open, literals([['x-trailer', 'a']])),
    { choice: escalates },
  ),
  illegal(
    '8.1',
    'a pseudo-header among trailers',
    ['stream protocolError', protocol],
    ({ open }) => headersFrames(open, literals([[':path', '/']]), { endStream: true }),
    { choice: escalates },
  ),
];

const wrongLengths: readonly Illegal[] = ['1', '1000'].map((length) =>
  illegal(
    '8.1.1',
    `25 bytes under a content-length of ${length}`,
    ['stream protocolError', protocol],
    ({ next }) => [
      requestHeaders(next, requestFields({}, [['content-length', length]])),
      dataFrame(next, framed(Buffer.alloc(20)), true),
    ],
    { target: 'next', choice: escalates, ...(length === '1' ? { oracle: 'connection internalError' } : {}) },
  ),
);

export const illegals: readonly Illegal[] = [
  ...wrongSizes,
  ...wrongStreams,
  ...interruptedBlocks,
  ...wrongBlocks,
  ...evicted,
  ...wrongValues,
  ...wrongLengths,
];
