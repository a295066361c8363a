// node:http2 and node:tls hand over what they read in buffers of up to 64 KiB outside of V8's heap. Each is dead as soon as
// its bytes are copied, but only a collection frees it; V8 counts these bytes and, when nothing else fills its young
// generation first, answers with a collection of the whole heap, 15 ms of CPU each, twenty a second under full load: 1.5 us a
// span instead of 1.0 with requests of 512 spans (docs/decisions.md). A collection of the young generation after so many
// bytes takes 0.7 ms and frees them while they are still in the processor's caches.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const collectAfterBytes = 8 << 20;

type Collect = (options: { readonly type: 'minor' }) => void;

let collect: Collect | null = null;
let bytes = 0;

function collector(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}

/** To be told of every chunk that was read and copied. */
export function countChunk(length: number): void {
  bytes += length;
  if (bytes < collectAfterBytes) return;
  bytes = 0;
  collect ??= collector();
  collect({ type: 'minor' });
}
