// The corpus: requests that are drawn from a profile and encoded once, and then sent round after round with fresh ids,
// times and fresh texts, which are patched into the bytes.
//
// Nothing but the profile, the seed and the position decides what is in a request: request k of a run is request
// `k mod requests` of the corpus in round `k div requests`. So whoever has the corpus knows every span of a run:
//
//   number of a span  = round * corpus.spans + its ordinal       (48 bits; ordinals count the spans request by request)
//   number of a trace = round * corpus.traces + its index        (48 bits)
//   span id  = run(16) number(48)
//   trace id = run(16) number(48) random(64)
//
// all big-endian; the upper 16 of the 48 bits are what other tools would call the stream, the lower 32 its sequence. The
// random half is a hash of seed and trace number: its last 56 bits are what ratio samplers decide by.

/** A profile as it was read: plain data. */
export interface ProfileText {
  /** Of a built-in profile, or the file's, as messages name it. */
  readonly name: string;
  /** Its YAML. */
  readonly text: string;
  /** Those that its `mix` names. */
  readonly parts: readonly ProfileText[];
}

/** How fast a run sends, spans or requests; null where that is not constant: then all requests are as if sent at once. */
export type CorpusRate = { readonly spansPerSecond: number } | { readonly requestsPerSecond: number } | null;

/** Plain data, so that every process of a run can build the same corpus for itself. */
export interface CorpusOptions {
  readonly profile: ProfileText;
  /** 32 bits, unsigned. */
  readonly seed: number;
  /** 1 to 65535. */
  readonly run: number;
  /** Instead of what the profile says: the fewest and the most spans of a request, drawn evenly for each. */
  readonly batchSize: readonly [min: number, max: number] | null;
  /** All durations are multiplied by this. */
  readonly timeScale: number;
  /** Spans of one trace in several requests lie as far apart in time as these are sent. */
  readonly rate: CorpusRate;
  readonly encoding: 'protobuf' | 'json';
  /** How a Double that is whole is encoded: as what it is, or as the int_value that the JavaScript SDK makes of it. */
  readonly wholeDoubles: 'double' | 'int';
}

export interface CorpusRequest {
  /** Where its body lies in `corpus.bytes`: an ExportTraceServiceRequest. */
  readonly start: number;
  readonly end: number;
  /** Its spans have the ordinals from `first` on. */
  readonly first: number;
  readonly spans: number;
  /** Nanoseconds after its turn at which it is to be sent: its spans end so much later than those before it. */
  readonly delayNs: number;
}

export interface Corpus {
  readonly options: CorpusOptions;
  /** All bodies; ids, times and fresh texts change with every stamp. */
  readonly bytes: Buffer;
  readonly requests: readonly CorpusRequest[];
  readonly spans: number;
  readonly traces: number;
  /** By ordinal: the index of its trace. */
  readonly traceOf: Int32Array;
  /** By ordinal: the ordinal of its parent; -1 for a root. */
  readonly parentOf: Int32Array;
  /** By ordinal: where its message (without tag and length) lies in `bytes`; for JSON its object. */
  readonly spanStart: Int32Array;
  readonly spanEnd: Int32Array;
  /** By ordinal: nanoseconds from the intended time of its request to the span's start; never above 0. */
  readonly startOffsetNs: Float64Array;
}
