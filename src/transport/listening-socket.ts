// A bound socket that outlives the server behind it: when a server takes the place of another on the same address, the socket
// goes on listening, and what it accepts goes to the newer one. So no connection is refused in between.
import * as net from 'node:net';

/** Who gets the connections. */
export interface SocketOwner {
  /** Sockets are given to `accept` without reading from them. */
  readonly pauseOnConnect: boolean;
  accept(socket: net.Socket): void;
  /** An accept failed: that connection is lost, no more. */
  failed(): void;
}

/** Bound sockets by what they are for and where. Kept by who starts one server in the place of another. */
export type BoundSockets = Map<string, object>;

export class ListeningSocket {
  readonly #server: net.Server;
  /** The last one gets what comes; the ones before it have been replaced. */
  readonly #owners: SocketOwner[] = [];
  readonly #forget: () => void;

  private constructor(forget: () => void) {
    this.#forget = forget;
    this.#server = net.createServer((socket) => {
      const owner = this.#owners.at(-1);
      if (owner === undefined) socket.destroy();
      else owner.accept(socket);
    });
  }

  /** Makes `owner` the one who gets the connections of the socket under `key`, which `bind` binds where there is none yet. */
  static async take(
    sockets: BoundSockets,
    key: string,
    owner: SocketOwner,
    bind: (server: net.Server) => Promise<void>,
  ): Promise<ListeningSocket> {
    const known = sockets.get(key);
    if (known instanceof ListeningSocket) {
      known.#add(owner);
      return known;
    }
    const made = new ListeningSocket(() => sockets.delete(key));
    made.#add(owner);
    await bind(made.#server);
    made.#server.on('error', () => made.#owners.at(-1)?.failed());
    sockets.set(key, made);
    return made;
  }

  #add(owner: SocketOwner): void {
    this.#owners.push(owner);
    this.#pause();
  }

  /** node:net looks at it for each connection. */
  #pause(): void {
    const server = this.#server as net.Server & { pauseOnConnect?: boolean };
    server.pauseOnConnect = this.#owners.at(-1)?.pauseOnConnect ?? false;
  }

  /**
   * The owner wants no more connections. The last one closes the socket, and waits until all connections are closed that came
   * by it.
   */
  async release(owner: SocketOwner): Promise<void> {
    const at = this.#owners.indexOf(owner);
    if (at < 0) return;
    this.#owners.splice(at, 1);
    if (this.#owners.length > 0) return this.#pause();
    this.#forget();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Of node:net; null when it does not listen, or not for this owner. */
  addressFor(owner: SocketOwner): ReturnType<net.Server['address']> {
    return this.#owners.includes(owner) && this.#server.listening ? this.#server.address() : null;
  }
}
