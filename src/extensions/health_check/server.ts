// 200 while the service takes spans, 503 before and after, with the Collector's JSON or texts from the configuration.
import { createServer } from 'node:http';
import type { Extension, ServiceState } from '../../component/types.ts';
import { SpanmillError } from '../../errors.ts';
import { formatDurationMs } from '../../lib/duration.ts';

export interface HealthCheckOptions {
  /** host:port; without a host, all addresses. */
  readonly endpoint: string;
  readonly path: string;
  readonly bodies: { readonly healthy: string; readonly unhealthy: string } | null;
  state(): ServiceState;
}

export function createHealthCheck(options: HealthCheckOptions): Extension {
  const { endpoint, path } = options;
  let startedMs = 0;

  function answer(): { status: number; type: string; body: string } {
    const ready = options.state() === 'ready';
    const status = ready ? 200 : 503;
    if (options.bodies !== null) {
      return { status, type: 'text/plain; charset=utf-8', body: options.bodies[ready ? 'healthy' : 'unhealthy'] };
    }
    // Extensions start just before the pipelines: the difference is not worth a notification.
    const upSince = ready ? new Date(startedMs).toISOString() : '0001-01-01T00:00:00Z';
    const uptime = ready ? formatDurationMs(Date.now() - startedMs) : '';
    const text = ready ? 'Server available' : 'Server not available';
    return { status, type: 'application/json', body: JSON.stringify({ status: text, upSince, uptime }) };
  }

  const server = createServer((request, response) => {
    const asked = request.url?.split('?', 1)[0] ?? '';
    // A path of / answers every path, as Go's mux does.
    const { status, type, body } =
      path === '/' || asked === path
        ? answer()
        : { status: 404, type: 'text/plain; charset=utf-8', body: 'Not found\n' };
    response.writeHead(status, { 'content-type': type, connection: 'close' }).end(body);
  });

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
      return [`http ${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`];
    },
  };
}

/** Go listens on the IPv4 loopback for "localhost", Node on whichever the resolver names first. */
function splitEndpoint(endpoint: string): { host: string; port: number } {
  const colon = endpoint.lastIndexOf(':');
  const host = endpoint.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host: host === 'localhost' ? '127.0.0.1' : host, port: Number(endpoint.slice(colon + 1)) };
}
