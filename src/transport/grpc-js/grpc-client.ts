// The gRPC client on @grpc/grpc-js, for its resolvers (dns:///) and balancers. It costs about 1 us a span more than
// node:http2 (measured), so it serves only where those are configured.
import { createSecureContext, type SecureContext } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { parseEndpoint } from '../endpoint.ts';
import {
  cancelledReply,
  closedReply,
  defaultBackoff,
  defaultMaxReplyBytes,
  defaultUserAgent,
  failedReply,
  type GrpcClient,
  type GrpcClientOptions,
  type GrpcReply,
} from '../grpc-client.ts';
import { grpcCode } from '../grpc-status.ts';
import { type ClientTls, tlsVersions } from '../tls/client-tls.ts';

export function createGrpcJsClient(options: GrpcClientOptions): GrpcClient {
  const calls = new Set<grpc.ClientUnaryCall>();
  const tls = tlsOf(options);
  let current: { readonly client: grpc.Client; readonly context: SecureContext | undefined } | null = null;
  let closed = false;

  // Credentials of a channel cannot be changed: other certificates make another channel, and the old one ends its calls.
  const clientNow = (): grpc.Client => {
    const context = tls?.context?.();
    if (current !== null && current.context === context) return current.client;
    current?.client.close();
    const client = new grpc.Client(targetOf(options), credentialsOf(tls), channelOptionsOf(options));
    current = { client, context };
    return client;
  };
  return {
    call(path, segments, callOptions = {}) {
      if (closed) return Promise.resolve(closedReply);
      const { signal, timeoutMs = 0 } = callOptions;
      if (signal?.aborted === true) return Promise.resolve(cancelledReply);
      // grpc-js takes one message; it copies it again to put the prefix before it, so that ours is free when it returns.
      const message = Buffer.concat(segments);
      return new Promise((resolve) => {
        const metadata = metadataOf(options, callOptions.headers ?? options.headers ?? {});
        const deadline = timeoutMs > 0 ? { deadline: Date.now() + timeoutMs } : {};
        const done = (error: grpc.ServiceError | null, body?: Buffer): void => {
          signal?.removeEventListener('abort', cancel);
          calls.delete(call);
          if (error !== null && closed) resolve(closedReply);
          else resolve(error === null ? okReply(body) : replyOfError(error));
        };
        const call = clientNow().makeUnaryRequest(path, same, same, message, metadata, deadline, done);
        const cancel = (): void => call.cancel();
        calls.add(call);
        signal?.addEventListener('abort', cancel, { once: true });
      });
    },
    close() {
      closed = true;
      for (const call of calls) call.cancel();
      current?.client.close();
    },
  };
}

const same = (bytes: Buffer): Buffer => bytes;
const okReply = (body: Buffer | undefined): GrpcReply => ({
  code: grpcCode.OK,
  message: '',
  retryDelayMs: undefined,
  body: body ?? Buffer.alloc(0),
});

function replyOfError(error: grpc.ServiceError): GrpcReply {
  const details = error.metadata?.get('grpc-status-details-bin')[0];
  const reply = failedReply(error.code, error.details, Buffer.isBuffer(details) ? details : undefined);
  // What grpc-js says where no grpc-status came; it tells of it in no other way.
  const status = /^Received (?:HTTP status code (\d{3})|RST_STREAM with code \d)/.exec(error.details);
  return status === null ? reply : { ...reply, bareHttpStatus: Number(status[1] ?? 0) };
}

function targetOf(options: GrpcClientOptions): string {
  const endpoint = parseEndpoint(options.endpoint);
  if (endpoint === null) throw new Error(`not an endpoint: "${options.endpoint}"; see grpcClientProblem`);
  if (endpoint.kind === 'dns') return endpoint.target;
  if (endpoint.kind === 'unix') return `unix:${endpoint.path}`;
  return `dns:${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
}

/** null: plain text. */
function tlsOf(options: GrpcClientOptions): ClientTls | null {
  const secure = parseEndpoint(options.endpoint)?.secure ?? null;
  return secure === false ? null : (options.tls ?? (secure === true ? {} : null));
}

function credentialsOf(tls: ClientTls | null): grpc.ChannelCredentials {
  if (tls === null) return grpc.credentials.createInsecure();
  const context =
    tls.context?.() ??
    createSecureContext({
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.cert === undefined ? {} : { cert: tls.cert }),
      ...(tls.key === undefined ? {} : { key: tls.key }),
      ...tlsVersions(tls),
    });
  return grpc.credentials.createFromSecureContext(context, { rejectUnauthorized: tls.insecureSkipVerify !== true });
}

function channelOptionsOf(options: GrpcClientOptions): grpc.ChannelOptions {
  const backoff = { ...defaultBackoff, ...options.backoff };
  const channel: grpc.ChannelOptions = {
    'grpc.primary_user_agent': options.userAgent ?? defaultUserAgent,
    'grpc.max_receive_message_length': options.maxReplyBytes ?? defaultMaxReplyBytes,
    'grpc.max_send_message_length': -1,
    'grpc.initial_reconnect_backoff_ms': backoff.baseMs,
    'grpc.max_reconnect_backoff_ms': backoff.maxMs,
    // Retries are the exporter's affair: it knows what was taken.
    'grpc.enable_retries': 0,
    // Clients of several exporters must not share connections and their limits.
    'grpc.use_local_subchannel_pool': 1,
  };
  const { authority, balancerName, compression, keepalive, tls } = options;
  if (authority !== undefined) channel['grpc.default_authority'] = authority;
  if (tls?.serverNameOverride !== undefined) channel['grpc.ssl_target_name_override'] = tls.serverNameOverride;
  if (compression === 'gzip') {
    channel['grpc.default_compression_algorithm'] = grpc.compressionAlgorithms.gzip;
  }
  if (keepalive !== undefined && keepalive !== null) {
    channel['grpc.keepalive_time_ms'] = keepalive.timeMs;
    channel['grpc.keepalive_timeout_ms'] = keepalive.timeoutMs;
    channel['grpc.keepalive_permit_without_calls'] = keepalive.permitWithoutStream ? 1 : 0;
  }
  const balancer = balancerName === undefined || balancerName === '' ? 'round_robin' : balancerName;
  channel['grpc.service_config'] = JSON.stringify({ loadBalancingConfig: [{ [balancer]: {} }] });
  return channel;
}

function metadataOf(options: GrpcClientOptions, headers: Readonly<Record<string, string>>): grpc.Metadata {
  const metadata = new grpc.Metadata({ waitForReady: options.waitForReady ?? false });
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase();
    if (!key.startsWith(':') && !key.startsWith('grpc-')) metadata.set(key, value);
  }
  return metadata;
}
