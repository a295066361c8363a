// The end of a test that ran the service: what clients were told, what the sink saw and what the service says of itself
// must be the same.
import assert from 'node:assert/strict';
import type { Tally } from './client.ts';
import { type AccountLine, assertClean, type End, type Service } from './service.ts';
import type { Sink } from './sink.ts';

export interface Branch {
  readonly sink: Pick<Sink, 'spans'>;
  readonly tally: Tally;
  /** The account to compare with; default: the only one. */
  readonly pipeline?: string;
  readonly exporter?: string;
  /** Spans that this branch has to lose, by reason; their ids must not be missed. */
  readonly failedBy?: Readonly<Record<string, number>>;
  readonly dropped?: number;
}

/** Ends the service and checks one branch; more with `assertBranch`. */
export async function settle(service: Service, branch: Branch): Promise<End> {
  const end = await service.end();
  assertClean(end, service);
  assertBranch(end, branch);
  return end;
}

export function accountOf(end: End, { pipeline, exporter }: Pick<Branch, 'pipeline' | 'exporter'>): AccountLine {
  const fitting = end.accounts.filter(
    (account) =>
      (pipeline === undefined || account.pipeline === pipeline) &&
      (exporter === undefined || account.exporter === exporter),
  );
  assert.equal(fitting.length, 1, `${fitting.length} accounts fit`);
  return fitting[0];
}

/** Every acknowledged span arrived once or was failed or dropped; every other arrival was sent; the numbers agree. */
export function assertBranch(end: End, branch: Branch): void {
  const { sink, tally, failedBy = {}, dropped = 0 } = branch;
  const account = accountOf(end, branch);
  const failed = Object.values(failedBy).reduce((sum, spans) => sum + spans, 0);
  let missing = 0;
  for (const id of tally.acknowledged) if (!sink.spans.has(id)) missing++;
  let unexpected = 0;
  let unanswered = 0;
  let repeated = 0;
  for (const [id, times] of sink.spans) {
    repeated += times - 1;
    if (tally.unknown.has(id)) unanswered++;
    else if (!tally.acknowledged.has(id)) unexpected++;
  }
  assert.equal(unexpected, 0, 'spans arrived that were refused or never sent');
  assert.equal(repeated, 0, 'spans arrived twice');
  assert.equal(missing, failed + dropped, 'acknowledged spans did not arrive');
  assert.deepEqual(account.failedBy, failedBy);
  assert.equal(account.failed, failed);
  assert.equal(account.dropped, dropped);
  assert.equal(account.exported, sink.spans.size, 'the account and the sink differ');
  assert.equal(account.received, tally.acknowledged.size + unanswered, 'the account and the clients differ');
}
