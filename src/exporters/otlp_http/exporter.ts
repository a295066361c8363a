// Sends batches as ExportTraceServiceRequest with POST, and understands the answers.
import type { Logger } from 'pino';
import type { ClientAuthenticator } from '../../component/capabilities.ts';
import { resultOfResponse, warnOfAnswer } from '../../component/export-response.ts';
import type { Batch, Exporter, ExportResult } from '../../component/exporter.ts';
import { type RateLimitedLog, rateLimited } from '../../lib/rate-limit.ts';
import { deflate } from '../../transport/compression.ts';
import type { HttpClient } from '../../transport/http-client/client.ts';
import type { HttpAnswer } from '../../transport/http-client/exchange.ts';
import { mediaType, resultOfFailure, resultOfRefusal, type Sent } from './answer.ts';
import { jsonBody } from './json-body.ts';

export interface Compression {
  /** As content-encoding has it. */
  readonly encoding: 'gzip' | 'zstd' | 'deflate' | 'zlib';
  /** 0: the default. */
  readonly level: number;
}

export interface OtlpHttpExporterOptions {
  /** Makes the client, at the start; may reject. */
  connect(): Promise<HttpClient>;
  /** null: no credentials but those in `headers`. */
  readonly auth: ClientAuthenticator | null;
  readonly encoding: 'proto' | 'json';
  readonly compression: Compression | null;
  /** As configured, names in lower case; none of `reservedHeaders`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly log: Logger;
}

/** What says how a message is framed and read: the client's own to set. */
export const reservedHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const contentTypes = { proto: 'application/x-protobuf', json: 'application/json' } as const;

export function createOtlpHttpExporter(options: OtlpHttpExporterOptions): Exporter {
  const log = rateLimited(options.log);
  // For what is so with every batch.
  const seldom = rateLimited(options.log, { tickMs: 3_600_000, initial: 1, thereafter: 0 });
  const headersFor = headersOf(options);
  let client: HttpClient | null = null;
  return {
    start: async () => {
      client ??= await options.connect();
    },
    async export(batch, signal) {
      if (client === null) return { kind: 'retry', reason: 'not_started', message: 'not started', afterMs: 0 };
      let message: readonly Buffer[];
      try {
        message = await messageOf(batch, options.encoding);
      } catch (error) {
        return { kind: 'invalid', reason: 'malformed', message: String(error) };
      }
      const sent = { batchBytes: batch.bytes, messageBytes: sizeOf(message) };
      const body = options.compression === null ? message : await compressed(message, options.compression);
      let headers: Headers;
      try {
        headers = headersFor(batch);
      } catch (error) {
        return { kind: 'retry', reason: 'no_credentials', message: messageOfError(error), afterMs: 0 };
      }
      const reply = await client.post(body, { headers, signal });
      if (reply.kind === 'failed') return resultOfFailure(reply, signal);
      if (reply.redirectedTo !== '') {
        const fields = { to: reply.redirectedTo };
        seldom.warn(
          'redirect',
          fields,
          'the endpoint redirects every batch, which is sent twice: name its target instead',
        );
      }
      const result = await resultOfAnswer(reply, sent, { log, seldom });
      // What an extension gives changes while the service runs: a token that was replaced a moment ago must cost no spans.
      const isStale = options.auth !== null && reply.status === 401 && result.kind === 'refused';
      return isStale ? { ...result, kind: 'retry', afterMs: 0 } : result;
    },
    stop: async () => {
      client?.close();
      client = null;
    },
  };
}

type Headers = Readonly<Record<string, string>>;

/** The header fields for a batch; throws where there is no credential now. */
function headersOf({ auth, compression, encoding, headers }: OtlpHttpExporterOptions): (batch: Batch) => Headers {
  const defaults = { 'user-agent': 'spanmill', 'content-type': contentTypes[encoding] };
  const own = compression === null ? {} : { 'content-encoding': compression.encoding };
  const fixed = { ...defaults, ...headers, ...own };
  if (auth === null) return () => fixed;
  return ({ metadata }) => {
    const given = Object.entries(auth.headers(metadata, headers)).filter(([name]) => !reservedHeaders.has(name));
    return { ...defaults, ...Object.fromEntries(given), ...own };
  };
}

async function messageOf(batch: Batch, encoding: 'proto' | 'json'): Promise<readonly Buffer[]> {
  return encoding === 'proto' ? batch.segments : await jsonBody(whole(batch.segments));
}

async function compressed(message: readonly Buffer[], { encoding, level }: Compression): Promise<Buffer[]> {
  // Go's "deflate" and "zlib" are both zlib streams, under either name.
  return [await deflate(encoding === 'zlib' ? 'deflate' : encoding, message, { level })];
}

const whole = (parts: readonly Buffer[]): Buffer => (parts.length === 1 ? parts[0] : Buffer.concat(parts));
const sizeOf = (parts: readonly Buffer[]): number => parts.reduce((bytes, part) => bytes + part.length, 0);
const messageOfError = (error: unknown): string => (error instanceof Error ? error.message : String(error));

interface Logs {
  readonly log: RateLimitedLog;
  readonly seldom: RateLimitedLog;
}

async function resultOfAnswer(answer: HttpAnswer, sent: Sent, { log, seldom }: Logs): Promise<ExportResult> {
  const { status, body, headers, isWhole } = answer;
  if (status < 200 || status > 299) return resultOfRefusal(answer, sent, Date.now());
  const type = mediaType(headers['content-type']);
  const format = type === contentTypes.json ? 'json' : type === contentTypes.proto ? 'protobuf' : null;
  if (isWhole && body.length === 0) return { kind: 'accepted' };
  if (!isWhole || (headers['content-encoding'] ?? 'identity') !== 'identity') {
    warnOfAnswer(log, `HTTP ${status}, the rest of its answer cannot be read`);
  } else if (format === null) {
    // Something else than an OTLP server may stand there and say yes to everything.
    warnOfAnswer(seldom, `HTTP ${status} with content-type "${type.slice(0, 64)}", which is no answer of OTLP/HTTP`);
  } else {
    return await resultOfResponse(body, format, log);
  }
  return { kind: 'accepted' };
}
