// One unary call from its headers to its answer, apart from HTTP/2: a server implementation feeds it and sends what it
// says through a CallPort. The body is copied once, from the chunk that the socket gave to its place in the method's
// memory, which is taken when the message's length is known; a compressed one is decompressed from there, off the thread,
// and copied once more. A call that gets no place takes no bytes until it has one.
import type { CallShared } from './call-port.ts';
import { badFraming, type CallRefusal, pastDeadline, shuttingDown, stalled, tooLarge } from './call-refusals.ts';
import type { Place, UnaryExchange, UnaryMethod } from './grpc-server.ts';
import type { GrpcStatus } from './grpc-status.ts';
import { MessageInflation } from './message-inflation.ts';
import { framedMessage, messagePrefixBytes as prefixBytes } from './message-prefix.ts';
import { waitForPlace } from './place-wait.ts';
import { type AuthRefusal, askAuth, callRefusal, credentialOf, type RequestAuth } from './request-auth.ts';
import { fieldValues, metadataOf, type RequestHead } from './request-head.ts';
import { makeRoom } from './slow-calls.ts';

/** Of the body of a request that is not gRPC, what is read and forgotten before its answer. */
const ignoredBytes = 16 << 10;

// States in the order in which a call goes through them.
const NOT_GRPC = -1; // is refused when it is whole, or grows
const ASKING = -2; // the authenticator has not decided; takes no bytes
const PREFIX = 0; // fewer than 5 bytes came
const WAITING = 1; // for a place for what is announced
const PLACED = 2; // bytes are copied to the place
const INFLATING = 3;
const WAITING_INFLATED = 4; // for a place for what was decompressed
const HANDLED = 5; // the method has it
const OVER = 6; // answered, refused or gone

/** What few calls have: a response of its own, or someone who waits for its client's end. */
interface Extras {
  hasMessages: boolean;
  gone: (() => void) | null;
}

export class UnaryCall<S, C> implements UnaryExchange {
  readonly stream: S;
  readonly connection: C;
  /** The whole body came, nothing is left to be discarded. */
  ended = false;
  /** Of the message, without its prefix. */
  received = 0;
  readonly bornAt: number;
  /** `received` when the sweep last looked, and since when it has not changed. */
  sweptReceived = -1;
  stalledSince = 0;

  private readonly shared: CallShared<S, C>;
  private readonly head: RequestHead;
  private state: number = PREFIX;
  private prefixSeen = 0;
  private compressed = false;
  private announced = 0;
  private place: Place | null = null;
  private inflation: MessageInflation | null = null;
  private extras: Extras | null = null;

  /** `now`: of performance.now(), a few milliseconds ago at most. */
  constructor(shared: CallShared<S, C>, stream: S, connection: C, head: RequestHead, now: number) {
    this.shared = shared;
    this.stream = stream;
    this.connection = connection;
    this.head = head;
    this.bornAt = now;
    shared.counters.calls++;
    shared.counters.callsNow++;
  }

  get peer(): string {
    return this.shared.port.peer(this.connection);
  }

  metadata(key: string): readonly string[] {
    return metadataOf(this.head, key);
  }

  grpcMetadata(key: string): readonly string[] {
    return fieldValues(this.head, key);
  }

  credential(attribute: string): readonly string[] {
    return credentialOf(this.shared.auth, this.head, attribute);
  }

  /** First of all calls. */
  begin(): void {
    const { refusal } = this.head;
    if (refusal === null) {
      if (this.shared.auth !== null && this.requireMethod().isPublic !== true) this.authenticate(this.shared.auth);
      return;
    }
    // A browser or curl expects its answer after its request, and may take an earlier one for an error of the connection.
    if (refusal.httpStatus !== 200) this.state = NOT_GRPC;
    else this.refuse(refusal);
  }

  private authenticate(auth: RequestAuth): void {
    const verdict = askAuth(auth, this.head, this.peer);
    if (verdict instanceof Promise) {
      this.state = ASKING;
      if (this.shared.port.pause(this)) void verdict.then((refusal) => this.authenticated(refusal));
      else this.refuseOverBudget();
    } else if (verdict !== null) this.refuse(callRefusal(verdict));
  }

  private authenticated(refusal: AuthRefusal | null): void {
    if (this.state !== ASKING) return;
    if (refusal !== null) this.refuse(callRefusal(refusal));
    else if (!this.pastDeadline()) {
      this.state = PREFIX;
      if (this.ended) this.end();
    }
    this.shared.port.resume(this);
  }

  /** The client sends its body when it is told to; false: it is not wanted, and the answer was sent. */
  mayContinue(): boolean {
    this.refuseNotGrpc();
    return !this.isOver();
  }

  private refuseNotGrpc(): void {
    if (this.state === NOT_GRPC && this.head.refusal !== null) this.refuse(this.head.refusal);
  }

  /**
   * A part of the body; nothing of the chunk is kept. Returns where the next part begins: before `end` only when the call
   * waits for a place; it wants the rest of the chunk after `CallPort.resume`.
   */
  data(chunk: Buffer, start: number, end: number): number {
    if (this.state === PLACED) {
      this.put(chunk, start, end);
      return end;
    }
    if (this.state !== PREFIX) return this.isWaiting() ? start : this.ignore(start, end);
    const at = this.readPrefix(chunk, start, end);
    if (this.prefixSeen < prefixBytes || this.isOver()) return end;
    this.announce(end - at);
    if (this.isWaiting()) return at;
    if (this.place !== null) this.put(chunk, at, end);
    return end;
  }

  /**
   * For a transport that knows how long the message is from elsewhere, whose body is the message alone: in place of the
   * prefix, before any `data`. `available`: bytes of it that are here. False: not yet, because an authenticator is asked.
   */
  open(length: number, compressed: boolean, available: number): boolean {
    if (this.state === PREFIX) {
      this.prefixSeen = prefixBytes;
      this.received = 0;
      this.announced = length;
      this.compressed = compressed;
      this.announce(available);
    }
    return this.state !== ASKING;
  }

  private ignore(start: number, end: number): number {
    this.received += end - start;
    if (this.state === NOT_GRPC && this.received > ignoredBytes) this.refuseNotGrpc();
    return end;
  }

  /** The body is over, and all of it was taken; a message of no bytes may still wait for its place. */
  end(): void {
    this.ended = true;
    if (this.state === NOT_GRPC) {
      this.refuseNotGrpc();
    } else if (this.state === PREFIX) {
      const found = this.prefixSeen === 0 ? 'no message' : `only ${this.prefixSeen} bytes of a message's prefix`;
      this.refuse(badFraming(`the request has ${found}`));
    } else if (this.state === PLACED) {
      if (this.received === this.announced) this.whole();
      else
        this.refuse(
          badFraming(`the body ended after ${this.received} of the ${this.announced} bytes that its prefix announced`),
        );
    }
  }

  /** The stream is gone, answered or not. Last of all calls. */
  closed(): void {
    this.shared.counters.callsNow--;
    if (this.state === OVER) return;
    this.shared.counters.cancelled++;
    this.letGo();
    this.extras?.gone?.();
  }

  /** Bytes of memory that a message holds which is not whole. */
  unfinishedBytes(): number {
    return this.state === PLACED ? this.announced : 0;
  }

  readMs(now: number): number {
    return now - this.bornAt - this.shared.port.pausedMs(this, now);
  }

  /** Whether it is the client that everything waits for. */
  isUnfinished(): boolean {
    return this.state === NOT_GRPC || this.state === PREFIX || this.state === PLACED;
  }

  /** No byte came for too long, or too few. */
  stall(message = `no part of the request came for ${this.shared.limits.stallTimeoutMs} ms`): void {
    this.refuse(stalled(message));
  }

  /** Others need the memory that its message, which comes slowly, holds. */
  giveWay(): void {
    this.refuse({ reason: 'too_slow', status: this.requireMethod().overBudget() });
  }

  /** There is no place for it, and none for what it would hold while it waited for one. */
  refuseOverBudget(): void {
    this.refuse({ reason: 'over_budget', status: this.requireMethod().overBudget() });
  }

  /** The server ends before the call does. */
  turnAway(): void {
    if (this.state === HANDLED) {
      this.answer(shuttingDown.status);
      this.extras?.gone?.();
    } else this.refuse(shuttingDown);
  }

  /** The method's answer; null: OK. Nothing when the call is over. */
  answer(status: GrpcStatus | null): void {
    if (this.state !== HANDLED) return;
    this.state = OVER;
    const { counters, port } = this.shared;
    if (status === null) counters.ok++;
    else counters.failed++;
    if (this.extras?.hasMessages === true) port.end(this, status);
    else if (status === null) port.ok(this);
    else port.fail(this, status, 200, null);
  }

  send(message: Uint8Array): void {
    if (this.state !== HANDLED) return;
    this.extras ??= { hasMessages: true, gone: null };
    this.extras.hasMessages = true;
    this.shared.port.message(this, framedMessage(message));
  }

  onGone(listener: () => void): void {
    if (this.state !== HANDLED) return;
    this.extras ??= { hasMessages: false, gone: null };
    this.extras.gone = listener;
  }

  private readPrefix(chunk: Buffer, start: number, end: number): number {
    let at = start;
    while (this.prefixSeen < prefixBytes && at < end) {
      const byte = chunk[at++];
      if (this.prefixSeen++ > 0) this.announced = this.announced * 256 + byte;
      else if (byte <= 1) this.compressed = byte === 1;
      else this.refuse(badFraming(`compressed flag ${byte} of the message is neither 0 nor 1`));
    }
    return at;
  }

  /** The length is known, and `available` bytes behind it are here: gets a place, or waits for one. */
  private announce(available: number): void {
    const { port } = this.shared;
    const { announced } = this;
    const largest = this.largest();
    if (announced > largest) this.refuse(tooLarge(announced, largest));
    else if (this.compressed && this.head.encoding === null) {
      this.refuse(badFraming('the message is flagged as compressed, but grpc-encoding is absent or identity'));
    } else {
      const isWhole = available >= announced;
      this.place = this.requireMethod().reserve(announced, isWhole);
      if (this.place === null && makeRoom(this.shared, announced)) {
        this.place = this.requireMethod().reserve(announced, isWhole);
      }
      if (this.place === null) this.wait(WAITING, announced, isWhole);
      else {
        this.state = PLACED;
        if (!isWhole) port.admitted(this, announced);
      }
    }
  }

  private wait(state: typeof WAITING | typeof WAITING_INFLATED, length: number, isWhole: boolean): void {
    this.state = state;
    if (state === WAITING && !this.shared.port.pause(this)) {
      this.refuseOverBudget();
      return;
    }
    const stillWaits = (): boolean => this.state === state;
    const got = (place: Place | null): void => this.gotPlace(state, place);
    waitForPlace(this.shared, this.requireMethod(), length, isWhole, stillWaits, got);
  }

  private gotPlace(waitedIn: number, place: Place | null): void {
    const { port } = this.shared;
    if (place === null) this.refuseOverBudget();
    else {
      this.place = place;
      if (!this.pastDeadline()) {
        this.state = PLACED;
        if (waitedIn === WAITING_INFLATED) this.handInflated(place);
        else if (this.ended) this.end();
        else port.admitted(this, this.announced);
      }
    }
    if (waitedIn === WAITING) port.resume(this);
  }

  private put(chunk: Buffer, start: number, end: number): void {
    const at = this.received;
    this.received += end - start;
    if (this.received > this.announced) {
      const message = `the body goes on after its message of ${this.announced} bytes; a unary request has exactly one`;
      this.refuse(badFraming(message));
    } else if (this.place !== null) {
      chunk.copy(this.requireMethod().memory, this.place.offset + at, start, end);
    }
  }

  private whole(): void {
    if (!this.compressed) this.hand();
    else this.inflate();
  }

  private inflate(): void {
    const { encoding } = this.head;
    const { place } = this;
    if (encoding === null || place === null || this.pastDeadline()) return;
    this.state = INFLATING;
    this.place = null;
    this.inflation = new MessageInflation(this.shared, this.requireMethod(), place);
    this.inflation.begin(this.connection, {
      encoding,
      largest: this.largest(),
      isWanted: () => this.state === INFLATING && !this.pastDeadline(),
      done: (length) => this.placeInflated(length),
      refused: (refusal) => this.refuse(refusal),
    });
  }

  private placeInflated(length: number): void {
    const { counters, limits } = this.shared;
    this.place = this.requireMethod().reserve(length, true);
    if (this.place !== null) this.handInflated(this.place);
    else if (counters.heldBytesNow > limits.maxHeldBytes) this.refuseOverBudget();
    else this.wait(WAITING_INFLATED, length, true);
  }

  private handInflated(place: Place): void {
    this.inflation?.copyTo(place);
    this.hand();
  }

  private hand(): void {
    const { place } = this;
    if (place === null || this.pastDeadline()) return;
    this.place = null;
    this.state = HANDLED;
    this.requireMethod().handle(place, this);
  }

  /** The client's deadline is the end of its interest: work that nobody waits for is not begun. */
  private pastDeadline(): boolean {
    const { timeoutMs } = this.head;
    if (timeoutMs === Number.POSITIVE_INFINITY || performance.now() - this.bornAt < timeoutMs) return false;
    this.refuse(pastDeadline);
    return true;
  }

  private refuse({ reason, status, httpStatus = 200 }: CallRefusal): void {
    if (this.state === OVER) return;
    // What `overBudget` gave was counted by it.
    if (reason !== 'over_budget' && reason !== 'too_slow') this.head.method?.rejected(reason);
    this.letGo();
    this.shared.counters.refused[reason]++;
    this.shared.port.fail(this, status, httpStatus, reason);
  }

  /** Gives back all that the call holds. */
  private letGo(): void {
    this.state = OVER;
    if (this.place !== null) this.requireMethod().abandon(this.place);
    this.place = null;
    this.inflation?.drop();
  }

  // As functions, because what is called in between changes the state.
  private isWaiting(): boolean {
    return this.state === WAITING || this.state === ASKING;
  }
  private isOver(): boolean {
    return this.state === OVER;
  }

  /** Of a message of its method. */
  private largest(): number {
    return this.head.method?.maxMessageBytes ?? this.shared.limits.maxMessageBytes;
  }

  private requireMethod(): UnaryMethod {
    if (this.head.method === null) throw new Error('a call without a method got past its headers');
    return this.head.method;
  }
}
