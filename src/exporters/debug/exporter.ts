// Shows batches in the log or on outputs of its own.
import type { Logger } from 'pino';
import type { Batch, Exporter, ExportResult } from '../../component/exporter.ts';
import { SpanmillError } from '../../errors.ts';
import { createLimiter } from '../../lib/rate-limit.ts';
import { openTextOutput, type TextOutput } from '../../transport/text-output.ts';
import { decodeRequest } from '../../wire/reference/codec.ts';
import type { ExportTraceServiceRequest } from '../../wire/reference/messages.ts';
import { detailedText } from './detailed-text.ts';
import { normalText } from './normal-text.ts';

export interface DebugExporterOptions {
  readonly verbosity: 'basic' | 'normal' | 'detailed';
  /** Batches a second. */
  readonly samplingInitial: number;
  readonly samplingThereafter: number;
  /** null: the log. */
  readonly outputPaths: readonly string[] | null;
  readonly log: Logger;
  /** ms, never going backwards. */
  readonly now?: () => number;
}

const accepted: ExportResult = { kind: 'accepted' };
const bufferBytes = 256 * 1024 * 1024;

export function createDebugExporter(options: DebugExporterOptions): Exporter {
  const { verbosity, log } = options;
  const sampling = { tickMs: 1000, initial: options.samplingInitial, thereafter: options.samplingThereafter };
  const limiter = createLimiter(sampling, options.now);
  let outputs: TextOutput[] = [];

  return {
    start: async () => {
      if (options.outputPaths !== null && outputs.length === 0) outputs = options.outputPaths.map(openOutput);
    },
    async export(batch, signal) {
      if (limiter.pass('batch') === null) return accepted;
      let request: ExportTraceServiceRequest;
      try {
        request = decodeRequest(whole(batch));
      } catch (error) {
        return { kind: 'refused', reason: 'malformed', message: String(error) };
      }
      const counts = { 'resource spans': request.resourceSpans.length, spans: batch.spans };
      const text = verbosity === 'basic' ? '' : verbosity === 'normal' ? normalText(request) : detailedText(request);
      if (options.outputPaths === null) {
        log.info(counts, 'Traces');
        if (text !== '') log.info(text.trimEnd());
        return accepted;
      }
      const { 'resource spans': resources, spans } = counts;
      for (const output of outputs) {
        output.write(`Traces\t{"resource spans": ${resources}, "spans": ${spans}}\n${text === '' ? '' : `${text}\n`}`);
      }
      return flushed(outputs, signal);
    },
    stop: async () => {},
  };
}

function whole({ segments }: Batch): Buffer {
  return segments.length === 1 ? segments[0] : Buffer.concat(segments);
}

function openOutput(path: string): TextOutput {
  try {
    return openTextOutput(path, bufferBytes);
  } catch (error) {
    throw new SpanmillError('EXPORT', `cannot write to ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Waits until the text is out, so that an output that is not read holds the pipeline back instead of filling memory. */
async function flushed(outputs: readonly TextOutput[], signal: AbortSignal): Promise<ExportResult> {
  const ended = Promise.withResolvers<ExportResult>();
  const onAbort = (): void =>
    ended.resolve({ kind: 'retry', reason: String(signal.reason), message: 'the output is not read', afterMs: 0 });
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  const written = Promise.all(outputs.map((output) => output.flush())).then(
    () => accepted,
    (error: unknown): ExportResult => ({ kind: 'refused', reason: 'output', message: String(error) }),
  );
  try {
    return await Promise.race([written, ended.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
