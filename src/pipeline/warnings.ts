// What processors have to say while they run, gathered in the worker: one entry for each thing.

export interface ChainWarning {
  readonly component: string;
  readonly code: string;
  readonly message: string;
  readonly count: number;
  /** One of the items that it was about, as plain data; absent where there is none, or one came with a recent warning. */
  readonly sample?: Readonly<Record<string, unknown>>;
}

/** How long a sample stands for all of its kind: as long as the line that shows it. */
const quietMs = 10_000;

interface Known {
  warning: ChainWarning;
  count: number;
  sampledAt: number;
}

/** In the worker. */
export class WarningList {
  readonly #known = new Map<string, Known>();
  #any = false;

  add(component: string, code: string, message: string, sample?: () => Readonly<Record<string, unknown>>): void {
    this.#any = true;
    const name = `${component} ${code}`;
    const known = this.#known.get(name);
    if (known !== undefined && known.count > 0) {
      known.count++;
      return;
    }
    const now = performance.now();
    const isDue = known === undefined || now - known.sampledAt >= quietMs;
    const warning = {
      component,
      code,
      message,
      count: 0,
      ...(isDue && sample !== undefined ? { sample: sample() } : {}),
    };
    this.#known.set(name, { warning, count: 1, sampledAt: isDue ? now : known.sampledAt });
  }

  /** Since the last call, one for each code of a component. */
  take(): readonly ChainWarning[] {
    if (!this.#any) return [];
    this.#any = false;
    const all: ChainWarning[] = [];
    for (const known of this.#known.values()) {
      if (known.count > 0) all.push({ ...known.warning, count: known.count });
      known.count = 0;
    }
    return all;
  }
}
