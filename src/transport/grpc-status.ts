// gRPC status codes and what travels with them: grpc-message (percent-encoded) and google.rpc.Status with RetryInfo.
import { acceptedEncodings } from './compression.ts';

/** The codes of grpc/grpc doc/statuscodes.md. */
export const grpcCode = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** How a call ended. `details` is an encoded google.rpc.Status, sent as grpc-status-details-bin. */
export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
  readonly details?: Uint8Array;
}

const codeNames = new Map<number, string>(Object.entries(grpcCode).map(([name, code]) => [code, name]));

/** `RESOURCE_EXHAUSTED` for 8; the number itself for a code nobody knows. */
export const grpcCodeName = (code: number): string => codeNames.get(code) ?? String(code);

/** For an answer without grpc-status (a proxy's): grpc/grpc doc/http-grpc-status-mapping.md. */
export function codeOfHttpStatus(httpStatus: number): number {
  switch (httpStatus) {
    case 400:
      return grpcCode.INTERNAL;
    case 401:
      return grpcCode.UNAUTHENTICATED;
    case 403:
      return grpcCode.PERMISSION_DENIED;
    case 404:
      return grpcCode.UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
      return grpcCode.UNAVAILABLE;
    default:
      return grpcCode.UNKNOWN;
  }
}

// "The value portion of Status-Message is conceptually a Unicode string description of the error, physically encoded as
// UTF-8 followed by percent-encoding": bytes 0x20 to 0x7E but for '%' stand as they are (PROTOCOL-HTTP2.md).
const mustEncode = /[^ -$&-~]/;

/** Encodes a message for the grpc-message header. */
export function encodeGrpcMessage(message: string): string {
  if (!mustEncode.test(message)) return message;
  let out = '';
  for (const byte of Buffer.from(message, 'utf8')) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    out += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

/** The header fields that tell a client of an error, names and values. */
export function statusFields(status: GrpcStatus): [name: string, value: string][] {
  const fields: [string, string][] = [
    ['grpc-status', String(status.code)],
    ['grpc-message', encodeGrpcMessage(status.message)],
  ];
  if (status.details !== undefined) {
    fields.push(['grpc-status-details-bin', Buffer.from(status.details).toString('base64')]);
  }
  if (status.code === grpcCode.UNIMPLEMENTED) fields.push(['grpc-accept-encoding', acceptedEncodings]);
  return fields;
}

/** Decodes grpc-message. "When decoding invalid values, implementations MUST NOT error or throw away the message." */
export function decodeGrpcMessage(value: string): string {
  if (!value.includes('%')) return value;
  const raw = Buffer.from(value, 'utf8');
  const bytes = Buffer.allocUnsafe(raw.length);
  let length = 0;
  for (let i = 0; i < raw.length; i++) {
    const hex = raw[i] === 0x25 ? raw.toString('latin1', i + 1, i + 3) : '';
    if (/^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes[length++] = Number.parseInt(hex, 16);
      i += 2;
    } else {
      bytes[length++] = raw[i];
    }
  }
  return bytes.toString('utf8', 0, length);
}
