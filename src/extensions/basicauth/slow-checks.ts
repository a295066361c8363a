// Checks passwords against slow hashes, off the I/O thread: a client with wrong passwords must not stop it for a quarter of a
// second each. How many wait is bounded, so that it cannot keep others waiting for long either.
import { Worker } from 'node:worker_threads';
import type { HashAnswer, HashQuestion } from './hash-thread.ts';

/** About four seconds of bcrypt at cost 12. */
const mostWaiting = 16;

export interface SlowChecks {
  /** Whether it is the password; `busy`: too many are being checked. null once it is stopped, or the thread has died. */
  matches(password: string, hash: string): Promise<boolean | null> | 'busy';
  /** May be called twice. */
  stop(): Promise<void>;
}

/** The thread starts with the first check, and again when it has died. */
export function createSlowChecks(entry: URL = threadEntry()): SlowChecks {
  const waiting = new Map<number, (matches: boolean | null) => void>();
  let thread: Worker | null = null;
  let asked = 0;
  let isStopped = false;

  const lose = (of: Worker): void => {
    if (thread !== of) return;
    thread = null;
    for (const resolve of waiting.values()) resolve(null);
    waiting.clear();
  };
  const start = (): Worker => {
    const started = new Worker(entry);
    started.on('message', ({ id, matches }: HashAnswer) => {
      waiting.get(id)?.(matches);
      waiting.delete(id);
    });
    // Followed by its exit.
    started.on('error', () => undefined);
    started.on('exit', () => lose(started));
    started.unref();
    return started;
  };
  return {
    matches(password, hash) {
      if (isStopped) return Promise.resolve(null);
      if (waiting.size >= mostWaiting) return 'busy';
      thread ??= start();
      const question: HashQuestion = { id: asked++, password, hash };
      return new Promise((resolve) => {
        waiting.set(question.id, resolve);
        thread?.postMessage(question);
      });
    },
    async stop() {
      isStopped = true;
      await thread?.terminate();
    },
  };
}

/** In a checkout the source itself, in a build what became of it. */
function threadEntry(): URL {
  return new URL(`./hash-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}
