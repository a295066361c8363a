// An OTLP/HTTP client as SDKs are: connections stay open between requests, and a request that gets no answer is not repeated.
import * as http from 'node:http';
import type { TestContext } from 'node:test';
import type { Tally } from './client.ts';
import type { Service } from './service.ts';
import type { SpanRequest } from './spans.ts';

export interface KeepAliveClient {
  /** The status, or the code of the error that came in its place. */
  send(request: SpanRequest): Promise<number | string>;
}

/** Of the service's OTLP/HTTP receiver. */
export const httpPortOf = ({ lines }: Service): number => {
  const { listening } = lines.find(({ msg }) => msg === 'spanmill is ready') as { listening?: readonly string[] };
  return Number(/:(\d+)$/.exec(listening?.find((one) => one.startsWith('http ')) ?? '')?.[1]);
};

export function createKeepAliveClient(t: TestContext, port: number, tally: Tally): KeepAliveClient {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const options: http.RequestOptions = {
    agent,
    port,
    host: '127.0.0.1',
    path: '/v1/traces',
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
  };
  return {
    send: ({ message, ids }) =>
      new Promise((resolve) => {
        const end = (answer: number | string): void => {
          const into = answer === 200 ? tally.acknowledged : typeof answer === 'number' ? tally.refused : tally.unknown;
          for (const id of ids) into.add(id);
          resolve(answer);
        };
        const request = http.request(options, (response) => {
          response.on('error', () => undefined).on('end', () => end(response.statusCode ?? 0));
          response.resume();
        });
        request.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
        request.end(message);
      }),
  };
}
