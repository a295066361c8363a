// Serves readiness and liveness over HTTP, from what the service says of its health at that moment.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type * as net from 'node:net';
import type { AuthRefusal, ServerAuthenticator } from '../../component/capabilities.ts';
import type { Extension } from '../../component/extension.ts';
import type { HealthReport } from '../../component/health.ts';
import type { ListeningSockets } from '../../component/listening-sockets.ts';
import type { ListenTarget } from '../../transport/grpc-server.ts';
import { fieldsOf, queryFields } from '../../transport/http1/http-request.ts';
import { createListener } from '../../transport/listener.ts';
import { nodeHttp } from '../../transport/node/http.ts';
import type { ServerTls } from '../../transport/tls/server-tls.ts';
import {
  type Answer,
  livenessAnswer,
  notFound,
  type ResponseBodies,
  readinessAnswer,
  refusalAnswer,
} from './answer.ts';

/** Who asks says so at once, and is answered at once. */
const defaultLifeMs = 5000;
const mostConnections = 1000;

export interface HealthCheckOptions {
  readonly listen: ListenTarget;
  /** null: plain text. */
  readonly tls: ServerTls | null;
  /** Who may ask; null: everybody. */
  readonly auth: ServerAuthenticator | null;
  /** Query parameters that it sees as if they were headers of that name, before the headers. */
  readonly credentialParams: readonly string[];
  readonly path: string;
  readonly livenessPath: string | null;
  /** As of a receiver. */
  readonly sockets?: ListeningSockets | undefined;
  readonly bodies: ResponseBodies | null;
  /** Of every answer. */
  readonly headers: Readonly<Record<string, string>>;
  health(): HealthReport;
  /** A connection carries one request, and is closed after this time whatever became of it; default 5 s. */
  readonly lifeMs?: number;
}

export function createHealthCheck(options: HealthCheckOptions): Extension {
  const { auth, lifeMs = defaultLifeMs, livenessPath, path, tls } = options;
  // Extensions start just before the pipelines: the difference is not worth a notification.
  let startedMs = 0;
  const sockets = new Set<net.Socket>();

  function answer(url: string): Answer {
    const mark = url.indexOf('?');
    const asked = mark === -1 ? url : url.slice(0, mark);
    if (asked === livenessPath) return livenessAnswer(options.health());
    // A path of / answers every path, as Go's mux does.
    if (path !== '/' && asked !== path) return notFound;
    const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1));
    return readinessAnswer(options.health(), query, options.bodies, startedMs);
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = auth === null ? null : await askAuth(auth, request, options.credentialParams);
    const { status, type, body, retryAfterSeconds } =
      refusal === null ? answer(request.url ?? '') : refusalAnswer(refusal);
    for (const [name, value] of Object.entries(options.headers)) response.setHeader(name, value);
    if (retryAfterSeconds !== undefined) response.setHeader('retry-after', retryAfterSeconds);
    response.writeHead(status, { 'content-type': type, connection: 'close' }).end(body);
  }

  // It never listens itself, so that its own time limits are not looked at.
  const parser = nodeHttp.createServer((request, response) => void respond(request, response));
  const listener = createListener({
    tls: tls ?? undefined,
    protocol: 'http/1.1',
    handshakeTimeoutMs: lifeMs,
    pauseOnConnect: false,
    maxConnections: mostConnections,
    sockets: options.sockets,
    failed: () => undefined,
    accept(socket) {
      sockets.add(socket);
      const end = setTimeout(() => socket.destroy(), lifeMs);
      socket.on('close', () => {
        clearTimeout(end);
        sockets.delete(socket);
      });
      parser.emit('connection', socket);
    },
  });

  return {
    async start() {
      await listener.listen(options.listen);
      startedMs = Date.now();
    },
    async stop() {
      const closed = listener.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    addresses() {
      const address = listener.address();
      return address === '' ? [] : [`health ${address}`];
    },
  };
}

function askAuth(
  auth: ServerAuthenticator,
  { url = '', rawHeaders }: IncomingMessage,
  params: readonly string[],
): AuthRefusal | null | Promise<AuthRefusal | null> {
  const fields = [...queryFields(url, params), ...fieldsOf(rawHeaders)];
  return auth.refusal((name) => fields.filter((field) => field.name === name).map(({ value }) => value));
}
