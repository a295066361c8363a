// Random numbers from a seed: the same seed gives the same ones, on every machine.

export interface Random {
  /** 32 bits, unsigned. */
  bits(): number;
  /** From 0 to below 1. */
  unit(): number;
  /** Whole, from `from` to `to`, both included. */
  integer(from: number, to: number): number;
  /** Of a log-normal distribution by its median and its 99th percentile. */
  logNormal(median: number, p99: number): number;
}

/** A number of the standard normal distribution is below this one in 99 of 100 draws. */
const Z99 = 2.326_347_874_040_841;
const WORD = 2 ** 32;

/** sfc32 by Chris Doty-Humphrey. */
export const createRandom = (seed: number, stream = 0): Random => {
  let a = seed | 0;
  let b = 0x9e37_79b9 ^ stream;
  let c = 0x243f_6a88;
  let counter = 1;
  const bits = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 15; i++) bits();
  const unit = (): number => bits() / WORD;

  /** Of the standard normal distribution (Box and Muller); one of the two that a draw gives. */
  const normal = (): number => Math.sqrt(-2 * Math.log((bits() + 1) / WORD)) * Math.cos(2 * Math.PI * unit());

  return {
    bits,
    unit,
    integer(from, to) {
      const size = to - from + 1;
      // Ranges beyond 32 bits need the bits of two draws.
      const share = size <= WORD ? unit() : unit() + unit() / WORD;
      return Math.min(to, from + Math.floor(share * size));
    },
    logNormal: (median, p99) => median * Math.exp((Math.log(p99 / median) / Z99) * normal()),
  };
};

/** Picks by weight; `items` has one weight above 0 at least. */
export const weightedPick = <T>(
  items: readonly { readonly weight: number; readonly value: T }[],
): ((random: Random) => T) => {
  const drawable = items.filter(({ weight }) => weight > 0);
  const last = drawable.at(-1);
  if (last === undefined) throw new RangeError('no weight is above 0');
  const bounds: number[] = [];
  let total = 0;
  for (const { weight } of drawable) {
    total += weight;
    bounds.push(total);
  }
  if (drawable.length === 1) return () => last.value;
  return (random) => {
    const at = random.unit() * total;
    const index = bounds.findIndex((bound) => at < bound);
    return (drawable[index] ?? last).value;
  };
};
