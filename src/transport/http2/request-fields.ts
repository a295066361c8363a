// RFC 9113 8.1 to 8.3: which header fields make a request, and which make it malformed: "Malformed requests or responses
// that are detected MUST be treated as a stream error of type PROTOCOL_ERROR" (8.1.1).
import type { GrpcHeaders } from '../request-head.ts';
import type { HeaderField } from './hpack/static-table.ts';

export type RequestFields =
  | {
      readonly kind: 'request';
      readonly headers: GrpcHeaders;
      /** What content-length says; -1: it is absent. */
      readonly contentLength: number;
      /** It waits to be told that it may send its content (RFC 9110 10.1.1). */
      readonly expectsContinue: boolean;
    }
  | { readonly kind: 'malformed'; readonly why: string };

/**
 * 8.2.2: "An endpoint MUST NOT generate an HTTP/2 message containing connection-specific header fields … Any message
 * containing connection-specific header fields MUST be treated as malformed".
 */
const connectionSpecific: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

type RequestPseudo = ':method' | ':scheme' | ':path' | ':authority';

interface Seen {
  readonly pseudo: Record<RequestPseudo, string | undefined>;
  contentType: string | undefined;
  encoding: string | undefined;
  timeout: string | undefined;
  contentLength: number;
  expectsContinue: boolean;
  isRegular: boolean;
}

export function requestFields(fields: readonly HeaderField[]): RequestFields {
  const seen: Seen = {
    pseudo: { ':method': undefined, ':scheme': undefined, ':path': undefined, ':authority': undefined },
    contentType: undefined,
    encoding: undefined,
    timeout: undefined,
    contentLength: -1,
    expectsContinue: false,
    isRegular: false,
  };
  for (const field of fields) {
    const why = take(field, seen);
    if (why !== '') return { kind: 'malformed', why };
  }
  const why = incomplete(seen.pseudo);
  if (why !== '') return { kind: 'malformed', why };
  const { ':method': httpMethod, ':path': path } = seen.pseudo;
  const { contentType, encoding, timeout, contentLength, expectsContinue } = seen;
  const headers = { httpMethod, path, contentType, encoding, timeout };
  return { kind: 'request', headers, contentLength, expectsContinue };
}

/** 8.1: "Trailers MUST NOT include pseudo-header fields"; otherwise as in a request. '' when they are well-formed. */
export function malformedTrailer(fields: readonly HeaderField[]): string {
  for (const field of fields) {
    if (field.name.startsWith(':')) return `pseudo-header ${field.name} in trailers`;
    const why = badField(field);
    if (why !== '') return why;
  }
  return '';
}

function take(field: HeaderField, seen: Seen): string {
  const { name, value } = field;
  if (name.charCodeAt(0) === 0x3a) {
    // 8.3: "All pseudo-header fields MUST appear in a field block before all regular field lines."
    if (seen.isRegular) return `pseudo-header ${name} behind a regular field`;
    return isValue(value) ? takePseudo(name, value, seen) : `value of ${name} has a byte that is not allowed`;
  }
  seen.isRegular = true;
  const why = badField(field);
  if (why !== '') return why;
  switch (name) {
    case 'content-type':
      seen.contentType ??= value;
      break;
    case 'grpc-encoding':
      seen.encoding ??= value;
      break;
    case 'grpc-timeout':
      seen.timeout ??= value;
      break;
    case 'expect':
      seen.expectsContinue = value.toLowerCase() === '100-continue';
      break;
    case 'content-length': {
      if (!/^\d{1,15}$/.test(value)) return 'content-length is not a number';
      const length = Number(value);
      if (seen.contentLength !== -1 && seen.contentLength !== length) return 'two different content-length';
      seen.contentLength = length;
      break;
    }
  }
  return '';
}

/**
 * 8.3: "Endpoints MUST NOT generate pseudo-header fields other than those defined in this document … The same pseudo-header
 * field name MUST NOT appear more than once in a field block."
 */
function takePseudo(name: string, value: string, { pseudo }: Seen): string {
  if (!isRequestPseudo(name)) return `pseudo-header ${name} in a request`;
  if (pseudo[name] !== undefined) return `pseudo-header ${name} twice`;
  pseudo[name] = value;
  return '';
}

const isRequestPseudo = (name: string): name is RequestPseudo =>
  name === ':method' || name === ':scheme' || name === ':path' || name === ':authority';

/**
 * 8.3.1: "All HTTP/2 requests MUST include exactly one valid value for the ":method", ":scheme", and ":path" pseudo-header
 * fields, unless they are CONNECT requests"; the path "MUST NOT be empty for "http" or "https" URIs". 8.5: of CONNECT,
 * "the ":scheme" and ":path" pseudo-header fields MUST be omitted".
 */
function incomplete(pseudo: Seen['pseudo']): string {
  const { ':method': method, ':scheme': scheme, ':path': path } = pseudo;
  if (method === undefined) return 'no :method';
  if (method === 'CONNECT') {
    if (scheme !== undefined || path !== undefined) return 'CONNECT with :scheme or :path';
    return pseudo[':authority'] === undefined ? 'CONNECT without :authority' : '';
  }
  if (scheme === undefined) return 'no :scheme';
  return path === undefined || path === '' ? 'no :path' : '';
}

function badField({ name, value }: HeaderField): string {
  if (!isName(name)) return 'a field name has a byte that is not allowed';
  if (!isValue(value)) return `value of ${name} has a byte that is not allowed`;
  if (connectionSpecific.has(name)) return `connection-specific field ${name}`;
  // 8.2.2: "The TE header field … MUST NOT contain any value other than "trailers"."
  return name === 'te' && value !== 'trailers' ? 'te is not trailers' : '';
}

/**
 * 8.2.1: "A field name MUST NOT contain characters in the ranges 0x00-0x20, 0x41-0x5a, or 0x7f-0xff (all ranges inclusive)"
 * and, "with the exception of pseudo-header fields", no colon.
 */
function isName(name: string): boolean {
  const { length } = name;
  for (let i = 0; i < length; i++) {
    const char = name.charCodeAt(i);
    if (char <= 0x20 || char >= 0x7f || (char >= 0x41 && char <= 0x5a) || char === 0x3a) return false;
  }
  return length > 0;
}

/**
 * 8.2.1: "A field value MUST NOT contain the zero value (ASCII NUL, 0x00), line feed (ASCII LF, 0x0a), or carriage return
 * (ASCII CR, 0x0d) at any position" and "MUST NOT start or end with an ASCII whitespace character".
 */
function isValue(value: string): boolean {
  const { length } = value;
  for (let i = 0; i < length; i++) {
    const char = value.charCodeAt(i);
    if (char <= 0x0d && (char === 0 || char === 0x0a || char === 0x0d)) return false;
  }
  return length === 0 || !(isSpace(value.charCodeAt(0)) || isSpace(value.charCodeAt(length - 1)));
}

const isSpace = (char: number): boolean => char === 0x20 || char === 0x09;
