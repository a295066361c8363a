// Puts the servers before an Intake: Export requests become places of the shared memory, outcomes become statuses.
import { serverAuthenticator } from '../../component/auth-fields.ts';
import type { ServerAuthenticator } from '../../component/capabilities.ts';
import type { MetricValue } from '../../component/definition.ts';
import type { Serving } from '../../component/health.ts';
import type { Intake, Receiver, ReceiverHost, RequestOutcome } from '../../component/receiver.ts';
import { serverTlsSettings, tlsMetricValues } from '../../component/tls-fields.ts';
import { createHealthService, type HealthService } from '../../transport/grpc-health.ts';
import {
  defaultPingPolicy,
  defaultServerKeepalive,
  defaultServerLimits,
  type GrpcServer,
  type GrpcServerOptions,
  type PingPolicy,
  type ServerKeepalive,
  type UnaryExchange,
  type UnaryMethod,
} from '../../transport/grpc-server.ts';
import { type GrpcStatus, grpcCode } from '../../transport/grpc-status.ts';
import { createHttp2GrpcServer } from '../../transport/http2/grpc-server.ts';
import { parseListenTarget } from '../../transport/listen-target.ts';
import { createNodeGrpcServer } from '../../transport/node/grpc-server.ts';
import { retryInfoStatus } from '../../transport/rpc-status.ts';
import { createServerTls, type ServerTls } from '../../transport/tls/server-tls.ts';
import type { HttpProtocolConfig } from './http-fields.ts';
import { createHttpProtocol, type HttpProtocol } from './http-protocol.ts';
import type { GrpcProtocolConfig, OtlpReceiverConfig } from './index.ts';
import { serverMetricValues } from './metrics.ts';
import { partialSuccess } from './partial-success.ts';

const servers: Readonly<Record<GrpcProtocolConfig['intake'], (options: GrpcServerOptions) => GrpcServer>> = {
  native: createHttp2GrpcServer,
  node: createNodeGrpcServer,
};
const traceService = 'opentelemetry.proto.collector.trace.v1.TraceService';
const exportPath = `/${traceService}/Export`;

export function createOtlpReceiver(config: OtlpReceiverConfig, host: ReceiverHost): Receiver {
  const { grpc } = config.protocols;
  const http = config.protocols.http === undefined ? null : httpProtocol(config.protocols.http, host);
  const health = healthService(host.serving);
  const routes = new Map([[exportPath, exportMethod(host.intake.over('grpc'))], ...health.routes]);
  const { tls, auth } = grpc === undefined ? { tls: null, auth: null } : guardOf(grpc, host);
  const server: GrpcServer | null =
    grpc === undefined
      ? null
      : servers[grpc.intake]({
          ...serverOptions(grpc, routes, host.intake),
          sockets: host.sockets,
          ...(tls === null ? {} : { tls }),
          ...(auth === null ? {} : { auth }),
        });
  return {
    async start() {
      await server?.listen();
      await http?.server.listen();
      if (server !== null) sayWhere(host, 'send traces', server, tls);
      if (http !== null) sayWhere(host, 'send traces over HTTP', http.server, http.tls);
    },
    async drain(deadlineMs, idleMs) {
      health.endWatches();
      await Promise.all([server?.drain(deadlineMs, idleMs), http?.server.drain(deadlineMs, idleMs)]);
    },
    async stop() {
      health.endWatches();
      await Promise.all([server?.close(), http?.server.close()]);
    },
    addresses() {
      const listening = [
        ['grpc', server?.address() ?? ''],
        ['http', http?.server.address() ?? ''],
      ];
      return listening.filter(([, address]) => address !== '').map((parts) => parts.join(' '));
    },
    *metricValues() {
      if (server !== null) yield* serverMetricValues('grpc', server.counters);
      if (tls !== null) yield* tlsMetricValues('receiver', { transport: 'grpc' }, tls.stats);
      if (http !== null) yield* httpMetricValues(http);
    },
  };
}

/** What a client is to be told, in the form that all SDKs know. A unix socket has none. */
function sayWhere({ log }: ReceiverHost, what: string, server: GrpcServer, tls: ServerTls | null): void {
  const address = server.address();
  if (!/:\d+$/.test(address)) return;
  log.info(`${what} with OTEL_EXPORTER_OTLP_ENDPOINT=http${tls === null ? '' : 's'}://${address}`);
}

/** Who may come in over gRPC. */
const guardOf = (
  grpc: GrpcProtocolConfig,
  host: ReceiverHost,
): { readonly tls: ServerTls | null; readonly auth: ServerAuthenticator | null } => ({
  tls: grpc.tls === undefined ? null : createServerTls(serverTlsSettings(grpc.tls, 'protocols.grpc.tls'), host.log),
  auth: serverAuthenticator(grpc.auth, host.extensions),
});

function httpProtocol(config: HttpProtocolConfig, host: ReceiverHost): HttpProtocol {
  const intake = host.intake.over('http');
  return createHttpProtocol(config, host, intake, exportMethod(intake), answer);
}

function* httpMetricValues({ server, tls }: HttpProtocol): Iterable<MetricValue> {
  yield* serverMetricValues('http', server.counters);
  if (tls !== null) yield* tlsMetricValues('receiver', { transport: 'http' }, tls.stats);
}

/** What grpc.health.v1.Health says on the receiver's port: '' is the whole service, its own service the pipelines behind it. */
function healthService(serving: Serving): HealthService {
  return createHealthService({
    isServing(service) {
      if (service === '') return serving.isServing('service');
      return service === traceService ? serving.isServing('receiver') : null;
    },
    onChange: (listener) => serving.onChange(listener),
  });
}

/** The Export method over an intake. */
export function exportMethod(intake: Intake): UnaryMethod {
  return {
    memory: intake.memory,
    reserve: (length, isWhole) => intake.reserve(length, isWhole),
    reserveLater: (length, isWhole) => intake.reserveLater(length, isWhole),
    handle: (place, call) => intake.submit(place, call, answerProtobuf),
    abandon: (place) => intake.release(place),
    // Only `accepted` has no status, and a refusal is never that.
    overBudget: () => statusOf(intake.refuse()) ?? { code: grpcCode.UNAVAILABLE, message: 'no space for the request' },
    // What has no place is counted by `refuse`.
    rejected: (reason) => intake.rejected(reason),
  };
}

const answerProtobuf = (call: UnaryExchange, outcome: RequestOutcome): void => answer(call, outcome);

function answer(call: UnaryExchange, outcome: RequestOutcome, form: 'protobuf' | 'json' = 'protobuf'): void {
  if (outcome.kind === 'accepted' && outcome.warning !== undefined) call.send(partialSuccess(outcome.warning, form));
  call.answer(statusOf(outcome));
}

function statusOf(outcome: RequestOutcome): GrpcStatus | null {
  switch (outcome.kind) {
    case 'accepted':
      return null;
    case 'malformed':
      return { code: grpcCode.INVALID_ARGUMENT, message: outcome.message };
    case 'failed':
      return { code: grpcCode.INTERNAL, message: outcome.message };
    case 'overloaded':
      // OTLP: RESOURCE_EXHAUSTED is worth a retry only with RetryInfo.
      return retryInfoStatus(grpcCode.RESOURCE_EXHAUSTED, outcome.message, outcome.retryDelayMs);
  }
}

function serverOptions(
  grpc: GrpcProtocolConfig,
  routes: ReadonlyMap<string, UnaryMethod>,
  intake: Intake,
): GrpcServerOptions {
  const listen = parseListenTarget(grpc.endpoint, grpc.transport);
  if (listen === null) throw new Error(`"${grpc.endpoint}" got past the configuration check`);
  const { server_parameters: parameters, enforcement_policy: policy } = grpc.keepalive ?? {};
  const keepalive: ServerKeepalive = {
    maxConnectionIdleMs: parameters?.max_connection_idle || defaultServerKeepalive.maxConnectionIdleMs,
    maxConnectionAgeMs: parameters?.max_connection_age || defaultServerKeepalive.maxConnectionAgeMs,
    maxConnectionAgeGraceMs: parameters?.max_connection_age_grace || defaultServerKeepalive.maxConnectionAgeGraceMs,
    timeMs: parameters?.time || defaultServerKeepalive.timeMs,
    timeoutMs: parameters?.timeout || defaultServerKeepalive.timeoutMs,
  };
  const pings: PingPolicy = {
    minTimeMs: policy?.min_time || defaultPingPolicy.minTimeMs,
    permitWithoutStream: policy?.permit_without_stream ?? defaultPingPolicy.permitWithoutStream,
  };
  const limits = {
    // A request that could never have a place is refused for good, not told to come again.
    maxMessageBytes: Math.min(
      grpc.max_recv_msg_size_mib * 2 ** 20 || defaultServerLimits.maxMessageBytes,
      intake.largestBytes,
    ),
    maxConcurrentStreams: grpc.max_concurrent_streams || defaultServerLimits.maxConcurrentStreams,
  };
  return { listen, routes, limits, keepalive, pings, includeMetadata: grpc.include_metadata };
}
