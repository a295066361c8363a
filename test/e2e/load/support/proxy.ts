// A proxy between the generator and its sink: takes OTLP/gRPC, and does with every request what a test says.
import assert from 'node:assert/strict';
import * as http2 from 'node:http2';
import type { TestContext } from 'node:test';
import { decodeRequest, encodeRequest } from '../../../../src/wire/reference/codec.ts';
import type { ExportTraceServiceRequest, Span } from '../../../../src/wire/reference/messages.ts';
import { type Answer, grpcPath, startGrpcServer, withPrefix } from './otlp-server.ts';

export interface Passage {
  readonly message: Buffer;
  /** Of the request among all that came: 0, 1, ... */
  readonly index: number;
  /** Sends it to the sink; the sink's grpc-status. */
  forward(message: Uint8Array): Promise<number>;
}

export interface Proxy {
  readonly port: number;
  requests(): number;
  /** What went wrong in handlers: nothing may. */
  readonly problems: readonly unknown[];
}

/** Calls to the sink, over one connection that is made with the first. */
function createForwarder(t: TestContext, sinkPort: number): (message: Uint8Array) => Promise<number> {
  let session: http2.ClientHttp2Session | null = null;
  t.after(() => session?.destroy());
  return (message) => {
    session ??= http2.connect(`http://127.0.0.1:${sinkPort}`).on('error', () => undefined);
    const headers = { ':method': 'POST', ':path': grpcPath, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request(headers);
    return new Promise((resolve, reject) => {
      const read = (fields: http2.IncomingHttpHeaders): void => {
        if (fields['grpc-status'] !== undefined) resolve(Number(fields['grpc-status']));
      };
      stream
        .on('response', read)
        .on('trailers', read)
        .on('error', reject)
        .on('data', () => undefined);
      stream.on('close', () => reject(new Error('the sink ended the call without a status')));
      stream.end(withPrefix(message));
    });
  };
}

export async function startProxy(
  t: TestContext,
  sinkPort: number,
  handle: (passage: Passage) => Promise<Answer>,
): Promise<Proxy> {
  const forward = createForwarder(t, sinkPort);
  const problems: unknown[] = [];
  let requests = 0;
  const server = await startGrpcServer(t, async ({ message }) => {
    try {
      return await handle({ message, index: requests++, forward });
    } catch (error) {
      problems.push(error);
      throw error;
    }
  });
  return { port: server.port, requests: () => requests, problems };
}

export const spansOf = (request: ExportTraceServiceRequest): Span[] =>
  request.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));

/** The request after `change`, which gets it decoded. */
export function edited(message: Uint8Array, change: (request: ExportTraceServiceRequest) => void): Uint8Array {
  const request = decodeRequest(message);
  change(request);
  return encodeRequest(request);
}

/** Without the spans that `goes` holds for. */
export const without = (message: Uint8Array, goes: (span: Span) => boolean): Uint8Array =>
  edited(message, (request) => {
    for (const { scopeSpans } of request.resourceSpans) {
      for (const scope of scopeSpans) scope.spans = scope.spans.filter((span) => !goes(span));
    }
  });

export interface Name {
  readonly traceId: string;
  readonly spanId: string;
}

export const nameOf = ({ traceId, spanId }: Span): Name => ({
  traceId: Buffer.from(traceId).toString('hex'),
  spanId: Buffer.from(spanId).toString('hex'),
});

/** The one span of this name. */
export function spanNamed(request: ExportTraceServiceRequest, name: string): Span {
  const [span, ...others] = spansOf(request).filter((one) => one.name === name);
  assert.ok(span !== undefined && others.length === 0, `not one span ${name}`);
  return span;
}
