// What an OTLP/HTTP client is answered: status, headers and body, in the encoding of its request.
import type { RefusalReason } from '../grpc-server.ts';
import { type GrpcStatus, grpcCode } from '../grpc-status.ts';
import { encodeStatus, retryDelayOf } from '../rpc-status.ts';
import { dateLine } from './date-line.ts';
import { contentTypes, type Form } from './http-request.ts';

export interface HttpAnswer {
  readonly status: number;
  /** Names and values by turns, Content-Length among them. */
  readonly headers: readonly string[];
  readonly body: string | Buffer;
}

/** An empty ExportTraceServiceResponse. */
const emptyResponse: Readonly<Record<Form, string>> = { protobuf: '', json: '{}', text: '' };

/** Of 200; the same array for every request of a form. */
export function okHeaders(form: Form, more: readonly string[]): readonly string[] {
  return ['Content-Type', contentTypes[form], 'Content-Length', String(emptyResponse[form].length), ...more];
}

/** Of 200 with a body. */
export const messageHeaders = (form: Form, bytes: number): readonly string[] => [
  'Content-Type',
  contentTypes[form],
  'Content-Length',
  String(bytes),
];

export const okBody = (form: Form): string => emptyResponse[form];

/** What the Collector makes of a gRPC status. */
function httpStatusOf(code: number): number {
  switch (code) {
    case grpcCode.CANCELLED:
    case grpcCode.DEADLINE_EXCEEDED:
    case grpcCode.ABORTED:
    case grpcCode.OUT_OF_RANGE:
    case grpcCode.UNAVAILABLE:
    case grpcCode.DATA_LOSS:
      return 503;
    case grpcCode.RESOURCE_EXHAUSTED:
      return 429;
    case grpcCode.INVALID_ARGUMENT:
      return 400;
    case grpcCode.UNAUTHENTICATED:
      return 401;
    case grpcCode.PERMISSION_DENIED:
      return 403;
    case grpcCode.UNIMPLEMENTED:
      return 404;
    default:
      return 500;
  }
}

/** What the transport refused is the client's doing, whatever gRPC calls it. */
const refusedAs: Partial<Record<RefusalReason, number>> = {
  too_large: 413,
  decompression: 400,
  framing: 400,
  encoding: 400,
  stalled: 408,
};

/**
 * The answer that says `status`. `httpStatus`: 200 where the status alone decides. `reason`: why the transport refused, null
 * where the method answered.
 */
export function errorAnswer(
  form: Form,
  status: GrpcStatus,
  httpStatus: number,
  reason: RefusalReason | null,
): HttpAnswer {
  const refused = reason === null ? undefined : refusedAs[reason];
  const code = httpStatus === 200 ? (refused ?? httpStatusOf(status.code)) : httpStatus;
  // As the Collector: these two say nothing in the encoding of the request.
  const shownAs = code === 405 || code === 415 ? 'text' : form;
  // gRPC has INTERNAL for some of what is the client's doing.
  const body = bodyOf(shownAs, code === 400 ? { ...status, code: grpcCode.INVALID_ARGUMENT } : status);
  const headers = ['Content-Type', contentTypes[shownAs], 'Content-Length', String(Buffer.byteLength(body))];
  if (code === 405) headers.push('Allow', 'POST');
  // RFC 7617 2: of Basic "the authentication parameter 'realm' is REQUIRED".
  if (code === 401) headers.push('WWW-Authenticate', 'Bearer, Basic realm="spanmill"');
  const delayMs = status.details === undefined ? undefined : retryDelayOf(status.details);
  // RFC 9110 10.2.3: whole seconds; none would ask for a retry at once.
  if (delayMs !== undefined && (code === 429 || code === 503)) {
    headers.push('Retry-After', String(Math.max(1, Math.ceil(delayMs / 1000))));
  }
  return { status: code, headers, body };
}

function bodyOf(form: Form, { code, message, details }: GrpcStatus): string | Buffer {
  if (form === 'text') return `${message}\n`;
  if (form === 'protobuf') return Buffer.from(details ?? encodeStatus(code, message));
  const delayMs = details === undefined ? undefined : retryDelayOf(details);
  if (delayMs === undefined) return JSON.stringify({ code, message });
  // protobuf's JSON mapping of a Duration has 0, 3, 6 or 9 digits behind the point.
  const retryDelay = `${delayMs % 1000 === 0 ? delayMs / 1000 : (delayMs / 1000).toFixed(3)}s`;
  return JSON.stringify({
    code,
    message,
    details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay }],
  });
}

/** For requests that are not HTTP, or not soon enough: there is no request whose encoding it could have. */
export function rawAnswer(status: number, phrase: string, message: string): string {
  const body = `${message}\n`;
  return [
    `HTTP/1.1 ${status} ${phrase}`,
    dateLine().trimEnd(),
    `Content-Type: ${contentTypes.text}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
