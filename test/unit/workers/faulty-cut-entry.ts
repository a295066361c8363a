// The cutting thread with faults: `shrink` to 666 bytes ends the thread, to 667 it never comes back.
import cut from '../../../src/workers/cut-entry.ts';
import type { CutTask } from '../../../src/workers/cut-protocol.ts';

export default function faulty(task: CutTask): unknown {
  if (task.kind === 'shrink' && task.maxBytes === 666) process.exit(3);
  if (task.kind === 'shrink' && task.maxBytes === 667) for (;;);
  return cut(task);
}
