// Reads a plain socket into one buffer that all connections of the thread share, instead of a new one of 64 KiB for each
// read: 25 us instead of 38 for 64 KiB, and no garbage outside of the heap (docs/decisions.md).
import * as net from 'node:net';
import { countChunk } from '../chunk-garbage.ts';

/** Untouched, and so without pages, until there is a connection. */
const buffer = Buffer.allocUnsafeSlow(64 << 10);

/** Called with what came, `bytes[0 … length)`, valid during the call only. */
export type OnRead = (bytes: Buffer, length: number) => void;

/** A socket that was accepted and not read from; `_handle` is what node:net has under it. */
interface Accepted extends net.Socket {
  _handle?: unknown;
}

/**
 * Takes over the connection of a socket that was accepted with `pauseOnConnect` and returns the socket to be used from
 * here on. node:net has `onread` for sockets that it is asked to make, but not for those that
 * a server accepts, so the connection goes into a new socket. Where there is none to take (a later Node), or the socket is
 * TLS, the given one is returned with a listener for `data`, at the higher price.
 */
export function readShared(accepted: net.Socket, onRead: OnRead): net.Socket {
  const handle = (accepted as Accepted)._handle;
  if (accepted.constructor !== net.Socket || handle === null || typeof handle !== 'object') {
    accepted.on('data', (chunk: Buffer) => {
      countChunk(chunk.length);
      onRead(chunk, chunk.length);
    });
    return accepted;
  }
  (accepted as Accepted)._handle = null;
  // Nothing is under it any more: this only ends its account with the server.
  accepted.destroy();
  const options = {
    handle,
    onread: {
      buffer,
      callback: (length: number): boolean => {
        onRead(buffer, length);
        return true;
      },
    },
  };
  return new net.Socket(options as net.SocketConstructorOpts);
}
