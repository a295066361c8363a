// A bound socket that outlives the server behind it: when a server takes the place of another on the same address, the socket
// goes on listening, and what it accepts goes to the newer one. So no connection is refused in between.
import * as net from 'node:net';

/** Who gets the connections. */
export interface SocketOwner {
  /** Sockets are given to `accept` without reading from them. */
  readonly pauseOnConnect: boolean;
  /** More at a time are closed at once. Infinity: no limit. */
  readonly maxConnections: number;
  accept(socket: net.Socket): void;
  /** An accept failed: that connection is lost, no more. */
  failed(): void;
}

/** Of one server. Kept by who starts servers in the place of others. */
export interface BoundSockets {
  /** Of all servers, by where they are bound. */
  readonly bound: Map<string, object>;
  /** Its successors have the same, and nobody else at the same time. */
  readonly id: string;
  /** Whether the server with those leaves its socket to this one. */
  mayFollow(other: object): boolean;
}

/** Binds the server to the address, anew each time. Rejects with EADDRINUSE when somebody has it. */
export type Bind = (server: net.Server) => Promise<void>;

interface Owned {
  readonly owner: SocketOwner;
  readonly by: BoundSockets;
}

export class ListeningSocket {
  readonly #server: net.Server;
  readonly #bind: Bind;
  readonly #bound: Map<string, object>;
  readonly #key: string;
  /** The last one gets what comes; the ones before it have been replaced. */
  readonly #owners: Owned[] = [];
  /** Those that listen no more, because this one has their port: it gives it back when it ends before them. */
  #displaced: readonly ListeningSocket[] = [];

  private constructor(bound: Map<string, object>, key: string, bind: Bind) {
    this.#bound = bound;
    this.#key = key;
    this.#bind = bind;
    this.#server = net.createServer((socket) => {
      const last = this.#owners.at(-1);
      if (last === undefined) socket.destroy();
      else last.owner.accept(socket);
    });
  }

  /** Makes `owner` the one who gets the connections of the socket under `key`, which `bind` binds where there is none yet. */
  static async take(key: string, owner: SocketOwner, by: BoundSockets, bind: Bind): Promise<ListeningSocket> {
    const { bound } = by;
    const known = bound.get(key);
    if (known instanceof ListeningSocket && known.#isLeftTo(by)) {
      known.#add(owner, by);
      return known;
    }
    const made = new ListeningSocket(bound, key, bind);
    made.#add(owner, by);
    await made.#listen(by);
    bound.set(key, made);
    return made;
  }

  /** On a port of which others have one address or all, those are displaced that are left to it: connections may be refused meanwhile. */
  async #listen(by: BoundSockets): Promise<void> {
    try {
      await this.#bind(this.#server);
    } catch (error) {
      const others = [...this.#bound.values()].filter((one) => one instanceof ListeningSocket);
      const port = portOf(error);
      const displaced = others.filter((one) => one.#port === port && one.#isLeftTo(by));
      if (port === 0 || displaced.length === 0) throw error;
      for (const one of displaced) one.#server.close();
      try {
        await this.#bind(this.#server);
      } catch (second) {
        for (const one of displaced) one.#listenAgain();
        throw second;
      }
      this.#displaced = displaced;
    }
    this.#server.on('error', () => this.#owners.at(-1)?.owner.failed());
  }

  #listenAgain(): void {
    if (this.#owners.length === 0 || this.#server.listening) return;
    // It had the port a moment ago.
    void this.#bind(this.#server).catch(() => this.#owners.at(-1)?.owner.failed());
  }

  /** 0: it listens on none. */
  get #port(): number {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  }

  #isLeftTo(by: BoundSockets): boolean {
    const last = this.#owners.at(-1);
    return last !== undefined && by.mayFollow(last.by);
  }

  #add(owner: SocketOwner, by: BoundSockets): void {
    this.#owners.push({ owner, by });
    this.#turn();
  }

  /** node:net looks at both for each connection. */
  #turn(): void {
    const server = this.#server as net.Server & { pauseOnConnect?: boolean };
    const last = this.#owners.at(-1)?.owner;
    server.pauseOnConnect = last?.pauseOnConnect ?? false;
    server.maxConnections = last?.maxConnections ?? Number.POSITIVE_INFINITY;
  }

  /**
   * The owner wants no more connections. The last one closes the socket, and waits until all connections are closed that came
   * by it.
   */
  async release(owner: SocketOwner): Promise<void> {
    const at = this.#owners.findIndex((one) => one.owner === owner);
    if (at < 0) return;
    this.#owners.splice(at, 1);
    if (this.#owners.length > 0) return this.#turn();
    if (this.#bound.get(this.#key) === this) this.#bound.delete(this.#key);
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const one of this.#displaced) one.#listenAgain();
    this.#displaced = [];
    await closed;
  }

  /** Of node:net; null when it does not listen, or not for this owner. */
  addressFor(owner: SocketOwner): ReturnType<net.Server['address']> {
    const isOwner = this.#owners.some((one) => one.owner === owner);
    return isOwner && this.#server.listening ? this.#server.address() : null;
  }
}

/** Of the address that somebody has; 0: it is something else. */
function portOf(error: unknown): number {
  const { code, port } = error as { code?: unknown; port?: unknown };
  return code === 'EADDRINUSE' && typeof port === 'number' ? port : 0;
}
