// The server's side of one HTTP/2 connection (RFC 9113): what is read when, the preface, back-pressure, its end. Frames are
// cut by frame-reader.ts, server-frames.ts knows what they mean, server-streams.ts has the streams.
import type { Socket } from 'node:net';
import type { CallShared } from '../call-port.ts';
import { type ConnectionControl, ConnectionLife } from '../connection-life.ts';
import type { FloodKind, PingPolicy, ServerCounters, ServerLimits } from '../grpc-server.ts';
import { ConnectionError } from './connection-error.ts';
import { FrameBudget } from './frame-budget.ts';
import { FrameReader } from './frame-reader.ts';
import { defaultMaxFrame, errorCode, goawayFrame, preface } from './frames.ts';
import { Outbox } from './outbox.ts';
import { ReplySender } from './reply-sender.ts';
import type { RequestHeads } from './request-heads.ts';
import { ServerFrames } from './server-frames.ts';
import { ServerStreams } from './server-streams.ts';
import type { Http2Stream } from './stream.ts';

/** What all connections of a server share. */
export interface ConnectionHost {
  readonly shared: CallShared<Http2Stream, ServerConnection>;
  readonly limits: ServerLimits;
  readonly counters: ServerCounters;
  readonly pings: PingPolicy;
  readonly maxConnectionAgeMs: number;
  /** The server's connection preface: SETTINGS, and the window of the connection. */
  readonly hello: Buffer;
  requestHeads(): RequestHeads;
  closed(connection: ServerConnection): void;
}

/** How long a client that was told why it is cut may take to read it. */
const lingerMs = 1000;
/** About as long as a call waits for a place. */
const impatientMs = 250;

export class ServerConnection implements ConnectionControl {
  readonly peer: string;
  readonly life: ConnectionLife;
  readonly streams: ServerStreams;
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #outbox: Outbox;
  readonly #sender: ReplySender;
  readonly #frames: ServerFrames;
  readonly #reader: FrameReader;
  readonly #budget: FrameBudget;
  readonly #bornAt = performance.now();
  /** Of the client's preface. */
  #prefaceSeen = 0;
  #ended = false;
  /** Set at its end, for a client that does not close. */
  readonly #lastTimers: NodeJS.Timeout[] = [];
  /** When the chunk came that is being read. Of performance.now(), as all times here. */
  now = 0;
  /** Streams whose calls wait for a place. Nothing is read meanwhile; what is left of the last chunk is in `#rest`. */
  #waiting = 0;
  /** Since when they do, and for how long others did before. Milliseconds. */
  #pausedSince = 0;
  #pausedMs = 0;
  #rest: Buffer | null = null;
  /** Before this no call waits for a place. Of performance.now(). */
  #patientFrom = 0;
  /** Since when the client does not read what it is sent; 0: it does. */
  #unreadSince = 0;
  /** How many frames there were when the sweep last looked, and since when it finds the same one unfinished; 0: none. */
  #sweptFrames = 0;
  #midFrameSince = 0;

  constructor(socket: Socket, peer: string, host: ConnectionHost) {
    this.peer = peer;
    this.#socket = socket;
    this.#host = host;
    this.#budget = new FrameBudget(host.limits.maxConcurrentStreams);
    this.#outbox = new Outbox(socket);
    this.#sender = new ReplySender(this.#outbox, (stream) => this.streams.replied(stream));
    this.streams = new ServerStreams(this, host, this.#outbox, this.#sender);
    this.#frames = new ServerFrames(this, host, this.streams, this.#sender, this.#outbox);
    this.#reader = new FrameReader(this.#frames, defaultMaxFrame);
    this.life = new ConnectionLife(this, host.maxConnectionAgeMs);
    // What a broken socket says is told by its close too.
    socket.on('error', () => undefined);
    socket.on('drain', () => this.#drained());
    socket.on('close', () => this.#closed());
    this.#outbox.put(host.hello);
  }

  get ended(): boolean {
    return this.#ended;
  }
  readonly readsBehindGoaway = true;

  bytesRead(): number {
    return this.#socket.bytesRead;
  }

  /** The next bytes of the connection, `bytes[0 … length)`, which are not kept. */
  read(bytes: Buffer, length: number): void {
    if (this.#ended) return;
    if (this.#rest !== null) {
      // TLS gives what it has decrypted although it was told to pause.
      const rest = this.#rest;
      this.#dropRest();
      this.#keepRest(Buffer.concat([rest, bytes.subarray(0, length)]));
      return;
    }
    this.now = performance.now();
    const taken = this.#push(bytes, length);
    if (this.#ended) return;
    if (taken < length) this.#keepRest(Buffer.from(bytes.subarray(taken, length)));
    if (this.#unreadSince === 0 && this.#outbox.isFull) {
      this.#unreadSince = this.now;
      this.#socket.pause();
    }
  }

  /** Returns where it stopped: a call waits for a place there, or too much of what was answered is not read. */
  #push(bytes: Buffer, length: number): number {
    try {
      const at = this.#prefaceSeen < preface.length ? this.#readPreface(bytes, length) : 0;
      return this.#reader.push(bytes, at, length);
    } catch (error) {
      if (!(error instanceof ConnectionError)) {
        // A fault of ours: who logs it must hear of it, and what is left of the connection makes no sense any more.
        this.#fail(new ConnectionError(errorCode.internalError, 'internal error'));
        throw error;
      }
      this.#fail(error);
      return length;
    }
  }

  /**
   * 3.4: "Clients and servers MUST treat an invalid connection preface as a connection error of type PROTOCOL_ERROR. A GOAWAY
   * frame MAY be omitted in this case, since an invalid preface indicates that the peer is not using HTTP/2."
   */
  #readPreface(bytes: Buffer, length: number): number {
    let at = 0;
    while (this.#prefaceSeen < preface.length && at < length) {
      if (bytes[at++] !== preface[this.#prefaceSeen++]) {
        throw new ConnectionError(errorCode.protocolError, 'this port speaks HTTP/2 with prior knowledge only');
      }
    }
    return at;
  }

  /** A frame came that brings nothing forward. Throws ConnectionError when there were too many. */
  spend(kind: FloodKind): void {
    if (this.#ended || this.#budget.spend(kind)) return;
    throw new ConnectionError(errorCode.enhanceYourCalm, `too many frames of no use: ${kind}`, kind);
  }

  /** A request was answered with OK. */
  earn(): void {
    this.#budget.earn();
  }

  streamClosed(stream: Http2Stream): void {
    if (stream.waits) this.goOn(stream);
    const { life } = this;
    life.streamsNow--;
    if (life.streamsNow === 0) life.idle();
    if (life.streamsNow === 0 && this.streams.isFinishing) this.#end(this.#host.limits.stallTimeoutMs);
  }

  /**
   * The stream's call is to wait for a place: nothing more is read. False when one has just waited in vain: what its client
   * sent behind it would wait as long again, one after the other.
   */
  hold(stream: Http2Stream): boolean {
    if (this.now < this.#patientFrom) return false;
    stream.waits = true;
    if (this.#waiting++ > 0) return true;
    this.#pausedSince = performance.now();
    this.#socket.pause();
    return true;
  }

  /** For how long it was not read because calls waited. Milliseconds. */
  pausedMs(now: number): number {
    return this.#pausedMs + (this.#waiting === 0 ? 0 : now - this.#pausedSince);
  }

  /** No call waits for a place for a while. */
  losePatience(): void {
    this.#patientFrom = performance.now() + impatientMs;
  }

  /** The stream's call waits no longer. */
  goOn(stream: Http2Stream): void {
    if (!stream.waits) return;
    stream.waits = false;
    if (--this.#waiting === 0) this.#pausedMs += performance.now() - this.#pausedSince;
    // Not here: who calls may be reading from the chunk that is the rest.
    queueMicrotask(() => this.#readRest());
  }

  #keepRest(rest: Buffer): void {
    const { counters, limits } = this.#host;
    this.#rest = rest;
    counters.heldBytesNow += rest.length;
    if (counters.heldBytesNow <= limits.maxHeldBytes) return;
    this.losePatience();
    for (const stream of this.streams.open.all()) if (stream.waits) stream.call?.refuseOverBudget();
  }

  #dropRest(): Buffer | null {
    const rest = this.#rest;
    this.#rest = null;
    if (rest !== null) this.#host.counters.heldBytesNow -= rest.length;
    return rest;
  }

  #readRest(): void {
    if (this.#ended || this.#unreadSince !== 0) return;
    const rest = this.#dropRest();
    if (rest !== null) this.read(rest, rest.length);
    if (this.#waiting === 0 && this.#rest === null && this.#unreadSince === 0) this.#socket.resume();
  }

  /** The client has read what it was sent. */
  #drained(): void {
    this.#outbox.isFull = false;
    if (this.#unreadSince === 0) return;
    this.#unreadSince = 0;
    this.#readRest();
  }

  /** Looks once at what a client leaves unfinished. */
  sweep(now: number): void {
    if (this.#ended) return;
    const { handshakeTimeoutMs, stallTimeoutMs } = this.#host.limits;
    if (!this.#frames.isGreeted && now - this.#bornAt >= handshakeTimeoutMs) {
      this.#cut('handshake');
    } else if (this.#unreadSince !== 0 && now - this.#unreadSince >= stallTimeoutMs) {
      this.#cut('unread');
    } else if (now - this.#unfinishedSince(now) >= stallTimeoutMs) {
      this.#cut('stalled');
    } else {
      for (;;) {
        // It gives no window for replies: those streams are of no use to it.
        const stream = this.#sender.waitingFor(stallTimeoutMs, now);
        if (stream === null) break;
        this.streams.reset(stream, errorCode.cancel);
      }
    }
  }

  /** Since when a frame or a header block is unfinished; `now`: there is none. */
  #unfinishedSince(now: number): number {
    const { blockSince, count } = this.#frames;
    if (blockSince !== 0) return blockSince;
    if (!this.#reader.isMidFrame) this.#midFrameSince = 0;
    // A connection that is busy may be in the middle of a frame whenever it is looked at; but not of the same.
    else if (this.#midFrameSince === 0 || count !== this.#sweptFrames) this.#midFrameSince = now;
    this.#sweptFrames = count;
    return this.#midFrameSince === 0 ? now : this.#midFrameSince;
  }

  #cut(kind: FloodKind): void {
    this.#host.counters.floods[kind]++;
    this.destroy();
  }

  ping(answered: () => void): void {
    this.#frames.ping(answered);
  }

  goaway(code: number, lastStream: number, text: string): void {
    // 6.8: it names the last stream "for which the sender of the GOAWAY frame might have taken some action": a client sends
    // the requests behind it once more.
    this.#outbox.put(goawayFrame(lastStream === 0 ? this.streams.last : lastStream, code, text));
  }

  finish(): void {
    if (this.streams.isFinishing) return;
    this.streams.isFinishing = true;
    this.goaway(errorCode.noError, this.streams.last, '');
    if (this.life.streamsNow === 0) this.#end(this.#host.limits.stallTimeoutMs);
  }

  /** 5.4.1: "An endpoint that encounters a connection error SHOULD first send a GOAWAY frame". */
  #fail(error: ConnectionError): void {
    const { counters } = this.#host;
    if (error.flood === null) counters.connectionErrors++;
    else counters.floods[error.flood]++;
    // An HTTP/1 client would not understand.
    if (this.#prefaceSeen === preface.length) this.goaway(error.code, this.streams.last, error.message);
    this.#end(lingerMs);
  }

  destroy(): void {
    this.#end(lingerMs);
  }

  /** Sends what there is, for which the client has `sendMs`, and takes nothing any more. */
  #end(sendMs: number): void {
    if (this.#ended) return;
    this.#outbox.flush();
    this.#ended = true;
    this.#dropRest();
    this.streams.closeAll();
    // What still comes is read and forgotten: unread bytes would make the close a reset, which can overtake the GOAWAY.
    this.#socket.resume();
    const destroyAfter = (ms: number): void =>
      void this.#lastTimers.push(setTimeout(() => this.#socket.destroy(), ms).unref());
    destroyAfter(sendMs);
    this.#socket.end(() => destroyAfter(lingerMs));
  }

  /** Cuts it at once. */
  cut(): void {
    this.#end(lingerMs);
    this.#socket.destroy();
  }

  #closed(): void {
    this.#ended = true;
    // Each would keep all of the connection, and of its server, until it comes.
    for (const timer of this.#lastTimers) clearTimeout(timer);
    this.#dropRest();
    this.streams.closeAll();
    this.#host.closed(this);
  }
}
