// docs/benchmarks.md, from what was measured.
import type { LoadReport } from '../loadgen/report/schema.ts';
import { type Case, groups } from './cases.ts';
import { type Measurement, notesOf } from './measure.ts';
import type { BenchOptions } from './options.ts';
import { type LoadGroup, ratios, ratioTable, resultTable, spreadText, table } from './report.ts';

export interface IdleMeasurement {
  readonly subject: string;
  readonly connections: number;
  readonly bytes: number;
}

export interface Findings {
  readonly machine: LoadReport['machine'];
  /** What each subject says of itself. */
  readonly versions: readonly { readonly subject: string; readonly version: string }[];
  readonly measurements: readonly Measurement[];
  readonly idle: readonly IdleMeasurement[];
  readonly date: Date;
}

interface Section {
  readonly title: string;
  readonly words: string;
}

const sections: Readonly<Record<LoadGroup, Section>> = {
  sizes: {
    title: 'CPU a span, by the size of requests',
    words: `As fast as the service answers. \`512\` and \`100\` spans a request over 2 connections with 8 calls in flight on each, \`10\` and \`1\` over 32 with 8;
\`10@256x1\` over 256 connections with 1. 418-byte spans with 10 attributes ([bench/chat.yaml](../bench/chat.yaml)).`,
  },
  http: {
    title: 'OTLP/HTTP',
    words: `The same spans over HTTP/1.1, as fast as the service answers, one request at a time on each connection: \`http-512\` and \`http-1\` are protobuf, over 16 and
256 connections; \`json-512\` is JSON, over 16. They go out over gRPC.`,
  },
  chains: {
    title: 'Other chains',
    words: `Requests of 512 spans over 2 connections, as above. Between the filter of [pipelines/bench.yaml](../pipelines/bench.yaml) and its batch: \`chain-transform\`: a transform of five
statements; \`chain-filter\`: a filter of twenty conditions over eight keys; \`chain-json\`: \`ParseJSON\` and \`flatten\` on 2 KB in each span ([bench/chains](../bench/chains)).`,
  },
  profiles: {
    title: 'The five workloads at a rate that both hold',
    words: `An open loop: requests go by the clock, and latency counts from the intended time. Profiles as built in ([load-profiles.md](load-profiles.md)), 8 connections.`,
  },
  held: {
    title: 'The highest rate that is held',
    words: `A ramp: the rate grows by half until a step of 3 s is not held, then the distance is halved. Held is what loses and refuses nothing, acknowledges 98 % of
the rate within the step and 99 % of the requests within a second, and has delivered all of it 1.5 s after the step. Generator, sink and service share the machine's cores.`,
  },
  overload: {
    title: 'Twice what it holds',
    words: `\`sustainable\` is the ramp of the section above, with the spans of [bench/chat.yaml](../bench/chat.yaml) in requests of 512 over 8 connections; \`overload\` sends twice
the rate that was held, by the clock, for 60 s. What is refused is not sent again; what is acknowledged counts.`,
  },
  compression: {
    title: 'gzip and zstd',
    words:
      'The profile `collector` in requests of 512 spans, compressed on the way in and on the way out; as fast as the service answers.',
  },
  latency: {
    title: 'Latency',
    words: `\`latency\`: 50,000 spans/s, 512 a request, batch timeout 5 ms. \`gateway-10000\`: the profile \`gateway\` at 10,000 requests/s for 30 s, batch timeout 200 ms.
End to end: from the intended time of a request to the arrival of each of its spans at the sink.`,
  },
  delivery: {
    title: 'What delivery costs',
    words: `Requests of 512 spans, uncompressed, over 2 connections with 32 calls in flight on each, as fast as the service answers. \`durable\`: the exporter's queue is on disk
(\`sending_queue::storage\`, \`file_storage\`, where the machine has temporary files), \`durable-fsync\`: with \`fsync\`; \`export-gzip\`, \`export-zstd\`: the exporter
compresses. Added: the difference to \`plain\` in the same round.`,
  },
  stall: {
    title: 'A backend that stalls',
    words:
      'The sink takes requests and does not answer for 16 s, at full load; then it answers, and the load has ended.',
  },
};

function idleTable(idle: readonly IdleMeasurement[]): string {
  const subjects = [...new Set(idle.map(({ subject }) => subject))];
  const rows = subjects.map((subject) => [
    subject,
    spreadText(idle.filter((one) => one.subject === subject).map(({ bytes }) => bytes / 1024)),
  ]);
  return table([['', 'KiB for each connection'], ...rows]);
}

function sectionText(group: LoadGroup, findings: Findings): string[] {
  const { measurements } = findings;
  if (!measurements.some((m) => m.case.group === group)) return [];
  const { title, words } = sections[group];
  const compared = ratios(measurements, group);
  const below = compared.length === 0 ? [] : ['', ratioTable(compared)];
  return [`## ${title}`, words, '', resultTable(measurements, group), ...below, ''];
}

function notesText(measurements: readonly Measurement[]): string[] {
  const lines = measurements.flatMap((one) =>
    notesOf(one).map((note) => `- ${one.case.label}, ${one.subject}: ${note}`),
  );
  return lines.length === 0 ? [] : ['## To be known of single runs', ...new Set(lines), ''];
}

function commandOf({ runs }: BenchOptions, cases: readonly Case[], isWhole: boolean): string {
  const only = isWhole ? '' : ` --only ${cases.map(({ label }) => label).join(',')}`;
  return `npm run bench -- --peer PATH_OF_A_COLLECTOR --runs ${runs}${only}`;
}

export function documentText(findings: Findings, options: BenchOptions, isWhole: boolean): string {
  const { machine, versions, idle, date } = findings;
  const idlePart =
    idle.length === 0
      ? []
      : [
          '## Memory of an idle connection',
          `Each of ${idle[0].connections} connections made one call and then nothing.`,
          '',
          idleTable(idle),
          '',
        ];
  return [
    '# Benchmarks',
    '<!-- Written by npm run bench. -->',
    `Service and peer in turn, ${options.runs} rounds, on the same YAML ([pipelines/bench.yaml](../pipelines/bench.yaml): filter, attributes, probabilistic_sampler,`,
    'batch; OTLP/gRPC in and out where a section says nothing else), between the generator and the sink of spanload on the same machine.',
    'Medians, with the range of the rounds.',
    'Every run accounts for every span: what was acknowledged arrived, unchanged but for what the chain does, or is listed at the end.',
    'What is said there of rates, refusals and limits of the load generator belongs to the figures.',
    '',
    '```sh',
    commandOf(options, options.cases, isWhole),
    '```',
    '',
    table([
      ['', ''],
      ['measured', date.toISOString().slice(0, 10)],
      ['machine', `${machine.cores} cores, ${machine.cpu}, Linux ${machine.kernel}`],
      ['Node', machine.node],
      ...versions.map(({ subject, version }) => [subject, version]),
    ]),
    '',
    ...groups.flatMap((group) => (group === 'idle' ? [] : sectionText(group, findings))),
    ...idlePart,
    ...notesText(findings.measurements),
  ].join('\n');
}
