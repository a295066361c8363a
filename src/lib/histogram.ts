/** Counts of values at most each bound and above the one before; the last count is of those above all bounds. */
export class Histogram {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  add(value: number): void {
    const at = this.bounds.findIndex((bound) => value <= bound);
    this.counts[at < 0 ? this.bounds.length : at]++;
    this.sum += value;
  }

  /** Of another one with the same bounds. */
  addAll(other: Histogram): void {
    for (let i = 0; i < this.counts.length; i++) this.counts[i] += other.counts[i];
    this.sum += other.sum;
  }
}
