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
  /**
   * Opens the outputs of other options; throws a SpanmillError when one cannot be written. All but `initialFields` are in use
   * from `commit` on; `cancel` closes what was opened. One of both is to be called.
   */
  prepare(options: LogOptions): { commit(): void; cancel(): void };
  /** Writes what is still in memory; waits for a reader that is slow, not for one that has stopped. */
  close(): Promise<void>;
}

/** A reader of the log that does not read must not stop the service: beyond this the lines are dropped. */
const bufferBytes = 8 * 1024 * 1024;
const closeWaitMs = 1000;

/** Opens the outputs; throws a SpanmillError when one cannot be written. */
export function createLog(options: LogOptions): ServiceLog {
  let outputs = openOutputs(options.outputPaths);
  let { encoding } = options;
  const stream: DestinationStream = {
    write: (line) => {
      for (const output of outputs.values()) {
        output.write(encoding === 'json' ? line : toConsoleLine(line, output.colours));
      }
    },
  };
  const filter = createFilter(options);
  return {
    logger: buildLogger(filter, options.initialFields, stream),
    prepare(next) {
      const opened = openOutputs(next.outputPaths.filter((path) => !outputs.has(path)));
      const closeAll = (some: Iterable<TextOutput>): void => {
        for (const output of some) output.close();
      };
      return {
        commit() {
          const before = outputs;
          outputs = new Map(next.outputPaths.flatMap((path) => entryOf(path, before.get(path) ?? opened.get(path))));
          closeAll([...before].filter(([path]) => !outputs.has(path)).map(([, output]) => output));
          encoding = next.encoding;
          Object.assign(filter, createFilter(next));
        },
        cancel: () => closeAll(opened.values()),
      };
    },
    close: async () => {
      const written = Promise.allSettled([...outputs.values()].map((output) => output.flush()));
      let timer: NodeJS.Timeout | undefined;
      const tooLong = new Promise((resolve) => {
        timer = setTimeout(resolve, closeWaitMs);
      });
      await Promise.race([written, tooLong]);
      clearTimeout(timer);
    },
  };
}

const entryOf = (path: string, output: TextOutput | undefined): [string, TextOutput][] =>
  output === undefined ? [] : [[path, output]];

/** All of them, or none. */
function openOutputs(paths: readonly string[]): ReadonlyMap<string, TextOutput> {
  const outputs = new Map<string, TextOutput>();
  for (const path of paths) {
    try {
      outputs.set(path, openTextOutput(path, bufferBytes));
    } catch (error) {
      for (const output of outputs.values()) output.close();
      throw new SpanmillError('LOG', `cannot write the log to ${path}: ${(error as Error).message}`, { cause: error });
    }
  }
  return outputs;
}

/** What decides whether a line is written; may change while loggers and their children are in use. */
interface Filter {
  least: number;
  limiter: ReturnType<typeof createLimiter> | null;
}

const createFilter = ({ level, sampling }: Pick<LogOptions, 'level' | 'sampling'>): Filter => ({
  least: pino.levels.values[level],
  limiter: sampling === null ? null : createLimiter(sampling),
});

/** The logger without its outputs: writes JSON lines to `stream`. */
export function createLogger(options: Omit<LogOptions, 'outputPaths' | 'encoding'>, stream: DestinationStream): Logger {
  return buildLogger(createFilter(options), options.initialFields, stream);
}

function buildLogger(filter: Filter, initialFields: LogOptions['initialFields'], stream: DestinationStream): Logger {
  return pino(
    {
      // Children take over the level that their parent has when they are made: so the filter decides.
      level: 'debug',
      base: { ...initialFields },
      errorKey: 'error',
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: (error: unknown) => (error instanceof Error ? error.message : error) },
      hooks: {
        logMethod(args, method, level) {
          const { least, limiter } = filter;
          if (level < least) return;
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
