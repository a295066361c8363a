// OTLP/HTTP at the sink: POST /v1/traces, protobuf or JSON, answered in the format of the request.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { grpcCode } from '../../src/transport/grpc-status.ts';
import { varintSize, writeVarint } from '../../src/wire/varint.ts';
import type { Answer, Intake } from './intake.ts';

type Format = 'protobuf' | 'json';

const tracesPath = '/v1/traces';
const largestBody = 256 << 20;
const contentTypes: Readonly<Record<Format, string>> = { protobuf: 'application/x-protobuf', json: 'application/json' };
const encodings: ReadonlySet<string> = new Set(['', 'identity', 'gzip', 'zstd', 'deflate']);
const acceptedEncodings = 'gzip, zstd, deflate';
const noBytes = Buffer.alloc(0);

interface Reply {
  readonly status: number;
  readonly format: Format;
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

function formatOf(request: IncomingMessage): Format | null {
  const [type] = (request.headers['content-type'] ?? '').split(';');
  const wanted = type.trim().toLowerCase();
  if (wanted === contentTypes.protobuf) return 'protobuf';
  return wanted === contentTypes.json ? 'json' : null;
}

/** A field with a length; `number` is below 16. */
function field(number: number, content: Uint8Array): Buffer {
  const head = Buffer.alloc(1 + varintSize(content.length));
  head[0] = number * 8 + 2;
  writeVarint(head, 1, content.length);
  return Buffer.concat([head, content]);
}

/** Field 1 of a message, an integer; nothing for 0. */
function firstInteger(value: number): Buffer {
  if (value === 0) return noBytes;
  const bytes = Buffer.alloc(1 + varintSize(value), 0x08);
  writeVarint(bytes, 1, value);
  return bytes;
}

/** google.rpc.Status: code 1, message 2. */
function statusBody(format: Format, code: number, message: string): Buffer {
  if (format === 'json') return Buffer.from(JSON.stringify({ code, message }));
  return Buffer.concat([firstInteger(code), field(2, Buffer.from(message))]);
}

/** ExportTraceServiceResponse: partial_success 1; in it rejected_spans 1, error_message 2. */
function partialBody(format: Format, rejected: number, message: string): Buffer {
  if (format === 'protobuf') return field(1, Buffer.concat([firstInteger(rejected), field(2, Buffer.from(message))]));
  return Buffer.from(JSON.stringify({ partialSuccess: { rejectedSpans: String(rejected), errorMessage: message } }));
}

function failure(status: number, format: Format, code: number, message: string, headers = {}): Reply {
  return { status, format, body: statusBody(format, code, message), headers };
}

function replyTo(answer: Exclude<Answer, { readonly kind: 'silent' | 'reset' }>, format: Format): Reply {
  switch (answer.kind) {
    case 'ok':
      return { status: 200, format, body: format === 'json' ? Buffer.from('{}') : noBytes };
    case 'partial':
      return { status: 200, format, body: partialBody(format, answer.rejected, answer.message) };
    case 'malformed':
      return failure(400, format, grpcCode.INVALID_ARGUMENT, answer.message);
    case 'unsupported':
      return failure(415, format, grpcCode.INVALID_ARGUMENT, answer.message, { 'accept-encoding': acceptedEncodings });
    case 'refused': {
      const { httpStatus, grpcCode: code, retryMs } = answer.refusal;
      // RFC 9110 10.2.3: whole seconds.
      const headers = retryMs === null ? {} : { 'retry-after': String(Math.ceil(retryMs / 1000)) };
      return failure(httpStatus, format, code, answer.message, headers);
    }
  }
}

/** What is wrong with a request before its body is read; null when nothing is. */
function refusalOf(request: IncomingMessage, format: Format | null): Reply | null {
  const given = format ?? 'protobuf';
  const [path] = (request.url ?? '').split('?');
  if (path !== tracesPath)
    return failure(404, given, grpcCode.NOT_FOUND, `there is no ${path}: traces go to ${tracesPath}`);
  if (request.method !== 'POST') {
    return failure(405, given, grpcCode.UNIMPLEMENTED, 'traces are sent with POST', { allow: 'POST' });
  }
  if (format === null) {
    const found = request.headers['content-type'] ?? 'nothing';
    const wanted = Object.values(contentTypes).join(' or ');
    return failure(415, given, grpcCode.INVALID_ARGUMENT, `content-type must be ${wanted}, found ${found}`);
  }
  const encoding = request.headers['content-encoding'] ?? '';
  if (encodings.has(encoding)) return null;
  return replyTo({ kind: 'unsupported', message: `unknown content-encoding "${encoding}"` }, format);
}

/** null: it is too large. Rejects when the client goes. */
async function readBody(request: IncomingMessage, bytesPerSecond: number, rest: Rest): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > largestBody) return null;
    chunks.push(chunk);
    // While this waits, no more is read than the stream holds.
    if (bytesPerSecond !== Number.POSITIVE_INFINITY) await rest((chunk.length / bytesPerSecond) * 1000);
  }
  return Buffer.concat(chunks);
}

/** Settles after so many milliseconds. */
type Rest = (ms: number) => Promise<void>;

function send(response: ServerResponse, { status, format, body, headers }: Reply): void {
  response.writeHead(status, { ...headers, 'content-type': contentTypes[format], 'content-length': body.length });
  response.end(body);
}

async function serve(intake: Intake, rest: Rest, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const format = formatOf(request);
  const refusal = refusalOf(request, format);
  if (refusal !== null || format === null) {
    request.resume();
    if (refusal !== null) send(response, refusal);
    return;
  }
  const decision = intake.decide();
  const body = await readBody(request, decision.bytesPerSecond, rest);
  if (body === null) {
    response.shouldKeepAlive = false;
    send(response, failure(413, format, grpcCode.RESOURCE_EXHAUSTED, `a body has at most ${largestBody} bytes`));
    return;
  }
  const answer = intake.handle(body, request.headers['content-encoding'] ?? '', `http/${format}`, decision);
  if (decision.delayMs > 0) await rest(decision.delayMs);
  if (answer.kind === 'reset') request.socket.resetAndDestroy();
  else if (answer.kind !== 'silent') send(response, replyTo(answer, format));
}

/** Does not listen: connections are handed to it by emitting `connection`. */
export function createHttpService(intake: Intake, rest: Rest): Server {
  return createServer((request, response) => {
    serve(intake, rest, request, response).catch(() => {
      // The client went before its request was there: nothing of it counts.
      request.socket.destroy();
    });
  });
}
