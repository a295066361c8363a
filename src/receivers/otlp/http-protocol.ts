// OTLP/HTTP before an Intake: bodies become places of the shared memory, JSON is marked as such for the worker that reads it.
import { revealed, serverAuthenticator } from '../../component/auth-fields.ts';
import type { Intake, ReceiverHost, RequestInfo, RequestOutcome } from '../../component/receiver.ts';
import { serverTlsSettings } from '../../component/tls-fields.ts';
import type { GrpcServer, UnaryExchange, UnaryMethod } from '../../transport/grpc-server.ts';
import { defaultHttpLimits, type HttpLimits, type HttpServerOptions } from '../../transport/http1/http-server.ts';
import { createNativeHttpServer } from '../../transport/http1/native/native-front.ts';
import { createNodeHttpServer } from '../../transport/http1/node-front.ts';
import { parseListenTarget } from '../../transport/listen-target.ts';
import { createServerTls, type ServerTls } from '../../transport/tls/server-tls.ts';
import type { HttpProtocolConfig } from './http-fields.ts';

/**
 * OTLP JSON may take this part of what a request may at most: besides it the memory budget holds its protobuf form, for the
 * time of a job, and what the processors make of that.
 */
const jsonShare = 0.5;

const servers: Readonly<Record<HttpProtocolConfig['intake'], (options: HttpServerOptions) => GrpcServer>> = {
  native: createNativeHttpServer,
  node: createNodeHttpServer,
};

/** A request in JSON, as the intake knows it. */
class JsonRequest implements RequestInfo {
  readonly isJson = true;
  readonly call: UnaryExchange;
  constructor(call: UnaryExchange) {
    this.call = call;
  }
  get peer(): string {
    return this.call.peer;
  }
  metadata(key: string): readonly string[] {
    return this.call.metadata(key);
  }
  credential(attribute: string): readonly string[] {
    return this.call.credential?.(attribute) ?? [];
  }
}

/** `method`: of requests in protobuf, over the same intake; `answer`: how it answers them. */
export function jsonMethod(
  intake: Intake,
  method: UnaryMethod,
  maxBodyBytes: number,
  answer: (call: UnaryExchange, outcome: RequestOutcome, form?: 'json') => void,
): UnaryMethod {
  const done = ({ call }: JsonRequest, outcome: RequestOutcome): void => answer(call, outcome, 'json');
  return {
    ...method,
    get maxMessageBytes() {
      return Math.min(maxBodyBytes, Math.floor(intake.largestBytes * jsonShare));
    },
    handle: (place, call) => intake.submit(place, new JsonRequest(call), done),
  };
}

export interface HttpProtocol {
  readonly server: GrpcServer;
  readonly tls: ServerTls | null;
}

/** `method`: over `intake`. */
export function createHttpProtocol(
  config: HttpProtocolConfig,
  host: ReceiverHost,
  intake: Intake,
  method: UnaryMethod,
  answer: (call: UnaryExchange, outcome: RequestOutcome, form?: 'json') => void,
): HttpProtocol {
  const listen = parseListenTarget(config.endpoint, config.transport);
  if (listen === null) throw new Error(`"${config.endpoint}" got past the configuration check`);
  const { cors, traces_url_path: path } = config;
  const tls =
    config.tls === undefined ? null : createServerTls(serverTlsSettings(config.tls, 'protocols.http.tls'), host.log);
  const auth = serverAuthenticator(config.auth, host.extensions);
  const limits = limitsOf(config, intake);
  const json = jsonMethod(intake, method, limits.maxBodyBytes, answer);
  const server = servers[config.intake]({
    listen,
    routes: new Map([[path, { protobuf: method, json }]]),
    elsewhere: new Map([
      [config.metrics_url_path, `spanmill takes traces only, no metrics; traces go to ${path}`],
      [config.logs_url_path, `spanmill takes traces only, no logs; traces go to ${path}`],
    ]),
    limits,
    ...(config.compression_algorithms.length === 0 ? {} : { encodings: config.compression_algorithms }),
    includeMetadata: config.include_metadata,
    responseHeaders: revealed(config.response_headers),
    keepAlives: config.keep_alives_enabled,
    sockets: host.sockets,
    ...(cors === undefined || cors.allowed_origins.length === 0
      ? {}
      : {
          cors: {
            allowedOrigins: cors.allowed_origins,
            allowedHeaders: cors.allowed_headers,
            exposedHeaders: cors.exposed_headers,
            maxAge: cors.max_age,
          },
        }),
    ...(tls === null ? {} : { tls }),
    ...(auth === null ? {} : { auth, credentialParams: config.auth?.request_params ?? [] }),
  });
  return { server, tls };
}

/** 0 means a default that protects, where the Collector has none. */
function limitsOf(config: HttpProtocolConfig, intake: Intake): HttpLimits {
  const { times, ...usual } = defaultHttpLimits;
  return {
    ...usual,
    // A request that could never have a place is refused for good, not told to come again.
    maxBodyBytes: Math.min(config.max_request_body_size || usual.maxBodyBytes, intake.largestBytes),
    idleTimeoutMs: config.idle_timeout || usual.idleTimeoutMs,
    times: {
      headerMs: config.read_header_timeout || times.headerMs,
      requestMs: config.read_timeout || times.requestMs,
      writeMs: config.write_timeout || times.writeMs,
    },
  };
}
