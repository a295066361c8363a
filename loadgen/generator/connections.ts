// The connections of a load: opened, taken in turn, and opened again when they are lost.
import type { ExportClient } from '../client/client.ts';

export interface Connection {
  /** null while there is none. */
  client: ExportClient | null;
  /** Closed loop: after a refusal nothing is sent before this moment. */
  quietUntil: number;
  openedAt: number;
  lostAt: number;
  /** Whether it could not be opened again. */
  isUnreachable: boolean;
}

export interface ConnectionsOptions {
  readonly count: number;
  /** Opens a connection; `onUnusable` is called once when it takes no more requests. Rejects when it cannot be opened. */
  connect(onUnusable: (reason: string) => void): Promise<ExportClient>;
  /** Called when one that was lost is open again. */
  reopened(connection: Connection): void;
}

/** Between attempts that fail; and a connection that did not last for so long is not opened again at once. */
const reconnectMs = 100;
/** A connection that is gone for no longer is one that is being replaced. */
const replacingMs = 1000;

/** Nanoseconds since this process began. */
export const now = (): number => performance.now() * 1e6;

export class Connections {
  readonly all: readonly Connection[];
  readonly #options: ConnectionsOptions;
  #turn = 0;
  #isClosed = false;
  /** Why the connection that was lost last was lost. */
  #lastLoss = '';

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.all = Array.from({ length: options.count }, () => ({
      client: null,
      quietUntil: 0,
      openedAt: 0,
      lostAt: 0,
      isUnreachable: false,
    }));
  }

  /** Rejects when the server cannot be reached. */
  async open(): Promise<void> {
    // The first alone: when it fails, that is said once.
    const [first, ...others] = this.all;
    await this.#open(first);
    await Promise.all(others.map((connection) => this.#open(connection)));
  }

  /** The next connection, in turn, that has room; null when none has. */
  next(hasRoom: (connection: Connection) => boolean): Connection | null {
    const { length } = this.all;
    for (let i = 0; i < length; i++) {
      const connection = this.all[this.#turn];
      this.#turn = this.#turn + 1 === length ? 0 : this.#turn + 1;
      if (hasRoom(connection)) return connection;
    }
    return null;
  }

  /** Why there is no connection at all; null when there is one, or may be in a moment. */
  disconnected(): string | null {
    const since = now() - replacingMs * 1e6;
    const isDown = ({ client, isUnreachable, lostAt }: Connection): boolean =>
      client === null && (isUnreachable || lostAt < since);
    return this.all.every(isDown) ? this.#lastLoss : null;
  }

  /** Closes them; those of them that are still in use are opened again. */
  replace(clients: ReadonlySet<ExportClient>): void {
    for (const client of clients) client.close();
    for (const connection of this.all) {
      if (connection.client !== null && clients.has(connection.client)) this.#lost(connection, 'closed by the load');
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const { client } of this.all) client?.close();
  }

  async #open(connection: Connection): Promise<void> {
    const client = await this.#options.connect((reason) => {
      if (connection.client === client) this.#lost(connection, reason);
    });
    if (this.#isClosed) {
      client.close();
      return;
    }
    connection.client = client;
    connection.openedAt = now();
    connection.isUnreachable = false;
  }

  #lost(connection: Connection, reason: string): void {
    this.#lastLoss = reason;
    connection.client = null;
    connection.lostAt = now();
    const lasted = connection.lostAt - connection.openedAt;
    if (lasted > reconnectMs * 1e6) this.#reopen(connection);
    else this.#reopenLater(connection);
  }

  #reopenLater(connection: Connection): void {
    if (!this.#isClosed) setTimeout(() => this.#reopen(connection), reconnectMs);
  }

  #reopen(connection: Connection): void {
    if (this.#isClosed) return;
    this.#open(connection).then(
      () => {
        if (!this.#isClosed) this.#options.reopened(connection);
      },
      () => {
        connection.isUnreachable = true;
        this.#reopenLater(connection);
      },
    );
  }
}
