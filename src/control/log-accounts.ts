// The last lines of the log: where every span went.
import type { Logger } from 'pino';
import type { PipelineAccount } from '../delivery/ledger.ts';

/** One line for each exporter of each pipeline. False when something is unaccounted for, which is a bug. */
export function logAccounts(accounts: Iterable<PipelineAccount>, log: Logger): boolean {
  let balanced = true;
  for (const account of accounts) {
    for (const exporter of account.exporters) {
      if (exporter.isUnused) continue;
      const summary = account.summary(exporter);
      if (summary.remainder !== 0) balanced = false;
      const droppedBy = account.droppedBy(exporter);
      const failedBy = Object.fromEntries(exporter.failed);
      log.info({ pipeline: account.id, exporter: exporter.id, ...summary, droppedBy, failedBy }, 'account');
    }
  }
  if (!balanced) log.error('the account does not balance: please report this with the lines above');
  return balanced;
}
