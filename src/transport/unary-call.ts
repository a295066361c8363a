// One unary call from its headers to its answer, apart from HTTP/2: a server implementation feeds it and sends what it
// says through a CallPort. The body is copied once, from the chunk that the socket gave to its place in the method's memory:
//   up to earlyReserveBytes announced: chunks are kept until the message is whole, so that a slow client holds no place;
//   larger: the place is taken when the length is known and every chunk is copied as it comes;
//   compressed: kept until whole, decompressed off the thread, then copied.
import type { CallShared } from './call-port.ts';
import { acceptedEncodings, type Encoding, type InflateResult } from './compression.ts';
import type { CallInfo, Place, RefusalReason, UnaryMethod } from './grpc-server.ts';
import { type GrpcStatus, grpcCode } from './grpc-status.ts';
import { parseGrpcTimeout } from './grpc-timeout.ts';
import { KeptChunks } from './kept-chunks.ts';

const earlyReserveBytes = 64 << 10;
/** Length of a gRPC message's prefix: 1 byte compressed flag, 4 bytes length, big endian. */
const prefixBytes = 5;

// States in the order in which a call goes through them.
const PREFIX = 0; // fewer than 5 bytes came
const HELD = 1; // chunks are kept
const PLACED = 2; // chunks are copied to the place
const WAITING = 3; // for a place
const INFLATING = 4;
const HANDLED = 5; // the method has it
const OVER = 6; // answered, refused or gone

const noValues: readonly string[] = [];

export class UnaryCall<S, C> implements CallInfo {
  readonly stream: S;
  readonly connection: C;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** The whole body came, nothing is left to be discarded. */
  ended = false;
  /** Of the message, without its prefix. */
  received = 0;
  /** `received` when the sweep last looked, and since when it has not changed. */
  sweptReceived = 0;
  stalledSince = 0;

  private readonly shared: CallShared<S, C>;
  private method: UnaryMethod | null = null;
  private state = PREFIX;
  private prefixSeen = 0;
  private compressed = false;
  private announced = 0;
  private encoding: Encoding | null = null;
  private deadlineAt = Number.POSITIVE_INFINITY;
  private place: Place | null = null;
  private readonly kept: KeptChunks;

  constructor(shared: CallShared<S, C>, stream: S, connection: C, rawHeaders: readonly string[]) {
    this.shared = shared;
    this.stream = stream;
    this.connection = connection;
    this.rawHeaders = rawHeaders;
    this.kept = new KeptChunks(shared.counters);
    shared.counters.calls++;
    shared.counters.callsNow++;
  }

  get peer(): string {
    return this.shared.port.peer(this.connection);
  }

  metadata(key: string): readonly string[] {
    if (!this.shared.includeMetadata) return noValues;
    const name = key === 'host' ? ':authority' : key;
    const found: string[] = [];
    for (let i = 0; i + 1 < this.rawHeaders.length; i += 2) {
      if (this.rawHeaders[i] === name) found.push(this.rawHeaders[i + 1]);
    }
    return found;
  }

  /** First of all calls. Header values, undefined when absent. */
  begin(
    routes: ReadonlyMap<string, UnaryMethod>,
    httpMethod: string | undefined,
    path: string | undefined,
    contentType: string | undefined,
    encoding: string | undefined,
    timeout: string | undefined,
  ): void {
    const method = path === undefined ? undefined : routes.get(path);
    this.method = method ?? null;
    if (httpMethod !== 'POST') {
      this.refuse('http_method', grpcCode.INTERNAL, `HTTP method ${httpMethod} where gRPC has POST`, 405);
    } else if (!isGrpcContentType(contentType)) {
      this.refuse(
        'content_type',
        grpcCode.INVALID_ARGUMENT,
        `content-type ${contentType} is not application/grpc`,
        415,
      );
    } else if (method === undefined) {
      this.refuse('path', grpcCode.UNIMPLEMENTED, `unknown method ${path}`);
    } else if (encoding !== undefined && encoding !== 'identity' && encoding !== 'gzip' && encoding !== 'zstd') {
      const message = `grpc-encoding ${encoding} is not supported; supported are ${acceptedEncodings}`;
      this.refuse('encoding', grpcCode.UNIMPLEMENTED, message);
    } else {
      if (encoding === 'gzip' || encoding === 'zstd') this.encoding = encoding;
      if (timeout !== undefined) this.takeTimeout(timeout);
    }
  }

  /** A part of the body. The call may keep the chunk. */
  data(chunk: Buffer): void {
    switch (this.state) {
      case PREFIX:
        this.readPrefix(chunk);
        break;
      case HELD:
        this.hold(chunk, 0);
        break;
      case PLACED:
        this.put(chunk, 0);
        break;
      case WAITING:
        this.keep(chunk, 0);
        break;
      default:
        break;
    }
  }

  /** The body is over. */
  end(): void {
    this.ended = true;
    const state = this.state;
    if (state === PREFIX) {
      const found = this.prefixSeen === 0 ? 'no message' : `only ${this.prefixSeen} bytes of a message's prefix`;
      this.refuse('framing', grpcCode.INTERNAL, `the request has ${found}`);
    } else if (state === HELD || state === PLACED) {
      if (this.received < this.announced) {
        const message = `the body ended after ${this.received} of the ${this.announced} bytes that its prefix announced`;
        this.refuse('framing', grpcCode.INTERNAL, message);
      } else if (state === PLACED) this.hand();
      else if (this.compressed) this.inflate();
      else this.whole();
    }
  }

  /** The stream is gone, answered or not. Last of all calls. */
  closed(): void {
    this.shared.counters.callsNow--;
    if (this.state === OVER) return;
    this.shared.counters.cancelled++;
    this.letGo();
  }

  /** No byte came for too long. */
  stall(): void {
    const message = `no part of the request came for ${this.shared.limits.stallTimeoutMs} ms`;
    this.refuse('stalled', grpcCode.DEADLINE_EXCEEDED, message);
  }

  private takeTimeout(header: string): void {
    const timeoutMs = parseGrpcTimeout(header);
    if (Number.isNaN(timeoutMs)) this.refuse('timeout_header', grpcCode.INTERNAL, `malformed grpc-timeout: ${header}`);
    else this.deadlineAt = performance.now() + timeoutMs;
  }

  private readPrefix(chunk: Buffer): void {
    let position = 0;
    while (this.prefixSeen < prefixBytes && position < chunk.length) {
      const byte = chunk[position++];
      if (this.prefixSeen++ > 0) this.announced = this.announced * 256 + byte;
      else if (byte <= 1) this.compressed = byte === 1;
      else this.refuse('framing', grpcCode.INTERNAL, `compressed flag ${byte} of the message is neither 0 nor 1`);
    }
    if (this.state === OVER || this.prefixSeen < prefixBytes) return;
    this.announce();
    if (this.state === HELD) this.hold(chunk, position);
    else if (this.state === PLACED) this.put(chunk, position);
    else if (this.state === WAITING) this.keep(chunk, position);
  }

  /** The length is known: decides where the bytes go. */
  private announce(): void {
    const { limits, counters } = this.shared;
    if (this.announced > limits.maxMessageBytes) {
      const message = `received message larger than max (${this.announced} vs. ${limits.maxMessageBytes})`;
      this.refuse('too_large', grpcCode.RESOURCE_EXHAUSTED, message);
    } else if (this.compressed && this.encoding === null) {
      const message = 'the message is flagged as compressed, but grpc-encoding is absent or identity';
      this.refuse('framing', grpcCode.INTERNAL, message);
    } else if (this.compressed) {
      if (counters.heldBytesNow + this.announced > limits.maxHeldBytes) this.refuseOverBudget();
      else this.state = HELD;
    } else if (this.announced <= earlyReserveBytes) {
      this.state = HELD;
    } else {
      this.reserveNow();
    }
  }

  private reserveNow(): void {
    const { limits } = this.shared;
    this.place = this.requireMethod().reserve(this.announced);
    if (this.place !== null) {
      this.state = PLACED;
      this.shared.unfinished.add(this);
    } else {
      // What the client may still send before it sees that the window does not grow.
      const coming = Math.min(limits.streamWindowBytes, this.announced - this.received);
      this.waitForPlace(this.announced, coming);
    }
  }

  /** Takes more time than a place: the stream is paused, unless the body is whole. */
  private waitForPlace(length: number, comingBytes: number): void {
    const { counters, limits, port } = this.shared;
    if (counters.heldBytesNow + comingBytes > limits.maxHeldBytes) {
      this.refuseOverBudget();
      return;
    }
    this.kept.count(comingBytes);
    this.state = WAITING;
    this.shared.unfinished.delete(this);
    if (!this.ended) port.pause(this);
    this.requireMethod()
      .reserveLater(length)
      .then(
        (place) => this.gotPlace(place),
        () => this.gotPlace(null),
      );
  }

  private gotPlace(place: Place | null): void {
    if (this.state !== WAITING) {
      if (place !== null) this.requireMethod().abandon(place);
    } else if (place === null) {
      this.refuseOverBudget();
    } else {
      this.place = place;
      if (!this.pastDeadline()) this.goOn(place);
    }
  }

  /** After the wait for a place. */
  private goOn(place: Place): void {
    this.copyKept(place);
    this.state = PLACED;
    if (this.compressed) {
      // It is whole: decompressed before it got a place.
      this.hand();
    } else if (this.ended) {
      this.end();
    } else {
      this.shared.unfinished.add(this);
      this.shared.port.resume(this);
    }
  }

  private hold(chunk: Buffer, skip: number): void {
    const { counters, limits } = this.shared;
    this.keep(chunk, skip);
    if (this.state !== HELD || this.received === this.announced) return;
    this.shared.unfinished.add(this);
    if (counters.heldBytesNow <= limits.maxHeldBytes) return;
    if (this.compressed) {
      this.refuseOverBudget();
    } else {
      // Too much is held: take the place early after all.
      this.reserveNow();
      if (this.place !== null) this.copyKept(this.place);
    }
  }

  private keep(chunk: Buffer, skip: number): void {
    if (chunk.length === skip || !this.takes(chunk.length - skip)) return;
    this.kept.add(chunk, skip, this.received === this.announced);
  }

  private put(chunk: Buffer, skip: number): void {
    const at = this.received;
    if (this.place === null || !this.takes(chunk.length - skip)) return;
    chunk.copy(this.requireMethod().memory, this.place.offset + at, skip);
  }

  /** Whether `length` more bytes belong to the message. */
  private takes(length: number): boolean {
    this.received += length;
    if (this.received <= this.announced) return true;
    const message = `the body goes on after its message of ${this.announced} bytes; a unary request has exactly one`;
    this.refuse('framing', grpcCode.INTERNAL, message);
    return false;
  }

  /** A message is whole and kept, not compressed (any more). */
  private whole(): void {
    this.place = this.requireMethod().reserve(this.announced);
    if (this.place === null) {
      this.waitForPlace(this.announced, 0);
    } else {
      this.copyKept(this.place);
      this.hand();
    }
  }

  private copyKept(place: Place): void {
    this.kept.copyTo(this.requireMethod().memory, place.offset);
    this.kept.clear();
  }

  private inflate(): void {
    if (this.encoding === null || this.pastDeadline()) return;
    this.state = INFLATING;
    this.shared.unfinished.delete(this);
    this.shared.inflater.inflate(this.encoding, this.kept.joined(), (result) => this.inflated(result));
  }

  private inflated(result: InflateResult): void {
    if (this.state !== INFLATING) return;
    this.kept.clear();
    if (result.kind === 'too_large') {
      const message = `received message after decompression larger than max ${this.shared.limits.maxMessageBytes}`;
      this.refuse('too_large', grpcCode.RESOURCE_EXHAUSTED, message);
    } else if (result.kind === 'corrupt') {
      const message = `failed to decompress the received message: ${result.message}`;
      this.refuse('decompression', grpcCode.INTERNAL, message);
    } else {
      this.kept.add(result.bytes, 0, true);
      this.announced = result.bytes.length;
      this.whole();
    }
  }

  private hand(): void {
    const place = this.place;
    if (place === null || this.pastDeadline()) return;
    this.place = null;
    this.state = HANDLED;
    this.shared.unfinished.delete(this);
    this.requireMethod().handle(place, this, (status) => this.answer(status));
  }

  private answer(status: GrpcStatus | null): void {
    if (this.state !== HANDLED) return;
    this.state = OVER;
    if (status === null) {
      this.shared.counters.ok++;
      this.shared.port.ok(this);
    } else {
      this.shared.counters.failed++;
      this.shared.port.fail(this, status, 200);
    }
  }

  /** The client's deadline is the end of its interest: work that nobody waits for is not begun. */
  private pastDeadline(): boolean {
    if (this.deadlineAt === Number.POSITIVE_INFINITY || performance.now() < this.deadlineAt) return false;
    this.refuse('deadline', grpcCode.DEADLINE_EXCEEDED, 'the deadline passed before the request was taken');
    return true;
  }

  private refuse(reason: RefusalReason, code: number, message: string, httpStatus = 200): void {
    if (this.state === OVER) return;
    this.method?.rejected(reason);
    this.refuseWith(reason, { code, message }, httpStatus);
  }

  private refuseOverBudget(): void {
    this.refuseWith('over_budget', this.requireMethod().overBudget(), 200);
  }

  private refuseWith(reason: RefusalReason, status: GrpcStatus, httpStatus: number): void {
    if (this.state === OVER) return;
    this.letGo();
    this.shared.counters.refused[reason]++;
    this.shared.port.fail(this, status, httpStatus);
  }

  /** Gives back all that the call holds. */
  private letGo(): void {
    if (this.place !== null) this.requireMethod().abandon(this.place);
    this.place = null;
    this.kept.clear();
    this.shared.unfinished.delete(this);
    this.state = OVER;
  }

  private requireMethod(): UnaryMethod {
    if (this.method === null) throw new Error('a call without a method got past its headers');
    return this.method;
  }
}

function isGrpcContentType(value: string | undefined): boolean {
  if (value === 'application/grpc' || value === 'application/grpc+proto') return true;
  return value !== undefined && /^application\/grpc(\+proto)?[ \t]*;/i.test(value);
}
