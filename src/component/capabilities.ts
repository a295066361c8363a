// What an extension does for other components, which name it by its id (`auth: {authenticator: bearertokenauth}`,
// `storage: file_storage`, `dead_letter: dead_letter`). config/resolve.ts checks that the id names an extension that
// offers it and that `service.extensions` starts; extensions start before everything else and stop last.

/** Reads the header fields of a request: all values of a name in lower case; empty when absent. */
export type HeaderReader = (name: string) => readonly string[];

/** Why a request may not come in. */
export interface AuthRefusal {
  /** For the client: what was missing or wrong, nothing of what would be right. */
  readonly message: string;
  /**
   * 0: it is not welcome (gRPC UNAUTHENTICATED, HTTP 401). Above 0: nothing was decided, because too many credentials are
   * being checked; the client may come again after this time (UNAVAILABLE with RetryInfo, 503 with Retry-After).
   */
  readonly retryDelayMs: number;
}

/** Whether a request may come in; asked before its body is read. */
export interface ServerAuthenticator {
  /**
   * null: welcome. A promise, which never rejects, where deciding takes long (a password hash that is slow by design, off
   * the I/O thread): until it settles nothing of the body is read, and one client holds back no other. Takes equally long
   * for every wrong credential. `peer`: host:port of the client, '' for a unix socket; with it deciding takes turns.
   */
  refusal(header: HeaderReader, peer?: string): AuthRefusal | null | Promise<AuthRefusal | null>;
  /**
   * A whole number of 0 or more, another one whenever who was welcome may no longer be. Who remembers that a request was
   * welcome asks again when it has changed. Cheap.
   */
  readonly version: number;
  /**
   * What it knows of a client that it has welcomed by these headers, by the Collector's names (basicauth: `username`, `raw`);
   * null: nothing of that name. Asked only where a pipeline names the attribute. Absent: it knows nothing.
   */
  attribute?(header: HeaderReader, name: string): string | null;
}

/** Credentials for requests that go out. */
export interface ClientAuthenticator {
  /**
   * The header fields of one request, names in lower case: `given`, which are those of the exporter's configuration, with
   * what this adds, replaces or leaves out. Asked for each request, for what it carries changes. `metadata`: the client's, as
   * far as the batch kept it. Throws a SpanmillError EXPORT when there is no credential now: the attempt fails and is made
   * again.
   */
  headers(
    metadata: Readonly<Record<string, readonly string[]>>,
    given: Readonly<Record<string, string>>,
  ): Readonly<Record<string, string>>;
}

/** One entry of a stored queue, without its bytes. */
export interface StoredEntry {
  /** Ascends in the order of `append`. */
  readonly key: number;
  readonly spans: number;
  readonly bytes: number;
  /** Whatever the owner wants to know of it again; at most 1,024 bytes. */
  readonly tag: string;
}

/** A queue on disk that belongs to one owner. All calls on the I/O thread; several may be under way. */
export interface StoredQueue {
  /** What an earlier process left, in order. */
  readonly recovered: readonly StoredEntry[];
  /**
   * Resolves when the entry would survive the end of the process (with `fsync`: of the machine). Rejects with a
   * SpanmillError STORAGE when it cannot be stored (disk full, store full, 64 MiB of all owners waiting for the disk): then
   * nothing of it is kept, and a later attempt may succeed. The segments may be changed once it returns.
   */
  append(segments: readonly Buffer[], spans: number, tag: string): Promise<StoredEntry>;
  /** The bytes; rejects with a SpanmillError STORAGE when they are not what was stored. */
  read(entry: StoredEntry): Promise<Buffer>;
  /**
   * Removes entries; an entry that was removed never comes back after the promise has resolved. Unknown ones are ignored.
   * Pending while a full disk does not allow even that. Rejects with a SpanmillError STORAGE when they stay, and come back at
   * the next start.
   */
  remove(entries: readonly StoredEntry[]): Promise<void>;
  /** Waits for what was asked; then its owner may be opened again. What is in it stays. May be called twice. */
  close(): Promise<void>;
}

/** Keeps what must outlive the process. */
export interface Storage {
  /**
   * One open queue for each owner (`exporter otlp/name`); one that is closing is waited for. Rejects with a SpanmillError STORAGE.
   */
  open(owner: string): Promise<StoredQueue>;
}

/** Why spans were set aside. */
export interface DeadLetterReason {
  /** Component id. */
  readonly component: string;
  /** The label of the ledger. */
  readonly reason: string;
  readonly message: string;
}

/** Keeps spans that nobody takes, for people to look at. */
export interface DeadLetter {
  /**
   * One ExportTraceServiceRequest; `spans` 0: not known, and counted. Resolves with false when there is no room or it cannot be
   * written, which was logged.
   */
  put(segments: readonly Buffer[], spans: number, why: DeadLetterReason): Promise<boolean>;
}

export interface Capabilities {
  readonly serverAuth: ServerAuthenticator;
  readonly clientAuth: ClientAuthenticator;
  readonly storage: Storage;
  readonly deadLetter: DeadLetter;
}
export type Capability = keyof Capabilities;

/** How a component reaches the extensions that it named in `references`: from `start` on, not in `create`. */
export interface ExtensionLookup {
  get<K extends Capability>(id: string, capability: K): Capabilities[K];
}

/** An extension that a component's configuration names. */
export interface ExtensionReference {
  /** From the component's own configuration to the id. */
  readonly path: readonly (string | number)[];
  readonly id: string;
  readonly capability: Capability;
}
