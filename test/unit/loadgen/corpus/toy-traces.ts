// Traces for the tests of the corpus: small, and with everything that a span can have.
import type { WeightedSource } from '../../../../loadgen/corpus/batching.ts';
import type { CorpusOptions } from '../../../../loadgen/corpus/corpus.ts';
import { mix32 } from '../../../../loadgen/corpus/identity.ts';
import type {
  Attributes,
  ExportShape,
  FreshPart,
  ResourceShape,
  ScopeShape,
  SpanShape,
  TraceShape,
  Value,
} from '../../../../loadgen/corpus/shape.ts';

export const toyOptions: CorpusOptions = {
  profile: { name: 'toy', text: '', parts: [] },
  seed: 7,
  run: 0xabcd,
  batchSize: null,
  timeScale: 1,
  rate: null,
  encoding: 'protobuf',
  wholeDoubles: 'double',
};

export const toyExport: ExportShape = { by: 'agent', nextSpans: () => 100, bytes: 3 << 20, flushNs: 0 };

export const toyResources: readonly ResourceShape[] = ['a', 'b', 'c'].map((name) => ({
  attributes: [
    ['service.name', name],
    ['process.pid', 1234],
    ['args', ['x', 1, true]],
  ],
  schemaUrl: name === 'c' ? 'https://example.test/schema' : '',
}));

export const toyScopes: readonly ScopeShape[] = [
  { name: 'lib', version: '1.2', attributes: [], schemaUrl: '' },
  { name: 'lib', version: '2.0', attributes: [['origin', 'test']], schemaUrl: 'https://example.test/scope' },
];

const fresh = (
  alphabet: FreshPart['alphabet'],
  length: number,
  scope: FreshPart['scope'],
  slot: number,
): FreshPart => ({
  alphabet,
  length,
  scope,
  slot,
});

/** One attribute of every kind and some edges. */
const everyValue: Attributes = [
  ['empty', ''],
  ['text', 'plain "quoted" \\ \u0001 ü € 😀'],
  ['long', 'ö'.repeat(90)],
  ['longer', 'abcdefgh '.repeat(2000)],
  ['zero', 0],
  ['negative', -1],
  ['large', 2 ** 53 - 1],
  ['small', -(2 ** 53 - 1)],
  ['carry', 2 ** 32],
  ['yes', true],
  ['no', false],
  ['double', { double: 0.1 }],
  ['whole', { double: 3 }],
  ['infinite', { double: Number.NEGATIVE_INFINITY }],
  ['minus zero', { double: -0 }],
  ['bytes', Uint8Array.from([0, 1, 255])],
  ['no bytes', new Uint8Array(0)],
  ['list', ['a', 2, [true, { double: 1.5 }], Uint8Array.from([9])]],
  ['empty list', []],
  [
    'map',
    new Map<string, Value>([
      ['inner', new Map<string, Value>([['key', 'v'.repeat(130)]])],
      ['fresh', { parts: ['<"ü\\', fresh('digits', 20, 'span', 3), '\n>'] }],
    ]),
  ],
  ['ä key', 'x'],
];

export interface ToySettings {
  readonly seed?: number;
  readonly export?: Partial<ExportShape>;
  /** Spans of a trace; default 7. */
  readonly spans?: number;
  /** Spans have every value there is, not only a few. */
  readonly rich?: boolean;
  /** Nanoseconds between the ends of two spans of a trace; default 1 ms. */
  readonly stepNs?: number;
  /** Tells the traces of several sources apart; default 'toy'. */
  readonly label?: string;
}

/** A span's own name: spans of the same trace and place have the same one in every corpus. */
export const toyId = (label: string, trace: number, place: number): string => `${label}/${trace}/${place}`;

function toySpan(settings: ToySettings, trace: number, place: number, before: readonly SpanShape[]): SpanShape {
  const { seed = 1, spans = 7, stepNs = 1e6, label = 'toy' } = settings;
  const chance = (use: number): number => mix32(mix32(mix32(seed) + trace) + place * 16 + use) >>> 0;
  const parent = place === 0 ? null : before[chance(1) % place];
  const startNs = place * 1000;
  // Children end before their parents do.
  const endNs = (spans - place) * stepNs + startNs;
  const attributes: (readonly [string, Value])[] = [
    ['id', toyId(label, trace, place)],
    ['session', { parts: ['sess-', fresh('base62', 12, 'trace', 0)] }],
    ['request', { parts: [fresh('hex', 24, 'span', 0), '-', fresh('hex', 8, 'span', 1)] }],
    ['tokens', chance(2) % 5000],
  ];
  const rich = settings.rich === true && place % 3 === 1;
  if (rich) attributes.push(...everyValue);
  return {
    parent,
    resource: toyResources[chance(3) % toyResources.length],
    scope: toyScopes[chance(4) % toyScopes.length],
    name: rich ? { parts: ['GET /', fresh('digits', 9, 'span', 2)] } : `span ${place}`,
    kind: (chance(5) % 5) + 1,
    traceState: rich ? 'vendor=1' : '',
    startNs,
    endNs,
    attributes,
    events: rich
      ? [
          { name: 'chunk', atNs: startNs, attributes: [] },
          { name: 'ü'.repeat(70), atNs: endNs, attributes: [['text', { parts: [fresh('hex', 4, 'trace', 1)] }]] },
        ]
      : [],
    links: rich ? before.slice(0, 2).map((to) => ({ to, attributes: [['why', 'earlier']] })) : [],
    status: { code: chance(6) % 3, message: rich ? 'it "failed"' : '' },
  };
}

export function toyTrace(settings: ToySettings, trace: number): TraceShape {
  const spans: SpanShape[] = [];
  for (let place = 0; place < (settings.spans ?? 7); place++) spans.push(toySpan(settings, trace, place, spans));
  return { spans };
}

export function toySources(...all: readonly (ToySettings & { readonly weight?: number })[]): WeightedSource[] {
  return all.map((settings) => {
    let trace = 0;
    return {
      weight: settings.weight ?? 1,
      source: { export: { ...toyExport, ...settings.export }, next: () => toyTrace(settings, trace++) },
    };
  });
}
