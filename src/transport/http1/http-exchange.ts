// One request of a connection and its answer, between what reads HTTP and the call (unary-call.ts) that decides what becomes
// of it. A body whose length was announced goes on chunk by chunk, one without is gathered first.
import type { CallShared } from '../call-port.ts';
import type { RefusalReason } from '../grpc-server.ts';
import type { GrpcStatus } from '../grpc-status.ts';
import type { RequestHead } from '../request-head.ts';
import { makeRoom, type SlowMessage, type SlowMessages } from '../slow-calls.ts';
import { UnaryCall } from '../unary-call.ts';
import { Gathered } from './gathered.ts';
import { errorAnswer, messageHeaders } from './http-answer.ts';
import { type HttpConnection, mostDiscarded } from './http-connection.ts';
import type { Form, HttpHead, JudgedRequest } from './http-request.ts';

export type HttpCall = UnaryCall<Exchange, HttpConnection>;

/** How the bytes of one exchange come and go. */
export interface Wire {
  /** Nothing more of the body until `resume`. */
  pause(): void;
  resume(): void;
  /** Tells the client that it may send its body. */
  goOn(): void;
  /**
   * Sends all of the answer. `isLast`: the connection is closed behind it. `isWhole`: the exchange ends with it; else `end`
   * follows. Nothing when the connection is gone.
   */
  answer(status: number, headers: readonly string[], body: string | Buffer, isLast: boolean, isWhole: boolean): void;
  /** As answer, with 200 and an empty response. */
  ok(form: Form, origin: string | undefined, isLast: boolean): void;
  /** The body of a request that was answered before is over. */
  end(): void;
}

/** What the exchanges of a server share. */
export interface ExchangeHost {
  readonly shared: CallShared<Exchange, HttpConnection>;
  /** Those whose body is gathered. */
  readonly gathering: SlowMessages;
  /** All that are not over. */
  readonly calls: Set<HttpCall>;
  readonly keepAlives: boolean;
  /** Headers of 200, names and values by turns. `isLast`: the connection is closed behind it. */
  okHeaders(form: Form, origin: string | undefined, isLast: boolean): readonly string[];
  /** Headers that every answer has. */
  moreHeaders(origin: string | undefined): readonly string[];
}

/** What Node may still read for a request that was told to wait: its stream's buffer, and what one read gives. */
const mostComing = 128 << 10;

const noBody = Buffer.alloc(0);

export class Exchange implements SlowMessage {
  readonly call: HttpCall;
  /** The whole body came. */
  isBodyOver = false;
  /** When the answer was sent; 0: not yet. */
  answeredAt = 0;

  readonly #host: ExchangeHost;
  readonly #connection: HttpConnection;
  readonly #wire: Wire;
  readonly #form: Form;
  readonly #origin: string | undefined;
  readonly #head: RequestHead;
  /** Of the body; -1: not announced. */
  readonly #length: number;
  #isOpen = false;
  #isOver = false;
  #isPaused = false;
  /** Since when it is, and for how long it was before. Milliseconds. */
  #pausedSince = 0;
  #pausedMs = 0;
  /** The client waits to be told that it may send its body. */
  #wantsContinue = false;
  #gathered: Gathered | null = null;
  /** What the call did not take, because it waits. */
  #kept: Buffer | null = null;
  /** Bytes counted as held for what may come although nothing is taken. */
  #coming = 0;
  #discarded = 0;
  #response: Buffer = noBody;

  constructor(
    host: ExchangeHost,
    connection: HttpConnection,
    wire: Wire,
    { head, form }: JudgedRequest,
    { length, origin }: HttpHead,
  ) {
    this.#host = host;
    this.#connection = connection;
    this.#wire = wire;
    this.#head = head;
    this.#form = form;
    this.#length = length;
    this.#origin = origin;
    this.call = new UnaryCall(host.shared, this, connection, head, performance.now());
  }

  /** First of all calls. */
  begin(wantsContinue: boolean): void {
    this.#wantsContinue = wantsContinue;
    this.#connection.exchanges.push(this);
    this.#host.calls.add(this.call);
    this.call.begin();
    if (!this.#isPaused) this.#continue();
  }

  #continue(): void {
    // Whose head was refused need not send its body. A refusal that waits for the body would wait for ever.
    if (!this.#wantsContinue || this.answeredAt > 0) return;
    if (this.#head.refusal === null) {
      this.#wantsContinue = false;
      this.#wire.goOn();
    } else this.end();
  }

  /** A part of the body, `chunk[start … end)`, of which nothing is kept. */
  data(chunk: Buffer, start: number, end: number): void {
    if (this.answeredAt > 0) {
      this.#discarded += end - start;
      if (this.#discarded > mostDiscarded) this.#connection.socket.destroy();
    } else if (this.#length < 0 && this.#head.refusal === null) this.#gather(chunk.subarray(start, end));
    else this.#feed(chunk, start, end);
  }

  #feed(chunk: Buffer, start: number, end: number): void {
    const { call } = this;
    if (!this.#isOpen) this.#isOpen = call.open(this.#length, this.#head.encoding !== null, end - start);
    const at = call.data(chunk, start, end);
    if (at < end) this.#kept = Buffer.from(chunk.subarray(at, end));
  }

  #gather(chunk: Buffer): void {
    const { call } = this;
    const { counters, limits } = this.#host.shared;
    this.#gathered ??= new Gathered();
    const gathered = this.#gathered;
    // For who looks whether it makes progress.
    call.received += chunk.length;
    const length = gathered.length + chunk.length;
    if (length > (this.#head.method?.maxMessageBytes ?? limits.maxMessageBytes)) {
      // Refused: this is too large.
      this.#isOpen = call.open(length, this.#head.encoding !== null, 0);
      return;
    }
    const more = gathered.heldWith(chunk.length) - gathered.held;
    if (more > 0 && counters.heldBytesNow + more > limits.maxHeldBytes) {
      makeRoom(this.#host.gathering, more);
      if (counters.heldBytesNow + more > limits.maxHeldBytes) {
        call.refuseOverBudget();
        return;
      }
    }
    // It may have given way itself.
    if (this.answeredAt > 0) return;
    counters.heldBytesNow += more;
    gathered.add(chunk);
  }

  /** The whole body came. */
  end(): void {
    if (this.#isOver) return;
    this.isBodyOver = true;
    if (this.answeredAt > 0) {
      this.#wire.end();
      this.#finish();
      return;
    }
    const gathered = this.#gathered;
    const length = gathered?.length ?? 0;
    if (!this.#isOpen) this.#isOpen = this.call.open(length, this.#head.encoding !== null, length);
    if (gathered === null) this.call.end();
    else this.#feedGathered(gathered.bytes());
  }

  #feedGathered(bytes: Buffer): void {
    const taken = this.call.data(bytes, 0, bytes.length);
    if (taken < bytes.length) {
      this.#kept = bytes.subarray(taken);
      return;
    }
    this.#dropGathered();
    this.call.end();
  }

  /** The connection is gone. */
  gone(): void {
    this.isBodyOver = true;
    this.answeredAt = performance.now();
    this.#finish();
  }

  // --- what the call asks for ---

  pause(): boolean {
    // What was gathered is held already, and there is no more.
    if (this.isBodyOver) return true;
    const { counters, limits } = this.#host.shared;
    const coming = this.#length < 0 ? mostComing : Math.min(this.#length, mostComing);
    if (counters.heldBytesNow + coming > limits.maxHeldBytes) return false;
    counters.heldBytesNow += coming;
    this.#coming = coming;
    this.#isPaused = true;
    this.#pausedSince = performance.now();
    this.#wire.pause();
    return true;
  }

  #goOn(): void {
    this.#isPaused = false;
    this.#pausedMs += performance.now() - this.#pausedSince;
  }

  pausedMs(now: number): number {
    return this.#pausedMs + (this.#isPaused ? now - this.#pausedSince : 0);
  }

  resume(): void {
    this.#dropComing();
    const wasPaused = this.#isPaused;
    if (wasPaused) this.#goOn();
    const kept = this.#kept;
    this.#kept = null;
    if (this.answeredAt === 0) {
      this.#continue();
      if (kept !== null && this.isBodyOver) this.#feedGathered(kept);
      else if (kept !== null) this.#feed(kept, 0, kept.length);
    }
    if (wasPaused && !this.#isPaused) this.#wire.resume();
  }

  ok(): void {
    this.answeredAt = performance.now();
    this.#wire.ok(this.#form, this.#origin, this.#isLast());
    this.#finish();
  }

  /** The body of an answer that is not empty; `endMessage` follows. */
  message(body: Buffer): void {
    this.#response = body;
  }

  endMessage(status: GrpcStatus | null): void {
    if (status !== null) {
      this.fail(status, 200, null);
      return;
    }
    this.answeredAt = performance.now();
    const headers = [...messageHeaders(this.#form, this.#response.length), ...this.#host.moreHeaders(this.#origin)];
    this.#wire.answer(200, headers, this.#response, this.#isLast(), true);
    this.#finish();
  }

  fail(status: GrpcStatus, httpStatus: number, reason: RefusalReason | null): void {
    this.answeredAt = performance.now();
    const answer = errorAnswer(this.#form, status, httpStatus, reason);
    const isLast = this.#isLast() || !this.isBodyOver || this.#wantsContinue;
    const headers = [...answer.headers, ...this.#host.moreHeaders(this.#origin)];
    // A connection that is closed while its client sends may take the answer with it: the end waits for that of the body.
    this.#wire.answer(answer.status, headers, answer.body, isLast, this.isBodyOver || this.#wantsContinue);
    this.#finish();
    // What waits, and what comes, is read and forgotten.
    if (!this.#isPaused) return;
    this.#goOn();
    this.#wire.resume();
  }

  #isLast(): boolean {
    return this.#connection.leaving || !this.#host.keepAlives;
  }

  // --- the end ---

  /** Answered, and nothing of the body is to come. */
  #finish(): void {
    this.#dropComing();
    this.#dropGathered();
    this.#kept = null;
    if (!this.isBodyOver || this.#isOver) return;
    this.#isOver = true;
    const { exchanges } = this.#connection;
    exchanges.splice(exchanges.indexOf(this), 1);
    this.#host.calls.delete(this.call);
    this.call.closed();
  }

  #dropComing(): void {
    this.#host.shared.counters.heldBytesNow -= this.#coming;
    this.#coming = 0;
  }

  #dropGathered(): void {
    if (this.#gathered === null) return;
    this.#host.shared.counters.heldBytesNow -= this.#gathered.held;
    this.#gathered = null;
  }

  // --- as one of those that hold memory while they gather ---

  readMs(now: number): number {
    return this.call.readMs(now);
  }
  get received(): number {
    return this.call.received;
  }
  unfinishedBytes(): number {
    return this.isBodyOver ? 0 : (this.#gathered?.held ?? 0);
  }
  giveWay(): void {
    this.call.giveWay();
  }
}
