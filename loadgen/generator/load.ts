// The load itself: takes the next request of the corpus, stamps it, and hands it to a connection.
import type { ExportClient, ExportReply } from '../client/client.ts';
import type { CorpusRequest } from '../corpus/corpus.ts';
import { createLateRequests } from './late-requests.ts';
import type { GeneratorReport, GeneratorTick, Pace } from './messages.ts';
import { startPacer } from './pacer.ts';
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

interface Connection {
  client: ExportClient | null;
  /** Closed loop: after a refusal nothing is sent before this moment. */
  quietUntil: number;
}

const reconnectMs = 100;
/** What a client that is refused waits in the closed loop, where nothing else slows it down. */
const pauseAfterRefusalMs = 50;
/** At the end of the load, for what is still to be sent: on each connection, and how long room is waited for. */
const inFlightAtEnd = 8;
const roomLimitMs = 5000;
/** Bytes of bodies under way, beyond which nothing more is sent: a stalled server must not fill our memory. */
const mostBytesInFlight = 256 << 20;

/** Nanoseconds since this process began. */
export const now = (): number => performance.now() * 1e6;

export class Load {
  readonly #source: RequestSource;
  readonly #options: LoadOptions;
  readonly #connections: Connection[] = [];
  readonly #tally = new Tally();
  readonly #late = createLateRequests();
  #pace: Pace = { kind: 'closed', inFlight: 1 };
  #running = false;
  #closed = false;
  #stopPacer: () => void = () => {};
  /** Open loop: requests that found no room. */
  #overdue: { readonly position: number; readonly due: number }[] = [];
  #overdueAt = 0;
  #turn = 0;
  #position = 0;
  #bytesInFlight = 0;
  /** Why the connection that was lost last was lost. */
  #lostConnection = '';
  #whenIdle: (() => void) | null = null;

  private constructor(source: RequestSource, options: LoadOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** Connects; rejects when the server cannot be reached. */
  static async open(source: RequestSource, options: LoadOptions): Promise<Load> {
    const load = new Load(source, options);
    for (let i = 0; i < options.connections; i++) load.#connections.push({ client: null, quietUntil: 0 });
    // The first alone: when it fails, that is said once.
    const [first, ...others] = load.#connections;
    await load.#connect(first);
    await Promise.all(others.map((connection) => load.#connect(connection)));
    return load;
  }

  start(pace: Pace): void {
    this.#pace = pace;
    this.#running = true;
    if (pace.kind === 'open') {
      const weighs = pace.unit === 'spans' ? (spans: number) => spans : () => 1;
      this.#stopPacer = startPacer(pace.perSecond, now, (due) => weighs(this.#fallsDue(due)));
    } else for (const connection of this.#connections) this.#fill(connection);
  }

  /** Sends no more; resolves when nothing is under way. `flush`: what was to be sent later is sent first. */
  async pause(flush: boolean): Promise<void> {
    this.#stopPacer();
    this.#running = false;
    for (const { position } of this.#overdue.slice(this.#overdueAt)) {
      const { first, spans } = this.#numbers(position);
      this.#tally.unsent(first, spans);
    }
    this.#overdue = [];
    this.#overdueAt = 0;
    if (flush) await this.#flush();
    if (this.#tally.inFlight > 0) await this.#idle();
  }

  tick(): GeneratorTick {
    const { acknowledgement, lateness } = this.#tally;
    return { ...this.#counters(), acknowledgement: acknowledgement.lately(), lateness: lateness.lately() };
  }

  report(): GeneratorReport {
    const waiting = [
      ...this.#late.positions(),
      ...this.#overdue.slice(this.#overdueAt).map(({ position }) => position),
    ];
    const notSent = waiting.map((position) => {
      const { first, spans } = this.#numbers(position);
      return [first, spans, -1] as const;
    });
    return {
      ...this.#counters(),
      end: this.#numbers(this.#position).first,
      unsure: [...this.#tally.unsure, ...notSent],
      disconnected: this.#connections.every(({ client }) => client === null) ? this.#lostConnection : null,
      acknowledgement: this.#tally.acknowledgement.withCurve(),
      lateness: this.#tally.lateness.withCurve(),
    };
  }

  resetLatency(): void {
    this.#tally.acknowledgement.reset();
    this.#tally.lateness.reset();
  }

  close(): void {
    this.#closed = true;
    this.#running = false;
    this.#stopPacer();
    for (const { client } of this.#connections) client?.close();
  }

  #counters() {
    return this.#tally.counters(this.#overdue.length - this.#overdueAt);
  }

  #numbers(position: number): { readonly first: number; readonly spans: number } {
    const { requests, spans } = this.#source;
    const request = requests[position % requests.length];
    return { first: Math.floor(position / requests.length) * spans + request.first, spans: request.spans };
  }

  async #connect(connection: Connection): Promise<void> {
    connection.client = await this.#options.connect((reason) => {
      connection.client = null;
      this.#lostConnection = reason;
      this.#reconnectLater(connection);
    });
  }

  #reconnectLater(connection: Connection): void {
    if (this.#closed) return;
    setTimeout(() => {
      if (this.#closed) return;
      this.#connect(connection).then(
        () => this.#freed(connection),
        () => this.#reconnectLater(connection),
      );
    }, reconnectMs);
  }

  /** Whether a request can be sent on it now. */
  #hasRoom({ client }: Connection): boolean {
    if (client === null || !client.usable() || this.#bytesInFlight >= mostBytesInFlight) return false;
    if (!this.#running) return client.inFlight() < inFlightAtEnd;
    if (this.#pace.kind === 'closed') return client.inFlight() < this.#pace.inFlight;
    return this.#tally.inFlight < this.#options.maxInFlight;
  }

  /** The next connection, in turn, that has room; null when none has. */
  #next(): Connection | null {
    const { length } = this.#connections;
    for (let i = 0; i < length; i++) {
      const connection = this.#connections[this.#turn];
      this.#turn = this.#turn + 1 === length ? 0 : this.#turn + 1;
      if (this.#hasRoom(connection)) return connection;
    }
    return null;
  }

  /** Open loop: the next request is due. Gives its spans. */
  #fallsDue(due: number): number {
    this.#tally.lateness.record(now() - due);
    const position = this.#take();
    const connection = this.#overdue.length > this.#overdueAt ? null : this.#next();
    if (connection === null) this.#overdue.push({ position, due });
    else this.#send(position, connection, due, true);
    return this.#numbers(position).spans;
  }

  /** A connection may have room again. */
  #freed(connection: Connection): void {
    if (!this.#running) return;
    if (this.#pace.kind === 'closed') {
      this.#fill(connection);
      return;
    }
    while (this.#overdueAt < this.#overdue.length && this.#hasRoom(connection)) {
      const { position, due } = this.#overdue[this.#overdueAt++];
      this.#send(position, connection, due, true);
    }
    if (this.#overdueAt === this.#overdue.length) {
      this.#overdue = [];
      this.#overdueAt = 0;
    }
  }

  /** Closed loop: as many under way as the pace says. */
  #fill(connection: Connection): void {
    if (connection.quietUntil > now()) return;
    while (this.#running && this.#hasRoom(connection)) this.#send(this.#take(), connection, now(), true);
  }

  /** What was to be sent later, now; a few at a time. */
  async #flush(): Promise<void> {
    this.#late.flush();
    for (let position = this.#late.take(); position >= 0; position = this.#late.take()) {
      const connection = await this.#room();
      if (connection === null) {
        // Nobody takes them: they stay among those that were not sent.
        this.#late.put(position, 0);
        return;
      }
      // Nobody intended it for this moment: its time says nothing.
      this.#send(position, connection, now(), false);
    }
  }

  /** The next position: of a late request that is due, or the next that is not late. */
  #take(): number {
    for (let position = this.#late.take(); ; ) {
      if (position >= 0) return position;
      const next = this.#position++;
      const { delayNs } = this.#source.requests[next % this.#source.requests.length];
      if (delayNs === 0) position = next;
      else this.#late.put(next, delayNs / 1e6);
    }
  }

  #send(position: number, connection: Connection, due: number, isTimed: boolean): void {
    const { requests } = this.#source;
    const body = this.#source.body(position % requests.length, Math.floor(position / requests.length), due);
    const { first, spans } = this.#numbers(position);
    const bytes = body.length;
    this.#tally.sent(spans, bytes);
    this.#bytesInFlight += bytes;
    connection.client?.send(body, (reply) => {
      this.#bytesInFlight -= bytes;
      this.#tally.answered(reply, first, spans, isTimed ? now() - due : null);
      this.#answered(connection, reply);
    });
  }

  #answered(connection: Connection, reply: ExportReply): void {
    if (this.#tally.inFlight === 0) this.#whenIdle?.();
    if (!reply.ok && this.#pace.kind === 'closed') {
      connection.quietUntil = now() + pauseAfterRefusalMs * 1e6;
      setTimeout(() => this.#freed(connection), pauseAfterRefusalMs + 1);
      return;
    }
    this.#freed(connection);
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenIdle = () => {
        this.#whenIdle = null;
        resolve();
      };
    });
  }

  /** A connection with room, as soon as there is one; null when there is none for long. */
  async #room(): Promise<Connection | null> {
    const deadline = now() + roomLimitMs * 1e6;
    for (;;) {
      const connection = this.#next();
      if (connection !== null || this.#closed || now() > deadline) return connection;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}
