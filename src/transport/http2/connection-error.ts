// RFC 9113 5.4.1: "A connection error is any error that prevents further processing of the frame layer or corrupts any
// connection state."

import type { FloodKind } from '../grpc-server.ts';

/** Thrown while frames are read; ends the connection with a GOAWAY of this code. */
export class ConnectionError extends Error {
  /** Of RFC 9113 section 7. */
  readonly code: number;
  /** Not a wrong frame, but too many of a kind. */
  readonly flood: FloodKind | null;

  constructor(code: number, message: string, flood: FloodKind | null = null) {
    super(message);
    this.code = code;
    this.flood = flood;
  }
}
