// Runs a real process between a real gRPC client and a real gRPC server, and gives back what it exported.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';

/** How to start the implementation under test on a configuration file. */
export interface Implementation {
  readonly command: string;
  arguments(configFile: string): readonly string[];
}

const exportPath = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
/** For each step of a case; far above what any needs, so that only a process that hangs reaches it. */
const stepLimitMs = 30_000;

export function caseFile(name: string): string {
  return fileURLToPath(new URL(`cases/${name}.yaml`, import.meta.url));
}

/** The requests that the case's first line names (`# input: mix`), in order. */
function inputsOf(name: string): Buffer[] {
  const input = /^# input: (\w+)\n/.exec(readFileSync(caseFile(name), 'utf8'))?.[1];
  if (input === undefined) throw new Error(`the first line of the case ${name} names no input`);
  const counts: Readonly<Record<string, number>> = { many: 1, mix: 1, traces: 2 };
  return Array.from({ length: counts[input] }, (_, n) =>
    readFileSync(new URL(`inputs/${input}-${n}.pb`, import.meta.url)),
  );
}

/** Starts the implementation with the case's configuration, sends its inputs, ends it; the requests that came out. */
export async function runCase(implementation: Implementation, name: string): Promise<Uint8Array[]> {
  const sink = await startSink();
  try {
    const receiverPort = await freePort();
    const child = spawn(implementation.command, implementation.arguments(caseFile(name)), {
      env: { ...process.env, RECEIVER_PORT: String(receiverPort), SINK_PORT: String(sink.port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await feed(child, receiverPort, inputsOf(name));
    return sink.received;
  } finally {
    sink.server.forceShutdown();
  }
}

/** Sends the inputs one after another as soon as the process listens, then asks it to drain and waits for its end. */
async function feed(child: ChildProcess, port: number, inputs: readonly Buffer[]): Promise<void> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk));
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 200,
  });
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const failed = ended.then(([code, signal]) => {
    throw new Error(`the process ended early (${code ?? signal}):\n${output}`);
  });
  const done = new AbortController();
  try {
    const listening = within(ready(client, done.signal), () => `the process does not listen:\n${output}`);
    await Promise.race([listening, failed]);
    for (const input of inputs) await Promise.race([send(client, input), failed]);
    failed.catch(() => undefined); // from here on its end is what we want
    child.kill('SIGTERM');
    const [code, signal] = await within(ended, () => `the process did not end after SIGTERM:\n${output}`);
    if (code !== 0) throw new Error(`the process ended with ${code ?? signal}:\n${output}`);
  } finally {
    done.abort();
    client.close();
    failed.catch(() => undefined);
    child.kill('SIGKILL');
  }
}

/**
 * Resolves when the client is connected. In short waits, because grpc-js keeps the timer of one that lost its race.
 * Never rejects for lateness: a process that neither listens nor ends is caught by the caller's limit.
 */
async function ready(client: grpc.Client, until: AbortSignal): Promise<void> {
  const connected = () =>
    new Promise<boolean>((resolve) => {
      client.waitForReady(Date.now() + 500, (error) => resolve(error === undefined));
    });
  while (!until.aborted && !(await connected()));
}

function send(client: grpc.Client, request: Buffer): Promise<void> {
  const asIs = (bytes: Buffer) => bytes;
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + stepLimitMs };
    client.makeUnaryRequest(exportPath, asIs, asIs, request, new grpc.Metadata(), options, (error) =>
      error === null ? resolve() : reject(error),
    );
  });
}

async function within<T>(work: Promise<T>, message: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message())), stepLimitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

interface Sink {
  readonly server: grpc.Server;
  readonly port: number;
  readonly received: Uint8Array[];
}

/** A backend that accepts everything and keeps the bytes as they came. */
async function startSink(): Promise<Sink> {
  const received: Uint8Array[] = [];
  const asIs = (bytes: Buffer) => bytes;
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
  const method = {
    path: exportPath,
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  const handler: grpc.handleUnaryCall<Buffer, Buffer> = (call, answer) => {
    received.push(call.request);
    answer(null, Buffer.alloc(0));
  };
  server.addService({ export: method }, { export: handler });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { server, port, received };
}

/** A port that nothing listens on: the configuration files name it, so it must be known before the process starts. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}
