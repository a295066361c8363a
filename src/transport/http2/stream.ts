// A stream of a connection, from its HEADERS to the end of both sides (RFC 9113 5.1). It is in the connection's table while
// it is open, half-closed (remote), or half-closed (local); idle and closed streams are none.
import type { UnaryCall } from '../unary-call.ts';
import type { ServerConnection } from './connection.ts';

export type StreamCall = UnaryCall<Http2Stream, ServerConnection>;

export class Http2Stream {
  readonly id: number;
  /** null: of a request that never became a call. */
  call: StreamCall | null = null;
  /** What we may still send in DATA; below 0 after a SETTINGS that made windows smaller (6.9.2). */
  sendWindow: number;
  /** What the client may still send in DATA. */
  receiveWindow: number;
  /** What content-length said; -1: nothing. */
  readonly contentLength: number;
  /** Content of DATA so far. */
  bodyBytes = 0;
  /** The client has sent END_STREAM. */
  remoteEnded: boolean;
  /** Its call waits for a place: nothing more is read from the connection. */
  waits = false;
  /** For how long the connection was not read before it began. Milliseconds. */
  pausedBefore = 0;
  /** What is to be sent, once windows allow: content of DATA, and then trailers, which end the stream. */
  unsent: Buffer | null = null;
  trailers: Buffer | null = null;
  /** Its response has messages, and more may follow. */
  goesOn = false;
  /** Since when `unsent` waits for a window; milliseconds of performance.now(). */
  unsentSince = 0;

  constructor(id: number, sendWindow: number, receiveWindow: number, contentLength: number, remoteEnded: boolean) {
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
    this.contentLength = contentLength;
    this.remoteEnded = remoteEnded;
  }
}
