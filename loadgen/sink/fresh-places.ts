// Where in a span the characters lie that are different in every round.
import { extraStride, type StampableCorpus } from '../corpus/build.ts';
import { mark } from '../corpus/byte-writer.ts';
import { endExtra, extraKind, firstExtra } from '../corpus/stamp-fresh.ts';

export interface FreshPlaces {
  /** Whether any byte of the corpus from `from` to `to`, in the span of this ordinal, is fresh. */
  touch(ordinal: number, from: number, to: number): boolean;
  /** Whether the bytes there could become these ones, by what is fresh in them. */
  mayBecome(ordinal: number, from: number, to: number, wanted: Uint8Array): boolean;
}

export function createFreshPlaces({ places, extras, bytes }: StampableCorpus): FreshPlaces {
  const touch = (ordinal: number, from: number, to: number): boolean => {
    for (let i = firstExtra(places, ordinal); i < endExtra(places, ordinal); i += extraStride) {
      const at = extras[i + 1];
      const isWithin = at < to && at + extras[i + 2] > from;
      if (isWithin && extraKind(extras[i]) === mark.freshText) return true;
    }
    return false;
  };
  return {
    touch,
    mayBecome(ordinal, from, to, wanted) {
      if (wanted.length !== to - from) return false;
      return wanted.every((byte, i) => byte === bytes[from + i] || touch(ordinal, from + i, from + i + 1));
    },
  };
}
