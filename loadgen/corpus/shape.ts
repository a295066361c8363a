// What a span is before it is encoded: what a profile draws, and what every encoding is made from.

/** A part of a text that is different in every round of the corpus (see corpus.ts); its length never changes. */
export interface FreshPart {
  readonly alphabet: 'hex' | 'digits' | 'base62';
  /** Characters. */
  readonly length: number;
  /** Every span has its own, or all spans of the trace that name this slot share one. */
  readonly scope: 'span' | 'trace';
  /** Tells the fresh parts of one span, or of one trace, apart. */
  readonly slot: number;
}

/** Text with fresh parts, in order; at least one of them. */
export interface FreshText {
  readonly parts: readonly (string | FreshPart)[];
}

export interface Double {
  readonly double: number;
}

/** A number is an int_value, and then a safe integer; Double a double_value; Map a kvlist_value. */
export type Value =
  | string
  | number
  | boolean
  | Double
  | FreshText
  | Uint8Array
  | readonly Value[]
  | ReadonlyMap<string, Value>;

/** Keys are distinct. */
export type Attributes = readonly (readonly [key: string, value: Value])[];

/** The same object for all spans of one instance of a program. Its values are never fresh. */
export interface ResourceShape {
  readonly attributes: Attributes;
  readonly schemaUrl: string;
}

/** The same object for all spans of one instrumentation library. Its values are never fresh. */
export interface ScopeShape {
  readonly name: string;
  readonly version: string;
  readonly attributes: Attributes;
  readonly schemaUrl: string;
}

export interface EventShape {
  readonly name: string;
  /** Nanoseconds from the start of the trace. */
  readonly atNs: number;
  readonly attributes: Attributes;
}

export interface LinkShape {
  /** A span of the same trace. */
  readonly to: SpanShape;
  readonly attributes: Attributes;
}

export interface SpanShape {
  /** null: the root, which has no parent id. Else a span of the same trace. */
  readonly parent: SpanShape | null;
  readonly resource: ResourceShape;
  readonly scope: ScopeShape;
  readonly name: string | FreshText;
  /** SpanKind of the OTLP: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  /** Empty for none. */
  readonly traceState: string;
  /** Nanoseconds from the start of the trace: whole numbers, 0 <= startNs <= endNs. */
  readonly startNs: number;
  readonly endNs: number;
  readonly attributes: Attributes;
  readonly events: readonly EventShape[];
  readonly links: readonly LinkShape[];
  /** StatusCode of the OTLP: 0 unset, 1 ok, 2 error. */
  readonly status: { readonly code: number; readonly message: string };
}

/** Its spans in the order in which they start; the root first. */
export interface TraceShape {
  readonly spans: readonly SpanShape[];
}

/** How the spans of a profile leave their programs. */
export interface ExportShape {
  /** `service`: each resource sends requests of its own. `agent`: one agent sends for all, many resources in a request. */
  readonly by: 'service' | 'agent';
  /** The most spans of the next request. */
  nextSpans(): number;
  /** The most bytes of a request, as protobuf (whatever the encoding); a span that is larger goes alone. */
  readonly bytes: number;
  /**
   * A span leaves at the end of the interval of this length, counted from its trace's start, in which it ended. 0: the
   * spans of a trace leave together, when its last one has ended.
   */
  readonly flushNs: number;
}

/** Draws the traces of one profile, one after another: the same ones for the same profile and seed. */
export interface TraceSource {
  readonly export: ExportShape;
  next(): TraceShape;
}
