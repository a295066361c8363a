// Which client transport serves an exporter.
import { SpanmillError } from '../errors.ts';
import { parseEndpoint } from './endpoint.ts';
import type { GrpcClient, GrpcClientOptions } from './grpc-client.ts';
import { createNodeGrpcClient } from './node/grpc-client.ts';

/** `grpc-js` where its resolvers or balancers are asked for; node:http2, which costs 1 us a span less, everywhere else. */
export function grpcTransportOf(options: GrpcClientOptions): 'node' | 'grpc-js' {
  const balancer = options.balancerName ?? '';
  if (balancer !== '' && balancer !== 'round_robin') return 'grpc-js';
  return parseEndpoint(options.endpoint)?.kind === 'dns' ? 'grpc-js' : 'node';
}

/** What a configuration asks for that its transport cannot do; null when all is well. For `check` of a component. */
export function grpcClientProblem(options: GrpcClientOptions): string | null {
  if (parseEndpoint(options.endpoint) === null) {
    return `"${options.endpoint}" is not an endpoint such as host:4317, https://host:4317, unix:///path or dns:///name:4317`;
  }
  if (grpcTransportOf(options) === 'grpc-js' && options.compression === 'zstd') {
    return 'zstd is not available with dns:/// endpoints or a balancer_name; use gzip or none';
  }
  return null;
}

/**
 * Rejects with a SpanmillError CONFIG_VALUE where `grpcClientProblem` has one. Connects with the first call.
 * @grpc/grpc-js is loaded only where it is used.
 */
export async function pickGrpcClient(options: GrpcClientOptions): Promise<GrpcClient> {
  const problem = grpcClientProblem(options);
  if (problem !== null) throw new SpanmillError('CONFIG_VALUE', problem);
  if (grpcTransportOf(options) === 'node') return createNodeGrpcClient(options);
  const { createGrpcJsClient } = await import('./grpc-js/grpc-client.ts');
  return createGrpcJsClient(options);
}
