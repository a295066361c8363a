// What sends exports, whatever the protocol and whoever implements it: one connection each.
import { connectGrpcJs } from './grpc-js.ts';
import { connectHttp } from './http.ts';
import { connectGrpc } from './native-grpc.ts';

/** What became of an export. */
export interface ExportReply {
  /**
   * `OK`; a gRPC status name, of the server or, where it will not process the request, UNAVAILABLE, or DEADLINE_EXCEEDED when
   * `timeoutMs` passed; `HTTP 503`; `TRANSPORT` when the connection or the stream broke and whether the server took the
   * request is not known; `NOT SENT` when the client had no connection any more and nothing of the request went out.
   */
  readonly status: string;
  /** Whether the status is OK: all but `rejectedSpans` were taken. */
  readonly ok: boolean;
  /** Of OTLP's partial success. */
  readonly rejectedSpans: number;
  /** What the server says, or what broke; may be empty. */
  readonly message: string;
  /** RetryInfo or Retry-After: when to come again. */
  readonly retryDelayMs: number | null;
}

export interface ExportClient {
  /**
   * Sends a bare ExportTraceServiceRequest, encoded as the protocol wants it. The caller may change the bytes as soon as it
   * returns: what could not be sent yet is copied. `done` is called exactly once, never from within `send`.
   */
  send(body: Buffer, done: (reply: ExportReply) => void): void;
  /** Whether it takes more; else what is sent is `NOT SENT`. */
  usable(): boolean;
  /** Those without a reply, those too that wait for others. */
  inFlight(): number;
  /** How many can be under way at a time, at least 1: what is sent beyond it waits for others. */
  capacity(): number;
  /** Ends the connection; what is under way fails. May be called twice. */
  close(): void;
}

export type Protocol = 'grpc' | 'http/protobuf' | 'http/json';
export type ClientKind = 'native' | 'grpc-js';

export interface ClientOptions {
  readonly endpoint: {
    readonly host: string;
    readonly port: number;
    /** Of HTTP; '' for /v1/traces. */
    readonly path: string;
    readonly tls: boolean;
  };
  readonly protocol: Protocol;
  readonly compression: 'none' | 'gzip' | 'zstd';
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** PEM texts; read only where the endpoint has TLS. */
  readonly tls: {
    readonly ca: string | null;
    readonly cert: string | null;
    readonly key: string | null;
    /** Name that the server's certificate must carry, where it is not the host. */
    readonly serverName: string | null;
    readonly insecureSkipVerify: boolean;
  };
  /** Of each request; 0: none. From `send` on; over HTTP/1.1 from when those before it have their replies. */
  readonly timeoutMs: number;
  /** Called once, after `connect` has resolved, when it takes no more, unless by `close`. What is under way may yet end well. */
  readonly onUnusable: (reason: string) => void;
}

/**
 * Resolves when the server can be sent to: over gRPC it has said that it speaks HTTP/2. Rejects with a SpanmillError, CONNECT
 * when it cannot be reached or speaks something else, USAGE when the options cannot be had together; its message is one line.
 */
export async function connect(kind: ClientKind, options: ClientOptions): Promise<ExportClient> {
  if (kind === 'grpc-js') return connectGrpcJs(options);
  return connectNative(options);
}

function connectNative(options: ClientOptions): Promise<ExportClient> {
  return options.protocol === 'grpc' ? connectGrpc(options) : connectHttp(options);
}
