// Puts the gRPC server before an Intake: Export requests become places of the shared memory, outcomes become statuses.
import type { Intake, Receiver, ReceiverHost, RequestOutcome } from '../../component/types.ts';
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
import type { GrpcProtocolConfig, OtlpReceiverConfig } from './index.ts';
import { serverMetricValues } from './metrics.ts';

const servers: Readonly<Record<GrpcProtocolConfig['intake'], (options: GrpcServerOptions) => GrpcServer>> = {
  native: createHttp2GrpcServer,
  node: createNodeGrpcServer,
};
const exportPath = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

export function createOtlpReceiver(config: OtlpReceiverConfig, host: ReceiverHost): Receiver {
  const { grpc } = config.protocols;
  const routes = new Map([[exportPath, exportMethod(host.intake)]]);
  const server: GrpcServer | null =
    grpc === undefined ? null : servers[grpc.intake](serverOptions(grpc, routes, host.intake));
  return {
    async start() {
      await server?.listen();
    },
    async drain(deadlineMs) {
      await server?.drain(deadlineMs);
    },
    async stop() {
      await server?.close();
    },
    addresses() {
      const address = server?.address() ?? '';
      return address === '' ? [] : [`grpc ${address}`];
    },
    metricValues: () => (server === null ? [] : serverMetricValues('grpc', server.counters)),
  };
}

/** The Export method over an intake. */
export function exportMethod(intake: Intake): UnaryMethod {
  return {
    memory: intake.memory,
    reserve: (length, isWhole) => intake.reserve(length, isWhole),
    reserveLater: (length, isWhole) => intake.reserveLater(length, isWhole),
    handle: (place, call) => intake.submit(place, call, answer),
    abandon: (place) => intake.release(place),
    // Only `accepted` has no status, and a refusal is never that.
    overBudget: () => statusOf(intake.refuse()) ?? { code: grpcCode.UNAVAILABLE, message: 'no space for the request' },
    // What has no place is counted by `refuse`.
    rejected: (reason) => intake.rejected(reason),
  };
}

function answer(call: UnaryExchange, outcome: RequestOutcome): void {
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
  const { server_parameters: parameters, enforcement_policy: policy } = grpc.keepalive;
  const keepalive: ServerKeepalive = {
    maxConnectionIdleMs: parameters.max_connection_idle || defaultServerKeepalive.maxConnectionIdleMs,
    maxConnectionAgeMs: parameters.max_connection_age || defaultServerKeepalive.maxConnectionAgeMs,
    maxConnectionAgeGraceMs: parameters.max_connection_age_grace || defaultServerKeepalive.maxConnectionAgeGraceMs,
    timeMs: parameters.time || defaultServerKeepalive.timeMs,
    timeoutMs: parameters.timeout || defaultServerKeepalive.timeoutMs,
  };
  const pings: PingPolicy = {
    minTimeMs: policy.min_time || defaultPingPolicy.minTimeMs,
    permitWithoutStream: policy.permit_without_stream,
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
