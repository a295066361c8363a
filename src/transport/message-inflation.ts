// One compressed message: decompressed from its place, off the thread, and copied once more to a place of its own. Whatever
// becomes of its call meanwhile, the first place stays as long as it is read.
import type { CallShared } from './call-port.ts';
import { type CallRefusal, inflatedBytes } from './call-refusals.ts';
import type { ContentEncoding, InflateResult } from './compression.ts';
import type { Place, UnaryMethod } from './grpc-server.ts';

/** What its call has to say, and is told. */
interface InflationHost {
  readonly encoding: ContentEncoding;
  /** Of the result, in bytes. */
  readonly largest: number;
  /** Asked when its turn has come. */
  isWanted(): boolean;
  /** The bytes are there; not called where nobody wants them any more. */
  done(length: number): void;
  refused(refusal: CallRefusal): void;
}

type Shared = Pick<CallShared<never, never>, 'inflater' | 'counters'>;

export class MessageInflation {
  readonly #shared: Shared;
  readonly #method: UnaryMethod;
  #place: Place | null;
  #isRead = false;
  #isDropped = false;
  #bytes: Buffer | null = null;

  /** `place` is its own from here on. */
  constructor(shared: Shared, method: UnaryMethod, place: Place) {
    this.#shared = shared;
    this.#method = method;
    this.#place = place;
  }

  /** Once. `client`: clients take turns. */
  begin(client: unknown, host: InflationHost): void {
    const { offset, length } = this.#place ?? { offset: 0, length: 0 };
    this.#shared.inflater.inflate(client, {
      encoding: host.encoding,
      input: this.#method.memory.subarray(offset, offset + length),
      begin: () => {
        this.#isRead = !this.#isDropped && host.isWanted();
        return this.#isRead;
      },
      done: (result) => this.#done(result, host),
    });
  }

  #done(result: InflateResult, host: InflationHost): void {
    this.#isRead = false;
    this.#abandon();
    const bytes = inflatedBytes(result, host.largest);
    if (bytes === null || this.#isDropped) return;
    if (Buffer.isBuffer(bytes)) {
      this.#bytes = bytes;
      this.#shared.counters.heldBytesNow += bytes.length;
      host.done(bytes.length);
    } else host.refused(bytes);
  }

  /** Puts the message there, and is at its end. */
  copyTo(place: Place): void {
    this.#bytes?.copy(this.#method.memory, place.offset);
    this.drop();
  }

  /** Gives back all that it holds, as soon as nobody reads it. May be called twice. */
  drop(): void {
    this.#isDropped = true;
    if (!this.#isRead) this.#abandon();
    if (this.#bytes !== null) this.#shared.counters.heldBytesNow -= this.#bytes.length;
    this.#bytes = null;
  }

  #abandon(): void {
    if (this.#place !== null) this.#method.abandon(this.#place);
    this.#place = null;
  }
}
