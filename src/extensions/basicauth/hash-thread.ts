// The thread that checks passwords against slow hashes: one at a time, in the order in which they were asked.
import { parentPort } from 'node:worker_threads';
import { isSlowPassword } from './slow-hash.ts';

export interface HashQuestion {
  readonly password: string;
  readonly hash: string;
}
export interface HashAnswer {
  readonly matches: boolean;
}

parentPort?.on('message', ({ password, hash }: HashQuestion) => {
  const answer: HashAnswer = { matches: isSlowPassword(password, hash) };
  parentPort?.postMessage(answer);
});
