// Cutting the longest first, evenly: everything above one level comes down to it.

/**
 * The highest level, at least `least`, at which `lengths` cut to it are `saved` bytes less in all; null: there is none.
 */
export function levelFor(lengths: readonly number[], saved: number, least: number): number | null {
  const descending = Float64Array.from(lengths).sort().reverse();
  let sum = 0;
  for (let count = 1; count <= descending.length; count++) {
    sum += descending[count - 1];
    const next = Math.max(descending[count] ?? 0, least);
    // With the level at the next length, the first `count` come down to it.
    if (sum - count * next < saved) continue;
    return Math.floor((sum - saved) / count);
  }
  return null;
}
