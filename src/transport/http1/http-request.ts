// What the head of an OTLP/HTTP request says, and what is wrong with it.
import type { ContentEncoding } from '../compression.ts';
import type { UnaryMethod } from '../grpc-server.ts';
import { grpcCode } from '../grpc-status.ts';
import type { HeaderField } from '../http2/hpack/static-table.ts';
import type { HeadRefusal, RequestHead } from '../request-head.ts';

/** How the request is encoded, and so its answer. `text`: neither of both. */
export type Form = 'protobuf' | 'json' | 'text';

export const contentTypes: Readonly<Record<Form, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
  text: 'text/plain; charset=utf-8',
};

/** What serves a path: the same method for each form of a request. */
export interface HttpRoute {
  readonly protobuf: UnaryMethod;
  readonly json: UnaryMethod;
}

/** The header fields that matter, as they came; undefined when absent. */
export interface HttpHead {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly transferEncoding: string | undefined;
  readonly origin: string | undefined;
  /** Of the body; -1: not announced. */
  readonly length: number;
}

export interface JudgedRequest {
  readonly head: RequestHead;
  readonly form: Form;
}

export interface RequestRules {
  readonly routes: ReadonlyMap<string, HttpRoute>;
  /** Path -> what to say of it, for paths that clients try although nothing is there. */
  readonly elsewhere: ReadonlyMap<string, string>;
  /** Values of Content-Encoding that are taken; '' is none. */
  readonly encodings: ReadonlySet<string>;
  /** Of methods that name no largest size of their own. */
  readonly maxBodyBytes: number;
}

export const noFields: readonly HeaderField[] = [];

/** Reads the names and values of Node's `rawHeaders`, without an object for all of them. */
export function readHead(raw: readonly string[]): HttpHead {
  let contentType: string | undefined;
  let contentEncoding: string | undefined;
  let transferEncoding: string | undefined;
  let origin: string | undefined;
  let length = 0;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i];
    switch (name.length) {
      case 6:
        if (name.toLowerCase() === 'origin') origin ??= raw[i + 1];
        break;
      case 12:
        if (name.toLowerCase() === 'content-type') contentType ??= raw[i + 1];
        break;
      case 14:
        // The parser has checked that it is a number, and the only one.
        if (name.toLowerCase() === 'content-length') length = Number(raw[i + 1]);
        break;
      case 16:
        if (name.toLowerCase() === 'content-encoding') {
          contentEncoding = contentEncoding === undefined ? raw[i + 1] : `${contentEncoding}, ${raw[i + 1]}`;
        }
        break;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') transferEncoding = raw[i + 1];
        break;
    }
  }
  return {
    contentType,
    contentEncoding,
    transferEncoding,
    origin,
    length: transferEncoding === undefined ? length : -1,
  };
}

/** All values of a header; `name` in lower case. */
export function valuesOf(raw: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i].length === name.length && raw[i].toLowerCase() === name) values.push(raw[i + 1]);
  }
  return values;
}

/** As `CallInfo.metadata` looks for them. */
export function fieldsOf(raw: readonly string[]): HeaderField[] {
  const fields: HeaderField[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i].toLowerCase();
    fields.push({ name: name === 'host' ? ':authority' : name, value: raw[i + 1] });
  }
  return fields;
}

/** Parameters of the query, as header fields. */
export function queryFields(target: string, names: readonly string[]): HeaderField[] {
  const query = names.length === 0 ? -1 : target.indexOf('?');
  if (query < 0) return [];
  const params = new URLSearchParams(target.slice(query + 1));
  return names.flatMap((name) => params.getAll(name).map((value) => ({ name: name.toLowerCase(), value })));
}

/** Of a Content-Type, whose parameters mean nothing here. */
export function formOf(contentType: string | undefined): Form {
  if (contentType === contentTypes.protobuf) return 'protobuf';
  if (contentType === contentTypes.json) return 'json';
  const [type] = (contentType ?? '').split(';', 1);
  switch (type.trim().toLowerCase()) {
    case contentTypes.protobuf:
      return 'protobuf';
    case contentTypes.json:
      return 'json';
    default:
      return 'text';
  }
}

/** Without the query; also of the absolute form that proxies send (RFC 9112 3.2.2). */
export function pathOf(target: string): string {
  const path = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?#]*/i, '');
  const query = path.indexOf('?');
  return query < 0 ? path : path.slice(0, query);
}

/** An endpoint that ends with a slash, and a path put behind it; the Collector redirects what comes of that. */
const singleSlashes = (target: string): string => pathOf(target).replace(/\/{2,}/g, '/');

export function judgeRequest(
  httpMethod: string,
  target: string,
  head: HttpHead,
  rules: RequestRules,
  fields: readonly HeaderField[],
  credentials: readonly HeaderField[],
): JudgedRequest {
  const route = rules.routes.get(target) ?? rules.routes.get(pathOf(target)) ?? rules.routes.get(singleSlashes(target));
  const form = formOf(head.contentType);
  const method = route === undefined ? null : form === 'json' ? route.json : route.protobuf;
  const encoding = head.contentEncoding === undefined ? '' : head.contentEncoding.trim().toLowerCase();
  const refusal =
    route === undefined
      ? noSuchPath(target, rules)
      : refusalOf(httpMethod, form, encoding, head, method?.maxMessageBytes ?? rules.maxBodyBytes, rules);
  const isCoded = encoding !== '' && encoding !== 'identity' && refusal === null;
  return {
    form,
    head: {
      method,
      encoding: isCoded ? codings[encoding] : null,
      timeoutMs: Number.POSITIVE_INFINITY,
      refusal,
      fields,
      credentials,
      isShown: true,
      welcomedIn: -1,
    },
  };
}

/** `zlib` is what the Collector calls what RFC 9110 calls `deflate`. */
const codings: Readonly<Record<string, ContentEncoding>> = {
  gzip: 'gzip',
  zstd: 'zstd',
  deflate: 'deflate',
  zlib: 'deflate',
};
export const contentEncodings: readonly string[] = ['', ...Object.keys(codings)];

function noSuchPath(target: string, { elsewhere, routes }: RequestRules): HeadRefusal {
  const path = pathOf(target);
  const message = elsewhere.get(path) ?? `nothing is at ${shown(path)}; traces go to ${[...routes.keys()].join(', ')}`;
  return { reason: 'path', status: { code: grpcCode.UNIMPLEMENTED, message }, httpStatus: 404 };
}

function refusalOf(
  httpMethod: string,
  form: Form,
  encoding: string,
  { contentType, transferEncoding, length }: HttpHead,
  largest: number,
  { encodings }: RequestRules,
): HeadRefusal | null {
  const code = grpcCode.INVALID_ARGUMENT;
  // The texts of 405 and 415 begin as the Collector's do.
  if (httpMethod !== 'POST') {
    const message = `405 method not allowed, supported: [POST]`;
    return { reason: 'http_method', status: { code: grpcCode.UNIMPLEMENTED, message }, httpStatus: 405 };
  }
  if (form === 'text') {
    const supported = `${contentTypes.json}, ${contentTypes.protobuf}`;
    const found = contentType === undefined ? 'none' : shown(contentType);
    const message = `415 unsupported media type, supported: [${supported}], found: ${found}`;
    return { reason: 'content_type', status: { code, message }, httpStatus: 415 };
  }
  if (!encodings.has(encoding === 'identity' ? '' : encoding)) {
    const supported = [...encodings].map((name) => (name === '' ? 'none' : name)).join(', ');
    const message = `unsupported Content-Encoding: ${shown(encoding) || 'none'}; supported are ${supported}`;
    return { reason: 'encoding', status: { code, message }, httpStatus: 400 };
  }
  if (transferEncoding !== undefined && transferEncoding.trim().toLowerCase() !== 'chunked') {
    const message = `unsupported Transfer-Encoding: ${shown(transferEncoding)}; supported is chunked`;
    return { reason: 'encoding', status: { code, message }, httpStatus: 400 };
  }
  if (length > largest) {
    const message = `received message larger than max (${length} vs. ${largest})`;
    return { reason: 'too_large', status: { code: grpcCode.RESOURCE_EXHAUSTED, message }, httpStatus: 200 };
  }
  return null;
}

/** What a client sent, in an answer: not more than helps it. */
const shown = (value: string): string => (value.length <= 200 ? value : `${value.slice(0, 200)}…`);
