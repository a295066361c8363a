// The admin address: POST /reload. Off unless it is configured. It takes no body and no credentials, so that it belongs on the
// loopback; a browser page is turned away wherever it comes from.
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SpanmillError } from '../errors.ts';
import { nodeHttp } from '../transport/node/http.ts';
import type { ReloadReport } from './reloader.ts';

export interface AdminAddress {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface AdminServer {
  /** Rejects with a SpanmillError LISTEN. */
  start(): Promise<void>;
  /** No new requests; those that there are get their answer. May be called twice and before start. */
  stop(): void;
  /** `http://127.0.0.1:4319`; '' before start. */
  address(): string;
}

const reloadPath = '/reload';
/** A request is a head and nothing more: who takes longer is cut. */
const limits = { requestTimeout: 10_000, headersTimeout: 10_000, connectionsCheckingInterval: 1000 };
const mostConnections = 64;
const headerBytes = 8 << 10;

export function createAdminServer({ host, port }: AdminAddress, reload: () => Promise<ReloadReport>): AdminServer {
  const server = nodeHttp.createServer({ maxHeaderSize: headerBytes, ...limits }, (request, response) => {
    request.resume();
    if (request.url?.split('?', 1)[0] !== reloadPath) {
      return answer(response, 404, { error: `not found; there is POST ${reloadPath}` });
    }
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST');
      return answer(response, 405, { error: `${reloadPath} takes POST` });
    }
    // Browsers send it with every POST; other clients do not.
    if (request.headers.origin !== undefined) return answer(response, 403, { error: 'not for browsers' });
    void reload().then((report) => answer(response, statusOf(report), bodyOf(report)));
  });
  server.maxConnections = mostConnections;
  return {
    start: () =>
      new Promise((resolve, reject) => {
        const onError = (error: Error): void =>
          reject(
            new SpanmillError('LISTEN', `the admin address ${host}:${port} cannot be listened on: ${error.message}`, {
              cause: error,
            }),
          );
        server.once('error', onError);
        server.listen(port, host === 'localhost' ? '127.0.0.1' : host, () => {
          server.off('error', onError);
          server.on('error', () => undefined);
          resolve();
        });
      }),
    stop() {
      server.close();
      server.closeIdleConnections();
    },
    address() {
      const bound = server.address() as AddressInfo | null;
      if (bound === null) return '';
      return `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`;
    },
  };
}

const statusOf = ({ outcome, issues }: ReloadReport): number =>
  outcome !== 'failed' ? 200 : issues.length > 0 ? 422 : 500;

function bodyOf({ outcome, durationMs, summary, issues, error }: ReloadReport): object {
  const shown = issues.map(({ file, line, column, severity, code, message }) => ({
    file,
    line,
    column,
    severity,
    code,
    message,
  }));
  return { outcome, durationMs, ...summary, ...(error === '' ? {} : { error }), issues: shown };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response
    .writeHead(status, { 'content-type': 'application/json', connection: 'close' })
    .end(`${JSON.stringify(body)}\n`);
}
