// An HTTP/2 client for tests, of frames: sends the bytes it is told to, and keeps all that comes back. Its reader shares
// nothing with the server's but the numbers of the RFC and the HPACK decoder, which has tests of its own.
import { once } from 'node:events';
import * as net from 'node:net';
import type { TestContext } from 'node:test';
import * as tls from 'node:tls';
import { flag, frameType, preface, settingsAck, settingsFrame } from '../../../src/transport/http2/frames.ts';
import { HpackDecoder } from '../../../src/transport/http2/hpack/decoder.ts';
import { pingFrame } from './client-frames.ts';
import { createObligations } from './client-obligations.ts';

export interface WireFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** What came back on one stream so far. */
export interface WireReply {
  /** Of the first header block; empty when none came. */
  headers: Readonly<Record<string, string>>;
  trailers: Readonly<Record<string, string>>;
  data: Buffer;
  /** END_STREAM came. */
  ended: boolean;
  rstCode: number | null;
}

/** How the connection ended, by the server's doing or the test's. */
export interface WireEnd {
  /** The last GOAWAY; `text`: its debug data. */
  readonly goaway: { readonly code: number; readonly lastStream: number; readonly text: string } | null;
  /** A TCP reset instead of a FIN. */
  readonly reset: boolean;
}

export interface WireClient {
  readonly socket: net.Socket;
  /** All frames that came, in order. */
  readonly frames: readonly WireFrame[];
  /** What the server's SETTINGS said, identifier to value. */
  readonly settings: ReadonlyMap<number, number>;
  /** Resolves when the bytes were given to the kernel, or the connection ended. */
  send(...bytes: readonly Uint8Array[]): Promise<void>;
  /** The first frame of all, also of those that came already, that matches; null when the connection ended without it. */
  frame(matches: (frame: WireFrame) => boolean): Promise<WireFrame | null>;
  /** What came back on a stream, now. */
  soFar(stream: number): WireReply;
  /** Resolves when the stream is over, or the connection. */
  reply(stream: number): Promise<WireReply>;
  /** A PING of its own; true when its answer came: all that was sent before was read. False: the connection ended. */
  pinged(): Promise<boolean>;
  /** What the server sent that the client's windows and settings did not let it; not for floods. */
  readonly violations: readonly string[];
  readonly ended: Promise<WireEnd>;
  hasEnded(): boolean;
  destroy(): void;
}

export interface WireOptions {
  /** Settings of the client, identifier and value. */
  readonly settings?: readonly (readonly [id: number, value: number])[];
  /** Keep nothing that comes but the first SETTINGS, GOAWAY and the answers to `pinged`: for floods. */
  readonly forgetful?: boolean;
  /** Over TLS, with whatever certificate. */
  readonly secure?: boolean;
}

/** What `pinged` sends; tests' own pings are lower. */
const firstOwnPing = 0x7000_0000;

interface Watcher {
  readonly ready: () => boolean;
  readonly resolve: () => void;
}

const unread: WireReply = { headers: {}, trailers: {}, data: Buffer.alloc(0), ended: false, rstCode: null };

/** A connection on which nothing was sent, but for TLS. After the test it is cut. */
export async function connectWire(t: TestContext, port: number, options: WireOptions = {}): Promise<WireClient> {
  const where = { port, host: '127.0.0.1', noDelay: true };
  const socket =
    options.secure === true
      ? tls.connect({ ...where, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
      : net.connect(where);
  const client = wireClient(socket, options);
  t.after(() => client.destroy());
  await Promise.race([once(socket, options.secure === true ? 'secureConnect' : 'connect'), client.ended]);
  return client;
}

/** The same after both sides' prefaces: the server's SETTINGS were read and acknowledged, and so were the client's. */
export async function openWire(t: TestContext, port: number, options: WireOptions = {}): Promise<WireClient> {
  const client = await connectWire(t, port, options);
  await client.send(preface, settingsFrame(options.settings ?? []));
  await client.frame(({ type, flags }) => type === frameType.settings && flags === 0);
  await client.frame(({ type, flags }) => type === frameType.settings && flags === flag.ack);
  await client.send(settingsAck);
  return client;
}

function wireClient(socket: net.Socket, options: WireOptions): WireClient {
  const frames: WireFrame[] = [];
  const settings = new Map<number, number>();
  const streams = new Map<number, WireReply>();
  const decoder = new HpackDecoder(tableBytes(options), 1 << 20);
  let watchers: Watcher[] = [];
  let goaway: WireEnd['goaway'] = null;
  let over: WireEnd | null = null;
  let reset = false;
  let pings = firstOwnPing;
  /** Of a block that CONTINUATION frames go on with. */
  let block: Buffer[] = [];
  let blockEndsStream = false;

  const look = (): void => {
    const ready = watchers.filter((watcher) => watcher.ready());
    if (ready.length === 0) return;
    watchers = watchers.filter((watcher) => !ready.includes(watcher));
    for (const watcher of ready) watcher.resolve();
  };
  const until = (ready: () => boolean): Promise<void> =>
    ready() ? Promise.resolve() : new Promise((resolve) => watchers.push({ ready, resolve }));

  const replyOf = (stream: number): WireReply => {
    const found = streams.get(stream);
    if (found !== undefined) return found;
    const made = { ...unread };
    streams.set(stream, made);
    return made;
  };
  const takeBlock = (stream: number): void => {
    const bytes = Buffer.concat(block);
    const fields = decoder.decode(bytes, 0, bytes.length) ?? [];
    const record = Object.fromEntries(fields.map(({ name, value }) => [name, value]));
    const reply = replyOf(stream);
    if (Object.keys(reply.headers).length === 0) reply.headers = record;
    else reply.trailers = record;
    reply.ended ||= blockEndsStream;
  };
  const obligations = createObligations();
  const take = (frame: WireFrame): void => {
    if (options.forgetful !== true) obligations.received(frame);
    const { type, flags, stream, payload } = frame;
    const kept =
      type === frameType.goaway ||
      (type === frameType.settings && frames.length < 3) ||
      (type === frameType.ping && payload.readUInt32BE(4) >= firstOwnPing);
    if (options.forgetful !== true || kept) frames.push(frame);
    if (type === frameType.settings && flags === 0) {
      for (let at = 0; at < payload.length; at += 6)
        settings.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    } else if (type === frameType.goaway) {
      const lastStream = payload.readUInt32BE(0);
      goaway = { lastStream, code: payload.readUInt32BE(4), text: payload.toString('utf8', 8) };
    } else if (options.forgetful === true) {
      return;
    } else if (type === frameType.headers || type === frameType.continuation) {
      if (type === frameType.headers) {
        block = [];
        blockEndsStream = (flags & flag.endStream) !== 0;
      }
      block.push(type === frameType.headers ? unpadded(frame) : payload);
      if ((flags & flag.endHeaders) !== 0) takeBlock(stream);
    } else if (type === frameType.data) {
      const reply = replyOf(stream);
      reply.data = Buffer.concat([reply.data, unpadded(frame)]);
      reply.ended ||= (flags & flag.endStream) !== 0;
    } else if (type === frameType.rstStream) {
      replyOf(stream).rstCode ??= payload.readUInt32BE(0);
    }
  };

  const readReceived = frameReader(take);
  socket.on('data', (chunk: Buffer) => {
    readReceived(chunk);
    look();
  });
  const readSent = frameReader(obligations.sent);
  socket.on('error', (error: NodeJS.ErrnoException) => {
    reset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
  });
  // A server that ended its half has ended the connection.
  socket.on('end', () => socket.destroy());
  const ended = new Promise<WireEnd>((resolve) => {
    socket.on('close', () => {
      over = { goaway, reset };
      resolve(over);
      look();
    });
  });

  const client: WireClient = {
    socket,
    frames,
    settings,
    violations: obligations.violations,
    ended,
    hasEnded: () => over !== null,
    soFar: replyOf,
    async send(...bytes) {
      // What is no longer writable is about to close. A write's callback is called in any case.
      if (!socket.writable) {
        await ended;
        return;
      }
      const joined = Buffer.concat(bytes);
      if (options.forgetful !== true) readSent(joined);
      await new Promise<void>((resolve) => socket.write(joined, () => resolve()));
    },
    async frame(matches) {
      await until(() => over !== null || frames.some(matches));
      return frames.find(matches) ?? null;
    },
    async reply(stream) {
      await until(() => over !== null || replyOf(stream).ended || replyOf(stream).rstCode !== null);
      return replyOf(stream);
    },
    async pinged() {
      const opaque = pings++;
      const isAnswer = ({ type, flags, payload }: WireFrame): boolean =>
        type === frameType.ping && (flags & flag.ack) !== 0 && payload.readUInt32BE(4) === opaque;
      await client.send(pingFrame(opaque));
      return (await client.frame(isAnswer)) !== null;
    },
    destroy: () => socket.destroy(),
  };
  return client;
}

/** The client's SETTINGS_HEADER_TABLE_SIZE: what the server's encoder may use. */
const tableBytes = ({ settings = [] }: WireOptions): number => settings.find(([id]) => id === 1)?.[1] ?? 4096;

/** length(24) type(8) flags(8) reserved(1) stream(31) payload: RFC 9113, 4.1. A client's preface is passed over. */
function frameReader(take: (frame: WireFrame) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = rest.subarray(0, preface.length).equals(preface) ? preface.length : 0;
    while (rest.length - at >= 9) {
      const end = at + 9 + rest.readUIntBE(at, 3);
      if (end > rest.length) break;
      const stream = rest.readUInt32BE(at + 5) & 0x7fff_ffff;
      take({ type: rest[at + 3], flags: rest[at + 4], stream, payload: Buffer.from(rest.subarray(at + 9, end)) });
      at = end;
    }
    rest = rest.subarray(at);
  };
}

function unpadded({ type, flags, payload }: WireFrame): Buffer {
  const padded = (flags & flag.padded) !== 0;
  const skip = (padded ? 1 : 0) + (type === frameType.headers && (flags & flag.priority) !== 0 ? 5 : 0);
  return payload.subarray(skip, payload.length - (padded ? payload[0] : 0));
}
