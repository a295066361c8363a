// The backend's side of unary gRPC: takes whole messages, answers from a template. It looks at no request header: whatever
// is called, the message is taken as an export.
import { createServer, type Server, type Socket } from 'node:net';
import {
  defaultMaxFrame,
  defaultWindow,
  flag,
  frame,
  frameType,
  largestWindow,
  preface,
  setting,
  settingsFrame,
  windowUpdateFrame,
} from '../../src/transport/http2/frames.ts';
import { encodeHeaders } from '../../src/transport/http2/hpack/encoder.ts';
import { takePing, takeSettings } from './control.ts';
import { createFrameReader, type FrameHandler } from './frame-reader.ts';
import { createOutbox, type Outbox } from './outbox.ts';

/** Takes one message without its prefix, valid during the call only. `answer: false`: it is left without a reply. */
export type MessageHandler = (message: Buffer, compressed: boolean) => { readonly answer: boolean };

export interface UnaryServer {
  readonly port: number;
  close(): void;
}

interface Message {
  /** Prefix and body; grows when the prefix is known. */
  buffer: Buffer;
  used: number;
}

const messagePrefixBytes = 5;
const emptyReplyBytes = 5;
const smallestBuffer = 64 * 1024;
const buffersKept = 16;
/** Request bytes taken before the connection's window is opened again. */
const windowStep = 1 << 22;

const replyHeaders = frame(
  frameType.headers,
  flag.endHeaders,
  0,
  encodeHeaders([
    [':status', '200'],
    ['content-type', 'application/grpc'],
  ]),
);
const replyData = frame(frameType.data, 0, 0, Buffer.alloc(emptyReplyBytes));
const replyTrailers = frame(
  frameType.headers,
  flag.endHeaders | flag.endStream,
  0,
  encodeHeaders([['grpc-status', '0']]),
);
const reply = Buffer.concat([replyHeaders, replyData, replyTrailers]);
/** Where the stream ids stand in `reply`. */
const replyStreamsAt = [5, replyHeaders.length + 5, replyHeaders.length + replyData.length + 5];

// Stream windows are as large as can be: a backend that takes a message takes all of it.
const hello = Buffer.concat([
  settingsFrame([
    [setting.headerTableSize, 0],
    [setting.initialWindowSize, largestWindow],
  ]),
  windowUpdateFrame(0, largestWindow - defaultWindow),
]);

/** Buffers that messages are gathered in, used again by later ones. */
function createBuffers() {
  const free: Buffer[] = [];
  return {
    take(bytes: number): Buffer {
      const i = free.findIndex((buffer) => buffer.length >= bytes);
      if (i >= 0) return free.splice(i, 1)[0];
      return Buffer.allocUnsafeSlow(Math.max(smallestBuffer, 2 ** Math.ceil(Math.log2(bytes))));
    },
    give(buffer: Buffer): void {
      free.push(buffer);
      // The smallest go first: they are the cheapest to make again.
      if (free.length > buffersKept) free.sort((a, b) => b.length - a.length).pop();
    },
  };
}
type Buffers = ReturnType<typeof createBuffers>;

class ServerConnection implements FrameHandler {
  readonly #outbox: Outbox;
  readonly #buffers: Buffers;
  readonly #handler: MessageHandler;
  readonly #messages = new Map<number, Message>();
  /** Streams whose reply waits for the client's connection window. */
  readonly #waiting: number[] = [];
  #sendWindow = defaultWindow;
  #received = 0;

  constructor(socket: Socket, handler: MessageHandler, buffers: Buffers) {
    this.#outbox = createOutbox(socket);
    this.#handler = handler;
    this.#buffers = buffers;
    let prefaceLeft = preface.length;
    const reader = createFrameReader(this, defaultMaxFrame);
    socket.on('data', (chunk) => {
      const skip = Math.min(prefaceLeft, chunk.length);
      prefaceLeft -= skip;
      try {
        if (chunk.length > skip) reader.push(skip === 0 ? chunk : chunk.subarray(skip));
        this.#outbox.flush();
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      for (const stream of [...this.#messages.keys()]) this.#forget(stream);
    });
    this.#outbox.put(hello, 0, hello.length);
  }

  frame(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    if (type === frameType.settings) takeSettings(bytes, start, end, flags, this.#outbox, () => {});
    else if (type === frameType.ping) takePing(bytes, start, end, flags, this.#outbox);
    else if (type === frameType.rstStream) this.#forget(stream);
    else if (type === frameType.windowUpdate && stream === 0) {
      this.#sendWindow += bytes.readUInt32BE(start) & largestWindow;
      while (this.#waiting.length > 0 && this.#sendWindow >= emptyReplyBytes) this.#reply(this.#waiting.shift() ?? 0);
    }
  }

  data(stream: number, bytes: Buffer, start: number, end: number, flowBytes: number, last: boolean): void {
    this.#received += flowBytes;
    if (this.#received >= windowStep) {
      const update = windowUpdateFrame(0, this.#received);
      this.#outbox.put(update, 0, update.length);
      this.#received = 0;
    }
    this.#append(stream, bytes, start, end);
    if (last) this.#complete(stream);
  }

  #append(stream: number, bytes: Buffer, start: number, end: number): void {
    let message = this.#messages.get(stream);
    if (message === undefined) {
      // Most often the first piece holds the prefix, which tells how much comes.
      const announced = end - start >= messagePrefixBytes ? bytes.readUInt32BE(start + 1) + messagePrefixBytes : 0;
      message = { buffer: this.#buffers.take(Math.max(announced, end - start)), used: 0 };
      this.#messages.set(stream, message);
    }
    const used = message.used + end - start;
    if (used > message.buffer.length) {
      const larger = this.#buffers.take(used * 2);
      message.buffer.copy(larger, 0, 0, message.used);
      this.#buffers.give(message.buffer);
      message.buffer = larger;
    }
    bytes.copy(message.buffer, message.used, start, end);
    message.used = used;
  }

  #forget(stream: number): void {
    const message = this.#messages.get(stream);
    if (message === undefined) return;
    this.#messages.delete(stream);
    this.#buffers.give(message.buffer);
  }

  #complete(stream: number): void {
    const message = this.#messages.get(stream);
    if (message === undefined) return;
    const { buffer, used } = message;
    if (used < messagePrefixBytes || buffer.readUInt32BE(1) !== used - messagePrefixBytes) {
      throw new RangeError(`message of ${used} bytes does not have the length that its prefix says`);
    }
    const { answer } = this.#handler(buffer.subarray(messagePrefixBytes, used), buffer[0] === 1);
    this.#forget(stream);
    if (!answer) return;
    if (this.#sendWindow >= emptyReplyBytes) this.#reply(stream);
    else this.#waiting.push(stream);
  }

  #reply(stream: number): void {
    this.#sendWindow -= emptyReplyBytes;
    const at = this.#outbox.reserve(reply.length);
    reply.copy(this.#outbox.block, at);
    for (const offset of replyStreamsAt) this.#outbox.block.writeUInt32BE(stream, at + offset);
  }
}

/** Listens on `host`; port 0 takes any free one. A connection whose bytes make no sense is closed. */
export function serveUnary(host: string, port: number, handler: MessageHandler): Promise<UnaryServer> {
  const sockets = new Set<Socket>();
  const buffers = createBuffers();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    new ServerConnection(socket, handler, buffers);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new TypeError('listening without a port');
      resolve({
        port: address.port,
        close() {
          server.close();
          for (const socket of sockets) socket.destroy();
        },
      });
    });
  });
}
