// OTLP/gRPC through @grpc/grpc-js, as most programs on Node send it.
import { createSecureContext } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { SpanmillError } from '../../src/errors.ts';
import { retryDelayOf } from '../../src/transport/rpc-status.ts';
import { authorityOf, connectError, defaultConnectTimeoutMs } from '../h2/open-socket.ts';
import type { ClientOptions, ExportClient, ExportReply } from './client.ts';
import { failedReply, grpcReply, notSent } from './export-reply.ts';
import { exportPath, headersOf, socketTarget } from './target.ts';

/** As `connect` in client.ts; grpc-js has no zstd, its gzip has level 6 and a thread of its own. */
export async function connectGrpcJs(options: ClientOptions): Promise<ExportClient> {
  if (options.protocol !== 'grpc') {
    throw new SpanmillError('USAGE', `the client grpc-js has no ${options.protocol}: it speaks grpc`);
  }
  if (options.compression === 'zstd') throw new SpanmillError('USAGE', 'the client grpc-js has no zstd: none or gzip');
  const metadata = new grpc.Metadata();
  for (const [name, value] of headersOf(options)) {
    // Values of binary headers are bytes to grpc-js.
    metadata.add(name, name.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
  }
  const client = new grpc.Client(
    `dns:${authorityOf(options.endpoint)}`,
    credentialsOf(options),
    channelOptions(options),
  );
  try {
    await untilReady(client, options);
  } catch (error) {
    client.close();
    throw error;
  }
  return clientOf(client, metadata, options);
}

function clientOf(client: grpc.Client, metadata: grpc.Metadata, options: ClientOptions): ExportClient {
  const { timeoutMs, onUnusable } = options;
  const calls = new Set<grpc.ClientUnaryCall>();
  let refusal = '';
  const refuse = (reason: string): void => {
    refusal = reason;
    if (calls.size === 0) client.close();
  };
  onceNotReady(client.getChannel(), () => {
    if (refusal !== '') return;
    refuse('the connection was lost');
    // Not here: who waits for the client must have it first.
    setImmediate(() => onUnusable(refusal));
  });
  return {
    send(body, done) {
      if (refusal !== '') {
        process.nextTick(done, failedReply(notSent, refusal));
        return;
      }
      const deadline = timeoutMs > 0 ? { deadline: Date.now() + timeoutMs } : {};
      // It keeps the message until there is a stream for it.
      const message = Buffer.from(body);
      const call = client.makeUnaryRequest(exportPath, same, same, message, metadata, deadline, (error, reply) => {
        calls.delete(call);
        if (refusal !== '' && calls.size === 0) client.close();
        done(error === null ? grpcReply(grpc.status.OK, '', reply ?? noBytes, null) : replyOfError(error));
      });
      calls.add(call);
    },
    usable: () => refusal === '',
    inFlight: () => calls.size,
    // What the server allows it keeps to itself.
    capacity: () => Infinity,
    close() {
      refusal ||= 'the client is closed';
      for (const call of calls) call.cancel();
      client.close();
    },
  };
}

const noBytes = Buffer.alloc(0);
const same = (bytes: Buffer): Buffer => bytes;

/** What grpc-js itself says of a call that was on its way when the connection or the stream broke. */
const broken =
  /^(?:Connection dropped$|Received RST_STREAM with code (?!7\b)|No status information received$|Write error: |(?:read|write) E[A-Z]+$)/;

function replyOfError({ code, details, metadata }: grpc.ServiceError): ExportReply {
  if (broken.test(details)) return failedReply('TRANSPORT', details);
  const [status] = metadata?.get('grpc-status-details-bin') ?? [];
  return grpcReply(code, details, noBytes, Buffer.isBuffer(status) ? (retryDelayOf(status) ?? null) : null);
}

/** Rejects with the first problem instead of trying on. */
function untilReady(client: grpc.Client, options: ClientOptions): Promise<void> {
  const target = socketTarget(options);
  const channel = client.getChannel();
  const deadline = Date.now() + defaultConnectTimeoutMs;
  return new Promise((resolve, reject) => {
    const look = (timeout?: Error): void => {
      const state = channel.getConnectivityState(true);
      if (state === grpc.connectivityState.READY) resolve();
      else if (timeout !== undefined)
        reject(connectError(target, `no connection within ${defaultConnectTimeoutMs} ms`));
      else if (state === grpc.connectivityState.TRANSIENT_FAILURE) tellWhy();
      else channel.watchConnectivityState(state, deadline, look);
    };
    // A call that does not wait fails here with what went wrong, and is not sent.
    const tellWhy = (): void => {
      client.makeUnaryRequest(exportPath, same, same, noBytes, (error) => {
        const why = (error?.details ?? '')
          .replace(/^No connection established\. Last error: (?:Error: )?/, '')
          .replace(/\.? Resolution note:\s*$/, '');
        reject(connectError(target, why.replace(/\s+/g, ' ').trim(), error));
      });
    };
    look();
  });
}

type Channel = Pick<grpc.Channel, 'getConnectivityState' | 'watchConnectivityState'>;

/** Calls back once when the channel, which is ready, is it no longer. */
function onceNotReady(channel: Channel, lost: () => void): void {
  const look = (): void => {
    const state = channel.getConnectivityState(false);
    if (state === grpc.connectivityState.READY) watch();
    else lost();
  };
  const watch = (): void => channel.watchConnectivityState(grpc.connectivityState.READY, Infinity, look);
  look();
}

function credentialsOf({ endpoint, tls }: ClientOptions): grpc.ChannelCredentials {
  if (!endpoint.tls) return grpc.credentials.createInsecure();
  const context = createSecureContext({
    ...(tls.ca === null ? {} : { ca: tls.ca }),
    ...(tls.cert === null ? {} : { cert: tls.cert }),
    ...(tls.key === null ? {} : { key: tls.key }),
  });
  return grpc.credentials.createFromSecureContext(context, { rejectUnauthorized: !tls.insecureSkipVerify });
}

function channelOptions({ compression, tls }: ClientOptions): grpc.ChannelOptions {
  return {
    'grpc.primary_user_agent': 'spanload',
    'grpc.max_send_message_length': -1,
    // What is not acknowledged is the run's affair, and each client has a connection of its own.
    'grpc.enable_retries': 0,
    'grpc.use_local_subchannel_pool': 1,
    ...(tls.serverName === null ? {} : { 'grpc.ssl_target_name_override': tls.serverName }),
    ...(compression === 'gzip' ? { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip } : {}),
  };
}
