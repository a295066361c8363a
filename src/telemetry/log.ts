// The service's log: pino, written as lines for people (the Collector's console form: time, level, message and fields,
// separated by tabs) or as JSON lines with the Collector's keys.
import { type DestinationStream, type Logger, pino } from 'pino';
import { SpanmillError } from '../errors.ts';
import { createLimiter, type RateLimitOptions } from '../lib/rate-limit.ts';
import { openTextOutput, type TextOutput } from '../transport/text-output.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface LogOptions {
  readonly level: LogLevel;
  readonly encoding: 'console' | 'json';
  /** `stderr`, `stdout`, or files to append to. */
  readonly outputPaths: readonly string[];
  readonly initialFields: Readonly<Record<string, unknown>>;
  /** By level and message; null: every line is written. */
  readonly sampling: Required<RateLimitOptions> | null;
}

export interface ServiceLog {
  readonly logger: Logger;
  /** Writes what is still in memory; waits for a reader that is slow, not for one that has stopped. */
  close(): Promise<void>;
}

/** A reader of the log that does not read must not stop the service: beyond this the lines are dropped. */
const bufferBytes = 8 * 1024 * 1024;
const closeWaitMs = 1000;

/** Opens the outputs; throws a SpanmillError when one cannot be written. */
export function createLog(options: LogOptions): ServiceLog {
  const outputs = options.outputPaths.map(openOutput);
  const stream: DestinationStream = {
    write: (line) => {
      for (const output of outputs) {
        output.write(options.encoding === 'json' ? line : toConsoleLine(line, output.colours));
      }
    },
  };
  return {
    logger: createLogger(options, stream),
    close: async () => {
      const written = Promise.allSettled(outputs.map((output) => output.flush()));
      let timer: NodeJS.Timeout | undefined;
      const tooLong = new Promise((resolve) => {
        timer = setTimeout(resolve, closeWaitMs);
      });
      await Promise.race([written, tooLong]);
      clearTimeout(timer);
    },
  };
}

function openOutput(path: string): TextOutput {
  try {
    return openTextOutput(path, bufferBytes);
  } catch (error) {
    throw new SpanmillError('LOG', `cannot write the log to ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** The logger without its outputs: writes JSON lines to `stream`. */
export function createLogger(options: Omit<LogOptions, 'outputPaths' | 'encoding'>, stream: DestinationStream): Logger {
  const limiter = options.sampling === null ? null : createLimiter(options.sampling);
  return pino(
    {
      level: options.level,
      base: { ...options.initialFields },
      errorKey: 'error',
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: (error: unknown) => (error instanceof Error ? error.message : error) },
      hooks: {
        logMethod(args, method, level) {
          const message = typeof args[0] === 'string' ? args[0] : args[1];
          if (limiter === null || limiter.pass(`${level} ${message}`) !== null) method.apply(this, args);
        },
      },
    },
    stream,
  );
}

const colourOf: Readonly<Record<string, string>> = { debug: '35', info: '34', warn: '33', error: '31', fatal: '31' };

/** One JSON line of the logger as `time TAB level TAB message TAB {fields}`; a message of several lines keeps them. */
export function toConsoleLine(jsonLine: string, colours: boolean): string {
  const { level, ts, msg = '', ...fields } = JSON.parse(jsonLine) as Record<string, unknown>;
  const name = String(level);
  const shown = colours ? `\u001b[${colourOf[name] ?? '0'}m${name}\u001b[0m` : name;
  const rest = Object.keys(fields).length === 0 ? '' : `\t${JSON.stringify(fields)}`;
  return `${String(ts)}\t${shown}\t${String(msg)}${rest}\n`;
}
