// The arguments of `spanmill replay`.
import { parseArgs } from 'node:util';

export interface ReplayOptions {
  readonly files: readonly string[];
  readonly endpoint: string;
  readonly protocol: 'grpc' | 'http/protobuf';
  readonly headers: Readonly<Record<string, string>>;
  readonly insecure: boolean;
  /** Files are removed once all of their spans were taken. */
  readonly remove: boolean;
}

export type ReplayArguments =
  | { readonly kind: 'help' }
  | { readonly kind: 'options'; readonly options: ReplayOptions }
  | { readonly kind: 'wrong'; readonly message: string };

/** Of the service on this machine, which listens without TLS. */
const localEndpoints = { grpc: 'http://127.0.0.1:4317', 'http/protobuf': 'http://127.0.0.1:4318' } as const;

export const replayHelp = [
  'Usage: spanmill replay FILE… [--endpoint HOST:PORT] [options]',
  '',
  'Sends dead-letter files, or any files of OTLP spans, to an endpoint.',
  '',
  'A file holds one OTLP request as protobuf or JSON, lines of OTLP JSON, or what the file exporter writes.',
  'A directory means all .otlp, .pb and .json files in it, - what comes on stdin.',
  'A file with a part that cannot be read is not sent. What is too large for the endpoint goes in parts.',
  '',
  'Options:',
  `  --endpoint A    Where to: HOST:PORT, or http:// or https:// before it. Default: this machine's port 4317,`,
  '                  or 4318 for HTTP.',
  '  --protocol P    grpc (default) or http/protobuf.',
  '  --header K=V    Sent with every request. Repeatable.',
  '  --insecure      Without TLS; so are http:// endpoints.',
  '  --remove        Removes each file, and the reason beside it, once all of its spans were taken.',
  '  --help          Shows this.',
  '',
  'Exit codes: 0 all was sent, 1 something was not, 2 wrong usage.',
  '',
].join('\n');

const known = {
  endpoint: { type: 'string' },
  protocol: { type: 'string' },
  header: { type: 'string', multiple: true },
  insecure: { type: 'boolean' },
  remove: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

export function replayArguments(args: readonly string[]): ReplayArguments {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    // The first sentence says it; Node's others are about its own API.
    return wrong((error as Error).message.split('. ', 1)[0].replace(/^Unknown/, 'unknown'));
  }
  const { values, positionals: files } = parsed;
  if (values.help === true) return { kind: 'help' };
  const { protocol = 'grpc', insecure = false, remove = false } = values;
  if (protocol !== 'grpc' && protocol !== 'http/protobuf') {
    return wrong(`--protocol ${protocol} is not known; grpc and http/protobuf are`);
  }
  if (files.length === 0) return wrong('no file is named');
  const headers: Record<string, string> = {};
  for (const text of values.header ?? []) {
    const equals = text.indexOf('=');
    // Its text may be a secret: not even a wrong one is shown.
    if (equals < 1) return wrong('--header takes NAME=VALUE');
    headers[text.slice(0, equals).trim().toLowerCase()] = text.slice(equals + 1);
  }
  const endpoint = values.endpoint ?? localEndpoints[protocol];
  return { kind: 'options', options: { files, endpoint, protocol, headers, insecure, remove } };
}

const parse = (args: readonly string[]) => parseArgs({ args: [...args], options: known, allowPositionals: true });

const wrong = (message: string): ReplayArguments => ({ kind: 'wrong', message });
