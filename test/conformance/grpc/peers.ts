// Programs that tests run where the machine has them: clients of other languages, openssl. None is skipped silently: an absent
// one is a skipped test with this table's reason.
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import * as path from 'node:path';

export interface Peer {
  readonly name: string;
  /** Environment variable that names the program. */
  readonly variable: string;
  /** Looked for on PATH where the variable is not set; '' where only the variable counts. */
  readonly program: string;
  /** Why the test needs it, and how to get it. */
  readonly reason: string;
}

export const peers = {
  go: {
    name: 'grpc-go, through telemetrygen',
    variable: 'SPANMILL_TELEMETRYGEN',
    program: 'telemetrygen',
    reason:
      'no telemetrygen: set SPANMILL_TELEMETRYGEN, or go install it (opentelemetry-collector-contrib/cmd/telemetrygen)',
  },
  python: {
    name: 'grpcio for Python',
    variable: 'SPANMILL_PYTHON',
    program: '',
    reason: 'no Python with grpcio: set SPANMILL_PYTHON to an interpreter that can import grpc',
  },
  h2spec: {
    name: 'h2spec',
    variable: 'SPANMILL_H2SPEC',
    program: 'h2spec',
    reason:
      'no h2spec: set SPANMILL_H2SPEC, or go install it (github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible)',
  },
  openssl: {
    name: 'openssl',
    variable: 'SPANMILL_OPENSSL',
    program: 'openssl',
    reason: 'no openssl to make certificates with: set SPANMILL_OPENSSL or install it',
  },
} as const satisfies Record<string, Peer>;

/** The program of a peer, or null. A variable that is set but wrong is an error, never a skip. */
export function programOf(peer: Peer): string | null {
  const named = process.env[peer.variable];
  if (named !== undefined && named !== '') {
    accessSync(named, constants.X_OK);
    return named;
  }
  if (peer.program === '') return null;
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, peer.program);
    if (isExecutable(candidate)) return candidate;
  }
  return null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether the interpreter has grpcio; says so itself where it has not. */
export const hasGrpcio = (python: string): boolean =>
  execFileSync(python, ['-c', 'import importlib.util as u; print(u.find_spec("grpc") is not None)'], {
    encoding: 'utf8',
  }).trim() === 'True';
