// What it means for a user that a request got no answer, in one line.

/** Text of an error of node:http, node:tls or the socket. */
export function requestProblem(error: Error): string {
  // A name with several addresses has an error for each; the last one is as good as any.
  const cause = error instanceof AggregateError && error.errors.length > 0 ? (error.errors.at(-1) as Error) : error;
  const code = 'code' in cause ? String(cause.code) : '';
  const text = cause.message === '' ? code : opensslReason(cause.message);
  const meaning = meaningOf(code, text);
  if (meaning === '') return code === '' || text.includes(code) ? text : `${text} (${code})`;
  return meaning.includes(code) ? meaning : `${meaning} (${code})`;
}

/** "write EPROTO 40…:error:0A00010B:SSL routines:function:the reason:../deps/…" -> "the reason" */
const opensslReason = (text: string): string => /:SSL routines:[^:]*:([^:]+):/.exec(text)?.[1] ?? text;

/** '' where the error's own text says it best. */
function meaningOf(code: string, text: string): string {
  if (code.startsWith('HPE_')) return 'what answered does not speak HTTP/1.1';
  // The same comes as EPROTO with a text where something was written, as a code of OpenSSL where something was read.
  const reason = code === 'EPROTO' ? text : code.toLowerCase().replaceAll('_', ' ');
  if (reason.includes('alert no application protocol')) return 'the server does not speak HTTP/1.1';
  // What a server that speaks plain text says is no TLS record.
  if (/wrong version number|packet length too long/.test(reason)) {
    return 'the server does not speak TLS; begin the endpoint with http://';
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) return `the TLS handshake failed: ${text}`;
  if (code === 'ECONNRESET' && text === 'socket hang up') return 'the server closed the connection without an answer';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the name cannot be resolved: ${text}`;
  if (code.includes('CERT') || code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE') {
    return `the server's certificate is not accepted: ${text}`;
  }
  return '';
}

/**
 * Whether the connection ended under the request. On one that was idle before, the server may have closed it just then:
 * RFC 9112 9.3.1 lets a client try again where it knows that the request may be repeated.
 */
export function isLostConnection(error: Error): boolean {
  const code = 'code' in error ? error.code : '';
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED';
}
