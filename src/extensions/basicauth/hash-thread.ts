// The thread that checks passwords against slow hashes: one at a time, in the order in which they were asked.
import { parentPort } from 'node:worker_threads';
import { isSlowPassword } from './slow-hash.ts';

export interface HashQuestion {
  readonly id: number;
  readonly password: string;
  readonly hash: string;
}
export interface HashAnswer {
  readonly id: number;
  readonly matches: boolean;
}

parentPort?.on('message', ({ id, password, hash }: HashQuestion) => {
  const answer: HashAnswer = { id, matches: isSlowPassword(password, hash) };
  parentPort?.postMessage(answer);
});
