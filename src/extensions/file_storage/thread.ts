// The store's own thread: LMDB's calls wait for the disk and for page faults, and the I/O thread must not.
import { closeSync, fsyncSync, openSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { parentPort, type TransferListItem, workerData } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { failureOf, openEnvironment, writeFailureOf } from './environment.ts';
import { aboutKey, currentFormat, decodeKey, rangeOf, valueHeaderBytes } from './keys.ts';
import type {
  Answer,
  Batch,
  BatchResult,
  ListResult,
  NotDone,
  Put,
  ReadResult,
  Request,
  ThreadOptions,
} from './protocol.ts';

if (parentPort === null) throw new Error('this module is the entry of a worker thread');
const port = parentPort;
const { path, reservePath, reserveBytes, fsync, boot } = workerData as ThreadOptions;

const say = (answer: Answer, moved: TransferListItem[] = []): void => port.postMessage(answer, moved);

/** What the store says of itself is not written yet: the disk was full. The next commit has it. */
let owesAbout = false;

function opened(): ReturnType<typeof openEnvironment> {
  const env = openEnvironment(path, { readOnly: false, fsync });
  try {
    env.putSync(aboutKey, aboutValue(false));
  } catch (error) {
    // What is stored can be sent all the same, which makes room in the end.
    if (writeFailureOf(error).kind !== 'full') throw error;
    owesAbout = true;
  }
  return env;
}

function aboutValue(closed: boolean): Buffer {
  return Buffer.from(JSON.stringify({ format: currentFormat, boot, fsync, closed }));
}

const fileBytes = (): number => statSync(path).size;

/** Commits all, or nothing. */
function commit(puts: readonly Put[], buffers: readonly ArrayBuffer[], removes: readonly Uint8Array[]): NotDone | null {
  if (puts.length === 0 && removes.length === 0) return null;
  try {
    env.transactionSync(() => {
      if (owesAbout) env.put(aboutKey, aboutValue(false));
      for (const { buffer, keyAt, keyLength, valueAt, valueLength } of puts) {
        const value = Buffer.from(buffers[buffer], valueAt, valueLength);
        value.writeUInt32BE(crc32(value.subarray(valueHeaderBytes)), 0);
        env.put(Buffer.from(buffers[buffer], keyAt, keyLength), value);
      }
      for (const key of removes) env.remove(Buffer.from(key.buffer, key.byteOffset, key.length));
    });
    owesAbout = false;
    return null;
  } catch (error) {
    return writeFailureOf(error);
  }
}

/**
 * Removing needs a few pages itself before it gives any back. On a full disk these come from the reserve, and each entry's
 * removal is a commit: the pages that one gives back serve the next but one.
 */
function removeOnFullDisk(removes: readonly Uint8Array[]): NotDone | null {
  setReserve(0);
  for (const key of removes) {
    const failure = commit([], [], [key]);
    if (failure !== null) return failure;
  }
  return null;
}

let hasReserve = false;
/** Best effort: without the reserve, removing from a store on a full disk waits for space as well. */
function setReserve(bytes: number): void {
  try {
    if (bytes === 0) truncateSync(reservePath, 0);
    else writeFileSync(reservePath, Buffer.alloc(bytes), { mode: 0o600 });
    hasReserve = bytes > 0;
  } catch {
    hasReserve = false;
  }
}
/** Only where there is plenty of space: what is reserved must not be what fills the disk. */
function renewReserve(): void {
  try {
    const { bavail, bsize } = statfsSync(path);
    if (bavail * bsize > 16 * reserveBytes) setReserve(reserveBytes);
  } catch {
    hasReserve = false;
  }
}

/** Entries could not be stored for want of space, and none was since. */
let isFull = false;
/** Something was removed since it was last tried. */
let gaveBack = false;

const noSpace: NotDone = { kind: 'full', message: 'no space left on the device' };

/** Asked before what failed is tried again: LMDB says each failure on standard error. */
function hasSpaceFor(puts: readonly Put[]): boolean {
  const bytes = puts.reduce((sum, { valueLength }) => sum + valueLength, 0);
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize > bytes + reserveBytes;
  } catch {
    return true;
  }
}

/**
 * LMDB uses the pages that one commit gives back from the next but one on. A commit that fails is none: on a full disk a small one
 * has to come between.
 */
function commitAfterRemoval(puts: readonly Put[], buffers: readonly ArrayBuffer[]): NotDone | null {
  try {
    env.putSync(aboutKey, aboutValue(false));
  } catch {
    return noSpace;
  }
  return commit(puts, buffers, []);
}

function read(key: Uint8Array): ReadResult {
  const asked = decodeKey(key);
  try {
    const value = env.getBinary(Buffer.from(key.buffer, key.byteOffset, key.length));
    if (value === undefined || asked === null) return { error: 'the entry is not there' };
    if (value.length !== asked.bytes + valueHeaderBytes) return { error: `its record has ${value.length} bytes` };
    // A copy with memory of its own, which goes over to the other thread.
    const bytes = new Uint8Array(value.subarray(valueHeaderBytes));
    if (crc32(bytes) !== value.readUInt32BE(0)) return { error: 'its checksum does not match' };
    return { bytes };
  } catch (error) {
    return { error: failureOf(error).message };
  }
}

function put(puts: readonly Put[], buffers: readonly ArrayBuffer[]): NotDone | null {
  if (puts.length === 0) return null;
  const triesAgain = gaveBack;
  gaveBack = false;
  if (isFull && !triesAgain && !hasSpaceFor(puts)) return noSpace;
  let failure = commit(puts, buffers, []);
  if (failure?.kind === 'full' && triesAgain) failure = commitAfterRemoval(puts, buffers);
  isFull = failure?.kind === 'full';
  return failure;
}

function remove(removes: readonly Uint8Array[]): NotDone | null {
  if (removes.length === 0) return null;
  let failure = commit([], [], removes);
  if (failure?.kind === 'full') failure = removeOnFullDisk(removes);
  else if (!hasReserve) renewReserve();
  if (failure === null) gaveBack = true;
  return failure;
}

/** One commit; when it fails, what cannot be stored must not keep the disk from being made free. */
function write({ puts, buffers, removes }: Batch): { puts: NotDone | null; removes: NotDone | null } {
  if (!isFull && commit(puts, buffers, removes) === null) {
    gaveBack ||= removes.length > 0;
    if (removes.length > 0 && !hasReserve) renewReserve();
    return { puts: null, removes: null };
  }
  const notRemoved = remove(removes);
  return { puts: put(puts, buffers), removes: notRemoved };
}

function run(batch: Batch): void {
  const { buffers } = batch;
  // What is read was committed before; what is removed in the same batch is read first.
  const reads = batch.reads.map(read);
  // An open read transaction would keep the pages of what is removed from being used again.
  if (reads.length > 0) env.resetReadTxn();
  const { puts, removes: removed } = write(batch);
  const result: BatchResult = {
    kind: 'batch',
    puts,
    removes: removed,
    reads,
    buffers,
    fileBytes: fileBytes(),
  };
  const moved = reads.flatMap((one) => ('bytes' in one ? [one.bytes.buffer] : []));
  say(result, [...buffers, ...moved]);
}

/** Of one answer: a store may hold more than this thread has room for. */
const mostListed = 20_000;

function list(owner: string, from: number): ListResult {
  const [keys, spans, bytes, tags]: [number[], number[], number[], string[]] = [[], [], [], []];
  let isLast = true;
  for (const raw of env.getKeys(rangeOf(owner, from))) {
    const entry = decodeKey(raw);
    if (entry === null) continue;
    if (keys.length === mostListed) {
      isLast = false;
      break;
    }
    keys.push(entry.key);
    spans.push(entry.spans);
    bytes.push(entry.bytes);
    tags.push(entry.tag);
  }
  env.resetReadTxn();
  return { kind: 'list', keys, spans, bytes, tags, isLast };
}

async function close(): Promise<void> {
  try {
    env.putSync(aboutKey, aboutValue(true));
  } catch {
    // On a full disk it counts as not closed, and is looked at more closely after the next boot.
  }
  await env.close();
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

async function answer(request: Request): Promise<void> {
  try {
    if (request.kind === 'batch') run(request);
    else if (request.kind === 'list') say(list(request.owner, request.from));
    else await close();
  } catch (error) {
    say({ kind: 'failed', message: failureOf(error).message });
  }
  // Nothing else keeps the thread alive.
  if (request.kind === 'close') port.close();
}

let env: ReturnType<typeof openEnvironment>;
try {
  env = opened();
  renewReserve();
  port.on('message', (request: Request) => void answer(request));
  say({ kind: 'opened', fileBytes: fileBytes() });
} catch (error) {
  say({ kind: 'failed', message: failureOf(error).message });
  port.close();
}
