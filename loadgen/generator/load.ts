// The load itself: takes the next request of the corpus, stamps it, and hands it to a connection.
import type { ExportClient, ExportReply } from '../client/client.ts';
import { failedReply, notSent } from '../client/export-reply.ts';
import type { CorpusRequest } from '../corpus/corpus.ts';
import { type Connection, Connections, now } from './connections.ts';
import { createLateRequests } from './late-requests.ts';
import type { GeneratorCounters, GeneratorReport, GeneratorTick, Pace } from './messages.ts';
import { startPacer } from './pacer.ts';
import { createQueue } from './queue.ts';
import { Tally } from './tally.ts';

/** The requests of a run, by position: round after round of a corpus. */
export interface RequestSource {
  readonly requests: readonly Pick<CorpusRequest, 'first' | 'spans' | 'delayNs'>[];
  /** Spans of a round. */
  readonly spans: number;
  /**
   * The body of request `index` with the ids and times of a round; `dueNs`: nanoseconds of this process's clock. Valid until
   * the next call.
   */
  body(index: number, round: number, dueNs: number): Buffer;
}

export interface LoadOptions {
  readonly connections: number;
  readonly maxInFlight: number;
  /** Opens a connection; `onUnusable` is called once when it takes no more requests. Rejects when it cannot be opened. */
  connect(onUnusable: (reason: string) => void): Promise<ExportClient>;
}

/** A request that is to be sent. */
interface Due {
  readonly position: number;
  /** Its intended time. */
  readonly due: number;
  /** Whether anybody intended it: not for what is flushed. */
  readonly isTimed: boolean;
}

/** A request that was sent. */
interface Flight extends Due {
  readonly first: number;
  readonly spans: number;
  readonly bytes: number;
  readonly connection: Connection;
  readonly client: ExportClient;
}

/** What a client that is refused waits in the closed loop, where nothing else slows it down. */
const pauseAfterRefusalMs = 50;
/** Closed loop: of what is flushed, so many on each connection. */
const inFlightAtEnd = 8;
/** How long at most a connection with room is waited for when nothing is under way. */
const roomLimitMs = 5000;
/** Bytes of bodies under way, beyond which nothing more is sent: a stalled server must not fill our memory. */
const mostBytesInFlight = 256 << 20;
const restLookMs = 50;
const ended = failedReply('TRANSPORT', 'the run ended');

export class Load {
  readonly #source: RequestSource;
  readonly #maxInFlight: number;
  readonly #connections: Connections;
  readonly #tally = new Tally();
  readonly #late = createLateRequests();
  /** Fell due and found no room. */
  readonly #overdue = createQueue<Due>();
  readonly #flights = new Set<Flight>();
  readonly #hasRoom = (connection: Connection): boolean => this.#roomOn(connection);
  #pace: Pace = { kind: 'closed', inFlight: 1 };
  #phase: 'stopped' | 'running' | 'flushing' = 'stopped';
  #isAbandoned = false;
  /** Whether what is late will not be sent any more. */
  #isOver = false;
  #stopPacer: () => void = () => {};
  #position = 0;
  #bytesInFlight = 0;
  #lateSpans = 0;
  #limitedByBytes = false;
  /** When the last request was sent, while it is waited for that nothing is under way. */
  #progressAt = 0;
  #rested: (() => void) | null = null;

  private constructor(source: RequestSource, { connections, maxInFlight, connect }: LoadOptions) {
    this.#source = source;
    this.#maxInFlight = maxInFlight;
    const reopened = (connection: Connection): void => this.#freed(connection);
    this.#connections = new Connections({ count: connections, connect, reopened });
  }

  /** Connects; rejects when the server cannot be reached. */
  static async open(source: RequestSource, options: LoadOptions): Promise<Load> {
    const load = new Load(source, options);
    await load.#connections.open();
    return load;
  }

  start(pace: Pace): void {
    this.#pace = pace;
    this.#phase = 'running';
    this.#isOver = false;
    this.#go();
  }

  /**
   * Sends no more; resolves when nothing is under way. After `limitMs` what still is has failed, and its connections are closed
   * and opened anew.
   */
  async stop(limitMs: number): Promise<void> {
    this.#end();
    await this.#rest(limitMs);
  }

  /**
   * After `stop`: sends what was to be sent later, at the pace of the run, and resolves when nothing is under way. When nothing
   * could be sent for `limitMs`, what is under way has failed, and the rest stays unsent.
   */
  async flush(limitMs: number): Promise<void> {
    if (!this.#isAbandoned) {
      this.#late.flush();
      this.#phase = 'flushing';
      this.#go();
      await this.#rest(limitMs);
      this.#end();
    }
    this.#isOver = true;
  }

  /** Ends `stop` or `flush` at once: what is under way has failed. Nothing is sent any more. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#isOver = true;
    this.#connections.close();
    this.#giveUp();
  }

  tick(): Omit<GeneratorTick, 'atMs'> {
    const { acknowledgement, lateness } = this.#tally;
    return { ...this.#counters(), acknowledgement: acknowledgement.lately(), lateness: lateness.lately() };
  }

  report(): GeneratorReport {
    const waiting = [...this.#late.positions(), ...this.#overdue.items().map(({ position }) => position)];
    const unsent = waiting.map((position) => {
      const { first, spans } = this.#numbers(position);
      return [first, spans, -1] as const;
    });
    const { acknowledgement, response, lateness, flushed, unsure } = this.#tally;
    return {
      ...this.#counters(),
      end: this.#numbers(this.#position).first,
      unsure: [...unsure, ...unsent],
      flushed,
      notFlushed: this.#isOver ? { requests: this.#late.length, spans: this.#lateSpans } : { requests: 0, spans: 0 },
      disconnected: this.#connections.disconnected(),
      acknowledgement: acknowledgement.withCurve(),
      response: response.withCurve(),
      lateness: lateness.withCurve(),
    };
  }

  resetLatency(): void {
    this.#tally.resetLatency();
  }

  #counters(): GeneratorCounters {
    const late = { requests: this.#late.length, spans: this.#lateSpans };
    return { ...this.#tally.counters(this.#overdue.length), late, limitedByBytes: this.#limitedByBytes };
  }

  #numbers(position: number): { readonly first: number; readonly spans: number } {
    const { requests, spans } = this.#source;
    const request = requests[position % requests.length];
    return { first: Math.floor(position / requests.length) * spans + request.first, spans: request.spans };
  }

  /** At the pace, until the phase is over. */
  #go(): void {
    const pace = this.#pace;
    if (pace.kind === 'open') {
      const isSpans = pace.unit === 'spans';
      this.#stopPacer = startPacer(pace.perSecond, now, (due) => {
        const spans = this.#fallsDue(due);
        return spans === null || isSpans ? spans : 1;
      });
    } else for (const connection of this.#connections.all) this.#fill(connection);
  }

  /** Nothing new is sent; what found no room is not sent either. */
  #end(): void {
    this.#stopPacer();
    this.#phase = 'stopped';
    for (let request = this.#overdue.shift(); request !== undefined; request = this.#overdue.shift()) {
      this.#leave(request);
    }
  }

  #leave({ position, due, isTimed }: Due): void {
    const { first, spans } = this.#numbers(position);
    if (isTimed) this.#tally.unsent(first, spans, now() - due);
    else this.#putLate(position, 0);
  }

  #isAtRest(): boolean {
    if (this.#tally.inFlight > 0 || this.#overdue.length > 0) return false;
    return this.#phase !== 'flushing' || this.#late.length === 0;
  }

  /** Resolves when nothing is under way; gives up after `limitMs` in which nothing could be sent. */
  #rest(limitMs: number): Promise<void> {
    if (this.#isAtRest()) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#progressAt = now();
    const timer = setInterval(
      () => {
        const isIdle = this.#tally.inFlight === 0;
        // A slow pace is no reason to give up.
        if (isIdle && this.#overdue.length === 0 && this.#pace.kind === 'open') this.#progressAt = now();
        const limit = isIdle ? Math.min(limitMs, roomLimitMs) : limitMs;
        if (now() - this.#progressAt >= limit * 1e6) this.#giveUp();
      },
      Math.min(restLookMs, limitMs),
    );
    const before = this.#rested;
    this.#rested = () => {
      before?.();
      clearInterval(timer);
      this.#rested = null;
      resolve();
    };
    return promise;
  }

  /** Whatever is under way has failed. */
  #giveUp(): void {
    this.#end();
    const clients = new Set<ExportClient>();
    for (const { first, spans, due, isTimed, client } of this.#flights) {
      this.#tally.answered(ended, first, spans, isTimed ? now() - due : null);
      clients.add(client);
    }
    this.#flights.clear();
    this.#bytesInFlight = 0;
    this.#connections.replace(clients);
    this.#rested?.();
  }

  /** Whether a request can be sent on it now. */
  #roomOn({ client, quietUntil }: Connection): boolean {
    if (client === null || !client.usable()) return false;
    const inFlight = client.inFlight();
    if (inFlight >= client.capacity()) return false;
    if (this.#pace.kind === 'closed') {
      const most = this.#phase === 'running' ? this.#pace.inFlight : inFlightAtEnd;
      if (inFlight >= most || (quietUntil > 0 && quietUntil > now())) return false;
    } else if (this.#tally.inFlight >= this.#maxInFlight) return false;
    if (this.#bytesInFlight < mostBytesInFlight) return true;
    this.#limitedByBytes = true;
    return false;
  }

  /** Open loop: the next request is due. Gives its spans; null when there is none any more. */
  #fallsDue(due: number): number | null {
    const isTimed = this.#phase === 'running';
    if (isTimed) this.#tally.lateness.record(now() - due);
    const position = isTimed ? this.#take() : this.#takeLate();
    if (position < 0) return null;
    this.#overdue.push({ position, due, isTimed });
    this.#drain();
    return this.#numbers(position).spans;
  }

  /** What fell due goes to whichever connection has room. */
  #drain(): void {
    while (this.#overdue.length > 0) {
      const connection = this.#connections.next(this.#hasRoom);
      if (connection === null) return;
      const request = this.#overdue.shift();
      if (request !== undefined) this.#send(request, connection);
    }
  }

  /** There may be room again, on this connection or, where all share it, on another. */
  #freed(connection: Connection): void {
    if (this.#phase === 'stopped') return;
    if (this.#pace.kind === 'closed') this.#fill(connection);
    else this.#drain();
  }

  /** Closed loop: as many under way as the pace says. */
  #fill(connection: Connection): void {
    while (this.#phase !== 'stopped' && this.#roomOn(connection)) {
      const request = this.#overdue.shift() ?? this.#nextNow();
      if (request === null) return;
      this.#send(request, connection);
    }
  }

  /** Closed loop: the next request, which is due when there is room for it; null when there is none any more. */
  #nextNow(): Due | null {
    const isTimed = this.#phase === 'running';
    const position = isTimed ? this.#take() : this.#takeLate();
    return position < 0 ? null : { position, due: now(), isTimed };
  }

  #putLate(position: number, delayMs: number): void {
    this.#lateSpans += this.#numbers(position).spans;
    this.#late.put(position, delayMs);
  }

  /** As `take` of the late requests. */
  #takeLate(): number {
    const position = this.#late.take();
    if (position >= 0) this.#lateSpans -= this.#numbers(position).spans;
    return position;
  }

  /** The next position: of a late request that is due, or the next that is not late. */
  #take(): number {
    for (let position = this.#takeLate(); ; ) {
      if (position >= 0) return position;
      const next = this.#position++;
      const { delayNs } = this.#source.requests[next % this.#source.requests.length];
      if (delayNs === 0) position = next;
      else this.#putLate(next, delayNs / 1e6);
    }
  }

  #send({ position, due, isTimed }: Due, connection: Connection): void {
    const { client } = connection;
    if (client === null) throw new TypeError('a connection without a client has no room');
    const { requests } = this.#source;
    const body = this.#source.body(position % requests.length, Math.floor(position / requests.length), due);
    const { first, spans } = this.#numbers(position);
    const flight: Flight = { position, due, isTimed, first, spans, bytes: body.length, connection, client };
    this.#flights.add(flight);
    this.#tally.sent(flight);
    this.#bytesInFlight += flight.bytes;
    if (!isTimed) this.#progressAt = now();
    client.send(body, (reply) => this.#answered(flight, reply));
  }

  #answered(flight: Flight, reply: ExportReply): void {
    // It was given up before.
    if (!this.#flights.delete(flight)) return;
    const { first, spans, due, isTimed, connection } = flight;
    this.#bytesInFlight -= flight.bytes;
    if (reply.status === notSent) {
      this.#tally.takenBack(flight);
      this.#putBack(flight);
    } else {
      this.#tally.answered(reply, first, spans, isTimed ? now() - due : null);
      if (!reply.ok && this.#pace.kind === 'closed') {
        connection.quietUntil = now() + pauseAfterRefusalMs * 1e6;
        setTimeout(() => this.#freed(connection), pauseAfterRefusalMs + 1);
      } else this.#freed(connection);
    }
    if (this.#isAtRest()) this.#rested?.();
  }

  /** Nothing of it went out: another connection may send it. */
  #putBack({ position, due, isTimed }: Flight): void {
    const request: Due = { position, due, isTimed };
    if (this.#phase === 'stopped') {
      this.#leave(request);
      return;
    }
    this.#overdue.putBack(request);
    this.#drain();
  }
}
