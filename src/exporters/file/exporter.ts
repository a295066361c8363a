// Batches as records of a file: a line of OTLP JSON; for protobuf, or compressed, the length in four bytes (big endian)
// and the message, as in the Collector.
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { Logger } from 'pino';
import type { Batch, Exporter, ExportResult } from '../../component/exporter.ts';
import { SpanmillError } from '../../errors.ts';
import { rateLimited } from '../../lib/rate-limit.ts';
import { toJsonLine } from '../../wire/reference/json.ts';
import type { RotationOptions } from './rotation.ts';
import { createSink, type Sink } from './sink.ts';

export interface FileExporterOptions {
  readonly path: string;
  readonly format: 'json' | 'proto';
  readonly append: boolean;
  /** null: not compressed. */
  readonly zstdLevel: number | null;
  /** Mode of directories to be made; null: none is made. */
  readonly directoryMode: number | null;
  readonly rotation: RotationOptions | null;
  readonly log: Logger;
}

const zstdCompress = promisify(zlib.zstdCompress);

export function createFileExporter(options: FileExporterOptions): Exporter {
  const { path } = options;
  const log = rateLimited(options.log);
  const sink = createSink({
    ...options,
    now: Date.now,
    onPruneError: (error) => log.warn('prune', { path, error }, 'older files cannot be removed'),
  });
  return {
    async start() {
      try {
        await sink.open();
      } catch (error) {
        throw new SpanmillError('EXPORT', `cannot write to ${path}: ${(error as Error).message}`, { cause: error });
      }
    },
    export: (batch) => write(batch, options, sink),
    async stop() {
      try {
        await sink.close();
      } catch (error) {
        log.error('close', { path, error }, 'the end of the file may not be on the disk');
      }
    },
  };
}

async function write(batch: Batch, options: FileExporterOptions, sink: Sink): Promise<ExportResult> {
  let record: Buffer;
  try {
    record = await recordOf(batch, options);
  } catch (error) {
    return { kind: 'refused', reason: 'malformed', message: String(error) };
  }
  try {
    await sink.append(record);
    return { kind: 'accepted' };
  } catch (error) {
    // All of these may pass: somebody makes space, mounts the disk again, corrects the permissions.
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOSPC' || code === 'EDQUOT' ? 'disk_full' : 'file_error';
    return { kind: 'retry', reason, message: `cannot write to ${options.path}: ${message}`, afterMs: 0 };
  }
}

async function recordOf({ segments }: Batch, { format, zstdLevel }: FileExporterOptions): Promise<Buffer> {
  const message = Buffer.concat(segments);
  if (format === 'json' && zstdLevel === null) return Buffer.from(`${toJsonLine(message)}\n`);
  const plain = format === 'json' ? Buffer.from(toJsonLine(message)) : message;
  const body = zstdLevel === null ? plain : await compress(plain, zstdLevel);
  const prefix = Buffer.allocUnsafe(4);
  prefix.writeUInt32BE(body.length);
  return Buffer.concat([prefix, body]);
}

const compress = (bytes: Buffer, level: number): Promise<Buffer> =>
  zstdCompress(bytes, {
    params: { [zlib.constants.ZSTD_c_compressionLevel]: Math.min(Math.max(level, 1), 22) },
  });
