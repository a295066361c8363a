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
  pythonSdk: {
    name: "OpenTelemetry's SDK for Python",
    variable: 'SPANMILL_PYTHON',
    program: '',
    reason: 'no Python with the SDK: set SPANMILL_PYTHON to one with opentelemetry-exporter-otlp-proto-grpc and -http',
  },
  h2spec: {
    name: 'h2spec',
    variable: 'SPANMILL_H2SPEC',
    program: 'h2spec',
    reason:
      'no h2spec: set SPANMILL_H2SPEC, or go install it (github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible)',
  },
  h2load: {
    name: "nghttp2's h2load",
    variable: 'SPANMILL_H2LOAD',
    program: 'h2load',
    reason: 'no h2load: set SPANMILL_H2LOAD, or install it (Debian: nghttp2-client)',
  },
  nghttp: {
    name: "nghttp2's nghttp",
    variable: 'SPANMILL_NGHTTP',
    program: 'nghttp',
    reason: 'no nghttp: set SPANMILL_NGHTTP, or install it (Debian: nghttp2-client)',
  },
  curl: {
    name: 'curl',
    variable: 'SPANMILL_CURL',
    program: 'curl',
    reason: 'no curl: set SPANMILL_CURL to one with HTTP/2, or install it',
  },
  collector: {
    name: 'a Collector',
    variable: 'SPANMILL_OTELCOL',
    program: '',
    reason: 'no Collector: set SPANMILL_OTELCOL to what test/conformance/support/collector/build.sh builds',
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

/** Whether the interpreter has the module. */
export const hasModule = (python: string, name: string): boolean => {
  const look = `import importlib.util as u\ntry: print(u.find_spec("${name}") is not None)\nexcept ModuleNotFoundError: print(False)`;
  return execFileSync(python, ['-c', look], { encoding: 'utf8' }).trim() === 'True';
};
