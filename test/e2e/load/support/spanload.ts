// The real bin/spanload as a child process, in a folder of its own: what it printed, its report, and how it ended.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type LoadReport, loadReportSchema } from '../../../../loadgen/report/schema.ts';
import { shopProfile } from './shop.ts';

const launcher = fileURLToPath(new URL('../../../../bin/spanload', import.meta.url));
/** Far above what any test needs: only a process that hangs reaches it. */
const limitMs = 180_000;
/** After spanload has ended, for what it started: a process that still has its output open is left behind. */
const childrenLimitMs = 5_000;

/** In the folder of every run. */
export const shopFile = './shop.yaml';
export const reportFile = 'report.json';
export const pageFile = 'report.html';

export interface Run {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Of `--report report.json`, checked by its schema; null when none was written. */
  readonly report: LoadReport | null;
  /** The page of `--report report.html`. */
  readonly page: string | null;
  readonly elapsedMs: number;
}

export interface Running {
  readonly pid: number;
  /** The first line of stderr that fits, of those that came and those to come. */
  line(fits: RegExp): Promise<string>;
  signal(name: NodeJS.Signals): void;
  /** Rejects when a process outlives spanload. */
  readonly ended: Promise<Run>;
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  server.close();
  await once(server, 'close');
  return address.port;
}

/**
 * `files`: by name, in the folder that spanload runs in, beside the profile of the shop. `unread`: its output is cut off;
 * `full`: what it prints goes to a disk that is full.
 */
export function startSpanload(
  t: TestContext,
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
  reading: 'read' | 'unread' | 'full' = 'read',
): Running {
  const folder = mkdtempSync(join(tmpdir(), 'spanload-e2e-'));
  for (const [name, text] of Object.entries({ [shopFile]: shopProfile, ...files })) {
    writeFileSync(join(folder, name), text);
  }
  const began = performance.now();
  const full = reading === 'full' ? openSync('/dev/full', 'w') : null;
  const child = spawn(launcher, [...args], { cwd: folder, stdio: ['ignore', full ?? 'pipe', 'pipe'] });
  if (full !== null) closeSync(full);
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended.catch(() => undefined);
    rmSync(folder, { recursive: true });
  });
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  if (reading === 'unread') for (const stream of [child.stdout, child.stderr]) stream?.destroy();
  const read = (name: string): string | null => {
    const path = join(folder, name);
    return existsSync(path) && readFileSync(path).length > 0 ? readFileSync(path, 'utf8') : null;
  };
  // The output closes when the last process that has it is gone: those that spanload starts inherit it.
  const closed = once(child, 'close');
  const ended = once(child, 'exit').then(async ([code, signal]): Promise<Run> => {
    const elapsedMs = performance.now() - began;
    await within(childrenLimitMs, 'a process that spanload started is left behind', closed);
    const json = read(reportFile);
    const report = json === null ? null : loadReportSchema.parse(JSON.parse(json));
    return { code, signal, ...output, report, page: read(pageFile), elapsedMs };
  });
  const limited = within(limitMs, 'spanload does not end', ended).catch((error: Error) => {
    throw new Error(`${error.message}\n${args.join(' ')}\n${output.stdout}${output.stderr}`);
  });
  // Whoever waits for a line may never look at it.
  limited.catch(() => undefined);
  assert.ok(child.stderr !== null);
  const lines = createInterface({ input: child.stderr });
  return {
    pid: child.pid ?? 0,
    async line(fits) {
      const known = output.stderr.split('\n').find((line) => fits.test(line));
      if (known !== undefined) return known;
      const coming = new Promise<string>((resolve) => {
        lines.on('line', (line) => {
          if (fits.test(line)) resolve(line);
        });
      });
      const over = limited.then(() =>
        Promise.reject(new Error(`it ended before a line fitted ${fits}: ${output.stderr}`)),
      );
      return Promise.race([coming, over]);
    },
    signal: (name) => child.kill(name),
    ended: limited,
  };
}

/** Runs it to its end. */
export function spanload(
  t: TestContext,
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<Run> {
  return startSpanload(t, args, files).ended;
}

/** As `spanload`, quietly and with a report, which must have been written. */
export async function measured(
  t: TestContext,
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<Run & { readonly report: LoadReport }> {
  const run = await spanload(t, [...args, '--quiet', '--report', reportFile], files);
  const { report } = run;
  assert.ok(report !== null, `no report:\n${run.stderr}`);
  assert.equal(run.code, report.verdict.exitCode);
  assert.equal(run.stderr, '', 'a run that ends with a report says all in it');
  return { ...run, report };
}

/** What is wrong with a run that should be well; for messages of assertions. */
export const complaints = ({ verdict, generator, requests }: LoadReport): string =>
  JSON.stringify({ ...verdict, generator: generator.why, firstFailure: requests.firstFailure });

/**
 * Nothing lost, nothing odd. A machine that is busy with other tests may make the generator late, which is exit code 3 and not
 * what is tested here.
 */
export function assertWell({ report }: { readonly report: LoadReport }): void {
  assert.deepEqual(report.verdict.problems, [], complaints(report));
  assert.ok([0, 3].includes(report.verdict.exitCode));
}

async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(what)), ms);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * What is judged by the clock fails where something else holds the machine up for a moment: the first of a few runs of which it holds, or
 * the last of them, for the assertions to say what does not.
 */
export async function undisturbed<Run>(run: () => Promise<Run>, holds: (run: Run) => boolean): Promise<Run> {
  for (let left = 3; left > 0; left--) {
    const disturbed = await run();
    if (holds(disturbed)) return disturbed;
  }
  return run();
}
