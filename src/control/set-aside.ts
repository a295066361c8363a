// Requests that made a worker fail twice: kept by the extension that keeps what nobody takes, or else in files of the
// temporary folder.
import { mkdirSync, writeFile } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { DeadLetter } from '../component/capabilities.ts';

/** No sender may fill the disk: beyond this the log line is all. */
const mostBytes = 256 << 20;

/** `spans`: how many it has, where that is known, else 0: nobody looks at it again with what made a worker fail. */
type SetAside = (bytes: Buffer, component: string, spans: number, isJson: boolean) => void;

/** `deadLetter`: the extension's, as it is now; null: there is none. */
export function createSetAside(
  log: Logger,
  deadLetter: () => DeadLetter | null,
  directory: string = join(tmpdir(), 'spanmill-dead-letter'),
): SetAside {
  let count = 0;
  let total = 0;

  function toFile(bytes: Buffer, component: string, isJson: boolean): void {
    total += bytes.length;
    if (total > mostBytes) {
      const fields = { component, bytes: bytes.length };
      log.error(fields, 'a request made a worker fail twice; too many are set aside already');
      return;
    }
    const failed = (error: unknown): void => {
      log.error({ error: String(error), component }, 'a request that made workers fail could not be set aside');
    };
    const name = `${new Date().toISOString().replaceAll(':', '-')}-${process.pid}-${++count}`;
    const file = join(directory, `${name}.${isJson ? 'json' : 'pb'}`);
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
    } catch (error) {
      failed(error);
      return;
    }
    writeFile(file, bytes, { mode: 0o600 }, (error) => {
      if (error) failed(error);
      else log.error({ file, component, bytes: bytes.length }, 'a request made a worker fail twice and was set aside');
    });
  }

  return (bytes, component, spans, isJson) => {
    const keeper = deadLetter();
    if (keeper === null) return toFile(bytes, component, isJson);
    const message = `this request${isJson ? ', in JSON,' : ''} made a worker fail twice`;
    keeper.put([bytes], spans, { component, reason: 'killed', message }).then(
      (kept) => {
        if (kept) log.error({ component, bytes: bytes.length }, 'a request made a worker fail twice and was set aside');
        else toFile(bytes, component, isJson);
      },
      () => toFile(bytes, component, isJson),
    );
  };
}
