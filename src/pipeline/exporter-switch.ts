// What stands between an exporter's queue and the exporter: when the exporter's configuration changes, the queue stays with
// all that it holds, and the next attempt is made by the new one. The old one ends with its last attempt.
import type { MetricValue } from '../component/definition.ts';
import type { Exporter, ExportResult } from '../component/exporter.ts';

interface Contact {
  readonly exporter: Exporter;
  attempts: number;
  /** Of the one that has a successor: called when its last attempt has ended. */
  ended: (() => void) | null;
}

export class ExporterSwitch implements Exporter {
  #current: Contact;

  constructor(exporter: Exporter) {
    this.#current = { exporter, attempts: 0, ended: null };
  }

  get current(): Exporter {
    return this.#current.exporter;
  }

  /** Attempts go to this one from now on. Resolves when the one before it has ended its last; it is not stopped. */
  turnTo(exporter: Exporter): Promise<void> {
    const before = this.#current;
    this.#current = { exporter, attempts: 0, ended: null };
    if (before.attempts === 0) return Promise.resolve();
    return new Promise((resolve) => {
      before.ended = resolve;
    });
  }

  async export(...given: Parameters<Exporter['export']>): Promise<ExportResult> {
    const contact = this.#current;
    contact.attempts++;
    try {
      return await contact.exporter.export(...given);
    } finally {
      if (--contact.attempts === 0) contact.ended?.();
    }
  }

  start(): Promise<void> {
    return this.#current.exporter.start();
  }
  stop(): Promise<void> {
    return this.#current.exporter.stop();
  }
  metricValues(): Iterable<MetricValue> {
    return this.#current.exporter.metricValues?.() ?? [];
  }
}
