// Writes groups of spans into an output, container by container, within the limits of its segments.
import type { Kernel } from './kernel/kernel.ts';
import { endSegment, newOutput, type Output, outputFull } from './output.ts';
import { resourceSpansField } from './schema.ts';
import type { StageMemory } from './stage-memory.ts';
import { paddedLengthBytes, writePaddedLength } from './varint.ts';

const resourceSpansTag = (1 << 3) | 2;
const scopeSpansTag = (resourceSpansField.scopeSpans << 3) | 2;

/** What a container begins with, and where its padded length stands; 0: it is not open. */
interface Container {
  readonly tag: number;
  headerAt: number;
  headerLength: number;
  open: number;
}

export class GroupOutput {
  readonly #bytes: Uint8Array;
  readonly #kernel: Kernel;
  readonly #resource: Container = { tag: resourceSpansTag, headerAt: 0, headerLength: 0, open: 0 };
  readonly #scope: Container = { tag: scopeSpansTag, headerAt: 0, headerLength: 0, open: 0 };
  #out: Output = newOutput(0, 0, 0);
  /** Spans that stand in a row and are not copied yet. */
  #runStart = 0;
  #runEnd = 0;

  constructor({ shared, kernel }: StageMemory) {
    this.#bytes = shared.bytes;
    this.#kernel = kernel;
  }

  begin(out: Output): void {
    this.#out = out;
    this.#resource.open = 0;
    this.#scope.open = 0;
    this.#runStart = 0;
    this.#runEnd = 0;
  }

  /** A field of the request itself, as it is. Nothing may be open. */
  field(start: number, end: number): void {
    const out = this.#out;
    const length = end - start;
    if (out.openSpans > 0 && out.at + length - out.openFrom > out.maxBytes) this.#closeSegment();
    this.#room(length);
    this.#copy(start, length);
  }

  /** The scopes that follow are of this resource. */
  resource(headerAt: number, headerLength: number): void {
    this.close();
    this.#resource.headerAt = headerAt;
    this.#resource.headerLength = headerLength;
  }
  /** The spans that follow are of this scope. */
  scope(headerAt: number, headerLength: number): void {
    this.#closeScope();
    this.#scope.headerAt = headerAt;
    this.#scope.headerLength = headerLength;
  }

  /** A span with its tag. */
  span(start: number, end: number): void {
    const out = this.#out;
    if (out.openSpans >= out.maxSpans || this.#exceeds(out, end - start)) this.#closeSegment();
    if (this.#scope.open === 0) {
      if (this.#resource.open === 0) this.#open(this.#resource);
      this.#open(this.#scope);
    }
    if (this.#runEnd === start && this.#runStart > 0) this.#runEnd = end;
    else {
      this.#flushRun();
      this.#runStart = start;
      this.#runEnd = end;
    }
    this.#room(this.#runEnd - this.#runStart);
    out.openSpans++;
  }

  /** Closes what is open. */
  close(): void {
    this.#closeScope();
    this.#closeContainer(this.#resource);
  }

  /** The open segment would get too large with so many bytes more. */
  #exceeds(out: Output, bytes: number): boolean {
    if (out.maxBytes === Number.POSITIVE_INFINITY || out.openSpans === 0) return false;
    const toOpen = (one: Container): number => (one.open !== 0 ? 0 : 1 + paddedLengthBytes + one.headerLength);
    const pending = this.#runEnd - this.#runStart;
    return out.at + pending + toOpen(this.#resource) + toOpen(this.#scope) + bytes - out.openFrom > out.maxBytes;
  }

  #room(bytes: number): void {
    if (this.#out.at + bytes > this.#out.end) throw outputFull;
  }

  #copy(from: number, length: number): void {
    this.#kernel.copy(this.#out.at, from, length);
    this.#out.at += length;
  }

  #flushRun(): void {
    if (this.#runEnd > this.#runStart) this.#copy(this.#runStart, this.#runEnd - this.#runStart);
    this.#runStart = 0;
    this.#runEnd = 0;
  }

  #open(container: Container): void {
    const out = this.#out;
    this.#room(1 + paddedLengthBytes + container.headerLength);
    this.#bytes[out.at] = container.tag;
    container.open = out.at + 1;
    out.at += 1 + paddedLengthBytes;
    this.#copy(container.headerAt, container.headerLength);
  }

  #closeScope(): void {
    this.#flushRun();
    this.#closeContainer(this.#scope);
  }

  #closeContainer(container: Container): void {
    if (container.open === 0) return;
    writePaddedLength(this.#bytes, container.open, this.#out.at - container.open - paddedLengthBytes);
    container.open = 0;
  }

  /** Ends the segment; the next span opens both containers again. */
  #closeSegment(): void {
    this.close();
    endSegment(this.#out);
  }
}
