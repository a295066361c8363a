// The load itself: slots, each with a message of its own, that are stamped and sent again and again.
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { createClock } from './clock.ts';
import { connectUnary, type UnaryClient, type UnaryReply } from './h2/client.ts';
import { createLatencyRecorder } from './latency.ts';
import type { GeneratorCounters, GeneratorOptions, SpanRange } from './messages.ts';
import { startPacer } from './pacer.ts';
import { chatRequests } from './shape/chat.ts';
import { createSpanStream, type SpanStream, type Stamp } from './shape/identity.ts';
import type { RequestTemplate } from './shape/span-template.ts';

const exportPath = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const reconnectMs = 100;
const statusNames =
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'.split(
    ' ',
  );

interface Connection {
  readonly number: number;
  readonly stream: SpanStream;
  client: UnaryClient | null;
  /** Slots that are free. */
  readonly idle: Slot[];
}
/** One call at a time. */
interface Slot {
  readonly connection: Connection;
  readonly message: Buffer;
  /** The template whose bytes `message` holds now. */
  holds: RequestTemplate | null;
  body: Buffer;
}

export interface Load {
  start(): void;
  /** Sends no more; resolves when nothing is in flight. */
  pause(): Promise<void>;
  counters(): GeneratorCounters;
  resetLatency(): void;
  close(): void;
}

class RunningLoad implements Load {
  readonly #options: GeneratorOptions;
  readonly #clock;
  readonly #templates: RequestTemplate[];
  readonly #connections: Connection[] = [];
  readonly #acknowledgement = createLatencyRecorder();
  readonly #lateness = createLatencyRecorder();
  readonly #byStatus = new Map<string, number>();
  readonly #ranges: [stream: number, first: number, count: number][] = [];
  #running = false;
  #closed = false;
  #stopPacer: () => void = () => {};
  /** Open loop: intended times of requests for which no slot was free. */
  readonly #overdue: bigint[] = [];
  #turn = 0;
  #inFlight = 0;
  #whenIdle: (() => void) | null = null;
  #sent = 0;
  #ok = 0;
  #failed = 0;
  #generated = 0;
  #acknowledged = 0;
  #toDrop = 0;
  #unsure = 0;
  #firstFailure = '';

  constructor(options: GeneratorOptions) {
    this.#options = options;
    this.#clock = createClock(BigInt(options.clockOffset));
    this.#templates = chatRequests(options.spansPerRequest);
    const largest = Math.max(...this.#templates.map((template) => template.message.length));
    for (let number = 0; number < options.connections; number++) {
      const connection: Connection = {
        number,
        stream: createSpanStream({ ...options, stream: number }),
        client: null,
        idle: [],
      };
      for (let i = 0; i < options.inFlight; i++) {
        const message = Buffer.allocUnsafeSlow(largest);
        connection.idle.push({ connection, message, holds: null, body: message });
      }
      this.#connections.push(connection);
    }
  }

  async connect(): Promise<void> {
    for (const connection of this.#connections) await this.#connect(connection);
  }

  start(): void {
    this.#running = true;
    const { pace } = this.#options;
    if (pace.kind === 'closed') {
      for (const connection of this.#connections) this.#sendIdle(connection);
      return;
    }
    this.#stopPacer = startPacer(pace.requestsPerSecond, this.#clock, (due) => this.#sendDue(due));
  }

  pause(): Promise<void> {
    this.#running = false;
    this.#stopPacer();
    this.#overdue.length = 0;
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  counters(): GeneratorCounters {
    const { user, system } = process.cpuUsage();
    return {
      requests: {
        sent: this.#sent,
        acknowledged: this.#ok,
        failed: this.#failed,
        byStatus: Object.fromEntries(this.#byStatus),
      },
      spans: {
        generated: this.#generated,
        acknowledged: this.#acknowledged,
        toDrop: this.#toDrop,
        unsure: this.#unsure,
      },
      unacknowledged: this.#ranges.map((range): SpanRange => range),
      firstFailure: this.#firstFailure,
      acknowledgement: this.#acknowledgement.summary(),
      lateness: this.#lateness.summary(),
      cpuMicroseconds: user + system,
    };
  }

  resetLatency(): void {
    this.#acknowledgement.reset();
    this.#lateness.reset();
  }

  close(): void {
    this.#closed = true;
    this.#running = false;
    this.#stopPacer();
    for (const { client } of this.#connections) client?.close();
  }

  async #connect(connection: Connection): Promise<void> {
    const { host, port } = this.#options;
    connection.client = await connectUnary({
      host,
      port,
      path: exportPath,
      onUnusable: () => {
        connection.client = null;
        this.#reconnectLater(connection);
      },
    });
  }

  #reconnectLater(connection: Connection): void {
    if (this.#closed) return;
    setTimeout(() => {
      this.#connect(connection).then(
        () => this.#sendIdle(connection),
        () => this.#reconnectLater(connection),
      );
    }, reconnectMs);
  }

  /** Puts the connection's free slots to work. */
  #sendIdle(connection: Connection): void {
    const closedLoop = this.#options.pace.kind === 'closed';
    while (this.#running && connection.client !== null && connection.idle.length > 0) {
      const due = closedLoop ? this.#clock.now() : this.#overdue.shift();
      if (due === undefined) return;
      const slot = connection.idle.pop();
      if (slot !== undefined) this.#send(slot, connection.client, due);
    }
  }

  /** Open loop: a request falls due. Goes by the next connection that has a free slot. */
  #sendDue(due: bigint): void {
    const { length } = this.#connections;
    for (let i = 0; i < length; i++) {
      const connection = this.#connections[this.#turn++ % length];
      if (connection.client === null) continue;
      const slot = connection.idle.pop();
      if (slot !== undefined) {
        this.#send(slot, connection.client, due);
        return;
      }
    }
    this.#overdue.push(due);
  }

  #send(slot: Slot, client: UnaryClient, due: bigint): void {
    const template = this.#templates[this.#sent % this.#templates.length];
    if (slot.holds !== template) {
      template.message.copy(slot.message);
      slot.holds = template;
      slot.body = slot.message.subarray(0, template.message.length);
    }
    const stamp = slot.connection.stream.stamp(slot.body, template, Number(due & 0xffff_ffffn), Number(due >> 32n));
    if (this.#options.pace.kind === 'open') this.#lateness.record(Number(this.#clock.now() - due));
    this.#sent++;
    this.#generated += template.spans;
    this.#inFlight++;
    client.call(slot.body, (reply) => this.#answered(slot, due, template.spans, stamp, reply));
  }

  #answered(slot: Slot, due: bigint, spans: number, stamp: Stamp, reply: UnaryReply): void {
    this.#inFlight--;
    const status = statusOf(reply);
    this.#byStatus.set(status, (this.#byStatus.get(status) ?? 0) + 1);
    if (status === 'OK') {
      this.#acknowledgement.record(Number(this.#clock.now() - due));
      this.#ok++;
      this.#acknowledged += spans;
      this.#toDrop += stamp.toDrop;
      this.#unsure += stamp.unsure;
      this.#free(slot);
    } else {
      this.#failed++;
      if (this.#firstFailure === '') this.#firstFailure = `${status}: ${reply.message}`;
      this.#noteUnacknowledged(slot.connection.number, stamp.first, spans);
      setTimeout(() => this.#free(slot), this.#options.pauseAfterFailureMs);
    }
    if (this.#inFlight === 0 && !this.#running && this.#whenIdle !== null) {
      this.#whenIdle();
      this.#whenIdle = null;
    }
  }

  #free(slot: Slot): void {
    slot.connection.idle.push(slot);
    this.#sendIdle(slot.connection);
  }

  #noteUnacknowledged(stream: number, first: number, count: number): void {
    const last = this.#ranges.at(-1);
    if (last !== undefined && last[0] === stream && last[1] + last[2] === first) last[2] += count;
    else this.#ranges.push([stream, first, count]);
  }
}

/** Go servers write an empty partial_success with every answer. */
const nothingRejected = Buffer.from([0x0a, 0x00]);

function rejectedSpans(body: Buffer): number {
  if (body.length === 0 || body.equals(nothingRejected)) return 0;
  return Number(ProtobufTraceSerializer.deserializeResponse(body).partialSuccess?.rejectedSpans ?? 0);
}

/** PARTIAL: the server took the request but not all of its spans; which ones it does not say. */
function statusOf(reply: UnaryReply): string {
  if (reply.status === 0) return rejectedSpans(reply.body) === 0 ? 'OK' : 'PARTIAL';
  return reply.status < 0 ? 'TRANSPORT' : (statusNames[reply.status] ?? `STATUS_${reply.status}`);
}

/** Connects; rejects when the server cannot be reached. */
export async function createLoad(options: GeneratorOptions): Promise<Load> {
  const load = new RunningLoad(options);
  await load.connect();
  return load;
}
