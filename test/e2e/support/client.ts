// Clients of the service, and the tally of what they were told.
import * as http2 from 'node:http2';
import type { TestContext } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { retryDelayOf } from '../../../src/transport/rpc-status.ts';
import type { Service } from './service.ts';
import type { SpanRequest } from './spans.ts';

export const exportPath = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

export interface Reply {
  /** gRPC status. */
  readonly code: number;
  readonly message: string;
  /** Of RetryInfo; undefined: there was none. */
  readonly retryDelayMs: number | undefined;
}

/** What became of the spans that were sent, as far as the clients know. */
export interface Tally {
  readonly acknowledged: Set<string>;
  readonly refused: Set<string>;
  /** The connection ended before an answer: taken or not. */
  readonly unknown: Set<string>;
}

export const createTally = (): Tally => ({ acknowledged: new Set(), refused: new Set(), unknown: new Set() });

export interface Client {
  send(request: SpanRequest, metadata?: Readonly<Record<string, string>>): Promise<Reply>;
  close(): void;
}

const same = (bytes: Buffer): Buffer => bytes;
const { UNAVAILABLE, CANCELLED, UNKNOWN } = grpc.status;

export interface ClientOptions {
  /**
   * As every gRPC client does by default: a call that no server has seen goes out again. node:http2 turns away calls that are
   * made after a GOAWAY has come and before it has said so. Default: false, so that nothing is hidden.
   */
  readonly transparentRetries?: boolean;
}

/** A @grpc/grpc-js client with a connection of its own. */
export function createClient(
  t: TestContext,
  service: Pick<Service, 'address' | 'clients'>,
  tally: Tally,
  { transparentRetries = false }: ClientOptions = {},
): Client {
  const client = new grpc.Client(service.address, grpc.credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_send_message_length': -1,
    'grpc.enable_retries': transparentRetries ? 1 : 0,
  });
  t.after(() => client.close());
  service.clients.push(() => client.close());
  return {
    close: () => client.close(),
    send: ({ message, ids }, headers = {}) =>
      new Promise((resolve) => {
        const metadata = new grpc.Metadata();
        for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
        client.makeUnaryRequest(exportPath, same, same, message, metadata, (error) => {
          const code = error?.code ?? grpc.status.OK;
          const lost = code === UNAVAILABLE || code === CANCELLED || code === UNKNOWN;
          const into = code === 0 ? tally.acknowledged : lost ? tally.unknown : tally.refused;
          for (const id of ids) into.add(id);
          const details = error?.metadata?.get('grpc-status-details-bin')[0];
          const retryDelayMs = Buffer.isBuffer(details) ? retryDelayOf(details) : undefined;
          resolve({ code, message: error?.details ?? '', retryDelayMs });
        });
      }),
  };
}

/** An HTTP/2 connection for calls that no gRPC client would make. */
export function connect(t: TestContext, service: Pick<Service, 'address' | 'clients'>): http2.ClientHttp2Session {
  const session = http2.connect(`http://${service.address}`);
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  service.clients.push(() => session.destroy());
  return session;
}
