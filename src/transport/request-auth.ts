// Asks an authenticator whether a call may come in: what its headers say is enough, so that nothing of its body is read.
import type { CallRefusal } from './call-refusals.ts';
import { grpcCode } from './grpc-status.ts';
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
  refusal(header: (name: string) => readonly string[], peer: string): AuthRefusal | null | Promise<AuthRefusal | null>;
  readonly version: number;
  attribute?(header: (name: string) => readonly string[], name: string): string | null;
}

/**
 * null: welcome. Whoever was welcome once is so again with the same head, as long as the authenticator's version is the same:
 * a client that sends the same header block for each call (http2/known-heads.ts) costs a comparison of two numbers. Nobody
 * learns anything from that, because heads belong to one connection.
 */
export function askAuth(
  auth: RequestAuth,
  head: RequestHead,
  peer: string,
): AuthRefusal | null | Promise<AuthRefusal | null> {
  const { version } = auth;
  if (head.welcomedIn === version) return null;
  const remember = (refusal: AuthRefusal | null): AuthRefusal | null => {
    if (refusal === null) head.welcomedIn = version;
    return refusal;
  };
  const refusal = auth.refusal(readerOf(head), peer);
  return refusal instanceof Promise ? refusal.then(remember) : remember(refusal);
}

/** What the authenticator knows of whoever it let in with this head. */
export function credentialOf(auth: RequestAuth | null, head: RequestHead, attribute: string): readonly string[] {
  const value = auth?.attribute?.(readerOf(head), attribute) ?? null;
  return value === null ? [] : [value];
}

const readerOf =
  ({ credentials }: RequestHead) =>
  (name: string): string[] =>
    credentials.filter((field) => field.name === name).map(({ value }) => value);

/** UNAUTHENTICATED is for good; UNAVAILABLE with RetryInfo where the client may come again. */
export function callRefusal({ message, retryDelayMs }: AuthRefusal): CallRefusal {
  if (retryDelayMs === 0) return { reason: 'unauthenticated', status: { code: grpcCode.UNAUTHENTICATED, message } };
  return { reason: 'auth_busy', status: retryInfoStatus(grpcCode.UNAVAILABLE, message, retryDelayMs) };
}
