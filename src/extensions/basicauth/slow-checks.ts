// Checks passwords against slow hashes, off the I/O thread: a client with wrong passwords must not stop it for a quarter of a
// second each. How many wait is bounded, and clients take turns, so that one cannot keep others waiting for long either.
import { Worker } from 'node:worker_threads';
import type { HashAnswer, HashQuestion } from './hash-thread.ts';

/** About four seconds of bcrypt at cost 12. */
const mostWaiting = 16;

export interface SlowChecks {
  /**
   * Whether it is the password; `busy`: too many are being checked. null once it is stopped, or the thread has died, or others
   * needed the place. `peer`: who asks; it takes turns with others, and may have more places than they only while they want none.
   */
  matches(password: string, hash: string, peer: string): Promise<boolean | null> | 'busy';
  /** May be called twice. */
  stop(): Promise<void>;
}

interface Check {
  readonly question: HashQuestion;
  resolve(matches: boolean | null): void;
}

/** The thread starts with the first check, and again when it has died. */
export function createSlowChecks(entry: URL = threadEntry()): SlowChecks {
  const turns = new Turns();
  let thread: Worker | null = null;
  /** In the thread, one at a time. */
  let running: Check | null = null;
  let isStopped = false;

  const next = (): void => {
    running ??= turns.take();
    if (running === null) return;
    thread ??= start();
    thread.postMessage(running.question);
  };
  const lose = (of: Worker): void => {
    if (thread !== of) return;
    thread = null;
    const lost = [running, ...turns.takeAll()];
    running = null;
    for (const check of lost) check?.resolve(null);
  };
  const start = (): Worker => {
    const started = new Worker(entry);
    started.on('message', ({ matches }: HashAnswer) => {
      running?.resolve(matches);
      running = null;
      next();
    });
    // Followed by its exit.
    started.on('error', () => undefined);
    started.on('exit', () => lose(started));
    started.unref();
    return started;
  };
  return {
    matches(password, hash, peer) {
      if (isStopped) return Promise.resolve(null);
      const count = turns.count + (running === null ? 0 : 1);
      if (count >= mostWaiting && !turns.makeRoom(peer)) return 'busy';
      return new Promise((resolve) => {
        turns.add(peer, { question: { password, hash }, resolve });
        if (running === null) next();
      });
    },
    async stop() {
      isStopped = true;
      await thread?.terminate();
    },
  };
}

/** What waits, by who asked; the first is next, and goes behind the others when it had its turn. */
class Turns {
  count = 0;
  readonly #waiting = new Map<string, Check[]>();

  add(peer: string, check: Check): void {
    const own = this.#waiting.get(peer);
    if (own === undefined) this.#waiting.set(peer, [check]);
    else own.push(check);
    this.count++;
  }

  take(): Check | null {
    for (const [peer, checks] of this.#waiting) {
      const check = checks.shift() ?? null;
      this.#waiting.delete(peer);
      if (checks.length > 0) this.#waiting.set(peer, checks);
      this.count--;
      return check;
    }
    return null;
  }

  takeAll(): Check[] {
    const all = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    this.count = 0;
    return all;
  }

  /** Who has the most gives up what it asked last, if it then still has no less than `peer`. */
  makeRoom(peer: string): boolean {
    const own = this.#waiting.get(peer)?.length ?? 0;
    let most: Check[] = [];
    for (const checks of this.#waiting.values()) if (checks.length > most.length) most = checks;
    if (most.length < own + 2) return false;
    this.count--;
    most.pop()?.resolve(null);
    return true;
  }
}

/** In a checkout the source itself, in a build what became of it. */
function threadEntry(): URL {
  return new URL(`./hash-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}
