// What the I/O thread and the store's thread say to each other. One batch is under way at a time: what is asked meanwhile makes
// the next one, so that the slower the disk, the more entries share a commit.

/** An entry, in one of the batch's buffers: its key, and at the next multiple of 8 its value, whose CRC is still to be written. */
export interface Put {
  readonly buffer: number;
  readonly keyAt: number;
  readonly keyLength: number;
  readonly valueAt: number;
  readonly valueLength: number;
}

/** The reads, then one commit. */
export interface Batch {
  readonly kind: 'batch';
  readonly buffers: readonly ArrayBuffer[];
  readonly puts: readonly Put[];
  readonly removes: readonly Uint8Array[];
  readonly reads: readonly Uint8Array[];
}
export interface List {
  readonly kind: 'list';
  readonly owner: string;
  /** The first key to list. */
  readonly from: number;
}
/** Waits for the disk, whatever `fsync` says, and ends the thread. */
export interface Close {
  readonly kind: 'close';
}
export type Request = Batch | List | Close;

/** Why something was not done, and nothing of it. `full`: there is no space, and there may be later. */
export interface NotDone {
  readonly kind: 'full' | 'passing' | 'broken';
  readonly message: string;
}
/** An entry's bytes, or why they cannot be had: they are not there, or not what was stored. */
export type ReadResult = { readonly bytes: Uint8Array<ArrayBuffer> } | { readonly error: string };

export interface BatchResult {
  readonly kind: 'batch';
  /** All puts share one fate; so do all removals. */
  readonly puts: NotDone | null;
  readonly removes: NotDone | null;
  readonly reads: readonly ReadResult[];
  /** Those of the batch, for the next one. */
  readonly buffers: readonly ArrayBuffer[];
  /** Of the data file. */
  readonly fileBytes: number;
}
export interface ListResult {
  readonly kind: 'list';
  /** Columns of the entries, in order. */
  readonly keys: readonly number[];
  readonly spans: readonly number[];
  readonly bytes: readonly number[];
  readonly tags: readonly string[];
  /** Whether there are no more behind them. */
  readonly isLast: boolean;
}
export interface Opened {
  readonly kind: 'opened';
  readonly fileBytes: number;
}
/** Answers any request, and the start of the thread. */
export interface Failed {
  readonly kind: 'failed';
  readonly message: string;
}
export type Answer = BatchResult | ListResult | Opened | Failed;

/** `workerData` of the thread. */
export interface ThreadOptions {
  /** Of the data file. */
  readonly path: string;
  /** A file that only takes space, until the disk is full and removing needs some. */
  readonly reservePath: string;
  readonly reserveBytes: number;
  readonly fsync: boolean;
  /** Id of the machine's boot. */
  readonly boot: string;
}

export interface Sum {
  entries: number;
  spans: number;
  bytes: number;
}

/** What the process that examines a store is told, as JSON in its argument. */
export interface CarryOrder {
  /** Data file to examine; it is only read. */
  readonly from: string;
  /** Data file to make, with all that is right in `from`. */
  readonly to: string;
  readonly fsync: boolean;
  readonly boot: string;
  /** Carried over when it holds no more than this. */
  readonly carryUpToBytes: number;
  /** `from` is known to be broken: take what can be read from its beginning, or then from its end, until it breaks. */
  readonly salvage: 'forward' | 'backward' | null;
}

/** What it says: a line of JSON each on its standard output. */
export type CarryLine =
  /** It runs and has LMDB: from here on, if it dies, the store is why. */
  | { readonly at: 'ready' }
  /** What it should hold. */
  | { readonly at: 'counted'; readonly entries: number }
  /** Keys seen so far. */
  | { readonly at: 'found'; readonly sum: Sum }
  /** Entries that are committed in `to`. */
  | { readonly at: 'carried'; readonly sum: Sum }
  /** `from` is broken. */
  | { readonly at: 'corrupt'; readonly message: string }
  /** Something else is wrong. */
  | { readonly at: 'failed'; readonly message: string }
  | {
      readonly at: 'done';
      /** Whether `to` is there and holds all that was right. */
      readonly carried: boolean;
      readonly found: Sum;
      /** What was there, but not what was stored; `entries` counts also keys that cannot be read. */
      readonly bad: Sum;
      /** Entries of each owner. */
      readonly owners: Readonly<Record<string, number>>;
      /** Why it was not carried over though it should have been. */
      readonly message: string;
    };
