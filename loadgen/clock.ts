// One clock for all processes of a run. The monotonic clock is the machine's, so that the same offset to Unix time in every
// process makes their times comparable to a few nanoseconds, whatever adjusts the wall clock meanwhile.

export interface Clock {
  /** Unix time in nanoseconds. */
  now(): bigint;
  /** The same as a number: a multiple of 256 ns, enough for latencies. */
  nowApprox(): number;
}

/** What to add to the monotonic clock to get Unix time, in nanoseconds. Taken once, by the parent of the processes. */
export function unixOffset(): bigint {
  return BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
}

export function createClock(offset: bigint): Clock {
  const offsetApprox = Number(offset);
  return {
    now: () => offset + process.hrtime.bigint(),
    nowApprox() {
      const [seconds, nanoseconds] = process.hrtime();
      return offsetApprox + (seconds * 1e9 + nanoseconds);
    },
  };
}
