// Runs the programs of peers.ts.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import type { TestContext } from 'node:test';

export interface Ran {
  /** -1: ended by a signal, also when it took longer than 60 s. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs to the end; at most 60 s. `environment`: beside our own. */
export const run = (
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> =>
  new Promise((resolve) => {
    const options = { timeout: 60_000, maxBuffer: 64 << 20, env: { ...process.env, ...environment } };
    const child = execFile(program, args, options, (_error, stdout, stderr) =>
      resolve({ exitCode: child.exitCode ?? -1, stdout, stderr }),
    );
  });

/** A folder that is gone after the test. */
export async function testFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'spanmill-peers-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** A file with `content` that is gone after the test. */
export async function testFile(t: TestContext, name: string, content: Buffer | string): Promise<string> {
  const file = path.join(await testFolder(t), name);
  await writeFile(file, content);
  return file;
}
