// A Collector as a child process: started with a configuration, watched through its log, ended by a signal.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { testFile } from './programs.ts';

export interface Collector {
  /** All that it logged so far. */
  log(): string;
  /** Resolves when its log has the text. */
  logged(text: string): Promise<void>;
  /** Has it send what it holds, and end. */
  stop(): Promise<void>;
}

/** `config`: YAML. Resolves when it listens. It has ended after the test. */
export async function startCollector(t: TestContext, program: string, config: string): Promise<Collector> {
  const file = await testFile(t, 'collector.yaml', config);
  const child = spawn(program, ['--config', `file:${file}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const log = watchLog(child);
  await log.until('Everything is ready');
  return {
    log: log.text,
    logged: log.until,
    async stop() {
      child.kill('SIGTERM');
      await exited;
      assert.equal(child.exitCode, 0, log.text());
    },
  };
}

function watchLog(child: ChildProcess): { text(): string; until(text: string): Promise<void> } {
  let text = '';
  let isOver = false;
  let watchers: (() => void)[] = [];
  const look = (): void => {
    for (const watcher of watchers.splice(0)) watcher();
  };
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk;
    look();
  });
  child.on('close', () => {
    isOver = true;
    look();
  });
  return {
    text: () => text,
    async until(wanted) {
      while (!text.includes(wanted)) {
        assert.ok(!isOver, `the Collector ended without ${JSON.stringify(wanted)} in its log:\n${text}`);
        await new Promise<void>((resolve) => {
          watchers = [...watchers, resolve];
        });
      }
    },
  };
}
