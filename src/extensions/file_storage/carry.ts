// Examines a store and carries what is right over to a new one: in a process of its own, for LMDB trusts its pages, and ends the
// process that reads broken ones. So the service only ever maps a file that was read through a moment before, or written.
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { type Environment, failureOf, openEnvironment, writeFailureOf } from './environment.ts';
import { aboutKey, currentFormat, decodeAbout, decodeKey, type EntryKey, valueHeaderBytes } from './keys.ts';
import type { CarryLine, CarryOrder, Sum } from './protocol.ts';
import { sayLine } from './say-line.ts';

/** What one commit carries over. */
const commitBytes = 8 * 2 ** 20;
const commitEntries = 256;
/** Keys between two lines that say how far it is. */
const linesEvery = 256;

/** Told at once: whoever reads it must have it when the next page ends this process. */
const say = (line: CarryLine): void => sayLine(JSON.stringify(line));

const none = (): Sum => ({ entries: 0, spans: 0, bytes: 0 });
function add(sum: Sum, { spans, bytes }: EntryKey): void {
  sum.entries++;
  sum.spans += spans;
  sum.bytes += bytes;
}

/** Without a start, what sorts before 5 is left out. */
const firstKey = Buffer.from([0]);
const lastKey = Buffer.from([255]);

/** Throws when the keys are not in order: broken pages may lead in a circle. */
function* keysOf(env: Environment, backward = false): Generator<{ raw: Buffer; entry: EntryKey | null }> {
  let last: Buffer | null = null;
  for (const raw of env.getKeys({ start: backward ? lastKey : firstKey, reverse: backward, snapshot: true })) {
    const order = last === null ? 0 : Buffer.compare(last, raw);
    if (last !== null && (backward ? order <= 0 : order >= 0)) throw new Error('its keys are not in order');
    last = Buffer.from(raw);
    if (!raw.equals(aboutKey)) yield { raw: last, entry: decodeKey(raw) };
  }
}

interface Found {
  readonly sum: Sum;
  readonly bad: Sum;
  readonly owners: Record<string, number>;
}

/** As many as LMDB's own count of its keys. */
function find(env: Environment): Found {
  const found: Found = { sum: none(), bad: none(), owners: {} };
  const counted = countOf(env);
  say({ at: 'counted', entries: counted });
  for (const { entry } of keysOf(env)) {
    if (entry === null) {
      found.bad.entries++;
      continue;
    }
    add(found.sum, entry);
    found.owners[entry.owner] = (found.owners[entry.owner] ?? 0) + 1;
    if (found.sum.entries % linesEvery === 0) say({ at: 'found', sum: found.sum });
  }
  const seen = found.sum.entries + found.bad.entries;
  if (seen !== counted) throw new Error(`it has ${counted} entries, of which ${seen} are found`);
  return found;
}

/** Of all keys but that of the store itself, as its meta page has it. */
function countOf(env: Environment): number {
  const { entryCount } = env.getStats() as { entryCount: number };
  return entryCount - (env.doesExist(aboutKey) ? 1 : 0);
}

/** null: it is not what was stored. */
function storedValue(env: Environment, raw: Buffer, entry: EntryKey): Buffer | null {
  try {
    const value = env.getBinary(raw);
    if (value === undefined || value.length !== entry.bytes + valueHeaderBytes) return null;
    return crc32(value.subarray(valueHeaderBytes)) === value.readUInt32BE(0) ? value : null;
  } catch (error) {
    if (failureOf(error).kind !== 'broken') throw error;
    return null;
  }
}

/** Backward: until it meets what was carried before. */
function carry(env: Environment, target: Environment, backward: boolean): Found {
  const found: Found = { sum: none(), bad: none(), owners: {} };
  let records: { raw: Buffer; value: Buffer }[] = [];
  let bytes = 0;
  const commit = (): void => {
    writing(() =>
      target.transactionSync(() => {
        for (const { raw, value } of records) target.put(raw, value);
      }),
    );
    records = [];
    bytes = 0;
    say({ at: 'carried', sum: found.sum });
  };
  for (const { raw, entry } of keysOf(env, backward)) {
    if (backward && target.doesExist(raw)) break;
    if (entry === null) {
      found.bad.entries++;
      continue;
    }
    const value = storedValue(env, raw, entry);
    if (value === null) {
      add(found.bad, entry);
      continue;
    }
    records.push({ raw, value });
    bytes += value.length;
    add(found.sum, entry);
    found.owners[entry.owner] = (found.owners[entry.owner] ?? 0) + 1;
    if (bytes >= commitBytes || records.length >= commitEntries) commit();
  }
  commit();
  return found;
}

/** After a power cut, pages of a store that did not wait for the disk may be of different times, though it looks whole. */
function mayBeTorn(env: Environment, { boot }: CarryOrder): boolean {
  const value = env.getBinary(aboutKey);
  const about = value === undefined ? null : decodeAbout(value);
  if (about === null) return true;
  if (about.format > currentFormat) throw new TooNew(`it was written by a newer version (format ${about.format})`);
  return !about.fsync && !about.closed && (boot === '' || about.boot !== boot);
}

class TooNew extends Error {}
/** The new store cannot be written: that says nothing of the one that is examined. */
class NotWritten extends Error {}

function writing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new NotWritten(writeFailureOf(error).message, { cause: error });
  }
}

async function examine(order: CarryOrder): Promise<CarryLine> {
  const env = openEnvironment(order.from, { readOnly: true, fsync: order.fsync });
  if (order.salvage !== null) return carried(env, order);
  const mustCarry = mayBeTorn(env, order);
  const { sum, bad, owners } = find(env);
  say({ at: 'found', sum });
  const stays: CarryLine = { at: 'done', carried: false, found: sum, bad, owners, message: '' };
  if (!mustCarry && bad.entries === 0 && sum.bytes > order.carryUpToBytes) return stays;
  try {
    return await carried(env, order);
  } catch (error) {
    if (!(error instanceof NotWritten)) throw error;
    // Its keys are in order: better used as it is than not at all.
    return { ...stays, message: error.message };
  }
}

async function carried(env: Environment, { to, fsync, salvage }: CarryOrder): Promise<CarryLine> {
  const target = writing(() => openEnvironment(to, { readOnly: false, fsync }));
  const { sum, bad, owners } = carry(env, target, salvage === 'backward');
  await target.close();
  const file = openSync(to, 'r');
  fsyncSync(file);
  closeSync(file);
  return { at: 'done', carried: true, found: sum, bad, owners, message: '' };
}

/** The environment of `from` is not closed: the process ends. */
export async function runCarry(argument: string): Promise<void> {
  say({ at: 'ready' });
  const order = JSON.parse(argument) as CarryOrder;
  try {
    say(await examine(order));
  } catch (error) {
    const { kind, message } = failureOf(error);
    const isBroken = error instanceof NotWritten ? order.salvage !== null : kind === 'broken';
    say({ at: isBroken && !(error instanceof TooNew) ? 'corrupt' : 'failed', message });
  }
}
