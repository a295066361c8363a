// One line when entries begin to be refused, one a minute while that lasts, one when it is over.
import type { Logger } from 'pino';
import { rateLimited } from '../../lib/rate-limit.ts';

export interface Trouble {
  /** An entry was refused. */
  refused(spans: number, why: string): void;
  /** An entry was stored. */
  stored(): void;
}

/** At the bound, entries are stored and refused by turns: it is over when none was refused for so long. */
const calmMs = 5000;

/** `now` in ms, never going backwards. */
export function createTrouble(log: Logger, directory: string, now: () => number = () => performance.now()): Trouble {
  const limited = rateLimited(log, { tickMs: 60_000, initial: 1, thereafter: 0 }, now);
  let entries = 0;
  let spans = 0;
  let lastMs = 0;
  return {
    refused(count, why) {
      entries++;
      spans += count;
      lastMs = now();
      limited.error('refused', { directory, why }, 'spans cannot be stored, and are refused');
    },
    stored() {
      if (entries === 0 || now() - lastMs < calmMs) return;
      log.info({ directory, refused_entries: entries, refused_spans: spans }, 'spans can be stored again');
      entries = 0;
      spans = 0;
    },
  };
}
