// A socket as an outbox and a connection see it: what is written is kept, and is taken at once or when the test says so.
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

export interface FakeSocket {
  readonly socket: Socket;
  /** The buffers that were given to write, themselves, which may be written to again. */
  readonly writes: Buffer[];
  /** What they held then. */
  texts(): string[];
  /** All bytes, as they were when they were written. */
  written(): Buffer;
  /** While true, what is written stays in the socket. */
  isSlow: boolean;
  /** The client reads all that there is. */
  drain(): void;
  isPaused: boolean;
  isDestroyed: boolean;
  isEnded: boolean;
}

export function createFakeSocket(): FakeSocket {
  const copies: Buffer[] = [];
  const events = Object.assign(new EventEmitter(), {
    writable: true,
    writableLength: 0,
    bytesRead: 0,
    write(bytes: Buffer): boolean {
      fake.writes.push(bytes);
      copies.push(Buffer.from(bytes));
      if (fake.isSlow) events.writableLength += bytes.length;
      return !fake.isSlow;
    },
    pause() {
      fake.isPaused = true;
    },
    resume() {
      fake.isPaused = false;
    },
    end() {
      events.writable = false;
      fake.isEnded = true;
    },
    destroy() {
      events.writable = false;
      if (fake.isDestroyed) return;
      fake.isDestroyed = true;
      events.emit('close');
    },
    destroySoon() {
      events.destroy();
    },
  });
  const fake: FakeSocket = {
    socket: events as unknown as Socket,
    writes: [],
    texts: () => copies.map(String),
    written: () => Buffer.concat(copies),
    isSlow: false,
    drain() {
      events.writableLength = 0;
      events.emit('drain');
    },
    isPaused: false,
    isDestroyed: false,
    isEnded: false,
  };
  return fake;
}
