// Text to stdout, stderr or a file without ever blocking the thread: a pipe that nobody reads fills a bounded buffer.
import { openSync } from 'node:fs';
import { destination } from 'pino';

export interface TextOutput {
  /** Colours are wanted: a terminal, and NO_COLOR is not set. */
  readonly colours: boolean;
  /** Text beyond the buffer's bound is lost. */
  write(text: string): void;
  /** Resolves when all that was written has left the process; rejects with the error of the system. */
  flush(): Promise<void>;
  /** Writes what is left, then closes a file; nothing may be written any more. */
  close(): void;
}

/** `path`: `stdout`, `stderr`, or a file to append to. Throws the error of the system when the file cannot be opened. */
export function openTextOutput(path: string, bufferBytes: number): TextOutput {
  const stdio = path === 'stderr' ? process.stderr : path === 'stdout' ? process.stdout : null;
  // A file is opened now, so that one that cannot be written is found at the start and not at the first text.
  const dest = stdio?.fd ?? openSync(path, 'a');
  // With minLength 0 its flush would not wait.
  const sink = destination({ dest, sync: false, minLength: 1, maxLength: bufferBytes });
  // Without a listener an error of the output (a closed pipe, a full disk) would end the process.
  sink.on('error', () => {});
  return {
    colours: stdio?.isTTY === true && process.env.NO_COLOR === undefined,
    write: (text) => void sink.write(text),
    close() {
      if (stdio === null) sink.end();
      else sink.flush();
    },
    // Not the sink's own flush with a callback: that waits for the disk too, which can take a second.
    flush: () =>
      new Promise((resolve, reject) => {
        const settle = (error?: Error): void => {
          sink.off('drain', settle);
          sink.off('error', settle);
          if (error instanceof Error) reject(error);
          else resolve();
        };
        sink.once('drain', settle);
        sink.once('error', settle);
        sink.flush();
      }),
  };
}
