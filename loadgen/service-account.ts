// What the service says of itself: the span counters of its Prometheus endpoint, which spanmill and the Collector name alike.
import { setTimeout as delay } from 'node:timers/promises';
import { SpanmillError } from '../src/errors.ts';
import { withoutCredentials } from './without-credentials.ts';

/** Spans, over all receivers and exporters. */
export interface ServiceAccount {
  readonly accepted: number;
  readonly refused: number;
  readonly sent: number;
  readonly failed: number;
}

const counters: Readonly<Record<keyof ServiceAccount, string>> = {
  accepted: 'otelcol_receiver_accepted_spans',
  refused: 'otelcol_receiver_refused_spans',
  sent: 'otelcol_exporter_sent_spans',
  failed: 'otelcol_exporter_send_failed_spans',
};
const timeoutMs = 5000;
const pollMs = 100;

/** The sum over all label sets; 0 where there is none. `_total`: as OpenMetrics names counters. */
function sumOf(name: string, exposition: string): number {
  const lines = [...exposition.matchAll(new RegExp(`^${name}(?:_total)?(?:\\{.*\\})?\\s+(\\S+)`, 'gm'))];
  return lines.reduce((sum, [, value]) => sum + Number(value), 0);
}

/** Throws a SpanmillError CONNECT. */
async function scrape(url: string): Promise<ServiceAccount> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const text = await response.text();
    const { accepted, refused, sent, failed } = counters;
    return {
      accepted: sumOf(accepted, text),
      refused: sumOf(refused, text),
      sent: sumOf(sent, text),
      failed: sumOf(failed, text),
    };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SpanmillError('CONNECT', `--metrics ${withoutCredentials(url)}: ${reason}`, { cause: error });
  }
}

export interface ServiceWatch {
  /** What was counted since the watch began, once no more is sent; waits so long for more at most. */
  rest(waitMs: number): Promise<ServiceAccount>;
}

/** Begins now. Rejects with a SpanmillError CONNECT where the endpoint does not answer. */
export async function watchService(url: string): Promise<ServiceWatch> {
  const begin = await scrape(url);
  const since = (now: ServiceAccount): ServiceAccount => ({
    accepted: now.accepted - begin.accepted,
    refused: now.refused - begin.refused,
    sent: now.sent - begin.sent,
    failed: now.failed - begin.failed,
  });
  return {
    async rest(waitMs) {
      let account = since(await scrape(url));
      let changed = performance.now();
      while (account.sent + account.failed < account.accepted && performance.now() - changed < waitMs) {
        await delay(pollMs);
        const next = since(await scrape(url));
        if (next.sent + next.failed > account.sent + account.failed) changed = performance.now();
        account = next;
      }
      return account;
    },
  };
}
