// CPU time and memory of a process and its descendants, from /proc (Linux).
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessFigures {
  /** User and system time of all threads, in microseconds; the kernel counts in steps of 10 ms. */
  readonly cpuMicroseconds: number;
  readonly residentBytes: number;
  /** Highest resident size so far (VmHWM). */
  readonly peakBytes: number;
}

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const microsecondsPerTick = 10_000;

interface Stat {
  readonly parent: number;
  readonly ticks: number;
}

/** Empty when the process is gone. */
function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** Fields of /proc/PID/stat after the command, which is in parentheses and may hold anything: state is the third. */
function readStat(pid: number): Stat | null {
  const text = readProc(pid, 'stat');
  if (text === '') return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
}

function statusBytes(status: string, name: string): number {
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1];
  return Number(kibibytes ?? 0) * 1024;
}

function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = readStat(Number(entry));
    if (stat !== null) children.set(stat.parent, [...(children.get(stat.parent) ?? []), Number(entry)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** Sums over `root` and what it started; null when `root` is gone. */
export function processFigures(root: number): ProcessFigures | null {
  if (readStat(root) === null) return null;
  let cpuMicroseconds = 0;
  let residentBytes = 0;
  let peakBytes = 0;
  for (const pid of descendants(root)) {
    const stat = readStat(pid);
    if (stat === null) continue;
    cpuMicroseconds += stat.ticks * microsecondsPerTick;
    const status = readProc(pid, 'status');
    residentBytes += statusBytes(status, 'VmRSS');
    peakBytes += statusBytes(status, 'VmHWM');
  }
  return { cpuMicroseconds, residentBytes, peakBytes };
}
