// One request and its reply on a session that is open.
import * as http2 from 'node:http2';
import zlib from 'node:zlib';
import { failedReply, type GrpcReply } from '../grpc-client.ts';
import { codeOfHttpStatus, decodeGrpcMessage, grpcCode } from '../grpc-status.ts';
import type { CallLimits } from './call-limits.ts';
import type { Link } from './client-connection.ts';

const { NGHTTP2_CANCEL } = http2.constants;
/** How long a connection may take to show that it no longer reads from a call that ended early. */
const flushTimeoutMs = 2000;
const prefixBytes = 5;

type Headers = http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader;

/** What has been seen of a reply when its stream closes. */
interface Seen {
  headers: Headers | null;
  trailers: Headers | null;
  readonly chunks: Buffer[];
  bytes: number;
  /** Decided by us: deadline, cancellation, size. */
  verdict: GrpcReply | null;
  error: string;
}

/** Settles when the stream is over and nothing reads `parts` any more. Throws where the request cannot even be made. */
export function exchange(
  link: Link,
  headers: http2.OutgoingHttpHeaders,
  parts: readonly Buffer[],
  maxReplyBytes: number,
  limits: CallLimits,
): Promise<GrpcReply> {
  const stream = link.session.request(headers);
  const seen: Seen = { headers: null, trailers: null, chunks: [], bytes: 0, verdict: null, error: '' };
  let cutTimer: NodeJS.Timeout | undefined;
  const reset = (): void => {
    stream.close(NGHTTP2_CANCEL);
    // While the socket takes no bytes, not even the reset goes out and the stream stays.
    cutTimer ??= setTimeout(() => cut(link), flushTimeoutMs);
  };
  const stop = (verdict: GrpcReply): void => {
    seen.verdict ??= verdict;
    reset();
  };
  const readBefore = link.socket.bytesRead;
  link.streamsNow++;
  limits.listen(stop);
  return new Promise((resolve) => {
    stream.on('response', (received) => {
      seen.headers = received;
    });
    stream.on('trailers', (received) => {
      seen.trailers = received;
    });
    stream.on('data', (chunk: Buffer) => {
      seen.bytes += chunk.length;
      if (seen.bytes > maxReplyBytes + prefixBytes) {
        const message = `received message larger than max (${seen.bytes - prefixBytes} vs. ${maxReplyBytes})`;
        stop({ ...failedReply(grpcCode.RESOURCE_EXHAUSTED, message), bareHttpStatus: seen.headers?.[':status'] ?? 0 });
      } else {
        seen.chunks.push(chunk);
      }
    });
    stream.on('end', () => {
      // The server has said all it will; what is not sent by now nobody will read.
      if (!stream.writableFinished) reset();
    });
    stream.on('error', (error) => {
      seen.error = error.message;
    });
    stream.on('close', () => {
      link.streamsNow--;
      // Not a byte came in all of the time: the peer may be gone without a word, which TCP finds out after a quarter of an hour.
      if (seen.verdict !== null && link.socket.bytesRead === readBefore) link.leave();
      if (link.isLeft && link.streamsNow === 0) cut(link);
      limits.listen(null);
      clearTimeout(cutTimer);
      const reply = seen.verdict ?? replyOf(seen, stream.rstCode, link, maxReplyBytes);
      if (stream.writableFinished) resolve(reply);
      else whenNotRead(link, () => resolve(reply));
    });
    stream.cork();
    for (const part of parts) stream.write(part);
    stream.end();
  });
}

/**
 * Calls back when the connection reads no more from buffers of a stream that was closed before all of it was sent: a write
 * that the kernel did not take yet still refers to them, and they are memory that will be used again. The answer to a ping
 * shows that everything before it was written; a connection that stays silent is cut.
 */
function whenNotRead(link: Link, done: () => void): void {
  const { session, socket } = link;
  if (socket.closed) {
    done();
    return;
  }
  const finish = (): void => {
    clearTimeout(timer);
    socket.off('close', finish);
    done();
  };
  const timer = setTimeout(() => cut(link), flushTimeoutMs);
  socket.once('close', finish);
  if (session.destroyed) return;
  session.ping((error) => {
    // An error says that the session ended: then the socket's close follows.
    if (error === null) finish();
  });
}

function cut({ session, socket }: Link): void {
  session.destroy();
  socket.destroy();
}

function replyOf(seen: Seen, rstCode: number, link: Link, maxReplyBytes: number): GrpcReply {
  const httpStatus = seen.headers?.[':status'];
  // In an answer without a body ("Trailers-Only") the trailers are the headers.
  const last = seen.trailers ?? seen.headers;
  const status = last?.['grpc-status'];
  if (last !== null && last !== undefined && typeof status === 'string')
    return replyOfTrailers(seen, last, status, maxReplyBytes);
  if (httpStatus !== undefined && httpStatus !== 200) {
    const reply = failedReply(codeOfHttpStatus(httpStatus), `HTTP status ${httpStatus} without grpc-status`);
    return { ...reply, bareHttpStatus: httpStatus };
  }
  if (rstCode === http2.constants.NGHTTP2_REFUSED_STREAM) {
    return failedReply(grpcCode.UNAVAILABLE, 'the server refused the stream');
  }
  if (link.session.destroyed || link.socket.destroyed) {
    return failedReply(grpcCode.UNAVAILABLE, `connection lost${seen.error === '' ? '' : `: ${seen.error}`}`);
  }
  const reply = failedReply(codeOfReset(rstCode), `the stream ended without grpc-status (HTTP/2 code ${rstCode})`);
  return { ...reply, bareHttpStatus: httpStatus ?? 0 };
}

function replyOfTrailers(seen: Seen, trailers: Headers, status: string, maxReplyBytes: number): GrpcReply {
  const code = /^\d{1,9}$/.test(status) ? Number(status) : grpcCode.UNKNOWN;
  if (code !== grpcCode.OK) {
    const message = trailers['grpc-message'];
    const text = typeof message === 'string' ? decodeGrpcMessage(message) : '';
    const details = trailers['grpc-status-details-bin'];
    return failedReply(code, text, typeof details === 'string' ? Buffer.from(details, 'base64') : undefined);
  }
  const body = seen.chunks.length === 1 ? seen.chunks[0] : Buffer.concat(seen.chunks);
  if (body.length < prefixBytes || body.length - prefixBytes !== body.readUInt32BE(1)) {
    return failedReply(grpcCode.INTERNAL, `the response is not one whole message (${body.length} bytes)`);
  }
  let reply = body.subarray(prefixBytes);
  if (body[0] !== 0) {
    try {
      reply = inflateReply(seen.headers?.['grpc-encoding'], reply, maxReplyBytes);
    } catch (error) {
      return failedReply(grpcCode.INTERNAL, `the response cannot be decompressed: ${String(error)}`);
    }
  }
  return { code, message: '', retryDelayMs: undefined, body: reply };
}

/**
 * grpc-go, and so every Collector, compresses its responses as the request was, whatever the client accepts. Responses
 * are a few bytes: not worth a thread.
 */
function inflateReply(encoding: string | string[] | undefined, reply: Buffer, maxOutputLength: number): Buffer {
  if (encoding === 'gzip') return zlib.gunzipSync(reply, { maxOutputLength });
  if (encoding === 'zstd') return zlib.zstdDecompressSync(reply, { maxOutputLength });
  throw new Error(`unknown grpc-encoding ${encoding}`);
}

/** HTTP/2 error code of RST_STREAM to gRPC code, the table "Errors" in PROTOCOL-HTTP2.md. */
function codeOfReset(rstCode: number): number {
  switch (rstCode) {
    case http2.constants.NGHTTP2_CANCEL:
      return grpcCode.CANCELLED;
    case http2.constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return grpcCode.RESOURCE_EXHAUSTED;
    case http2.constants.NGHTTP2_INADEQUATE_SECURITY:
      return grpcCode.PERMISSION_DENIED;
    case http2.constants.NGHTTP2_REFUSED_STREAM:
      return grpcCode.UNAVAILABLE;
    default:
      return grpcCode.INTERNAL;
  }
}
