// What the headers of a unary gRPC request say, decided apart from its body: one head may serve many calls, where their
// headers are the same bytes.
import { acceptedEncodings, type ContentEncoding } from './compression.ts';
import type { RefusalReason, UnaryMethod } from './grpc-server.ts';
import { type GrpcStatus, grpcCode } from './grpc-status.ts';
import { parseGrpcTimeout } from './grpc-timeout.ts';
import type { HeaderField } from './http2/hpack/static-table.ts';

/** Header values, undefined when absent. */
export interface GrpcHeaders {
  readonly httpMethod: string | undefined;
  readonly path: string | undefined;
  readonly contentType: string | undefined;
  readonly encoding: string | undefined;
  readonly timeout: string | undefined;
}

export interface HeadRefusal {
  readonly reason: RefusalReason;
  readonly status: GrpcStatus;
  readonly httpStatus: number;
}

export interface RequestHead {
  /** null: none has this path, and there is a refusal. */
  readonly method: UnaryMethod | null;
  /** Of a message whose compressed flag is set. */
  readonly encoding: ContentEncoding | null;
  /** Infinity: the client waits for ever. */
  readonly timeoutMs: number;
  /** Not null: nothing of the body is wanted. */
  readonly refusal: HeadRefusal | null;
  /** All fields as they came, pseudo-headers too; over HTTP/1 none where metadata is not included. */
  readonly fields: readonly HeaderField[];
  /** Whether `CallInfo.metadata` shows them. */
  readonly isShown: boolean;
  /** For the authenticator: all fields as they came; none where there is no authenticator. */
  readonly credentials: readonly HeaderField[];
  /** The version of the authenticator that welcomed these credentials; -1: none has. Set by request-auth.ts. */
  welcomedIn: number;
}

export function requestHead(
  routes: ReadonlyMap<string, UnaryMethod>,
  headers: GrpcHeaders,
  fields: readonly HeaderField[],
  isShown: boolean,
  credentials: readonly HeaderField[],
): RequestHead {
  const { httpMethod, path, contentType, encoding, timeout } = headers;
  const method = (path === undefined ? undefined : routes.get(path)) ?? null;
  const timeoutMs = timeout === undefined ? Number.POSITIVE_INFINITY : parseGrpcTimeout(timeout);
  let refusal: HeadRefusal | null = null;
  if (httpMethod !== 'POST') {
    refusal = refused('http_method', grpcCode.INTERNAL, `HTTP method ${shown(httpMethod)} where gRPC has POST`, 405);
  } else if (!isGrpcContentType(contentType)) {
    const message = `content-type ${shown(contentType)} is not application/grpc`;
    refusal = refused('content_type', grpcCode.INVALID_ARGUMENT, message, 415);
  } else if (method === null) {
    refusal = refused('path', grpcCode.UNIMPLEMENTED, `unknown method ${shown(path)}`);
  } else if (encoding !== undefined && encoding !== 'identity' && encoding !== 'gzip' && encoding !== 'zstd') {
    const message = `grpc-encoding ${shown(encoding)} is not supported; supported are ${acceptedEncodings}`;
    refusal = refused('encoding', grpcCode.UNIMPLEMENTED, message);
  } else if (Number.isNaN(timeoutMs)) {
    refusal = refused('timeout_header', grpcCode.INTERNAL, `malformed grpc-timeout: ${shown(timeout)}`);
  }
  const known = encoding === 'gzip' || encoding === 'zstd' ? encoding : null;
  return { method, encoding: known, timeoutMs, refusal, fields, isShown, credentials, welcomedIn: -1 };
}

const noValues: readonly string[] = [];

/** As `CallInfo.metadata`. */
export function metadataOf(head: RequestHead, key: string): readonly string[] {
  return head.isShown ? fieldValues(head, key) : noValues;
}

/** As `CallInfo.grpcMetadata`. */
export function fieldValues({ fields }: RequestHead, key: string): readonly string[] {
  if (fields.length === 0) return noValues;
  const name = key === 'host' ? ':authority' : key;
  return fields.filter((field) => field.name === name).map((field) => field.value);
}

/** What a client sent, in an answer: not more than helps it, since a long field takes few bytes to send a second time. */
const shown = (value: string | undefined): string =>
  value === undefined || value.length <= 200 ? String(value) : `${value.slice(0, 200)}…`;

function refused(reason: RefusalReason, code: number, message: string, httpStatus = 200): HeadRefusal {
  return { reason, status: { code, message }, httpStatus };
}

function isGrpcContentType(value: string | undefined): boolean {
  if (value === 'application/grpc' || value === 'application/grpc+proto') return true;
  return value !== undefined && /^application\/grpc(\+proto)?[ \t]*;/i.test(value);
}
