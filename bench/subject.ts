// What is measured: a command that receives OTLP/gRPC on RECEIVER_PORT, OTLP/HTTP on RECEIVER_HTTP_PORT, and exports to
// SINK_PORT over gRPC.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Protocol } from '../loadgen/client/client.ts';
import { SpanmillError } from '../src/errors.ts';
import { storageVariable } from './cases.ts';

export interface Subject {
  readonly name: string;
  readonly command: readonly string[];
  /** Whether it runs the chain of the configuration, or passes spans on as they are. */
  readonly chain: boolean;
}

export interface RunningSubject {
  readonly pid: number;
  /** Of the protocol that was asked for. */
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

/** Two that differ: both are taken before the first is given back. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
  const [first, second] = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('listening without a port');
    return address.port;
  });
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return [first, second];
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

/**
 * Starts the subject and waits until its port for the protocol takes connections. Throws SpanmillError with its output when it
 * ends.
 */
export async function startSubject(subject: Subject, sinkPort: number, protocol: Protocol): Promise<RunningSubject> {
  const [grpcPort, httpPort] = await freePorts();
  const port = protocol === 'grpc' ? grpcPort : httpPort;
  const directory = mkdtempSync(join(tmpdir(), 'spanmill-bench-'));
  const [file, ...args] = subject.command;
  const child = spawn(file, args, {
    cwd: root,
    env: {
      ...process.env,
      RECEIVER_PORT: String(grpcPort),
      RECEIVER_HTTP_PORT: String(httpPort),
      SINK_PORT: String(sinkPort),
      [storageVariable]: directory,
    },
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
  const endWithUs = () => {
    signalGroup('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
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
      rmSync(directory, { recursive: true, force: true });
      process.off('exit', endWithUs);
    },
  };
}
