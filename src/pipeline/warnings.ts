// What processors have to say while they run: gathered in the worker, one entry for each thing, and logged on the I/O thread, one
// line for each thing in some seconds.
import type { Logger } from 'pino';

export interface ChainWarning {
  readonly component: string;
  readonly code: string;
  readonly message: string;
  readonly count: number;
  /** One of the items that it was about, as plain data; absent where there is none, or one came with a recent warning. */
  readonly sample?: Readonly<Record<string, unknown>>;
}

/** How long a line stands for all of its kind. */
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

/** Of one stage. */
export class WarningLog {
  readonly #log: Logger;
  readonly #waiting = new Map<string, { later: ChainWarning | null; timer: NodeJS.Timeout }>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Logs it at once, or counts it to the next line of its kind. */
  add(warning: ChainWarning): void {
    const name = `${warning.component} ${warning.code}`;
    const waiting = this.#waiting.get(name);
    if (waiting === undefined) {
      this.#say(warning);
      this.#wait(name);
    } else waiting.later = { ...waiting.later, ...warning, count: (waiting.later?.count ?? 0) + warning.count };
  }

  /** Says what is left. */
  close(): void {
    for (const { later, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      if (later !== null) this.#say(later);
    }
    this.#waiting.clear();
  }

  #wait(name: string): void {
    const timer = setTimeout(() => {
      const later = this.#waiting.get(name)?.later ?? null;
      this.#waiting.delete(name);
      if (later === null) return;
      this.#say(later);
      this.#wait(name);
    }, quietMs);
    timer.unref();
    this.#waiting.set(name, { later: null, timer });
  }

  #say({ component, code, message, count, sample }: ChainWarning): void {
    this.#log.warn({ component, code, count, ...(sample === undefined ? {} : { sample }) }, message);
  }
}
