// Serves readiness and liveness over HTTP, from what the service says of its health at that moment.
import { createServer } from 'node:http';
import type { HealthReport } from '../../component/health.ts';
import type { Extension } from '../../component/types.ts';
import { SpanmillError } from '../../errors.ts';
import { type Answer, livenessAnswer, notFound, type ResponseBodies, readinessAnswer } from './answer.ts';

/** Who asks says so at once, and is answered at once. */
const defaultRequestTimeoutMs = 5000;
const mostConnections = 1000;

export interface HealthCheckOptions {
  /** host:port; without a host, all addresses. */
  readonly endpoint: string;
  readonly path: string;
  readonly livenessPath: string | null;
  readonly bodies: ResponseBodies | null;
  health(): HealthReport;
  /** A connection whose request is not there by then is closed; default 5 s. */
  readonly requestTimeoutMs?: number;
}

export function createHealthCheck(options: HealthCheckOptions): Extension {
  const { endpoint, path, livenessPath } = options;
  // Extensions start just before the pipelines: the difference is not worth a notification.
  let startedMs = 0;

  function answer(url: string): Answer {
    const mark = url.indexOf('?');
    const asked = mark === -1 ? url : url.slice(0, mark);
    if (asked === livenessPath) return livenessAnswer(options.health());
    // A path of / answers every path, as Go's mux does.
    if (path !== '/' && asked !== path) return notFound;
    const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1));
    return readinessAnswer(options.health(), query, options.bodies, startedMs);
  }

  const requestTimeout = options.requestTimeoutMs ?? defaultRequestTimeoutMs;
  const limits = { requestTimeout, connectionsCheckingInterval: Math.ceil(requestTimeout / 4) };
  const server = createServer(limits, (request, response) => {
    const { status, type, body } = answer(request.url ?? '');
    response.writeHead(status, { 'content-type': type, connection: 'close' }).end(body);
  });
  server.maxConnections = mostConnections;

  return {
    start: () =>
      new Promise((resolve, reject) => {
        const { host, port } = splitEndpoint(endpoint);
        const onError = (error: Error): void =>
          reject(
            new SpanmillError('LISTEN', `health checks cannot be served at ${endpoint}: ${error.message}`, {
              cause: error,
            }),
          );
        server.once('error', onError);
        server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
          server.off('error', onError);
          startedMs = Date.now();
          resolve();
        });
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    addresses: () => {
      const bound = server.address();
      if (bound === null || typeof bound === 'string') return [];
      return [`health ${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`];
    },
  };
}

/** Go listens on the IPv4 loopback for "localhost", Node on whichever the resolver names first. */
function splitEndpoint(endpoint: string): { host: string; port: number } {
  const colon = endpoint.lastIndexOf(':');
  const host = endpoint.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host: host === 'localhost' ? '127.0.0.1' : host, port: Number(endpoint.slice(colon + 1)) };
}
