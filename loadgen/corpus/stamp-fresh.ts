// Fresh texts of a span: the same characters in every encoding.
import { type StampableCorpus, spanField, spanStride } from './build.ts';
import { freshKey, writeFreshText } from './fresh.ts';
import { highPart, lowPart } from './identity.ts';

const fieldBits = 0xf;

/** What an entry of `extras` is: one of `mark`. */
export const extraKind = (word: number): number => word & fieldBits;

export const firstExtra = (places: Int32Array, ordinal: number): number =>
  places[ordinal * spanStride + spanField.extras];
export const endExtra = (places: Int32Array, ordinal: number): number =>
  places[(ordinal + 1) * spanStride + spanField.extras];

/** Writes the fresh text whose entry starts at `extra`, of a span in a round. */
export function createFreshStamp(corpus: StampableCorpus): (extra: number, ordinal: number, round: number) => void {
  const { bytes, extras, traceOf, spans, traces } = corpus;
  const { seed } = corpus.options;
  return (extra, ordinal, round) => {
    const word = extras[extra];
    // As freshKind put them together.
    const scope = word >>> 8;
    const number = scope === 0 ? round * spans + ordinal : round * traces + traceOf[ordinal];
    const key = freshKey(seed, scope, extras[extra + 3], lowPart(number), highPart(number));
    writeFreshText(bytes, extras[extra + 1], extras[extra + 2], (word >>> 4) & fieldBits, key);
  };
}
