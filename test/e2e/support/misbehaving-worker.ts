// Loaded before the service, in each of its threads. In workers a regular expression that meets `runs-away` never returns, and
// one that meets `kills` ends the thread. Regular expressions are what rules run on the texts of clients.
import { isMainThread } from 'node:worker_threads';

export const runsAway = 'runs-away';
export const kills = 'kills-its-worker';

if (!isMainThread) {
  const { test } = RegExp.prototype;
  RegExp.prototype.test = function (text: string): boolean {
    if (text === runsAway) for (;;);
    if (text === kills) process.exit(3);
    return test.call(this, text);
  };
}
