// The real service as a child process: started with a configuration, read through its log, ended by signals.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

/** A line of the log, as JSON. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string };

/** What the last lines say of one exporter of one pipeline. */
export interface AccountLine {
  readonly pipeline: string;
  readonly exporter: string;
  readonly received: number;
  readonly exported: number;
  readonly dropped: number;
  readonly rejected: number;
  readonly failed: number;
  readonly held: number;
  readonly remainder: number;
  /** By `component reason`. */
  readonly droppedBy: Readonly<Record<string, number>>;
  readonly failedBy: Readonly<Record<string, number>>;
}

export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly accounts: readonly AccountLine[];
}

export interface Service {
  /** The configuration, which may be written anew. */
  readonly file: string;
  readonly pid: number;
  /** Of the otlp receiver, `127.0.0.1:port`. */
  readonly address: string;
  readonly port: number;
  /** All lines until now; text that is not JSON stands in `msg`. */
  readonly lines: readonly LogLine[];
  /** The first line, of those that came and those to come, that fits. */
  line(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** The first that comes from now on. */
  nextLine(fits: (line: LogLine) => boolean): Promise<LogLine>;
  signal(signal: NodeJS.Signals): void;
  /** SIGHUP, which ends nothing. */
  hangUp(): void;
  readonly ended: Promise<End>;
  /** Called before `end` sends its signal: a drain takes a second longer when node:http2 clients idle on it. */
  readonly clients: (() => void)[];
  /** Sends SIGTERM, unless a signal was sent before (a second one cuts the drain short), and waits for the end. */
  end(): Promise<End>;
  residentBytes(): number;
  log(): string;
}

const launcher = fileURLToPath(new URL('../../../bin/spanmill', import.meta.url));
/** Far above what any test needs: only a service that hangs reaches it. */
const limitMs = 60_000;

export interface StartOptions {
  /** Most file descriptors that the process may have. */
  readonly openFiles?: number;
  /** A module that each of its threads loads first. */
  readonly preload?: URL;
  /** Of the command line, beside --config. */
  readonly args?: readonly string[];
  /** The line of the log to wait for, where it is not to become ready. The receiver's address is not known then. */
  until?(line: LogLine): boolean;
}

/** Starts `spanmill run`; `config` is the file as an object (JSON is YAML). Resolves when it listens. */
export async function startService(t: TestContext, config: object, options: StartOptions = {}): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), 'spanmill-e2e-'));
  const file = join(folder, 'config.yaml');
  writeFileSync(file, JSON.stringify(config));
  const args = ['run', '--config', file, ...(options.args ?? [])];
  const [program, ...rest] =
    options.openFiles === undefined
      ? [launcher, ...args]
      : ['sh', '-c', `ulimit -n ${options.openFiles}; exec "$0" "$@"`, launcher, ...args];
  const env =
    options.preload === undefined
      ? process.env
      : { ...process.env, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${options.preload.href}` };
  const child = spawn(program, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: LogLine[] = [];
  let watchers: { fits(line: LogLine): boolean; resolve(line: LogLine): void }[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (text) => {
      const line = parsed(text);
      lines.push(line);
      const done = watchers.filter(({ fits }) => fits(line));
      watchers = watchers.filter((watcher) => !done.includes(watcher));
      for (const { resolve } of done) resolve(line);
    });
  }
  const log = (): string => lines.map((line) => JSON.stringify(line)).join('\n');
  const ended = once(child, 'close').then(([code, signal]): End => {
    const accounts = lines.filter(({ msg }) => msg === 'account') as unknown as AccountLine[];
    return { code, signal, accounts };
  });
  t.after(async () => {
    if (child.exitCode === null) child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  });
  const orEnd = <T>(what: string, work: Promise<T>): Promise<T> =>
    within(
      what,
      log,
      Promise.race([work, ended.then(() => Promise.reject(new Error(`ended before ${what}:\n${log()}`)))]),
    );
  const clients: (() => void)[] = [];
  let signalled = false;
  const signal = (name: NodeJS.Signals): void => {
    signalled = true;
    child.kill(name);
  };
  const nextLine: Service['nextLine'] = (fits) => {
    const coming = new Promise<LogLine>((resolve) => watchers.push({ fits, resolve }));
    return orEnd('a line of the log', coming);
  };
  const line: Service['line'] = (fits) => {
    const known = lines.find(fits);
    return known === undefined ? nextLine(fits) : Promise.resolve(known);
  };
  const isReady = ({ msg }: LogLine): boolean => msg === 'spanmill is ready';
  const { listening } = (await line(options.until ?? isReady)) as { listening?: string[] };
  const address = listening?.find((one) => one.startsWith('grpc '))?.slice('grpc '.length) ?? '';
  return {
    file,
    pid: child.pid ?? 0,
    address,
    port: Number(address.slice(address.lastIndexOf(':') + 1)),
    lines,
    line,
    nextLine,
    signal,
    hangUp: () => void child.kill('SIGHUP'),
    ended,
    clients,
    async end() {
      if (!signalled) {
        for (const close of clients) close();
        // Their goodbyes go out in the next turns of the event loop.
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
        signal('SIGTERM');
      }
      return await within('the end of the process', log, ended);
    },
    residentBytes: () =>
      1024 * Number(execFileSync('ps', ['-o', 'rss=', '-p', String(child.pid)], { encoding: 'utf8' })),
    log,
  };
}

function parsed(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { msg: text };
  }
}

async function within<T>(what: string, log: () => string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} in ${limitMs} ms:\n${log()}`)), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** What every end of the service has to be: exit code 0, the account as its last words, balanced and with nothing held. */
export function assertClean(end: End, service: Service): void {
  assert.equal(end.code, 0, `exit ${end.code ?? end.signal}:\n${service.log()}`);
  assert.equal(service.lines.at(-1)?.msg, 'account', service.log());
  for (const account of end.accounts) {
    assert.equal(account.remainder, 0, JSON.stringify(account));
    assert.equal(account.held, 0, JSON.stringify(account));
  }
}
