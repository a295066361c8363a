// A backend of OTLP/HTTP that counts spans by id and answers as it is told.
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import * as zlib from 'node:zlib';
import { encodeRequest } from '../../../src/wire/reference/codec.ts';
import { readJson } from '../../../src/wire/reference/json-reader.ts';
import { startHttp } from '../../unit/transport/http-client/servers.ts';
import { idsOf } from './spans.ts';

/** One request, decompressed and as protobuf. */
export interface HttpExport {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** As it came. */
  readonly bodyBytes: number;
  readonly messageBytes: number;
  readonly ids: readonly string[];
}

/** The spans count as arrived when this returns true: then it has to have answered, or will, with a status of success. */
export type HttpAnswer = (response: ServerResponse, request: HttpExport) => boolean;

export interface HttpSink {
  readonly port: number;
  readonly url: string;
  answer: HttpAnswer;
  /** Whose spans arrived, in order. */
  readonly exports: readonly HttpExport[];
  /** Span id -> how often it arrived. */
  readonly spans: ReadonlyMap<string, number>;
  /** Requests of any end. */
  requests(): number;
  /** Resolves when `reached` holds, looked at after each request. */
  until(reached: () => boolean): Promise<void>;
}

export const accept: HttpAnswer = (response) => {
  response.end();
  return true;
};

const decoders: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: zlib.gunzipSync,
  zstd: zlib.zstdDecompressSync,
  deflate: zlib.inflateSync,
  zlib: zlib.inflateSync,
};

export async function startHttpSink(t: TestContext): Promise<HttpSink> {
  const exports: HttpExport[] = [];
  const spans = new Map<string, number>();
  let requests = 0;
  let watchers: { reached(): boolean; resolve(): void }[] = [];
  const server = await startHttp(t, (response, { url, headers, body }) => {
    const decode = decoders[headers['content-encoding'] ?? ''] ?? ((bytes: Buffer) => bytes);
    const plain = decode(body);
    const isJson = headers['content-type'] === 'application/json';
    const message = isJson ? Buffer.from(encodeRequest(readJson(plain.toString()))) : plain;
    const one = { url, headers, bodyBytes: body.length, messageBytes: message.length, ids: idsOf(message) };
    requests++;
    if (sink.answer(response, one)) {
      exports.push(one);
      for (const id of one.ids) spans.set(id, (spans.get(id) ?? 0) + 1);
    }
    const done = watchers.filter(({ reached }) => reached());
    watchers = watchers.filter((watcher) => !done.includes(watcher));
    for (const { resolve } of done) resolve();
  });
  const sink: HttpSink = {
    port: server.port,
    url: server.url,
    answer: accept,
    exports,
    spans,
    requests: () => requests,
    until: (reached) => (reached() ? Promise.resolve() : new Promise((resolve) => watchers.push({ reached, resolve }))),
  };
  return sink;
}
