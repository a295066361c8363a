// The way through an HTTP proxy: RFC 9110 9.3.6, "CONNECT is intended for use in requests to a proxy. The recipient can
// establish a tunnel".
import * as net from 'node:net';
import * as tls from 'node:tls';

/** A connection that is being made. */
export interface Tunnel {
  /** Gives up; nothing is called back any more. */
  destroy(): void;
}

/** Of the proxy's answer; it says little. */
const mostAnswerBytes = 16 << 10;
const endOfHead = '\r\n\r\n';

/**
 * Connects to `authority` (host:port) through `proxy` (an http:// or https:// URL, whose credentials are in no message), and
 * calls back once: with a socket at whose other end the target is, or why there is none.
 */
export function openTunnel(
  proxy: string,
  authority: string,
  done: (socket: net.Socket | null, problem: string) => void,
): Tunnel {
  const url = new URL(proxy);
  const shown = `the proxy ${url.host}`;
  const socket = connectTo(url);
  let isOver = false;
  let answer = Buffer.alloc(0);
  let failure = 'closed the connection';

  const finish = (problem: string): void => {
    if (isOver) return;
    isOver = true;
    socket.off('data', read);
    socket.off('error', failed);
    socket.off('close', closed);
    if (problem === '') {
      done(socket, '');
      return;
    }
    socket.on('error', () => undefined);
    socket.destroy();
    done(null, `${shown}: ${problem}`);
  };
  const failed = (error: Error): void => {
    failure = error.message;
    socket.destroy();
  };
  const closed = (): void => finish(failure);
  const read = (chunk: Buffer): void => {
    answer = Buffer.concat([answer, chunk]);
    const end = answer.indexOf(endOfHead);
    if (end < 0) {
      if (answer.length > mostAnswerBytes) finish('its answer to CONNECT does not end');
      return;
    }
    const line = answer.toString('latin1', 0, Math.max(0, answer.indexOf('\r\n'))).slice(0, 100);
    if (!/^HTTP\/1\.[01] 2\d\d(?: |$)/.test(line)) {
      finish(`it answered CONNECT ${authority} with ${JSON.stringify(line)}`);
      return;
    }
    // What comes behind is the target's already.
    socket.pause();
    const rest = answer.subarray(end + endOfHead.length);
    if (rest.length > 0) socket.unshift(rest);
    finish('');
  };
  socket.on('data', read);
  socket.on('error', failed);
  socket.on('close', closed);
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentialsOf(url)}\r\n`);
  return {
    destroy() {
      isOver = true;
      socket.on('error', () => undefined);
      socket.destroy();
    },
  };
}

function connectTo(url: URL): net.Socket {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol === 'https:') {
    const servername = net.isIP(host) === 0 ? { servername: host } : {};
    return tls.connect({ host, port: Number(url.port || 443), ALPNProtocols: ['http/1.1'], ...servername });
  }
  return net.connect({ host, port: Number(url.port || 80), noDelay: true });
}

function credentialsOf({ username, password }: URL): string {
  if (username === '' && password === '') return '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Proxy-Authorization: Basic ${Buffer.from(pair).toString('base64')}\r\n`;
}
