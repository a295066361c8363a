// The processes of a run: the parent asks, the child answers, over Node's IPC channel. The first question is the options.

import type { Serializable } from 'node:child_process';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, SpanmillError } from '../src/errors.ts';

interface Question {
  readonly id: number;
  readonly question: unknown;
}
interface Answer {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

export interface Child<Q> {
  readonly pid: number;
  /** What the child said when it was ready. */
  readonly ready: unknown;
  /** Rejects with a SpanmillError when the child fails to answer or is gone. */
  ask(question: Q): Promise<unknown>;
  /** Resolves when the process has ended without `end`. */
  readonly lost: Promise<SpanmillError>;
  /** Resolves when the process is gone. */
  end(): Promise<void>;
}

/** grpc-js gives TLS the address of a server as its name where it has no other, of which Node warns on stderr. */
const quiet = ['--disable-warning=DEP0123'];

/** Starts a module that calls `serveParent`; resolves when it is ready, rejects with the SpanmillError that it ended with. */
export function startChild<Q extends Serializable>(module: URL, options: unknown): Promise<Child<Q>> {
  const child = fork(fileURLToPath(module), [], {
    execArgv: [...process.execArgv, ...quiet],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Ctrl-C in a terminal goes to the whole group: the parent decides when the children end.
    detached: true,
  });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let nextId = 0;
  let ended: SpanmillError | null = null;

  function ask(question: unknown): Promise<unknown> {
    if (ended !== null) return Promise.reject(ended);
    const id = nextId++;
    const message: Question = { id, question };
    const answer = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    // What cannot be sent is answered when the process has exited.
    child.send(message as unknown as Serializable, () => undefined);
    return answer;
  }
  child.on('message', (message) => {
    const { id, answer, error } = message as unknown as Answer;
    const entry = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) entry?.resolve(answer);
    else entry?.reject(new SpanmillError(error.code, error.message));
  });
  const failWaiting = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  child.on('error', failWaiting);
  const name = module.pathname.split('/').slice(-2).join('/');
  const gone = new Promise<SpanmillError>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = new SpanmillError('INTERNAL', `the process ${name} ended with ${signal ?? code}`);
      failWaiting(ended);
      resolve(ended);
    });
  });
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  child.once('exit', () => process.off('exit', endWithUs));

  let isEnding = false;
  const lost = new Promise<SpanmillError>((resolve) => {
    gone.then((error) => {
      if (!isEnding) resolve(error);
    });
  });
  async function end(): Promise<void> {
    isEnding = true;
    child.kill('SIGKILL');
    await gone;
  }
  return ask(options).then(
    (ready) => ({ pid: child.pid ?? 0, ready, ask, lost, end }),
    async (error: unknown) => {
      await end();
      throw error;
    },
  );
}

export interface Opened<Q> {
  readonly ready: unknown;
  answer(question: Q): unknown;
}

/**
 * The child's side: opens with the parent's options, says what is ready, answers questions; ends the process when the parent
 * is gone.
 */
export function serveParent<O, Q>(open: (options: O) => Opened<Q> | Promise<Opened<Q>>): void {
  let opened: Opened<Q> | null = null;

  async function take(question: unknown): Promise<unknown> {
    if (opened !== null) return opened.answer(question as Q);
    opened = await open(question as O);
    return opened.ready;
  }
  process.on('message', ({ id, question }: Question) => {
    const reply = (answer: Answer) => process.send?.(answer);
    take(question).then(
      (answer) => reply({ id, answer }),
      (error: unknown) => {
        const code = error instanceof SpanmillError ? error.code : 'INTERNAL';
        reply({ id, error: { code, message: error instanceof Error ? error.message : String(error) } });
      },
    );
  });
  process.on('disconnect', () => process.exit());
}
