// Before a store is opened: a process of its own examines it (carry.ts), and what it found decides what is opened.
import { spawn } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { SpanmillError } from '../../errors.ts';
import { exists, finishDraft, removeData, type StorePaths, setAside, tidy, useNext, useReserve } from './directory.ts';
import type { CarryLine, CarryOrder, Sum } from './protocol.ts';

export interface RestoreOptions {
  readonly paths: StorePaths;
  readonly fsync: boolean;
  readonly boot: string;
  /** A store that holds no more is written anew at each start: that is quick, and makes its file as small as can be. */
  readonly carryUpToBytes: number;
  readonly log: Logger;
  /** ms since 1970. */
  now(): number;
}

export interface Restored {
  readonly stored: Sum;
  /** Entries of each owner. */
  readonly owners: Readonly<Record<string, number>>;
}

type Done = Extract<CarryLine, { at: 'done' }>;
type Examined =
  | { readonly kind: 'done'; readonly done: Done }
  /** With what was seen until it broke. */
  | {
      readonly kind: 'broken';
      readonly message: string;
      /** Entries that the store says it holds. */
      readonly counted: number;
      readonly found: Sum;
      readonly carried: Sum;
    };

const none: Sum = { entries: 0, spans: 0, bytes: 0 };
/** The process says something at least every few thousand keys or 8 MiB; so long it may say nothing. */
const silenceMs = 60_000;
/** Signals that the system sends for what a process does itself. */
const crashes: readonly string[] = ['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGTRAP'];

/** Rejects with a SpanmillError STORAGE when the store cannot be examined; never for what is in it. */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const { paths } = options;
  await tidy(paths);
  await useReserve(paths);
  if (!(await exists(paths.data))) {
    await removeData(paths.data);
    return { stored: none, owners: {} };
  }
  const examined = await examine(options, null);
  if (examined.kind === 'broken') return salvage(options, examined);
  const { done } = examined;
  if (!done.carried) {
    await removeData(paths.draft);
    if (done.message !== '') {
      options.log.warn(
        { directory: paths.directory, why: done.message },
        'the store cannot be written anew, which makes its file small; it goes on as it is',
      );
    }
    return { stored: done.found, owners: done.owners };
  }
  await finishDraft(paths);
  if (done.bad.entries > 0) {
    const backup = await setAside(paths, options.now());
    sayLost(options, 'entries are not what was stored', backup, done.found, done.bad);
  }
  await useNext(paths);
  return { stored: done.found, owners: done.owners };
}

/** Takes over what can be read on both sides of where it is broken, and sets the file aside. */
async function salvage(options: RestoreOptions, first: Examined & { kind: 'broken' }): Promise<Restored> {
  const { paths } = options;
  await removeData(paths.draft);
  const forward = await examine(options, 'forward');
  // A broken page may end the process, or the walk as if there were no more: the way to what is behind it is from the end.
  const backward = await examine(options, 'backward');
  const saved = sumOf(savedBy(forward), savedBy(backward));
  if (await exists(paths.draft)) await finishDraft(paths);
  const backup = await setAside(paths, options.now());
  if (await exists(paths.next)) await useNext(paths);
  const lost: Sum = {
    entries: Math.max(0, Math.max(first.counted, first.found.entries) - saved.entries),
    spans: Math.max(0, first.found.spans - saved.spans),
    bytes: Math.max(0, first.found.bytes - saved.bytes),
  };
  sayLost(options, first.message, backup, saved, lost);
  return { stored: saved, owners: ownersOf(forward, backward) };
}

function ownersOf(...all: readonly Examined[]): Record<string, number> {
  const owners: Record<string, number> = {};
  for (const one of all) {
    if (one.kind !== 'done') continue;
    for (const [owner, entries] of Object.entries(one.done.owners)) owners[owner] = (owners[owner] ?? 0) + entries;
  }
  return owners;
}

const savedBy = (examined: Examined): Sum => (examined.kind === 'done' ? examined.done.found : examined.carried);
const sumOf = (a: Sum, b: Sum): Sum => ({
  entries: a.entries + b.entries,
  spans: a.spans + b.spans,
  bytes: a.bytes + b.bytes,
});

function sayLost({ log, paths }: RestoreOptions, why: string, backup: string, saved: Sum, lost: Sum): void {
  log.error(
    { directory: paths.directory, why, backup, saved, lost_at_least: lost },
    'the store is corrupt: it was set aside, and what could be read of it goes on in a new one',
  );
}

/** Rejects with a SpanmillError STORAGE for what has nothing to do with the store. */
function examine(options: RestoreOptions, salvage: CarryOrder['salvage']): Promise<Examined> {
  const { paths, fsync, boot, carryUpToBytes } = options;
  const order: CarryOrder = { from: paths.data, to: paths.draft, fsync, boot, carryUpToBytes, salvage };
  const entry = fileURLToPath(new URL(`./carry-entry${extname(import.meta.filename)}`, import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [entry, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'pipe'] });
    const heard = listener();
    let errors = '';
    const fail = (why: string): void =>
      reject(new SpanmillError('STORAGE', `the store in ${paths.directory} cannot be examined: ${why}`));
    const silence = setTimeout(() => {
      child.kill('SIGKILL');
      fail(`nothing happened for ${silenceMs / 1000} s`);
    }, silenceMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      silence.refresh();
      heard.take(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-500);
    });
    child.on('error', (error) => fail(error.message));
    child.on('close', (code, signal) => {
      clearTimeout(silence);
      const examined = heard.outcome(signal);
      if (typeof examined !== 'string') resolve(examined);
      else fail([examined || `its process ended (${signal ?? code})`, errors.trim()].filter(Boolean).join('; '));
    });
  });
}

/** Reads the lines of the process. */
function listener(): { take(text: string): void; outcome(signal: NodeJS.Signals | null): Examined | string } {
  let rest = '';
  let isReady = false;
  let counted = 0;
  let found = none;
  let carried = none;
  let end: Exclude<CarryLine, { sum: Sum } | { at: 'ready' | 'counted' }> | null = null;
  function line(text: string): void {
    const said = JSON.parse(text) as CarryLine;
    if (said.at === 'ready') isReady = true;
    else if (said.at === 'counted') counted = said.entries;
    else if (said.at === 'found') found = said.sum;
    else if (said.at === 'carried') carried = said.sum;
    else end = said;
  }
  return {
    take(text) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(line);
    },
    /** A text: why nothing is known of the store. */
    outcome(signal) {
      if (end?.at === 'done') return { kind: 'done', done: end };
      if (end?.at === 'corrupt') return { kind: 'broken', message: end.message, counted, found, carried };
      if (end?.at === 'failed') return end.message;
      if (!isReady || signal === null || !crashes.includes(signal)) return '';
      return {
        kind: 'broken',
        message: `reading it ended the process that examined it (${signal})`,
        counted,
        found,
        carried,
      };
    },
  };
}
