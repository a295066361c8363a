// The way through an HTTP proxy: RFC 9110 9.3.6, "CONNECT is intended for use in requests to a proxy. The recipient can
// establish a tunnel".
import * as https from 'node:https';
import type { Socket } from 'node:net';
import { nodeHttp } from './http.ts';

/** A connection that is being made. */
export interface Tunnel {
  /** Gives up; nothing is called back any more. */
  destroy(): void;
}

/**
 * Connects to `authority` (host:port) through `proxy` (an http:// or https:// URL, whose credentials are in no message), and
 * calls back once: with a socket at whose other end the target is, or why there is none.
 */
export function openTunnel(
  proxy: string,
  authority: string,
  done: (socket: Socket | null, problem: string) => void,
): Tunnel {
  const url = new URL(proxy);
  const { request } = url.protocol === 'https:' ? https : nodeHttp;
  const asking = request({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port,
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...credentialsOf(url) },
    agent: false,
  });
  let isOver = false;
  const finish = (socket: Socket | null, problem: string): void => {
    if (isOver) return;
    isOver = true;
    if (socket === null) asking.destroy();
    done(socket, problem === '' ? '' : `the proxy ${url.host}: ${problem}`);
  };
  asking.on('connect', ({ statusCode = 0, statusMessage = '' }, socket: Socket, rest: Buffer) => {
    if (statusCode < 200 || statusCode > 299) {
      socket.destroy();
      finish(null, `it answered CONNECT ${authority} with ${statusCode} ${statusMessage.slice(0, 100)}`);
      return;
    }
    // What comes behind is the target's already.
    if (rest.length > 0) socket.unshift(rest);
    finish(socket, '');
  });
  asking.on('error', ({ message }) => finish(null, message));
  asking.end();
  return {
    destroy() {
      isOver = true;
      asking.destroy();
    },
  };
}

function credentialsOf({ username, password }: URL): { 'proxy-authorization'?: string } {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}
