// Names and lifetimes of older files, as lumberjack has them: spans.json becomes spans-2026-01-31T12-00-00.000.json.
import { readdir, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';

export interface RotationOptions {
  readonly maxBytes: number;
  /** 0: no limit. */
  readonly maxAgeMs: number;
  /** 0: no limit. */
  readonly maxBackups: number;
  readonly localTime: boolean;
}

/** Moves the file away; `nowMs` since 1970. Never over an older file: a name that is taken is followed by the next free one. */
export async function moveAway(path: string, { localTime }: RotationOptions, nowMs: number): Promise<void> {
  let at = nowMs;
  while (await exists(backupName(path, at, localTime))) at++;
  await rename(path, backupName(path, at, localTime));
}

/** Removes the older files that are too many or too old. */
export async function prune(path: string, options: RotationOptions, nowMs: number): Promise<void> {
  const { name, ext } = parse(path);
  const found: { file: string; atMs: number }[] = [];
  for (const file of await readdir(dirname(path))) {
    if (!file.startsWith(`${name}-`) || !file.endsWith(ext)) continue;
    const atMs = parseStamp(file.slice(name.length + 1, file.length - ext.length), options.localTime);
    if (!Number.isNaN(atMs)) found.push({ file, atMs });
  }
  found.sort((a, b) => b.atMs - a.atMs);
  for (const [index, { file, atMs }] of found.entries()) {
    const tooMany = options.maxBackups > 0 && index >= options.maxBackups;
    const tooOld = options.maxAgeMs > 0 && atMs < nowMs - options.maxAgeMs;
    if (tooMany || tooOld) await unlink(join(dirname(path), file));
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function backupName(path: string, atMs: number, localTime: boolean): string {
  const { dir, name, ext } = parse(path);
  // A local time is written as if it were UTC, shifted by the zone's offset at that moment.
  const shiftMs = localTime ? new Date(atMs).getTimezoneOffset() * 60_000 : 0;
  const stamp = new Date(atMs - shiftMs).toISOString().slice(0, 23).replaceAll(':', '-');
  return join(dir, `${name}-${stamp}${ext}`);
}

/** NaN when the text is not a stamp. */
function parseStamp(stamp: string, localTime: boolean): number {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/.exec(stamp);
  if (match === null) return Number.NaN;
  // ECMAScript: a date-time without offset is local time.
  return Date.parse(`${match[1]}T${match[2]}:${match[3]}:${match[4]}${localTime ? '' : 'Z'}`);
}
