// Traces that were held, as a request of the next stage.
import type { SharedMemory } from '../../wire/memory.ts';
import { heldRow, holderRow, runRow } from '../../wire/run-table.ts';
import { requestField, resourceSpansField } from '../../wire/schema.ts';
import { writeVarint } from '../../wire/varint.ts';
import type { Metadata, StageRequest } from '../stage-request.ts';

/** Traces, the newest run of each linked to that of the next. */
interface TraceChain {
  /** Position of the newest run of the first. */
  readonly first: number;
  readonly traces: number;
  readonly spans: number;
  /** As one request, at most. */
  readonly bytes: number;
}

const noMetadata: Metadata = {};
const mostVarintBytes = 5;

/** What the headers at the holder take, with tags and lengths of both containers. */
export function headerBytes(words: Uint32Array, holder: number): number {
  const row = holder / 4;
  const resource = words[row + holderRow.resourceEnd] - words[row + holderRow.resourceAt];
  return resource + words[row + holderRow.scopeEnd] - words[row + holderRow.scopeAt] + 2 * (1 + mostVarintBytes);
}

export class HeldTraces implements StageRequest {
  readonly at: number;
  readonly length: number;
  readonly traces: number;
  readonly spans: number;
  readonly metadata = noMetadata;
  readonly metadataKey = '';
  readonly taken: () => void;
  readonly #shared: SharedMemory;

  constructor(shared: SharedMemory, { first, traces, spans, bytes }: TraceChain, taken: () => void) {
    this.#shared = shared;
    this.at = first;
    this.length = bytes;
    this.traces = traces;
    this.spans = spans;
    this.taken = taken;
  }

  /** Their clients were answered when they came. */
  secured(): void {}

  apart(): readonly StageRequest[] {
    const { words } = this.#shared;
    let left = this.traces;
    const taken = (): void => {
      if (--left === 0) this.taken();
    };
    return [...this.#newestRuns()].map((first) => {
      let spans = 0;
      let bytes = 0;
      let holder = 0;
      for (const run of this.#runsOf(first)) {
        spans += words[run + runRow.spans];
        bytes += words[run + runRow.length];
        if (words[run + runRow.holder] !== holder) bytes += headerBytes(words, words[run + runRow.holder]);
        holder = words[run + runRow.holder];
      }
      return new HeldTraces(this.#shared, { first, traces: 1, spans, bytes }, taken);
    });
  }

  copy(): Buffer {
    const { buffer, words } = this.#shared;
    const messages = [...this.#newestRuns()].flatMap((newest) => {
      const runs = [...this.#runsOf(newest)].map((run) => {
        const holder = words[run + runRow.holder] / 4;
        const header = (from: number, to: number): Buffer => buffer.subarray(words[holder + from], words[holder + to]);
        const at = words[run + runRow.at];
        const spans = buffer.subarray(at, at + words[run + runRow.length]);
        const scope = [header(holderRow.scopeAt, holderRow.scopeEnd), spans];
        const resource = header(holderRow.resourceAt, holderRow.resourceEnd);
        return field(requestField.resourceSpans, [resource, field(resourceSpansField.scopeSpans, scope)]);
      });
      return runs.reverse();
    });
    return Buffer.concat(messages);
  }

  /** Positions, trace by trace. */
  *#newestRuns(): Iterable<number> {
    let newest = this.at;
    for (let i = 0; i < this.traces; i++) {
      const next = this.#shared.words[newest / 4 + heldRow.nextTrace];
      yield newest;
      newest = next;
    }
  }
  /** Word indexes of the rows, the newest first. */
  *#runsOf(newest: number): Iterable<number> {
    const { words } = this.#shared;
    for (let run = newest; run !== 0; run = words[run / 4 + heldRow.before]) yield run / 4;
  }
}

function field(number: number, content: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(1 + mostVarintBytes);
  head[0] = (number << 3) | 2;
  const length = content.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([head.subarray(0, writeVarint(head, 1, length)), ...content]);
}
