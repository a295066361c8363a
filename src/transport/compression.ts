// gzip and zstd of whole messages, off the calling thread.
import type { Transform } from 'node:stream';
import zlib from 'node:zlib';

export type Encoding = 'gzip' | 'zstd';
/** Of HTTP too, where `deflate` is a zlib stream (RFC 9110 8.4.1.2). */
export type ContentEncoding = Encoding | 'deflate';

/** What grpc-accept-encoding says. */
export const acceptedEncodings = 'identity,gzip,zstd';

/** Level 1 of both: gzip level 6 costs twice as much and is no smaller on spans (measured, design section 8). */
const compressionLevel = 1;

export type InflateResult =
  | { readonly kind: 'ok'; readonly bytes: Buffer }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'corrupt'; readonly message: string }
  /** Nobody wanted it any more when its turn came. */
  | { readonly kind: 'dropped' };

export interface InflateJob {
  readonly encoding: ContentEncoding;
  /** Must not change from `begin` to `done`. */
  readonly input: Buffer;
  /** Its turn has come. False: nobody wants it any more. */
  begin(): boolean;
  /** Called once, never from within `inflate`. */
  done(result: InflateResult): void;
}

export interface Inflater {
  /** `owner`: those of one owner are done in order, and owners take turns. */
  inflate(owner: unknown, job: InflateJob): void;
}

/**
 * Decompresses with a bound on the output and on how many run at a time: each running one holds a window and up to
 * `limitBytes` of output, those that wait hold their input alone. A client that sends much that takes long to decompress keeps
 * itself waiting: the others' turns come between.
 */
export function createInflater(limitBytes: number, concurrency: number): Inflater {
  /** Never empty lists; the owner whose turn is next comes first. */
  const waiting = new Map<unknown, InflateJob[]>();
  let running = 0;

  const next = (): InflateJob | null => {
    for (const [owner, jobs] of waiting) {
      waiting.delete(owner);
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
        if (job.begin()) {
          if (jobs.length > 0) waiting.set(owner, jobs);
          return job;
        }
        job.done({ kind: 'dropped' });
      }
    }
    return null;
  };
  const start = (job: InflateJob): void => {
    running++;
    const finish = (error: Error | null, bytes: Buffer): void => {
      running--;
      const following = next();
      if (following !== null) start(following);
      job.done(error === null ? { kind: 'ok', bytes } : resultOfError(error));
    };
    const options = { maxOutputLength: limitBytes, chunkSize: outputGuess(job, limitBytes) };
    if (job.encoding === 'gzip') zlib.gunzip(job.input, options, finish);
    else if (job.encoding === 'zstd') zlib.zstdDecompress(job.input, options, finish);
    else zlib.inflate(job.input, options, finish);
  };
  return {
    inflate(owner, job) {
      const jobs = waiting.get(owner);
      if (running >= concurrency) {
        if (jobs === undefined) waiting.set(owner, [job]);
        else jobs.push(job);
      } else if (job.begin()) start(job);
      else queueMicrotask(() => job.done({ kind: 'dropped' }));
    },
  };
}

/**
 * Size of the first output buffer. RFC 1952: a gzip member ends with ISIZE, the size of the original modulo 2^32; where it
 * tells the truth, the output is one buffer and is not copied together. A lie costs no more than the limit.
 */
function outputGuess(job: InflateJob, limitBytes: number): number {
  const announced =
    job.encoding === 'gzip' && job.input.length >= 4
      ? job.input.readUInt32LE(job.input.length - 4)
      : job.input.length * 10;
  // One byte of room more than the output, so that zlib sees the end without asking for a second buffer.
  return Math.max(1024, Math.min(announced, limitBytes) + 64);
}

function resultOfError(error: Error): InflateResult {
  const code = 'code' in error ? String(error.code) : '';
  return code === 'ERR_BUFFER_TOO_LARGE' ? { kind: 'too_large' } : { kind: 'corrupt', message: error.message };
}

/** Levels as the Collector's `compression_params.level` has them: 0 and -1 mean the default, which is the fastest here. */
export interface DeflateOptions {
  readonly level?: number;
}

/** zlib's Z_HUFFMAN_ONLY, as Go's compress/zlib names it: no search for repetitions at all. */
const huffmanOnly = -2;
/** The Collector's zstd has no higher one; beyond it a context takes hundreds of megabytes. */
const highestZstdLevel = 11;

/**
 * Compresses the parts as one; `deflate` is a zlib stream (RFC 9110 8.4.1.2). Never rejects for lack of sense in the input: any
 * bytes can be compressed. The parts are not read any more once it has settled. They are not put together first: a copy of
 * 3 MB into fresh pages costs half of what zstd does.
 */
export function deflate(
  encoding: ContentEncoding,
  parts: readonly Buffer[],
  { level = 0 }: DeflateOptions = {},
): Promise<Buffer> {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const stream = compressor(encoding, bytes, level);
  const output: Buffer[] = [];
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => output.push(chunk));
    stream.on('end', () => resolve(output.length === 1 ? output[0] : Buffer.concat(output)));
    stream.on('error', reject);
    for (const part of bytes < parts.length * smallPartBytes ? [Buffer.concat(parts)] : parts) stream.write(part);
    stream.end();
  });
}

/** Each part is a way to another thread and back, which costs what a copy of so many bytes does. */
const smallPartBytes = 64 << 10;

function compressor(encoding: ContentEncoding, bytes: number, level: number): Transform {
  if (encoding === 'zstd') return zlib.createZstdCompress(zstdOptions(bytes, level));
  const options = zlibOptions(bytes, level);
  return encoding === 'gzip' ? zlib.createGzip(options) : zlib.createDeflate(options);
}

/** Of output: each that is full is a way to the I/O thread and back. Spans become a fifth of their size or less. */
const chunkSize = (inputBytes: number): number => Math.min(256 << 10, Math.max(16 << 10, inputBytes >> 2));

/** The larger hash table saves a tenth of the time, where there is enough to fill it (measured). */
const largeInputBytes = 64 << 10;

function zlibOptions(inputBytes: number, level: number): zlib.ZlibOptions {
  return {
    level: level <= 0 ? compressionLevel : Math.min(level, 9),
    strategy: level === huffmanOnly ? zlib.constants.Z_HUFFMAN_ONLY : zlib.constants.Z_DEFAULT_STRATEGY,
    memLevel: inputBytes >= largeInputBytes ? 9 : 8,
    chunkSize: chunkSize(inputBytes),
  };
}

function zstdOptions(inputBytes: number, level: number): zlib.ZstdOptions {
  const zstdLevel = level <= 0 ? compressionLevel : Math.min(level, highestZstdLevel);
  return {
    params: { [zlib.constants.ZSTD_c_compressionLevel]: zstdLevel },
    // Tables as large as the input needs: a fifth of the time at 200 KB (measured).
    pledgedSrcSize: inputBytes,
    chunkSize: chunkSize(inputBytes),
  };
}
