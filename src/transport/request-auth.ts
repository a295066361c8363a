// Asks an authenticator whether a call may come in: what its headers say is enough, so that nothing of its body is read.
import { type GrpcStatus, grpcCode } from './grpc-status.ts';
import type { HeaderField } from './http2/hpack/static-table.ts';
import type { RequestHead } from './request-head.ts';
import { retryInfoStatus } from './rpc-status.ts';

/** As component/capabilities.ts has it. */
export interface AuthRefusal {
  readonly message: string;
  /** Above 0: nothing was decided, the client may come again after this time. */
  readonly retryDelayMs: number;
}

/** An authenticator: component/capabilities.ts says what it owes. */
export interface RequestAuth {
  refusal(header: (name: string) => readonly string[]): AuthRefusal | null | Promise<AuthRefusal | null>;
  readonly version: number;
}

/**
 * null: welcome. Whoever was welcome once is so again with the same head, as long as the authenticator's version is the same:
 * a client that sends the same header block for each call (http2/known-heads.ts) costs a comparison of two numbers. Nobody
 * learns anything from that, because heads belong to one connection.
 */
export function askAuth(auth: RequestAuth, head: RequestHead): AuthRefusal | null | Promise<AuthRefusal | null> {
  const { version } = auth;
  if (head.welcomedIn === version) return null;
  const remember = (refusal: AuthRefusal | null): AuthRefusal | null => {
    if (refusal === null) head.welcomedIn = version;
    return refusal;
  };
  const refusal = auth.refusal((name) => valuesOf(head.credentials, name));
  return refusal instanceof Promise ? refusal.then(remember) : remember(refusal);
}

const valuesOf = (fields: readonly HeaderField[], name: string): string[] =>
  fields.filter((field) => field.name === name).map(({ value }) => value);

/** UNAUTHENTICATED is for good; UNAVAILABLE with RetryInfo where the client may come again. */
export function statusOfRefusal({ message, retryDelayMs }: AuthRefusal): GrpcStatus {
  if (retryDelayMs === 0) return { code: grpcCode.UNAUTHENTICATED, message };
  return retryInfoStatus(grpcCode.UNAVAILABLE, message, retryDelayMs);
}
