// Times are nanoseconds since 1970 in two unsigned halves of 32 bits, as fixed64 has them: a double cannot hold one.

export const perSecond = 1e9;

const half = 2 ** 16;

/** The quotient of long division by 10^9, in digits of 48 and 16 bits, so that each step is exact in a double. */
export function secondsOf(low: number, high: number): number {
  const upper = (high >>> 0) * half + (low >>> 16);
  const quotient = Math.floor(upper / perSecond);
  return quotient * half + Math.floor(((upper - quotient * perSecond) * half + (low & 0xffff)) / perSecond);
}

/** Its remainder. */
export function nanosecondsOf(low: number, high: number): number {
  const upper = (high >>> 0) * half + (low >>> 16);
  return ((upper % perSecond) * half + (low & 0xffff)) % perSecond;
}
