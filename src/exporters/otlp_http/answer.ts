// What the answers of OTLP/HTTP servers, and of what stands before them, mean for a batch.
import type { ExportResult } from '../../component/exporter.ts';
import { saysTooLarge, statedLimit } from '../../component/stated-limit.ts';
import type { HttpAnswer, HttpFailure } from '../../transport/http-client/exchange.ts';
import { nodeHttp } from '../../transport/node/http.ts';
import { statusMessageOf } from '../../transport/rpc-status.ts';

/** What was sent. */
export interface Sent {
  /** Of the batch, as protobuf. */
  readonly batchBytes: number;
  /** Of the message, before compression. */
  readonly messageBytes: number;
}

/** OTLP, "Retryable Response Codes": "All other 4xx or 5xx response status codes MUST NOT be retried." */
const retryable: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const mostMessageChars = 256;

/** The result of an answer that is not 2xx. */
export function resultOfRefusal(answer: HttpAnswer, sent: Sent, now: number): ExportResult {
  const { status } = answer;
  const text = textOf(answer);
  const reason = `http_${status}`;
  const name = nodeHttp.STATUS_CODES[status];
  const message = `HTTP ${status}${name === undefined ? '' : ` ${name}`}${text === '' ? '' : `: ${text}`}`;
  if (retryable.has(status)) {
    return { kind: 'retry', reason, message, afterMs: retryAfterMs(answer.headers, now) };
  }
  if (status === 413 || (status === 400 && saysTooLarge(text))) {
    return { kind: 'too_large', reason, message, limitBytes: limitOf(text, sent) };
  }
  if (status === 400) return { kind: 'invalid', reason, message };
  const hint = status >= 300 && status < 400 ? redirectHint(answer) : '';
  return { kind: 'refused', reason, message: message + hint };
}

/** The result where there is no answer. */
export function resultOfFailure(failure: HttpFailure, signal: AbortSignal): ExportResult {
  const { why, message } = failure;
  switch (why) {
    case 'ended': {
      const reason = signal.aborted ? String(signal.reason) : 'stopped';
      return { kind: 'retry', reason, message: `the attempt was ended: ${message}`, afterMs: 0 };
    }
    case 'unavailable':
      return { kind: 'retry', reason: 'unavailable', message, afterMs: 0 };
    case 'redirect':
      return { kind: 'refused', reason: 'redirect', message };
    case 'unsendable':
      return { kind: 'refused', reason: 'unsendable', message };
  }
}

/**
 * The limit as bytes of a batch, which is protobuf. A peer counts the bytes of the message; one that names more than there
 * were means something else.
 */
function limitOf(text: string, { batchBytes, messageBytes }: Sent): number {
  const limit = statedLimit(text);
  return limit < messageBytes ? Math.floor(limit * (batchBytes / messageBytes)) : 0;
}

/**
 * RFC 9110 10.2.3: "Retry-After = HTTP-date / delay-seconds". 0 where there is none that can be read. A date is of the peer's
 * clock, and so is that of the answer where it has one: how far ours is from it makes no difference then.
 */
export function retryAfterMs(headers: HttpAnswer['headers'], now: number): number {
  const value = headers['retry-after']?.trim() ?? '';
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const at = httpDate(value);
  if (Number.isNaN(at)) return 0;
  const answeredAt = httpDate(headers.date);
  return Math.max(0, at - (Number.isNaN(answeredAt) ? now : answeredAt));
}

/** NaN: none. A date of HTTP begins with the day's name; Date.parse reads much else. */
const httpDate = (text = ''): number =>
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text.trim()) ? Date.parse(text) : Number.NaN;

const redirectHint = ({ headers }: HttpAnswer): string =>
  headers.location === undefined ? '' : '; only 307 and 308 keep a POST: correct the endpoint';

/** What the peer says, in one line. "The response body for all HTTP 4xx and 5xx MUST be a Protobuf-encoded Status message" */
function textOf({ body, headers }: HttpAnswer): string {
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') return '';
  const type = mediaType(headers['content-type']);
  if (type === 'application/x-protobuf') return oneLine(statusMessageOf(body));
  const text = body.toString('utf8');
  if (type === 'application/json') return oneLine(messageOfJson(text) ?? text);
  // A proxy's page says it in its title.
  if (type === 'text/html') return oneLine(/<title>([^<]{0,400})/i.exec(text)?.[1] ?? '');
  return oneLine(/[^\r\n]*\S[^\r\n]*/.exec(text)?.[0] ?? '');
}

/** Without parameters, in lower case. */
export const mediaType = (contentType: string | undefined): string =>
  (contentType ?? '').split(';', 1)[0].trim().toLowerCase();

/** google.rpc.Status, or what others write: `{"message": …}`, `{"error": …}`, `{"error": {"message": …}}`. */
function messageOfJson(text: string): string | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  for (let depth = 0; depth < 3 && typeof json === 'object' && json !== null; depth++) {
    if ('message' in json && typeof json.message === 'string') return json.message;
    json = 'error' in json ? json.error : null;
  }
  return typeof json === 'string' ? json : null;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not reach a terminal
const unprintable = /[\s\u0000-\u001f\u007f-\u009f]+/g;

function oneLine(text: string): string {
  const line = text
    .slice(0, 8 * mostMessageChars)
    .replace(unprintable, ' ')
    .trim();
  return line.length > mostMessageChars ? `${line.slice(0, mostMessageChars)}…` : line;
}
