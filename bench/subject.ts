// What is measured: a command that receives OTLP/gRPC on RECEIVER_PORT and exports to SINK_PORT.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SpanmillError } from '../src/errors.ts';

export interface Subject {
  readonly name: string;
  readonly command: readonly string[];
  /** Whether it runs the chain of the configuration, or passes spans on as they are. */
  readonly chain: boolean;
}

export interface RunningSubject {
  readonly pid: number;
  readonly port: number;
  /** Throws SpanmillError with its output when it has ended by itself. */
  check(): void;
  /** Asks it to end; after a while makes it. */
  end(): Promise<void>;
}

const startTimeoutMs = 30_000;
const endTimeoutMs = 10_000;
const pollMs = 50;
const outputKept = 4000;
const root = new URL('..', import.meta.url);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new TypeError('listening without a port');
  return address.port;
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Starts the subject and waits until its port takes connections. Throws SpanmillError with its output when it ends. */
export async function startSubject(subject: Subject, sinkPort: number): Promise<RunningSubject> {
  const port = await freePort();
  const [file, ...args] = subject.command;
  const child = spawn(file, args, {
    cwd: root,
    env: { ...process.env, RECEIVER_PORT: String(port), SINK_PORT: String(sinkPort) },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that what a launcher starts can be ended with it.
    detached: true,
  });
  let output = '';
  let failed = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-outputKept);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', (error) => {
    failed = error.message;
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  const signalGroup = (signal: NodeJS.Signals) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-child.pid, signal);
  };
  const endWithUs = () => signalGroup('SIGKILL');
  process.once('exit', endWithUs);

  const complain = (why: string) => new SpanmillError('USAGE', `${subject.command.join(' ')}: ${why}\n${output}`);
  const check = () => {
    if (failed !== '') throw complain(failed);
    if (child.exitCode !== null || child.signalCode !== null) {
      throw complain(`ended with ${child.signalCode ?? child.exitCode}`);
    }
  };

  const deadline = performance.now() + startTimeoutMs;
  while (!(await canConnect(port))) {
    check();
    if (performance.now() > deadline) {
      signalGroup('SIGKILL');
      throw complain(`does not listen on port ${port}`);
    }
    await delay(pollMs);
  }

  return {
    pid: child.pid ?? 0,
    port,
    check,
    async end() {
      signalGroup('SIGTERM');
      await Promise.race([ended, delay(endTimeoutMs, undefined, { ref: false })]);
      signalGroup('SIGKILL');
      await ended;
      process.off('exit', endWithUs);
    },
  };
}
