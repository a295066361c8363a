// Says in time that a certificate ends.
import type { Logger } from 'pino';
import type { Identity } from './pem.ts';

const dayMs = 24 * 3_600_000;
const warnBeforeMs = 7 * dayMs;
const lookEveryMs = dayMs / 2;

export interface ExpiryWatch {
  /** The certificate that is in use from now on. */
  use(identity: Identity | null): void;
  /** May be called twice. */
  stop(): void;
}

/** `field`: of the certificate. `now`: milliseconds since 1970. */
export function watchExpiry(field: string, log: Logger, now: () => number = Date.now): ExpiryWatch {
  let current: Identity | null = null;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    if (current === null) return;
    const nowMs = now();
    const { beginsAtMs, endsAtMs } = current;
    const fields = { field, from: new Date(beginsAtMs).toISOString(), until: new Date(endsAtMs).toISOString() };
    if (endsAtMs <= nowMs) log.warn(fields, 'the certificate has expired: peers that check it will refuse connections');
    else if (beginsAtMs > nowMs)
      log.warn(fields, 'the certificate is not valid yet: peers that check it will refuse it');
    else if (endsAtMs - nowMs <= warnBeforeMs) {
      log.warn({ ...fields, days: Math.floor((endsAtMs - nowMs) / dayMs) }, 'the certificate ends soon: renew it');
    }
  };
  return {
    use(identity) {
      current = identity;
      look();
      if (identity === null) return;
      timer ??= setInterval(look, lookEveryMs).unref();
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}
