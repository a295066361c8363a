// A server at an address that the configuration may change, or take away: the new one listens before the old one ends.
import { isDeepStrictEqual } from 'node:util';

export interface Server {
  start(): Promise<void>;
  /** May be called twice and before start. */
  stop(): unknown;
  /** '' when it does not listen. */
  address(): string;
}

/** One of both is to be called. */
export interface PreparedChange {
  commit(): void;
  cancel(): void;
}

export class BoundServer<A extends object> {
  readonly #create: (address: A) => Server;
  #address: A | null = null;
  #server: Server | null = null;

  constructor(create: (address: A) => Server) {
    this.#create = create;
  }

  /** Rejects when the address cannot be had; then the server goes on where it is. null: nowhere. */
  async prepare(address: A | null): Promise<PreparedChange> {
    if (isDeepStrictEqual(address, this.#address)) return { commit() {}, cancel() {} };
    const next = address === null ? null : this.#create(address);
    try {
      await next?.start();
    } catch (error) {
      next?.stop();
      throw error;
    }
    return {
      commit: () => {
        this.#server?.stop();
        this.#server = next;
        this.#address = address;
      },
      cancel: () => void next?.stop(),
    };
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  address(): string {
    return this.#server?.address() ?? '';
  }
}
