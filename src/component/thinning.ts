// What an admission processor says of thinning spans instead of refusing requests.

export interface ThinningOptions {
  /** The part of the budget that is used when it begins, above 0 and below 1. */
  readonly from: number;
  /** The lowest rate, as halvings of all; at least 1. */
  readonly mostHalvings: number;
}

/** Spans that it drops are counted under this reason. */
export const thinnedReason = 'overload';
