// gzip and zstd of whole messages, off the calling thread.
import zlib from 'node:zlib';

export type Encoding = 'gzip' | 'zstd';

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
  readonly encoding: Encoding;
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
    else zlib.zstdDecompress(job.input, options, finish);
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

/** One-shot compression. Never rejects for lack of sense in the input: any bytes can be compressed. */
export function deflate(encoding: Encoding, input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const finish = (error: Error | null, bytes: Buffer): void => (error === null ? resolve(bytes) : reject(error));
    if (encoding === 'gzip') zlib.gzip(input, { level: compressionLevel }, finish);
    else zlib.zstdCompress(input, { params: { [zlib.constants.ZSTD_c_compressionLevel]: compressionLevel } }, finish);
  });
}
