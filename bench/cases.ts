// What `npm run bench` measures: each case is one load on one configuration, as a section of docs/benchmarks.md shows it.
import type { Protocol } from '../loadgen/client/client.ts';
import type { Rate } from '../loadgen/run.ts';

export const groups = [
  'sizes',
  'chains',
  'http',
  'profiles',
  'held',
  'overload',
  'latency',
  'compression',
  'delivery',
  'stall',
  'idle',
] as const;
export type Group = (typeof groups)[number];

export interface LoadCase {
  readonly group: Exclude<Group, 'idle'>;
  /** As `--only` takes it and tables show it. */
  readonly label: string;
  readonly profile: string;
  readonly protocol: Protocol;
  /** `times`: so many times what its base held. */
  readonly rate: Rate | { readonly kind: 'times'; readonly factor: number };
  readonly connections: number;
  readonly batchSize: number | null;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly compression: 'none' | 'gzip' | 'zstd';
  readonly faults: readonly string[];
  /** For spans that are missing when the load has ended. */
  readonly waitSeconds: number;
  /** What the chain is meant to do; null: spans are only counted. */
  readonly expect: string | null;
  /** Arguments of the service beside its configuration. */
  readonly settings: readonly string[];
  /** Label of the case of the same group that it is compared with, or takes its rate from: measured before it in each round. */
  readonly base: string | null;
}

export interface IdleCase {
  readonly group: 'idle';
  readonly label: string;
  readonly connections: number;
}

export type Case = LoadCase | IdleCase;

const chat = 'bench/chat.yaml';
/** Names a new directory, of each run its own. */
export const storageVariable = 'STORAGE_DIRECTORY';
/** Traces that last minutes do so in seconds. */
export const timeScale = 0.02;

const basic = {
  profile: chat,
  protocol: 'grpc',
  batchSize: null,
  seconds: 5,
  warmupSeconds: 2,
  compression: 'none',
  faults: [],
  waitSeconds: 3,
  expect: 'bench/expect.yaml',
  settings: [],
  base: null,
} as const;

/** `512`, `10@256x1`: spans a request, connections and calls in flight on each. */
export function sizeCase(label: string): LoadCase | null {
  const match = /^(\d+)(?:@(\d+)x(\d+))?$/.exec(label);
  if (match === null) return null;
  const spans = Number(match[1]);
  const connections = Number(match[2] ?? (spans >= 100 ? 2 : 32));
  const inFlight = Number(match[3] ?? 8);
  if (spans < 1 || connections < 1 || inFlight < 1) return null;
  return { ...basic, group: 'sizes', label, rate: { kind: 'max', inFlight }, connections, batchSize: spans };
}

/** Requests of 512 through the chain of that name in the place of the usual one. */
function chainCase(name: string, profile = chat): LoadCase {
  return {
    ...basic,
    group: 'chains',
    label: `chain-${name}`,
    profile,
    rate: { kind: 'max', inFlight: 8 },
    connections: 2,
    batchSize: 512,
    settings: ['--config', `bench/chains/${name}.yaml`],
    // It renames spans and makes attributes of texts; what comes of that is for the conformance tests to say.
    expect: name === 'filter' ? 'bench/chains/filter.expect.yaml' : null,
  };
}

/** One call at a time on each connection, as HTTP/1.1 has it. */
function httpCase(label: string, protocol: Protocol, spans: number, connections: number): LoadCase {
  return {
    ...basic,
    group: 'http',
    label,
    protocol,
    rate: { kind: 'max', inFlight: 1 },
    connections,
    batchSize: spans,
  };
}

/** At a rate that both services hold on the machine of docs/benchmarks.md. */
function profileCase(profile: string, spansPerSecond: number): LoadCase {
  const rate: Rate = { kind: 'spans', perSecond: spansPerSecond };
  return { ...basic, group: 'profiles', label: profile, profile, rate, connections: 8, seconds: 10 };
}

function heldCase(profile: string, from: number, to: number): LoadCase {
  const rate: Rate = { kind: 'ramp', from, to };
  return {
    ...basic,
    group: 'held',
    label: `${profile}-held`,
    profile,
    rate,
    connections: 8,
    seconds: 3,
    warmupSeconds: 0,
  };
}

function compressionCase(compression: 'gzip' | 'zstd'): LoadCase {
  return {
    ...basic,
    group: 'compression',
    label: compression,
    profile: 'collector',
    rate: { kind: 'max', inFlight: 8 },
    connections: 2,
    compression,
    settings: ['--set', `exporters.otlp.compression=${compression}`],
  };
}

const plain = 'plain';

/** Exports as `settings` say, the requests as they are: the difference to the plain case is what the settings cost. */
function deliveryCase(label: string, settings: Readonly<Record<string, string>>): LoadCase {
  return {
    ...basic,
    group: 'delivery',
    label,
    // Enough for several batches: where a queue is durable, a request is answered once the batch that it is in is stored.
    rate: { kind: 'max', inFlight: 32 },
    connections: 2,
    batchSize: 512,
    settings: Object.entries(settings).flatMap(([path, value]) => ['--set', `${path}=${value}`]),
    base: label === plain ? null : plain,
  };
}

const storage = {
  'extensions.file_storage.directory': `\${env:${storageVariable}}`,
  'exporters.otlp.sending_queue.storage': 'file_storage',
  'service.extensions': '[file_storage]',
};

function overloadCase(label: string, rate: LoadCase['rate'], of: Partial<LoadCase>): LoadCase {
  return { ...basic, group: 'overload', label, rate, connections: 8, batchSize: 512, warmupSeconds: 0, ...of };
}
const sustainable = 'sustainable';

const stallSeconds = 15;

export const allCases: readonly Case[] = [
  ...['512', '100', '10', '1', '10@256x1', '1@256x1'].map((label) => sizeCase(label) as LoadCase),
  chainCase('transform'),
  chainCase('filter'),
  chainCase('json', 'bench/chat-json.yaml'),
  httpCase('http-512', 'http/protobuf', 512, 16),
  httpCase('http-1', 'http/protobuf', 1, 256),
  httpCase('json-512', 'http/json', 512, 16),
  profileCase('gateway', 100_000),
  profileCase('streaming', 20_000),
  profileCase('collector', 100_000),
  profileCase('retrieval', 20_000),
  profileCase('prompt', 1500),
  heldCase('gateway', 50_000, 2_000_000),
  heldCase('streaming', 10_000, 1_000_000),
  heldCase('collector', 50_000, 2_000_000),
  heldCase('retrieval', 10_000, 1_000_000),
  heldCase('prompt', 500, 100_000),
  overloadCase(sustainable, { kind: 'ramp', from: 50_000, to: 4_000_000 }, { seconds: 3 }),
  overloadCase('overload', { kind: 'times', factor: 2 }, { seconds: 60, base: sustainable }),
  compressionCase('gzip'),
  compressionCase('zstd'),
  deliveryCase(plain, {}),
  deliveryCase('durable', storage),
  deliveryCase('durable-fsync', { ...storage, 'extensions.file_storage.fsync': 'true' }),
  deliveryCase('export-gzip', { 'exporters.otlp.compression': 'gzip' }),
  deliveryCase('export-zstd', { 'exporters.otlp.compression': 'zstd' }),
  {
    ...basic,
    group: 'latency',
    label: 'latency',
    rate: { kind: 'spans', perSecond: 50_000 },
    connections: 2,
    batchSize: 512,
    seconds: 10,
    settings: ['--set', 'processors.batch.timeout=5ms'],
  },
  {
    ...basic,
    group: 'latency',
    label: 'gateway-10000',
    profile: 'gateway',
    rate: { kind: 'requests', perSecond: 10_000 },
    connections: 8,
    seconds: 30,
  },
  {
    ...basic,
    group: 'stall',
    label: 'stall',
    rate: { kind: 'max', inFlight: 8 },
    connections: 2,
    batchSize: 512,
    seconds: stallSeconds,
    warmupSeconds: 0,
    faults: [`stall,between=0s..${stallSeconds + 1}s`],
    // After a stall exporters wait before they try again: the Collector up to 30 s.
    waitSeconds: 45,
  },
  { group: 'idle', label: 'idle', connections: 5000 },
];
