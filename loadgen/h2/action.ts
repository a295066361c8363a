// What a server does with an export: the answers of OTLP/gRPC, and the faults that it can be asked for.

export type Action =
  | { readonly kind: 'ok' }
  /** OK, but so many spans were not taken. */
  | { readonly kind: 'partial'; readonly rejected: number; readonly message: string }
  /** `code`: of gRPC, not 0. With `retryDelayMs` it says by RetryInfo when to come again. */
  | { readonly kind: 'status'; readonly code: number; readonly message: string; readonly retryDelayMs?: number }
  /** No answer, ever. */
  | { readonly kind: 'silent' }
  /** RST_STREAM. */
  | { readonly kind: 'reset' }
  /** The connection is cut, by a TCP reset where it is TCP. */
  | { readonly kind: 'disconnect' };

export const okAction: Action = { kind: 'ok' };
export const silentAction: Action = { kind: 'silent' };
