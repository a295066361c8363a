// The processes of a run: the parent asks, the child answers, over Node's IPC channel.

import type { Serializable } from 'node:child_process';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

interface Question {
  readonly id: number;
  readonly question: unknown;
}
interface Answer {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

export interface Child<Q> {
  readonly pid: number;
  /** What the child said when it was ready. */
  readonly ready: unknown;
  /** Rejects when the child fails to answer or is gone. */
  ask(question: Q): Promise<unknown>;
  /** Resolves when the process is gone. */
  end(): Promise<void>;
}

/** Starts a module that calls `serveParent`, with its options as JSON; resolves when it is ready. */
export function startChild<Q extends Serializable>(module: URL, options: unknown): Promise<Child<Q>> {
  const child = fork(fileURLToPath(module), [JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let nextId = 1;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));

  function wait(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  }
  child.on('message', (message) => {
    const { id, answer, error } = message as unknown as Answer;
    const entry = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) entry?.resolve(answer);
    else entry?.reject(new Error(error));
  });
  const failWaiting = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  child.on('error', failWaiting);
  child.once('exit', (code, signal) => failWaiting(new Error(`${module.pathname} ended with ${signal ?? code}`)));

  return wait(0).then((ready) => ({
    pid: child.pid ?? 0,
    ready,
    ask(question) {
      const id = nextId++;
      const message: Question = { id, question };
      const answer = wait(id);
      child.send(message as unknown as Serializable);
      return answer;
    },
    async end() {
      child.kill('SIGKILL');
      await gone;
    },
  }));
}

/** The child's side: the options, and the way to answer. */
export function childOptions<O>(): O {
  return JSON.parse(process.argv[2] ?? '{}') as O;
}

/** Says `ready` to the parent and answers its questions, one at a time; ends the process when the parent is gone. */
export function serveParent<Q>(ready: unknown, answer: (question: Q) => unknown): void {
  process.on('message', async (message: Question) => {
    const reply = await Promise.resolve()
      .then(() => answer(message.question as Q))
      .then(
        (value): Answer => ({ id: message.id, answer: value }),
        (error: unknown): Answer => ({ id: message.id, error: error instanceof Error ? error.message : String(error) }),
      );
    process.send?.(reply);
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ id: 0, answer: ready } satisfies Answer);
}
