// The cutting thread with faults: `shrink` to 666 bytes ends the thread, to 667 it never comes back, to 668 it ends
// the first time only: that is noted in the first byte of the memory that the request lies in.
import cut from '../../../src/workers/cut-entry.ts';
import type { CutTask } from '../../../src/workers/cut-protocol.ts';

export default function faulty(task: CutTask): unknown {
  if (task.kind === 'shrink' && task.maxBytes === 666) process.exit(3);
  if (task.kind === 'shrink' && task.maxBytes === 667) for (;;);
  if (task.kind === 'shrink' && task.maxBytes === 668 && new Uint8Array(task.segments[0].buffer)[0]++ === 0)
    process.exit(3);
  return cut(task);
}
