// Sockets to servers, plain or TLS, and what it means when there is none, in one line.
import * as net from 'node:net';
import * as tls from 'node:tls';
import { SpanmillError } from '../../src/errors.ts';

/** PEM texts. */
export interface SocketTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Name that the server's certificate must carry, where it is not the host. */
  readonly serverName?: string;
  readonly insecureSkipVerify?: boolean;
}

export interface SocketTarget {
  readonly host: string;
  readonly port: number;
  /** null: plain text. */
  readonly tls: SocketTls | null;
}

/** Called with what came, `bytes[0 … length)`, valid during the call only. */
export type OnBytes = (bytes: Buffer, length: number) => void;

/** All plain sockets are read into it, one after another, instead of a new buffer for each read. */
const shared = Buffer.allocUnsafeSlow(64 << 10);

export const defaultConnectTimeoutMs = 10_000;

/** `host:port` as messages and :authority have it. */
export const authorityOf = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/**
 * A socket that is connecting; over TLS it asks for `protocol` by ALPN. `onBytes`: takes all that comes, instead of the
 * socket's `data` event.
 */
export function openSocket(target: SocketTarget, protocol: 'h2' | 'http/1.1', onBytes: OnBytes | null): net.Socket {
  const { host, port, tls: secure } = target;
  if (secure === null) {
    if (onBytes === null) return net.connect({ host, port, noDelay: true });
    const callback = (length: number): boolean => {
      onBytes(shared, length);
      return true;
    };
    return net.connect({ host, port, noDelay: true, onread: { buffer: shared, callback } });
  }
  const name = secure.serverName ?? host;
  const socket = tls.connect({
    host,
    port,
    ALPNProtocols: [protocol],
    // RFC 6066: an address is not a server name
    ...(net.isIP(name) === 0 ? { servername: name } : {}),
    ...(secure.serverName === undefined ? {} : { checkServerIdentity: checkAgainst(secure.serverName) }),
    rejectUnauthorized: secure.insecureSkipVerify !== true,
    ...(secure.ca === undefined ? {} : { ca: secure.ca }),
    ...(secure.cert === undefined ? {} : { cert: secure.cert }),
    ...(secure.key === undefined ? {} : { key: secure.key }),
  });
  socket.setNoDelay(true);
  if (onBytes !== null) socket.on('data', (chunk: Buffer) => onBytes(chunk, chunk.length));
  return socket;
}

/** Node checks against `servername`, which an address cannot be. */
const checkAgainst =
  (name: string) =>
  (_host: string, certificate: tls.PeerCertificate): Error | undefined =>
    tls.checkServerIdentity(name, certificate);

/** Calls back when bytes can be sent: connected, and for TLS the handshake done and its certificate checked. */
export function onceOpen(socket: net.Socket, open: () => void): void {
  socket.once(socket instanceof tls.TLSSocket ? 'secureConnect' : 'connect', open);
}

/** One line: where, and what. */
export const connectError = (target: SocketTarget, why: string, cause?: unknown): SpanmillError =>
  new SpanmillError('CONNECT', `${authorityOf(target)}: ${why}`, { cause });

/** What a socket's error means for a user. */
export function socketProblem(error: Error): string {
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ECONNREFUSED') return 'nothing listens there (ECONNREFUSED)';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `its name cannot be resolved (${code})`;
  // What a server that speaks plain text says is no TLS record.
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return `the server does not speak TLS (${code})`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || certificateCodes.has(code)) {
    return `its certificate is not accepted: ${error.message} (${code})`;
  }
  if (code.startsWith('ERR_SSL_') && code.includes('ALERT')) return `the server refuses the TLS handshake (${code})`;
  const text = error.message === '' ? code : error.message;
  // An address that names several has an error for each.
  return code === '' || text.includes(code) ? text : `${text} (${code})`;
}

/** OpenSSL's names of why a certificate is not valid, as node:tls gives them. */
const certificateCodes = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
