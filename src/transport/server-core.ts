// What every server does with its connections as a whole, whatever HTTP they speak: counts them, sweeps them, sends them away
// when it drains, waits until they are gone.
import type { CallPort, CallShared } from './call-port.ts';
import { createInflater } from './compression.ts';
import { type ConnectionLife, sweepIntervalMs } from './connection-life.ts';
import {
  defaultPingPolicy,
  defaultServerKeepalive,
  type GrpcServer,
  type GrpcServerOptions,
  newServerCounters,
  type PingPolicy,
  type ServerCounters,
  type ServerKeepalive,
  type ServerLimits,
  serverLimits,
} from './grpc-server.ts';
import { createListener, type ListenerOptions } from './listener.ts';
import { endStalled } from './slow-calls.ts';

/** Decompressions at a time; libuv's pool has four threads. */
const inflateConcurrency = 4;
/** Of a drain: longer than what is under way needs to arrive, even here, where everything else goes on. */
const defaultIdleMs = 500;

interface Connection {
  readonly life: Pick<ConnectionLife, 'sweep'> & {
    /** `idleMs`: how long it may still bring a call, where its protocol cannot say to an idle client that it is over. */
    sendAway(idleMs: number): void;
  };
}

/** What an implementation of HTTP does for it. */
export interface ServerImplementation<S, C extends Connection> {
  readonly shared: CallShared<S, C>;
  accept: ListenerOptions['accept'];
  readonly pauseOnConnect?: boolean;
  /** As for the listener. */
  readonly protocol?: NonNullable<ListenerOptions['protocol']>;
  /** Milliseconds: limits that `sweep` minds, beside those that the core knows. */
  readonly sweepFor?: readonly number[];
  /** Cuts the connection at once. */
  cut(connection: C): void;
  /** Looks at what only the implementation knows of a connection, now and then. */
  sweep?(connection: C, now: number): void;
}

export interface ServerCore<C extends Connection> {
  readonly limits: ServerLimits;
  readonly keepalive: ServerKeepalive;
  readonly pings: PingPolicy;
  readonly counters: ServerCounters;
  readonly connections: ReadonlySet<C>;
  /** To be told of each connection that begins … */
  opened(connection: C): void;
  /** … and ends. Once each. */
  closed(connection: C): void;
  /** What the server's calls share; once. */
  callShared<S>(port: CallPort<S, C>, live: CallShared<S, C>['live']): CallShared<S, C>;
  /** The server itself; once. */
  server<S>(implementation: ServerImplementation<S, C>): GrpcServer;
}

export function createServerCore<C extends Connection>(options: GrpcServerOptions): ServerCore<C> {
  const limits = serverLimits(options.limits);
  const keepalive: ServerKeepalive = { ...defaultServerKeepalive, ...options.keepalive };
  const pings: PingPolicy = { ...defaultPingPolicy, ...options.pings };
  const counters = newServerCounters();
  const connections = new Set<C>();
  const goneWaiters: (() => void)[] = [];
  let draining = false;
  let idleMs = 0;
  let sweeper: NodeJS.Timeout | undefined;

  const gone = (): Promise<void> =>
    connections.size === 0 ? Promise.resolve() : new Promise((resolve) => goneWaiters.push(resolve));

  return {
    limits,
    keepalive,
    pings,
    counters,
    connections,
    opened(connection) {
      connections.add(connection);
      counters.connections++;
      counters.connectionsNow++;
      if (draining) connection.life.sendAway(idleMs);
    },
    closed(connection) {
      connections.delete(connection);
      counters.connectionsNow--;
      if (connections.size === 0) for (const resolve of goneWaiters.splice(0)) resolve();
    },
    callShared: (port, live) => ({
      port,
      limits,
      counters,
      inflater: createInflater(limits.maxMessageBytes, inflateConcurrency),
      auth: options.auth ?? null,
      lookedForRoomAt: Number.NEGATIVE_INFINITY,
      live,
    }),
    server({ shared, accept, pauseOnConnect, protocol, sweepFor = [], cut: cutOne, sweep }) {
      const listener = createListener({
        tls: options.tls,
        handshakeTimeoutMs: limits.handshakeTimeoutMs,
        pauseOnConnect: pauseOnConnect ?? false,
        protocol: protocol ?? 'h2',
        sockets: options.sockets,
        accept,
        failed() {
          counters.connectionErrors++;
        },
      });
      /** A cut connection tells no client whether to come again: who waits for an answer gets one first. */
      const cut = async (): Promise<void> => {
        for (const call of [...shared.live()]) call.turnAway();
        await new Promise((resolve) => setImmediate(resolve));
        for (const connection of connections) cutOne(connection);
      };
      const sweepAll = (): void => {
        const now = performance.now();
        for (const connection of connections) {
          connection.life.sweep(now, keepalive, counters);
          sweep?.(connection, now);
        }
        endStalled(shared, now);
      };
      const known = [...Object.values(keepalive), limits.stallTimeoutMs, limits.handshakeTimeoutMs];
      const intervals = [...known, ...sweepFor];
      return {
        counters,
        async listen() {
          await listener.listen(options.listen);
          sweeper = setInterval(sweepAll, sweepIntervalMs(intervals));
          sweeper.unref();
        },
        async drain(timeoutMs, idleClientsMs = defaultIdleMs) {
          draining = true;
          idleMs = Math.min(idleClientsMs, timeoutMs);
          const closed = listener.close();
          for (const connection of connections) connection.life.sendAway(idleMs);
          await within(timeoutMs, gone());
          await cut();
          await Promise.all([closed, gone()]);
        },
        async close() {
          draining = true;
          clearInterval(sweeper);
          const closed = listener.close();
          await cut();
          await Promise.all([closed, gone()]);
        },
        address: () => listener.address(),
      };
    },
  };
}

/** Resolves with the work, or when the time is over, which does not keep the process alive. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, Math.min(ms, 2 ** 31 - 1)).unref();
  await Promise.race([work, over]);
  clearTimeout(timer);
}
