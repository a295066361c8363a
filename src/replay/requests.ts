// The requests in a file of spans: one OTLP request as protobuf or JSON, lines of OTLP JSON, or records with their length
// before them as the file exporter writes them. Compressed as a whole (gzip, zstd) or record by record (zstd).
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { SpanmillError } from '../errors.ts';
import { countSpans } from '../wire/cut/part.ts';
import { encodeRequest } from '../wire/reference/codec.ts';
import { readJson } from '../wire/reference/json-reader.ts';

export interface Request {
  /** One ExportTraceServiceRequest. */
  readonly bytes: Buffer;
  readonly spans: number;
}

/** Decompressed; more is refused. */
const mostBytes = 1 << 30;
const prefixBytes = 4;
const openBrace = 0x7b;
const newline = 0x0a;

const isZstd = (bytes: Buffer): boolean => bytes.length >= 4 && bytes.readUInt32LE(0) === 0xfd2fb528;
const isGzip = (bytes: Buffer): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** RFC 8259 8.1: a byte order mark may stand before JSON. */
const byteOrderMark = Buffer.of(0xef, 0xbb, 0xbf);

/** All requests that have spans, in order. Throws a SpanmillError that says what cannot be read; no part is left out. */
export function requestsOf(file: Buffer): Request[] {
  const bytes = withoutMark(decompressed(file));
  const requests = looksLikeJson(bytes) ? jsonRequests(bytes) : protobufRequests(bytes);
  const withSpans = requests.filter(({ spans }) => spans > 0);
  if (withSpans.length === 0) throw new SpanmillError('OTLP_PROTOBUF', 'it holds no spans');
  return withSpans;
}

function decompressed(bytes: Buffer): Buffer {
  try {
    if (isGzip(bytes)) return gunzipSync(bytes, { maxOutputLength: mostBytes });
    return isZstd(bytes) ? zstdDecompressSync(bytes, { maxOutputLength: mostBytes }) : bytes;
  } catch (error) {
    throw new SpanmillError('OTLP_PROTOBUF', `it cannot be decompressed: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function looksLikeJson(bytes: Buffer): boolean {
  let at = 0;
  while (bytes[at] === 0x20 || bytes[at] === newline || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  // A request in protobuf begins with the byte of a line break, and one of those a part of 123 bytes with that of a brace.
  return bytes[at] === openBrace && !(bytes[0] === newline && isProtobuf(bytes));
}

function isProtobuf(bytes: Buffer): boolean {
  try {
    return protobufRequest(bytes).spans > 0;
  } catch {
    return false;
  }
}

const withoutMark = (bytes: Buffer): Buffer =>
  bytes.subarray(0, byteOrderMark.length).equals(byteOrderMark) ? bytes.subarray(byteOrderMark.length) : bytes;

function protobufRequests(bytes: Buffer): Request[] {
  try {
    return [protobufRequest(bytes)];
  } catch (error) {
    // The length of a record begins with a byte that no request begins with, but for records of 160 MiB.
    const records = recordsOf(bytes);
    if (records === null) throw error;
    return records.map(({ record, number }) => {
      try {
        const body = withoutMark(decompressed(record));
        return looksLikeJson(body) ? jsonRequest(body) : protobufRequest(body);
      } catch (fault) {
        throw within(`record ${number}`, fault);
      }
    });
  }
}

/** null: the lengths do not lead to the end of the file. */
function recordsOf(bytes: Buffer): { record: Buffer; number: number }[] | null {
  const records: { record: Buffer; number: number }[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < prefixBytes) return null;
    const start = at + prefixBytes;
    at = start + bytes.readUInt32BE(at);
    if (at > bytes.length) return null;
    records.push({ record: bytes.subarray(start, at), number: records.length + 1 });
  }
  return records;
}

/** One text that may have many lines, or a text in each line. */
function jsonRequests(bytes: Buffer): Request[] {
  const first = bytes.indexOf(openBrace);
  const end = bytes.indexOf(newline, first);
  if (end < 0 || !isJson(bytes.subarray(first, end))) return [jsonRequest(bytes)];
  const requests: Request[] = [];
  let line = 0;
  for (let at = 0; at < bytes.length; ) {
    const found = bytes.indexOf(newline, at);
    const lineEnd = found < 0 ? bytes.length : found;
    const text = bytes.subarray(at, lineEnd);
    at = lineEnd + 1;
    line++;
    if (text.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09)) continue;
    try {
      requests.push(jsonRequest(text));
    } catch (error) {
      throw within(`line ${line}`, error);
    }
  }
  return requests;
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

function jsonRequest(text: Buffer): Request {
  return protobufRequest(Buffer.from(encodeRequest(readJson(text.toString('utf8')))));
}

const protobufRequest = (bytes: Buffer): Request => ({ bytes, spans: countSpans([bytes]) });

function within(where: string, error: unknown): SpanmillError {
  const code = error instanceof SpanmillError ? error.code : 'INTERNAL';
  return new SpanmillError(code, `${where}: ${(error as Error).message}`, { cause: error });
}
